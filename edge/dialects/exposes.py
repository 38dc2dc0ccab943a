"""What a Zigbee2MQTT property means, by its name and by what the bridge exposes of it. Pure.

Names, values and units are facts of zigbee-herdsman-converters 26.112.0 (MIT); the form of
`exposes` is that of zigbee2mqtt.io/guide/usage/exposes.html.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import msgspec

from contract.vocabulary import SPECS, Measurement
from edge.dialects.units import SAME, Factors, factors, scaled
from edge.dialects.values import OFF, ON, number, spoken
from edge.meaning import Value

M = Measurement
FEATURES_MAX: Final = 512  # of one device
DEPTH_MAX: Final = 4  # of features in features


class Feature(msgspec.Struct, frozen=True, omit_defaults=True):
    """One property as the bridge exposes it. type: `binary`, `numeric`, `enum` or another."""

    property: str
    type: str
    unit: str | None = None
    value_on: bool | int | str | None = None
    value_off: bool | int | str | None = None
    values: tuple[bool | int | float | str, ...] = ()
    endpoint: str | None = None


Features = Mapping[str, Feature]


class Meaning(NamedTuple):
    """How a property is read. on, off: words for true, false."""

    measurement: Measurement
    channel: str | None = None
    on: frozenset[str] = frozenset()
    off: frozenset[str] = frozenset()
    factors: Factors = SAME

    def value_of(self, raw: object) -> Value | None:
        """In the vocabulary's unit and polarity; None where the raw value says nothing."""
        if SPECS[self.measurement].type == "bool":
            word = spoken(raw)
            return True if word in self.on else False if word in self.off else None
        value = number(raw)
        return None if value is None else scaled(value, self.factors)


# What is true or false. By default true means that the named thing is there.
_BINARY: Final[Mapping[str, Measurement]] = {
    "sos": M.SOS,
    "sos_alarm": M.SOS,
    "smoke": M.SMOKE,
    "gas": M.GAS,
    "carbon_monoxide": M.CARBON_MONOXIDE,
    "water_leak": M.WATER_LEAK,
    "active_water_leak": M.WATER_LEAK,
    "contact": M.OPENING,
    "garage_door_contact": M.OPENING,
    "occupancy": M.OCCUPANCY,
    "presence": M.OCCUPANCY,
    "motion": M.MOTION,
    "vibration": M.VIBRATION,
    "tamper": M.TAMPER,
    "battery_low": M.BATTERY_LOW,
}
_NUMERIC: Final[Mapping[str, Measurement]] = {
    "temperature": M.TEMPERATURE,
    "local_temperature": M.TEMPERATURE,
    "device_temperature": M.DEVICE_TEMPERATURE,
    "humidity": M.HUMIDITY,
    "pressure": M.PRESSURE,
    "illuminance": M.ILLUMINANCE,
    "illuminance_lux": M.ILLUMINANCE,
    "co2": M.CO2,
    "pm25": M.PM25,
    "noise": M.SOUND_LEVEL,
    "battery": M.BATTERY,
    "voltage": M.VOLTAGE,
    "power": M.POWER,
    "energy": M.ENERGY,
    "target_distance": M.DISTANCE,
    "breathing_rate": M.RESPIRATORY_RATE,
    "heart_rate": M.HEART_RATE,
    "linkquality": M.LINK_QUALITY,
}
# Same name, other unit or polarity from model to model: nothing without its exposes.
_ASK_EXPOSES: Final = frozenset({"garage_door_contact", "noise", "voltage", "target_distance"})
# Where words tell. A suspected fall ("maybe_fall", "fall_warning") is not yet one.
_ENUM: Final[Mapping[str, Meaning]] = {
    "fall_status": Meaning(
        M.FALL, on=frozenset({"fall_alarm"}), off=frozenset({"normal", "fall_warning"})
    ),
    "fall_down_status": Meaning(
        M.FALL, on=frozenset({"fall"}), off=frozenset({"none", "maybe_fall"})
    ),
    "status": Meaning(
        M.FALL,
        on=frozenset({"falling"}),
        off=frozenset({"unoccupied", "occupied", "sitting", "on_the_bed", "low_posture"}),
    ),
    "battery_state": Meaning(
        M.BATTERY_LOW, on=frozenset({"low"}), off=frozenset({"medium", "middle", "high"})
    ),
    "vibration": Meaning(
        M.VIBRATION, on=frozenset({"low", "medium", "high"}), off=frozenset({"off"})
    ),
}
_NAMES: Final = "|".join(sorted({*_BINARY, *_NUMERIC, *_ENUM}, key=len, reverse=True))
_ZONED: Final = re.compile(
    rf"({_NAMES})_((?:alarm_|zone_|wire_)?l?\d{{1,3}}|both_zones|in|out|and|or)", re.ASCII
)


