"""Device profiles: what the words of one model mean, where the message alone cannot say it. Pure.

Read from config/profiles/*.yaml by edge/profiles.py, which also says what the files look like.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from contract.vocabulary import SPECS, Measurement
from edge.dialects.frames import Frame
from edge.dialects.units import Factors, scaled
from edge.dialects.values import OFF, ON, number, spoken
from edge.meaning import Value

ZIGBEE2MQTT: Final = "zigbee2mqtt"
Meant = Mapping[Measurement, Value]
_TRUE: Final = ON | {"1"}
_FALSE: Final = OFF | {"0"}


class Example(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message of the model, and all that it means; nothing of alarm priority may come besides."""

    says: dict[str, Any]
    means: dict[Measurement, Value]


class Plain(msgspec.Struct, frozen=True):
    """A field that gives one measurement: true or false, a text, or a number in a unit."""

    measurement: Measurement
    factors: Factors

    @property
    def calls(self) -> bool:
        """Whether the field is a call for help."""
        return self.measurement is Measurement.SOS

    def value_of(self, raw: object) -> Value | None:
        """None where the raw value says nothing."""
        kind = SPECS[self.measurement].type
        if kind == "number":
            value = number(raw)
            return None if value is None else scaled(value, self.factors)
        word = spoken(raw)
        if kind == "bool":
            return True if word in _TRUE else False if word in _FALSE else None
        return word


class Profile(msgspec.Struct, frozen=True):
    """What one model says. fields: property → word (as `values.spoken` gives it) → meaning.

    plain: property → its one measurement. frame: how its bytes are read, where it sends bytes.
    """

    name: str
    vendor: str
    models: tuple[str, ...]
    fields: Mapping[str, Mapping[str, Meant]]
    examples: tuple[Example, ...] = ()
    plain: Mapping[str, Plain] = {}
    frame: Frame | None = None
    convention: str = ZIGBEE2MQTT

    def meaning_of(self, field: str, raw: object) -> Meant | None:
        """What a value of the field means; None where the profile does not name it."""
        word = spoken(raw)
        meant = None if word is None else self.fields.get(field, {}).get(word)
        if meant is not None:
            return meant
        plain = self.plain.get(field)
        if plain is None:
            return None
        value = plain.value_of(raw)
        return {} if value is None else {plain.measurement: value}

    @property
    def names_a_call(self) -> bool:
        """Whether it says itself what calls for help."""
        words = (meant for of_field in self.fields.values() for meant in of_field.values())
        return any(Measurement.SOS in meant for meant in words) or any(
            plain.calls for plain in self.plain.values()
        )


class Profiles:
    """All profiles, found by name or by what the device is."""

    def __init__(self, profiles: Iterable[Profile] = ()) -> None:
        self._by_name: dict[str, Profile] = {}
        self._by_model: dict[tuple[str, str], Profile] = {}
        for profile in profiles:
            self._by_name[profile.name] = profile
            for model in profile.models:
                self._by_model[profile.vendor.casefold(), model.casefold()] = profile
                self._by_model.setdefault(("", model.casefold()), profile)

    def __iter__(self) -> Any:
        return iter(self._by_name.values())

    def named(self, name: str | None) -> Profile | None:
        """The profile that the registry names."""
        return None if name is None else self._by_name.get(name)

    def of_model(self, vendor: str, model: str) -> Profile | None:
        """The profile of a model; both names as the bridge has them, in any case. Without a vendor
        the model's name decides."""
        return self._by_model.get((vendor.casefold(), model.casefold()))
