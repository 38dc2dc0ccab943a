"""The words of the wire: each measurement with kind, unit, polarity. Generated, do not edit.

Made by scripts/import_vocabulary.py. Units are UCUM codes (ucum.org); LOINC codes as FHIR's
vital-signs profile has them; `ha` is the Home Assistant device class. A boolean is true when the
thing is present, open, wet or occupied, as in Home Assistant's binary sensors.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple


class Kind(StrEnum):
    """How a measurement behaves in time."""

    EVENT = "event"  # edge-triggered, never replayed from a retained message
    STATE = "state"  # the last value holds
    SAMPLE = "sample"  # numeric, one instant


class Spec(NamedTuple):
    """What a measurement is: kind, JSON type, UCUM unit (None for states and events), alarm
    priority."""

    kind: Kind
    type: str
    unit: str | None = None
    ha: str | None = None
    loinc: str | None = None
    is_alarm: bool = False
    is_diagnostic: bool = False
    range: tuple[float, float] | None = None
    values: tuple[str, ...] = ()


class Measurement(StrEnum):
    """What a device can say. The comment gives unit and polarity."""

    SOS = "sos"  # true = help is called for
    SOS_CANCEL = "sos_cancel"  # true = the resident takes the call back
    FALL = "fall"  # true = a fall was detected
    SMOKE = "smoke"  # true = smoke present
    GAS = "gas"  # true = gas present
    CARBON_MONOXIDE = "carbon_monoxide"  # true = carbon monoxide present
    HEAT_ALARM = "heat_alarm"  # true = fire heat present
    WATER_LEAK = "water_leak"  # true = wet
    BUTTON = "button"  # one of the device's words
    MOTION = "motion"  # true = motion seen
    OCCUPANCY = "occupancy"  # true = occupied
    BED_OCCUPANCY = "bed_occupancy"  # true = in bed
    OPENING = "opening"  # true = open
    VIBRATION = "vibration"  # true = vibrating
    TAMPER = "tamper"  # true = opened or removed
    BATTERY_LOW = "battery_low"  # true = low
    ONLINE = "online"  # true = reachable
    GEOFENCE = "geofence"  # one of enter, leave
    TEMPERATURE = "temperature"  # Cel
    DEVICE_TEMPERATURE = "device_temperature"  # Cel
    HUMIDITY = "humidity"  # %
    PRESSURE = "pressure"  # hPa
    ILLUMINANCE = "illuminance"  # lx
    CO2 = "co2"  # [ppm]
    GAS_CONCENTRATION = "gas_concentration"  # [ppm]
    PM25 = "pm25"  # ug/m3
    SOUND_LEVEL = "sound_level"  # dB
    BATTERY = "battery"  # %
    BATTERY_VOLTAGE = "battery_voltage"  # V
    LINK_QUALITY = "link_quality"  # 1
    RSSI = "rssi"  # dB[mW]
    POWER = "power"  # W
    ENERGY = "energy"  # kW.h
    VOLTAGE = "voltage"  # V
    PEOPLE_COUNT = "people_count"  # 1
    DISTANCE = "distance"  # m
    HEART_RATE = "heart_rate"  # /min
    RESPIRATORY_RATE = "respiratory_rate"  # /min
    BODY_TEMPERATURE = "body_temperature"  # Cel
    SPO2 = "spo2"  # %
    BP_SYSTOLIC = "bp_systolic"  # mm[Hg]
    BP_DIASTOLIC = "bp_diastolic"  # mm[Hg]
    BODY_WEIGHT = "body_weight"  # kg
    BLOOD_GLUCOSE = "blood_glucose"  # mmol/L
    STEPS = "steps"  # 1
    LATITUDE = "latitude"  # deg
    LONGITUDE = "longitude"  # deg


SPECS: Final[Mapping[Measurement, Spec]] = {
    Measurement.SOS: Spec(Kind.EVENT, "bool", ha="safety", is_alarm=True),
    Measurement.SOS_CANCEL: Spec(Kind.EVENT, "bool", is_alarm=True),
    Measurement.FALL: Spec(Kind.EVENT, "bool", ha="safety", is_alarm=True),
    Measurement.SMOKE: Spec(Kind.STATE, "bool", ha="smoke", is_alarm=True),
    Measurement.GAS: Spec(Kind.STATE, "bool", ha="gas", is_alarm=True),
    Measurement.CARBON_MONOXIDE: Spec(Kind.STATE, "bool", ha="carbon_monoxide", is_alarm=True),
    Measurement.HEAT_ALARM: Spec(Kind.STATE, "bool", ha="heat", is_alarm=True),
    Measurement.WATER_LEAK: Spec(Kind.STATE, "bool", ha="moisture", is_alarm=True),
    Measurement.BUTTON: Spec(
        Kind.EVENT,
        "string",
        ha="event: button",
        values=("single", "double", "triple", "long", "hold", "release", "press"),
    ),
    Measurement.MOTION: Spec(Kind.STATE, "bool", ha="motion"),
    Measurement.OCCUPANCY: Spec(Kind.STATE, "bool", ha="occupancy"),
    Measurement.BED_OCCUPANCY: Spec(Kind.STATE, "bool", ha="occupancy"),
    Measurement.OPENING: Spec(Kind.STATE, "bool", ha="door|window|opening"),
    Measurement.VIBRATION: Spec(Kind.STATE, "bool", ha="vibration"),
    Measurement.TAMPER: Spec(Kind.STATE, "bool", ha="tamper"),
    Measurement.BATTERY_LOW: Spec(Kind.STATE, "bool", ha="battery"),
    Measurement.ONLINE: Spec(Kind.STATE, "bool", ha="connectivity"),
    Measurement.GEOFENCE: Spec(Kind.EVENT, "string", values=("enter", "leave")),
    Measurement.TEMPERATURE: Spec(
        Kind.SAMPLE, "number", unit="Cel", ha="temperature", range=(-45, 80)
    ),
    Measurement.DEVICE_TEMPERATURE: Spec(
        Kind.SAMPLE, "number", unit="Cel", ha="temperature (diagnostic)", is_diagnostic=True
    ),
    Measurement.HUMIDITY: Spec(Kind.SAMPLE, "number", unit="%", ha="humidity", range=(0, 100)),
    Measurement.PRESSURE: Spec(
        Kind.SAMPLE, "number", unit="hPa", ha="atmospheric_pressure", range=(300, 1200)
    ),
    Measurement.ILLUMINANCE: Spec(Kind.SAMPLE, "number", unit="lx", ha="illuminance"),
    Measurement.CO2: Spec(Kind.SAMPLE, "number", unit="[ppm]", ha="carbon_dioxide"),
    Measurement.GAS_CONCENTRATION: Spec(Kind.SAMPLE, "number", unit="[ppm]"),
    Measurement.PM25: Spec(Kind.SAMPLE, "number", unit="ug/m3", ha="pm25"),
    Measurement.SOUND_LEVEL: Spec(Kind.SAMPLE, "number", unit="dB", ha="sound_pressure"),
    Measurement.BATTERY: Spec(Kind.SAMPLE, "number", unit="%", ha="battery", range=(0, 100)),
    Measurement.BATTERY_VOLTAGE: Spec(
        Kind.SAMPLE, "number", unit="V", ha="voltage", is_diagnostic=True
    ),
    Measurement.LINK_QUALITY: Spec(Kind.SAMPLE, "number", unit="1", is_diagnostic=True),
    Measurement.RSSI: Spec(
        Kind.SAMPLE, "number", unit="dB[mW]", ha="signal_strength", is_diagnostic=True
    ),
    Measurement.POWER: Spec(Kind.SAMPLE, "number", unit="W", ha="power"),
    Measurement.ENERGY: Spec(Kind.SAMPLE, "number", unit="kW.h", ha="energy"),
    Measurement.VOLTAGE: Spec(Kind.SAMPLE, "number", unit="V", ha="voltage"),
    Measurement.PEOPLE_COUNT: Spec(Kind.SAMPLE, "number", unit="1"),
    Measurement.DISTANCE: Spec(Kind.SAMPLE, "number", unit="m", ha="distance"),
    Measurement.HEART_RATE: Spec(
        Kind.SAMPLE, "number", unit="/min", loinc="8867-4", range=(20, 250)
    ),
    Measurement.RESPIRATORY_RATE: Spec(
        Kind.SAMPLE, "number", unit="/min", loinc="9279-1", range=(3, 70)
    ),
    Measurement.BODY_TEMPERATURE: Spec(
        Kind.SAMPLE, "number", unit="Cel", loinc="8310-5", range=(30, 45)
    ),
    Measurement.SPO2: Spec(Kind.SAMPLE, "number", unit="%", loinc="59408-5", range=(40, 100)),
    Measurement.BP_SYSTOLIC: Spec(Kind.SAMPLE, "number", unit="mm[Hg]", loinc="8480-6"),
    Measurement.BP_DIASTOLIC: Spec(Kind.SAMPLE, "number", unit="mm[Hg]", loinc="8462-4"),
    Measurement.BODY_WEIGHT: Spec(
        Kind.SAMPLE, "number", unit="kg", loinc="29463-7", range=(1, 350)
    ),
    Measurement.BLOOD_GLUCOSE: Spec(Kind.SAMPLE, "number", unit="mmol/L", loinc="15074-8"),
    Measurement.STEPS: Spec(Kind.SAMPLE, "number", unit="1", loinc="55423-8"),
    Measurement.LATITUDE: Spec(Kind.SAMPLE, "number", unit="deg"),
    Measurement.LONGITUDE: Spec(Kind.SAMPLE, "number", unit="deg"),
}
