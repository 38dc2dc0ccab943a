"""What the decoded fields of a LoRaWAN device mean, by the names that vendors' codecs give. Pure.

Names are facts of the codecs in lorawan-devices (Apache-2.0), chirpstack-device-profiles (MIT) and
thingsboard/data-converters (Apache-2.0); where one name means different things from model to model,
it stands in a profile and not here.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from contract.vocabulary import SPECS, Measurement
from edge.dialects.telling import Telling
from edge.dialects.units import factors, scaled
from edge.dialects.values import number, spoken

M = Measurement
FIELDS_MAX: Final = 256
DEPTH_MAX: Final = 4
NAME_CHARS_MAX: Final = 64
MILLIVOLTS_FROM: Final = 100  # no battery of a sensor has that many volts
MAINS_FROM, MAINS_TO = 80, 500
VOLTS_TO: Final = 5  # a "battery" of 3.6 is no percentage
_NOT_A_NAME: Final = re.compile(r"[^a-z0-9]+")
_VOLTS_AND_STATE: Final = re.compile(r"(\d+(?:\.\d+)?) ?\((low)[ _]battery\)", re.ASCII)
# What a 16-bit register says where no probe is connected.
_NO_PROBE: Final = frozenset({327.67, 3276.7, -327.68, -3276.8, 655.35, 6553.5})
_WRAPPERS: Final = frozenset({"data", "payload", "decoded", "measurements"})

_NUMBERS: Final[Mapping[str, Measurement]] = {
    name: measurement
    for measurement, names in {
        M.TEMPERATURE: "temperature temp temperaturec tempc airtemperature airtemp"
        " ambienttemperature ambienttemp roomtemperature tempcsht temperaturesensor tempint",
        M.DEVICE_TEMPERATURE: "mcutemperature boardtemperature chiptemperature devicetemperature"
        " barometertemperature co2sensortemperature internaltemperature",
        M.HUMIDITY: "humidity hum humi rh relativehumidity airhumidity ambienthumidity humsht"
        " humiditysensor roomhumidity",
        M.PRESSURE: "pressure barometricpressure barometer airpressure atmosphericpressure",
        M.ILLUMINANCE: "illuminance illumination lux light ambientlight illuminancesensor",
        M.CO2: "co2 co2ppm co2concentration carbondioxide",
        M.PM25: "pm25 pm25concentration",
        M.SOUND_LEVEL: "laeq soundavg soundlevel noiselevel",
        M.BATTERY: "battery batterylevel batterypercent batterypercentage batterypct batt"
        " batterylevelinpercentage batteryremaining batlevel remainingbattery",
        M.BATTERY_VOLTAGE: "batteryvoltage batteryv battv batv bat vbat volt volts vdd"
        " batvoltage batteryvolt batterylevelinvolts",
        M.VOLTAGE: "voltage",
        M.POWER: "power activepower",
        M.PEOPLE_COUNT: "peoplecount peoplecounter",
        M.HEART_RATE: "heartrate pulserate",
        M.RESPIRATORY_RATE: "breathrate breathingrate respiratoryrate respirationrate",
        M.BODY_TEMPERATURE: "bodytemperature",
        M.SPO2: "spo2 bloodoxygen",
        M.STEPS: "steps stepcount",
        M.LATITUDE: "latitude lat gpslatitude latitudedeg",
        M.LONGITUDE: "longitude lon lng long gpslongitude longitudedeg",
    }.items()
    for name in names.split()
}
_FLAGS: Final[Mapping[str, Measurement]] = {
    name: measurement
    for measurement, names in {
        M.SOS: "sos sosstatus sosalarm sosevent sosbutton panic panicalarm panicbutton emergency"
        " emergencyalarm emergencybutton emergencycall helprequest",
        M.FALL: "fall fallalarm falldetected falldetection fallstatus",
        M.SMOKE: "smoke smokealarm smokestatus smokedetected smokedetector",
        M.GAS: "gas gasalarm gasstatus gasleak gasdetected",
        M.CARBON_MONOXIDE: "carbonmonoxide carbonmonoxidealarm coalarm coalarmstatus",
        M.HEAT_ALARM: "heatalarm",
        M.WATER_LEAK: "waterleak waterleakstatus waterleakalarm waterleakdetected waterleakage"
        " waterleakagestatus leak leakstatus leakalarm leakdetected leakage leakagestatus flood"
        " floodstatus floodalarm flooddetected waterdetected waterstatus",
        M.OPENING: "door doorstatus doorstate dooropen dooropenstatus doorwindowstatus window"
        " windowstatus windowopen open magnet magnetstatus magneticstatus contact contactstatus"
        " contactstate",
        M.MOTION: "motion motionstatus motiondetected motioneventstate motionalarm pir pirstatus"
        " piralarm pirtrigger activity activitycounter motmotionst",
        M.OCCUPANCY: "occupancy occupancystatus occupancystate occupied occupy presence"
        " presencestatus presencesensor presencedetected",
        M.TAMPER: "tamper tamperstatus tamperalarm tamperdetected tampered disassembled"
        " disassembledalarm",
        M.BATTERY_LOW: "batterylow lowbattery lowbatteryalarm lowbatterystatus batterylowalarm"
        " batteryalarm",
        M.VIBRATION: "vibration vibrationstatus vibrationalarm vibrationdetected",
    }.items()
    for name in names.split()
}
_BUTTONS: Final = frozenset(
    "button buttonstatus buttonstate buttonevent buttonpress buttonpressed press pressstatus"
    " pressstate pushbutton click".split()
)
_ALARMS: Final = frozenset({"alarm", "alarmstatus", "alarmstate", "alarmevent"})  # of a call button
_TESTS: Final = frozenset({"test", "testbutton", "testbuttonpressed"})
# A count says that there was something; 1 or 0 of the others whether there is.
_COUNTED: Final = frozenset({M.MOTION})
# 1 or true means open with some, closed with others.
_WORDS_ONLY: Final = frozenset({"contact", "contactstatus", "contactstate"})
_TRUE: Final = frozenset(
    "true on 1 yes alarm alert alarming leak leaking leaked leakage flood flooded wet water trigger"
    " triggered detected motion occupied active activated present pressed pushed open opened"
    " tampered uninstalled removed disassembled low smoke gas fall vibrating".split()
) | {"water leak", "motion detected", "low battery", "smoke detected", "leak detected"}
_FALSE: Final = frozenset(
    "false off 0 no normal ok none noleak unleak dry idle clear cleared vacant unoccupied inactive"
    " untriggered undetected absent close closed released installed good safe".split()
) | {"no leak", "no alarm", "no motion", "not detected", "no water leak", "not triggered"}
_PRESSES: Final = {"short": "single", "click": "single", "pressed": "press"} | {
    word: word for word in SPECS[M.BUTTON].values
}
_PRESSED: Final = re.compile(
    r"(short|single|double|triple|long|hold)([ _-]?(press|push|click)(ed)?)?"
)


class _Field(NamedTuple):
    """A value with its place. name: its last key, in lower-case letters and digits."""

    path: str
    name: str
    value: object
    channel: str | None = None
    unit: str | None = None


def is_test(fields: Mapping[str, object]) -> bool:
    """Whether somebody has pressed a device's test button."""
    return any(_name(key) in _TESTS and spoken(value) in _TRUE for key, value in fields.items())


