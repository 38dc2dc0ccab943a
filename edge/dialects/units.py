"""Units as devices write them, in the vocabulary's. Pure.

Spellings are those of Zigbee2MQTT's exposes, of Home Assistant's `unit_of_measurement` and of UCUM.
"""

from collections.abc import Mapping
from typing import Final

from contract.vocabulary import SPECS, Measurement

M = Measurement
Factors = tuple[float, float]  # value = raw × first + second
SAME: Final[Factors] = (1, 0)

_CELSIUS: Final[Mapping[str, Factors]] = {
    "\u00b0C": SAME,
    "C": SAME,
    "\u00b0F": (5 / 9, -160 / 9),
    "F": (5 / 9, -160 / 9),
    "K": (1, -273.15),
}
_MINUTE: Final[Mapping[str, Factors]] = {"breaths/min": SAME, "bpm": SAME, "/min": SAME}
_VOLT: Final[Mapping[str, Factors]] = {"V": SAME, "mV": (0.001, 0)}
_UNITS: Final[Mapping[Measurement, Mapping[str, Factors]]] = {
    M.TEMPERATURE: _CELSIUS,
    M.DEVICE_TEMPERATURE: _CELSIUS,
    M.BODY_TEMPERATURE: _CELSIUS,
    M.HUMIDITY: {"%": SAME},
    M.PRESSURE: {
        "hPa": SAME,
        "mbar": SAME,
        "kPa": (10, 0),
        "Pa": (0.01, 0),
        "bar": (1000, 0),
        "mmHg": (1.33322387415, 0),
        "inHg": (33.86388666, 0),
    },
    M.ILLUMINANCE: {"lx": SAME},
    M.CO2: {"ppm": SAME},
    M.GAS_CONCENTRATION: {"ppm": SAME},
    M.PM25: {"\u00b5g/m\u00b3": SAME, "\u03bcg/m\u00b3": SAME, "mg/m\u00b3": (1000, 0)},
    M.SOUND_LEVEL: {"dB": SAME, "dBA": SAME},
    M.BATTERY: {"%": SAME},
    M.BATTERY_VOLTAGE: _VOLT,
    M.VOLTAGE: _VOLT,
    M.RSSI: {"dBm": SAME, "dB": SAME},
    M.POWER: {"W": SAME, "kW": (1000, 0), "mW": (0.001, 0)},
    M.ENERGY: {"kWh": SAME, "Wh": (0.001, 0), "MWh": (1000, 0)},
    M.DISTANCE: {
        "m": SAME,
        "cm": (0.01, 0),
        "mm": (0.001, 0),
        "in": (0.0254, 0),
        "ft": (0.3048, 0),
    },
    M.RESPIRATORY_RATE: _MINUTE,
    M.HEART_RATE: _MINUTE,
    M.LINK_QUALITY: {"lqi": SAME},
}


def factors(measurement: Measurement, unit: str) -> Factors | None:
    """How a raw value of this unit becomes the measurement's; None for a unit of something else."""
    if unit == SPECS[measurement].unit:
        return SAME
    return _UNITS.get(measurement, {}).get(unit)


def scaled(raw: float, by: Factors) -> float:
    """The value, without the noise of a multiplication."""
    return raw if by == SAME else round(raw * by[0] + by[1], 6)
