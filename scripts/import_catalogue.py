"""Writes config/zigbee_models.json from the design's z2m_catalogue.json (facts: models, properties,
units, values).

Run by hand when the design's catalogue changes: python scripts/import_catalogue.py
PATH/z2m_catalogue.json
"""

import itertools
import json
import pathlib
import sys
from typing import Any

ABOUT = (
    "What Zigbee models expose, for the time until their bridge says it itself. "
    "Facts from {source}; written by scripts/import_catalogue.py, do not edit. "
    "models: vendor, model, keys of properties; "
    "value_on is the value that means that the thing named is there, for contacts: open."
)
KEPT = ("property", "type", "unit", "value_on", "value_off", "values", "endpoint")
Property = dict[str, Any]


def main() -> None:
    """Read the file named on the command line, write the catalogue."""
    given = json.loads(pathlib.Path(sys.argv[1]).read_text("utf-8"))
    properties: dict[str, Property] = {}
    models: dict[str, dict[str, str]] = {}
    for device in given["devices"]:
        keys = [key_of(properties, feature(each)) for each in device["properties"]]
        names = [(device["vendor"], device["model"]), *map(split, device["white_label"])]
        for vendor, model in names:
            models.setdefault(vendor, {}).setdefault(model, " ".join(keys))
    target = pathlib.Path(__file__).parent.parent / "config" / "zigbee_models.json"
    target.write_text(text(ABOUT.format(source=given["source"]), properties, models), "utf-8")


def feature(given: Property) -> Property:
    """The parts of a property that give it a meaning."""
    return {name: given[name] for name in KEPT if given.get(name) is not None}


def key_of(properties: dict[str, Property], wanted: Property) -> str:
    """The property's name, with a number where other models mean something else by it."""
    name = wanted["property"]
    for n in itertools.count(1):
        key = name if n == 1 else f"{name}.{n}"
        if json.dumps(properties.setdefault(key, wanted)) == json.dumps(wanted):
            return str(key)
    raise AssertionError("a count has no end")


def split(white_label: str) -> tuple[str, str]:
    """Vendor and model of a white label, which is given as one text with the model last."""
    vendor, _, model = white_label.rpartition(" ")
    return vendor, model


def text(about: str, properties: dict[str, Property], models: dict[str, dict[str, str]]) -> str:
    """One line a property and one a vendor, so that a change can be read."""
    lines = [f'{{"about": {json.dumps(about, ensure_ascii=False)},', '"properties": {']
    lines += [rows(properties), "},", '"models": {', rows(models), "}}", ""]
    return "\n".join(lines)


def rows(table: dict[str, Any]) -> str:
    """Sorted by name."""
    return ",\n".join(
        f"{json.dumps(name, ensure_ascii=False)}: {json.dumps(table[name], ensure_ascii=False)}"
        for name in sorted(table)
    )


if __name__ == "__main__":
    main()