def meaning_of(property_: str, features: Features) -> Meaning | None:
    """What a property means. features: all that is known of the device, maybe nothing."""
    feature = features.get(property_)
    name, channel = _name_and_channel(property_, feature)
    meaning = _meaning(name, feature)
    if meaning is None:
        return None
    if meaning.measurement is M.VOLTAGE and (
        "battery" in features or (feature and feature.unit == "mV")
    ):
        meaning = meaning._replace(measurement=M.BATTERY_VOLTAGE)
    if feature is None and channel is not None and channel.startswith("alarm_"):
        meaning = meaning._replace(on=ON, off=OFF)  # true is the alarm, also of a contact
    return meaning._replace(channel=channel)


def _name_and_channel(property_: str, feature: Feature | None) -> tuple[str, str | None]:
    if feature is not None and feature.endpoint:
        return property_.removesuffix(f"_{feature.endpoint}"), feature.endpoint
    zoned = _ZONED.fullmatch(property_)
    return (property_, None) if zoned is None else (zoned[1], zoned[2])


def _meaning(name: str, feature: Feature | None) -> Meaning | None:
    if feature is None:
        return None if name in _ASK_EXPOSES else _by_name(name)
    if feature.type == "binary" and name in _BINARY:
        return Meaning(_BINARY[name], on=_words(feature.value_on), off=_words(feature.value_off))
    if feature.type == "numeric" and name in _NUMERIC:
        return _measured(_NUMERIC[name], feature.unit)
    return _ENUM.get(name) if feature.type in ("enum", "text") else None


def _by_name(name: str) -> Meaning | None:
    """As most models mean it: 128 of 131 contacts say false for open, the two with words say ON."""
    if name == "contact":
        return Meaning(M.OPENING, on=frozenset({"false", "on"}), off=frozenset({"true", "off"}))
    if name == "vibration":
        words = _ENUM[name]
        return words._replace(on=words.on | ON, off=words.off | OFF)
    if name in _BINARY:
        return Meaning(_BINARY[name], on=ON, off=OFF)
    return Meaning(_NUMERIC[name]) if name in _NUMERIC else _ENUM.get(name)


def _words(value: bool | int | str | None) -> frozenset[str]:
    if isinstance(value, bool):
        return ON if value else OFF
    word = spoken(value)
    return frozenset() if word is None else frozenset({word})


def _measured(measurement: Measurement, unit: str | None) -> Meaning | None:
    """None for a unit of something else, such as % for light; without a unit: the usual one."""
    if not unit:
        return Meaning(measurement)
    by = factors(measurement, unit)
    return None if by is None else Meaning(measurement, factors=by)


def features_of(exposes: object) -> dict[str, Feature]:
    """The properties of a device's `exposes`, nested ones of switches, locks and so on included."""
    features: dict[str, Feature] = {}
    for feature in _walk(exposes, DEPTH_MAX):
        if len(features) == FEATURES_MAX:
            break
        features[feature.property] = feature
    return features


def _walk(exposes: object, depth: int) -> Iterator[Feature]:
    if depth == 0 or not isinstance(exposes, list):
        return
    for expose in exposes:
        if not isinstance(expose, dict):
            continue
        # The parts of a composite with a property stand in an object of their own.
        if "features" in expose and not expose.get("property"):
            yield from _walk(expose["features"], depth - 1)
        try:
            yield msgspec.convert(expose, Feature)
        except msgspec.ValidationError:
            continue  # a form that we do not know says nothing of its property
