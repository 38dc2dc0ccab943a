"""The Zigbee models of the town: what Zigbee2MQTT says of each in `exposes`, and what it publishes.

Facts (properties, units, polarity, values) from zigbee-herdsman-converters 26.112.0; words ours.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

Fields = Mapping[str, Any]  # property → value, as in a device's JSON
Expose = dict[str, Any]
PUBLISHED: Final = 1  # access bits: 1 = in the state, 2 = can be set, 4 = can be read


class After(NamedTuple):
    """What a device says by itself some time after a gesture."""

    delay_ms: int
    fields: Fields


class Model(NamedTuple):
    """A model as bridge/devices describes it, and its gestures.

    press: what the one gesture says; toggles: the property that it turns over instead; cancel: the
    gesture that a profile may call "I am fine".
    """

    vendor: str
    zigbee_model: str
    manufacturer: str
    description: str
    clusters: tuple[str, ...]
    exposes: tuple[Expose, ...]
    initial: Fields
    press: Fields | None = None
    toggles: str | None = None
    cancel: Fields | None = None
    after: tuple[After, ...] = ()


def numeric(
    name: str, unit: str, description: str, *, diagnostic: bool = False, **more: Any
) -> Expose:
    """A number that is published."""
    return _expose("numeric", name, description, diagnostic, unit=unit, **more)


def binary(name: str, description: str, *, on: bool = True, diagnostic: bool = False) -> Expose:
    """A boolean; `on` is the value that means that the thing named is so."""
    return _expose("binary", name, description, diagnostic, value_on=on, value_off=not on)


def action(*values: str) -> Expose:
    """What a button can say."""
    text = "What was done with it, such as a press"
    return _expose("enum", "action", text, False, values=list(values))


def _expose(kind: str, name: str, description: str, diagnostic: bool, **more: Any) -> Expose:
    expose: Expose = {
        "name": name,
        "label": name.replace("_", " ").capitalize(),
        "property": name,
        "type": kind,
        "access": PUBLISHED,
        "description": description,
        **more,
    }
    return {**expose, "category": "diagnostic"} if diagnostic else expose


BATTERY: Final = numeric(
    "battery", "%", "What is left in the battery", diagnostic=True, value_min=0, value_max=100
)
BATTERY_LOW: Final = binary("battery_low", "The battery is almost empty", diagnostic=True)
TAMPER: Final = binary("tamper", "The case was opened or taken off", diagnostic=True)
VOLTAGE: Final = numeric("voltage", "mV", "Voltage of the battery", diagnostic=True)
CHIP: Final = numeric("device_temperature", "°C", "Temperature of the chip", diagnostic=True)
OUTAGES: Final = numeric("power_outage_count", "", "How often it lost power", diagnostic=True)
LINK: Final = numeric(
    "linkquality", "lqi", "Quality of the radio link", diagnostic=True, value_min=0, value_max=255
)

MODELS: Final[Mapping[str, Model]] = {
    "TS0215A_sos": Model(
        vendor="Tuya",
        zigbee_model="TS0215A",
        manufacturer="_TZ3000_anheyuan",
        description="Call button, pulled or pressed",
        clusters=("genBasic", "genPowerCfg", "genTime", "ssIasZone"),
        exposes=(BATTERY, action("emergency"), LINK),
        initial={"battery": 100},
        press={"action": "emergency"},
    ),
    "ZG-101Z": Model(
        vendor="Loginovo",
        zigbee_model="ZG-101Z",
        manufacturer="Loginovo",
        description="Call button on a cord",
        clusters=("genBasic", "genPowerCfg", "ssIasZone"),
        exposes=(BATTERY_LOW, action("sos", "emergency"), LINK),
        initial={"battery_low": False},
        press={"action": "sos"},
    ),
    "SEB01ZB": Model(
        vendor="Feibit",
        zigbee_model="FNB56-SOS03FB1.5",
        manufacturer="Feibit Inc co.",
        description="Call button whose property is true for a moment",
        clusters=("genBasic", "genPowerCfg", "ssIasZone"),
        exposes=(binary("sos", "Help is called for"), BATTERY_LOW, TAMPER, BATTERY, LINK),
        initial={"sos": False, "battery_low": False, "tamper": False, "battery": 100},
        press={"sos": True},
        after=(After(1_500, {"sos": False}),),
    ),
    "MIR-SO100": Model(
        vendor="MultIR",
        zigbee_model="MIR-SO100",
        manufacturer="MultIR",
        description="Button sold for emergencies that only says how it was pressed",
        clusters=("genBasic", "genPowerCfg", "ssIasZone"),
        exposes=(BATTERY, action("single", "double", "hold"), LINK),
        initial={"battery": 100},
        press={"action": "single"},
        cancel={"action": "hold"},
    ),
    "MCCGQ11LM": Model(
        vendor="Aqara",
        zigbee_model="lumi.sensor_magnet.aq2",
        manufacturer="LUMI",
        description="Magnet contact for doors and windows",
        clusters=("genBasic", "genIdentify", "genOnOff"),
        exposes=(
            BATTERY,
            binary("contact", "The two halves touch: closed", on=False),
            CHIP,
            VOLTAGE,
            OUTAGES,
            LINK,
        ),
        initial={
            "battery": 100,
            "contact": True,
            "device_temperature": 25,
            "voltage": 3005,
            "power_outage_count": 3,
        },
        toggles="contact",
    ),
    "RTCGQ11LM": Model(
        vendor="Aqara",
        zigbee_model="lumi.sensor_motion.aq2",
        manufacturer="LUMI",
        description="Infrared motion sensor with a light meter",
        clusters=("genBasic", "msOccupancySensing", "msIlluminanceMeasurement", "genIdentify"),
        exposes=(
            BATTERY,
            binary("occupancy", "Somebody moves"),
            CHIP,
            numeric("illuminance", "lx", "How bright it is"),
            VOLTAGE,
            OUTAGES,
            LINK,
        ),
        initial={
            "battery": 100,
            "occupancy": False,
            "illuminance": 60,
            "device_temperature": 25,
            "voltage": 2985,
            "power_outage_count": 1,
        },
        press={"occupancy": True},
        after=(After(90_000, {"occupancy": False}),),
    ),
    "FDS315": Model(
        vendor="OWON",
        zigbee_model="FDS315",
        manufacturer="OWON",
        description="Radar over the bed: who is there, and how they breathe",
        clusters=("genBasic", "genIdentify", "fallDetectionOwon"),
        exposes=(
            _expose(
                "enum",
                "status",
                "Where somebody is",
                False,
                values=[
                    "unoccupied",
                    "occupied",
                    "sitting",
                    "on_the_bed",
                    "low_posture",
                    "falling",
                ],
            ),
            numeric("breathing_rate", "breaths/min", "How they breathe"),
            LINK,
        ),
        initial={"status": "occupied", "breathing_rate": 0},
    ),
    "TS011F_with_threshold": Model(
        vendor="Tuya",
        zigbee_model="TS011F",
        manufacturer="_TZ3000_anheyuan",
        description="Plug that measures what goes through it",
        clusters=("genBasic", "genOnOff", "haElectricalMeasurement", "seMetering"),
        exposes=(numeric("power", "W", "What is drawn now"), LINK),
        initial={"power": 0},
    ),
    "JT-BZ-01AQ/A": Model(
        vendor="Aqara",
        zigbee_model="lumi.sensor_gas.acn02",
        manufacturer="LUMI",
        description="Detector of natural gas, on mains power",
        clusters=("genBasic", "genIdentify", "ssIasZone"),
        exposes=(binary("gas", "There is gas in the air"), LINK),
        initial={"gas": False},
        toggles="gas",
    ),
    "JY-GZ-01AQ": Model(
        vendor="Aqara",
        zigbee_model="lumi.sensor_smoke.acn03",
        manufacturer="LUMI",
        description="Smoke detector",
        clusters=("genBasic", "genPowerCfg", "ssIasZone"),
        exposes=(binary("smoke", "There is smoke"), BATTERY, LINK),
        initial={"smoke": False, "battery": 100},
        toggles="smoke",
    ),
    "SJCGQ11LM": Model(
        vendor="Aqara",
        zigbee_model="lumi.sensor_wleak.aq1",
        manufacturer="LUMI",
        description="Water leak sensor",
        clusters=("genBasic", "genPowerCfg", "ssIasZone"),
        exposes=(BATTERY, binary("water_leak", "It stands in water"), BATTERY_LOW, LINK),
        initial={"water_leak": False, "battery_low": False, "battery": 100},
        toggles="water_leak",
    ),
    "HS2FD-EF1-3.0": Model(
        vendor="Heiman",
        zigbee_model="HS2FD-EF1-3.0",
        manufacturer="HEIMAN",
        description="Radar that sees people fall",
        clusters=("genBasic", "msOccupancySensing"),
        exposes=(
            binary("occupancy", "Somebody is there"),
            _expose(
                "enum",
                "fall_status",
                "Whether somebody has fallen",
                False,
                values=["normal", "fall_warning", "fall_alarm", "unknown"],
            ),
            LINK,
        ),
        initial={"occupancy": False, "fall_status": "normal"},
        press={"fall_status": "fall_alarm"},
        after=(After(1_500, {"fall_status": "normal"}),),
    ),
    "GZCGQ11LM": Model(
        vendor="Aqara",
        zigbee_model="lumi.sen_ill.agl01",
        manufacturer="LUMI",
        description="Light meter",
        clusters=("genBasic", "genPowerCfg", "msIlluminanceMeasurement"),
        exposes=(BATTERY, numeric("illuminance", "lx", "How bright it is"), LINK),
        initial={"battery": 100, "illuminance": 0},
    ),
    "WSDCGQ11LM": Model(
        vendor="Aqara",
        zigbee_model="lumi.weather",
        manufacturer="LUMI",
        description="Temperature, humidity and air pressure",
        clusters=("genBasic", "msTemperatureMeasurement", "msRelativeHumidity"),
        exposes=(
            BATTERY,
            numeric("temperature", "°C", "Temperature of the air"),
            numeric("humidity", "%", "Relative humidity"),
            numeric("pressure", "hPa", "Air pressure"),
            VOLTAGE,
            LINK,
        ),
        initial={
            "battery": 100,
            "temperature": 24.1,
            "humidity": 58.2,
            "pressure": 1006.5,
            "voltage": 3015,
        },
    ),
}
