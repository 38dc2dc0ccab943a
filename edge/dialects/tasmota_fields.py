"""What the fields of Tasmota's telemetry mean: wired sensors, and Zigbee devices behind it. Pure.

Names and units from tasmota.github.io/docs (the pages of the sensors, Zigbee) and hatasmota's list.
"""

import re
from collections.abc import Mapping
from typing import Final

from contract.vocabulary import SPECS, Measurement
from edge.dialects.telling import Telling
from edge.dialects.units import SAME, Factors, factors, scaled
from edge.dialects.values import number, spoken

M = Measurement
DEPTH_MAX: Final = 3
FIELDS_MAX: Final = 512  # of one message

_SENSORS: Final[Mapping[str, Measurement]] = {
    "Temperature": M.TEMPERATURE,
    "Humidity": M.HUMIDITY,
    "Pressure": M.PRESSURE,
    "Illuminance": M.ILLUMINANCE,
    "CarbonDioxide": M.CO2,
    "PM2.5": M.PM25,
    "Battery": M.BATTERY,
    "RSSI": M.RSSI,
    "Power": M.POWER,
    "Voltage": M.VOLTAGE,
    "Total": M.ENERGY,
    "Distance": M.DISTANCE,
    "Motion": M.MOTION,
}
_NUMBERED: Final = re.compile(r"(Temperature|Humidity|Illuminance|Distance)(\d{1,2})", re.ASCII)
# Sections whose temperature is the chip's own: processors, motion, power and charging chips.
_CHIPS: Final = ("ESP32", "MPU", "ICM", "LSM", "BMI", "AXP", "ADE7", "BL09", "MAX17")
_MILLIMETRES: Final = ("VL53L",)  # the other distance sensors say centimetres
_UNIT_OF: Final = {M.TEMPERATURE: "TempUnit", M.PRESSURE: "PressureUnit"}

_ZIGBEE: Final[Mapping[str, Measurement]] = {
    "Temperature": M.TEMPERATURE,
    "Humidity": M.HUMIDITY,
    "Pressure": M.PRESSURE,
    "LocalTemperature": M.TEMPERATURE,  # of a radiator valve: the room's
    "Battery": M.BATTERY,
    "Voltage": M.BATTERY_VOLTAGE,  # what the mains have is RMSVoltage
    "BatteryPercentage": M.BATTERY,
    "BatteryVoltage": M.BATTERY_VOLTAGE,
    "LinkQuality": M.LINK_QUALITY,
    "ActivePower": M.POWER,
    "RMSVoltage": M.VOLTAGE,
    "Occupancy": M.OCCUPANCY,
    "Contact": M.OPENING,
    "Fire": M.SMOKE,
    "Water": M.WATER_LEAK,
    "CO": M.CARBON_MONOXIDE,
    "Movement": M.VIBRATION,
    "PersonalAlarm": M.SOS,
    "Panic": M.SOS,
}  # not Illuminance: it is the logarithm that the cluster has
_VIBRATION_MODE: Final = "AqaraVibrationMode"
_CLICKS: Final = ("Click", "Action")
_TRUE: Final = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}
_WRAPPERS: Final = ("ZbReceived", "ZigbeeReceived")  # the second up to version 8.1
_OF_REPORT: Final = ("LinkQuality", "Endpoint")


def tell_sensors(telling: Telling, values: Mapping[str, object]) -> None:
    """All of a message's sensors. Their section is the channel; `Temperature2` is channel 2."""
    units = {
        measurement: spelt
        for measurement, key in _UNIT_OF.items()
        if isinstance(spelt := values.get(key), str)
    }
    for section, value in list(values.items())[:FIELDS_MAX]:
        if isinstance(value, dict):
            _section(telling, section, value, units, DEPTH_MAX)
        elif not telling.by_profile(section, value):
            _field(telling, "", section, value, units)


def _section(
    telling: Telling,
    section: str,
    fields: Mapping[str, object],
    units: Mapping[Measurement, str],
    depth: int,
) -> None:
    for name, value in list(fields.items())[:FIELDS_MAX]:
        if telling.by_profile(f"{section}.{name}", value):
            continue
        if isinstance(value, dict) and depth > 0:
            _section(telling, f"{section}.{name}", value, units, depth - 1)
        elif isinstance(value, list):  # one value a phase
            for n, each in enumerate(value[:FIELDS_MAX], start=1):
                _field(telling, section, name, each, units, str(n))
        else:
            _field(telling, section, name, value, units)


def _field(
    telling: Telling,
    section: str,
    name: str,
    raw: object,
    units: Mapping[Measurement, str],
    channel: str | None = None,
) -> None:
    numbered = _NUMBERED.fullmatch(name)
    if numbered is not None:
        name, channel = numbered[1], numbered[2]
    measurement = _SENSORS.get(name)
    if measurement is None or (not section and measurement is M.POWER):
        return
    path = f"{section}.{name}{channel or ''}" if section else name
    if SPECS[measurement].type == "bool":
        value = _TRUE.get(spoken(raw) or "")
        if value is not None:
            telling.add(measurement, value, path, channel or section or None)
        return
    measured = number(raw)
    by = _factors(measurement, section, units)
    if measured is None or by is None:
        telling.ignore("no_value")
        return
    if measurement is M.TEMPERATURE and section.startswith(_CHIPS):
        measurement = M.DEVICE_TEMPERATURE
    telling.add(measurement, scaled(measured, by), path, channel or section or None)


def _factors(
    measurement: Measurement, section: str, units: Mapping[Measurement, str]
) -> Factors | None:
    if measurement is M.DISTANCE:
        return factors(M.DISTANCE, "mm" if section.startswith(_MILLIMETRES) else "cm")
    unit = units.get(measurement)
    return SAME if unit is None else factors(measurement, unit)


# ---------------------------------------------------------------- Zigbee


def zigbee_reports(values: Mapping[str, object]) -> list[tuple[str, Mapping[str, object]]]:
    """Each device's name or address with its attributes, in all the forms that SetOption83, 89,
    100, 118 and 119 give; empty for a message of something else."""
    inner = next((values[name] for name in _WRAPPERS if name in values), values)
    if not isinstance(inner, dict):
        return []
    if _is_report(inner):
        return [("", inner)]
    return [
        (name, fields)
        for name, fields in list(inner.items())[:FIELDS_MAX]
        if isinstance(fields, dict) and _is_report(fields)
    ]


def tell_zigbee(telling: Telling, fields: Mapping[str, object]) -> None:
    """What the attributes of one Zigbee device say."""
    for name, raw in list(fields.items())[:FIELDS_MAX]:
        if telling.by_profile(name, raw):
            continue
        if name in _CLICKS:
            telling.press(spoken(raw) or "", name)
            continue
        if name == _VIBRATION_MODE and spoken(raw) == "vibrate":  # "drop" and "tilt": no fall
            telling.add(M.VIBRATION, True, name)
        measurement = _ZIGBEE.get(name)
        if measurement is None:
            continue
        is_flag = SPECS[measurement].type == "bool"
        value = _TRUE.get(spoken(raw) or "") if is_flag else number(raw)
        if value is not None:
            telling.add(measurement, value, name)
        elif measurement is M.SOS:
            telling.cannot_read(f"its field {name} cannot be understood")


def _is_report(fields: Mapping[str, object]) -> bool:
    return any(name in fields for name in _OF_REPORT)
