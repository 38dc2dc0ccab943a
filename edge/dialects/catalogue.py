"""The offline catalogue: what Zigbee models expose, for the time until their bridge says it. Pure.

The facts lie in config/zigbee_models.json, written by scripts/import_catalogue.py.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from edge.dialects.exposes import Feature, Features


class CatalogueFile(msgspec.Struct, frozen=True):
    """The file. properties: key → feature; models: vendor → model → keys, separated by spaces.

    A key is the property's name, with `.2`, `.3` … where models mean different things by it.
    """

    about: str
    properties: dict[str, Feature]
    models: dict[str, dict[str, str]]


class Catalogue:
    """Models with their features, found by vendor and model in any case."""

    def __init__(
        self,
        properties: Mapping[str, Feature] | None = None,
        models: Iterable[tuple[str, str, str]] = (),
    ) -> None:
        self._properties = properties or {}
        self._keys: dict[tuple[str, str], str] = {}
        for vendor, model, keys in models:
            self._keys[vendor.casefold(), model.casefold()] = keys
            # Registries name the vendor freely; a model's name alone mostly says enough.
            alone = ("", model.casefold())
            self._keys[alone] = keys if self._keys.get(alone, keys) == keys else ""

    def features(self, vendor: str, model: str) -> Features:
        """What the model exposes; empty where it is not known."""
        key = model.casefold()
        keys = self._keys.get((vendor.casefold(), key)) or self._keys.get(("", key), "")
        features = (self._properties[each] for each in keys.split() if each in self._properties)
        return {feature.property: feature for feature in features}


NO_CATALOGUE: Final = Catalogue()


def read_catalogue(data: bytes) -> Catalogue:
    """The catalogue of the file's bytes. Raises msgspec.DecodeError."""
    file = msgspec.json.decode(data, type=CatalogueFile)
    models = (
        (vendor, model, keys)
        for vendor, of_vendor in file.models.items()
        for model, keys in of_vendor.items()
    )
    return Catalogue(file.properties, models)
