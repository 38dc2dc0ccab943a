"""Device profiles: what the words of one model mean, where the message alone cannot say it. Pure.

Read from config/profiles/*.yaml by edge/profiles.py, which also says what the files look like.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from contract.vocabulary import Measurement
from edge.meaning import Value

Meant = Mapping[Measurement, Value]


class Example(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message of the model, and all that it means; nothing of alarm priority may come besides."""

    says: dict[str, Any]
    means: dict[Measurement, Value]


class Profile(msgspec.Struct, frozen=True):
    """What one model says. fields: property → word (as `values.spoken` gives it) → meaning."""

    name: str
    vendor: str
    models: tuple[str, ...]
    fields: Mapping[str, Mapping[str, Meant]]
    examples: tuple[Example, ...] = ()


class Profiles:
    """All profiles, found by name or by what the device is."""

    def __init__(self, profiles: Iterable[Profile] = ()) -> None:
        self._by_name: dict[str, Profile] = {}
        self._by_model: dict[tuple[str, str], Profile] = {}
        for profile in profiles:
            self._by_name[profile.name] = profile
            for model in profile.models:
                self._by_model[profile.vendor.casefold(), model.casefold()] = profile

    def __iter__(self) -> Any:
        return iter(self._by_name.values())

    def named(self, name: str | None) -> Profile | None:
        """The profile that the registry names."""
        return None if name is None else self._by_name.get(name)

    def of_model(self, vendor: str, model: str) -> Profile | None:
        """The profile of a model; both names as the bridge has them, in any case."""
        return self._by_model.get((vendor.casefold(), model.casefold()))