def tell_fields(telling: Telling, fields: Mapping[str, object]) -> None:
    """All that the decoded fields say."""
    for n, field in enumerate(_walk(fields, "", DEPTH_MAX)):
        if n == FIELDS_MAX:
            telling.ignore("too_many_fields")
            return
        if telling.by_profile(field.path, field.value, field.channel):
            continue
        if field.name in _NUMBERS:
            _number(telling, field)
        if field.name in _FLAGS:
            _flag(telling, field, _FLAGS[field.name])
        elif field.name in _BUTTONS:
            _button(telling, field)
        elif field.name in _ALARMS and telling.device.calls_by_press:
            _flag(telling, field, M.SOS)


def _walk(fields: Mapping[str, object], above: str, depth: int) -> Iterator[_Field]:
    """Values with their places. What lies in lists is history, and no news."""
    for key, value in fields.items():
        path = f"{above}{key}"
        if not isinstance(value, dict):
            yield _Field(path, _name(key), value)
        elif "value" in value:  # Decentlab: value with its unit
            unit = value.get("unit")
            yield _Field(
                path, _name(key), value["value"], None, unit if isinstance(unit, str) else None
            )
        elif value and all(isinstance(n, str) and n.isdecimal() for n in value):  # Cayenne LPP
            yield from (_Field(f"{path}.{n}", _name(key), v, n) for n, v in value.items())
        elif depth > 0 and _name(key) in _WRAPPERS:
            yield from _walk(value, f"{path}.", depth - 1)


def _name(key: str) -> str:
    return _NOT_A_NAME.sub("", key[:NAME_CHARS_MAX].casefold())


def _number(telling: Telling, field: _Field) -> None:
    measurement, raw = _NUMBERS[field.name], field.value
    noted = _VOLTS_AND_STATE.fullmatch(raw) if isinstance(raw, str) else None
    if noted is not None and measurement is M.BATTERY_VOLTAGE:  # Netvox: "3.1(low battery)"
        telling.add(M.BATTERY_LOW, True, field.path, field.channel)
        raw = noted[1]
    value = number(raw)
    if value is None or value in _NO_PROBE:
        return
    if field.unit is not None:
        by = factors(measurement, field.unit)
        if by is None:
            return
        value = scaled(value, by)
    else:
        measurement, value = _in_usual_unit(measurement, value)
    telling.add(measurement, value, field.path, field.channel)


def _in_usual_unit(measurement: Measurement, value: float) -> tuple[Measurement, float]:
    """Where a name comes without its unit, the size of the number tells."""
    if measurement is M.BATTERY and value < VOLTS_TO and value != int(value):
        return M.BATTERY_VOLTAGE, value
    if measurement is M.VOLTAGE and not MAINS_FROM <= value < MAINS_TO:
        measurement = M.BATTERY_VOLTAGE
    if measurement is M.BATTERY_VOLTAGE and value >= MILLIVOLTS_FROM:
        return measurement, scaled(value, (0.001, 0))
    if measurement is M.PRESSURE and value > 10_000:
        return measurement, scaled(value, (0.01, 0))
    if measurement is M.PRESSURE and 30 <= value < 120:
        return measurement, scaled(value, (10, 0))
    return measurement, value


def _flag(telling: Telling, field: _Field, measurement: Measurement) -> None:
    word = (spoken(field.value) or "").replace("_", " ")
    count = number(field.value)
    if field.name in _WORDS_ONLY and (count is not None or isinstance(field.value, bool)):
        return
    if measurement in _COUNTED and count is not None:
        telling.add(measurement, count > 0, field.path, field.channel)
    elif word in _TRUE or word in _FALSE:
        telling.add(measurement, word in _TRUE, field.path, field.channel)
    elif measurement is M.SOS and word:
        telling.cannot_read(f"its field {field.path} cannot be understood")


def _button(telling: Telling, field: _Field) -> None:
    word = spoken(field.value) or ""
    pressed = _PRESSED.fullmatch(word)
    press = _PRESSES.get(pressed[1] if pressed is not None else word)
    if press is not None:
        telling.press(press, field.path, field.channel)
    elif word in _TRUE:
        telling.press("press", field.path, field.channel)
