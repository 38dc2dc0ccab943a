"""Writes contract/vocabulary.py's table from the design's vocabulary.json (facts: names, kinds,
UCUM units, LOINC).

Run by hand when the design's vocabulary changes: python scripts/import_vocabulary.py
PATH/vocabulary.json
"""

import json
import pathlib
import sys
from typing import Any

HEAD = '''\
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

'''
PRESENT = {
    "sos": "true = help is called for",
    "sos_cancel": "true = the resident takes the call back",
    "fall": "true = a fall was detected",
    "smoke": "true = smoke present",
    "gas": "true = gas present",
    "carbon_monoxide": "true = carbon monoxide present",
    "heat_alarm": "true = fire heat present",
    "water_leak": "true = wet",
    "motion": "true = motion seen",
    "occupancy": "true = occupied",
    "bed_occupancy": "true = in bed",
    "opening": "true = open",
    "vibration": "true = vibrating",
    "tamper": "true = opened or removed",
    "battery_low": "true = low",
    "online": "true = reachable",
}
DIAGNOSTIC = {"link_quality", "rssi", "device_temperature", "battery_voltage"}


def comment(m: dict[str, Any]) -> str:
    """Unit and polarity, as the comment behind a member."""
    if m["type"] == "bool":
        return PRESENT[m["name"]]
    if m["unit"]:
        return f"{m['unit']}"
    return (
        "one of the device's words" if m["name"] == "button" else "one of " + ", ".join(m["values"])
    )


def spec(m: dict[str, Any]) -> str:
    """The row of the table."""
    parts = [f"Kind.{m['kind'].upper()}", repr(m["type"]).replace("'", '"')]
    for key, name in (("unit", "unit"), ("ha", "ha"), ("loinc", "loinc")):
        if m.get(key):
            parts.append(f'{name}="{m[key]}"')
    if m.get("priority") == "alarm":
        parts.append("is_alarm=True")
    if m["name"] in DIAGNOSTIC:
        parts.append("is_diagnostic=True")
    if m.get("range"):
        parts.append(f"range=({m['range'][0]}, {m['range'][1]})")
    if m.get("values"):
        parts.append(
            "values=("
            + ", ".join(f'"{v}"' for v in m["values"])
            + ("," if len(m["values"]) == 1 else "")
            + ")"
        )
    return f"    Measurement.{m['name'].upper()}: Spec({', '.join(parts)}),"


def main() -> None:
    """Read the file named on the command line, write the module."""
    measurements = json.loads(pathlib.Path(sys.argv[1]).read_text("utf-8"))["measurements"]
    lines = [f'    {m["name"].upper()} = "{m["name"]}"  # {comment(m)}' for m in measurements]
    table = [spec(m) for m in measurements]
    text = (
        HEAD
        + "\n".join(lines)
        + "\n\n\nSPECS: Final[Mapping[Measurement, Spec]] = {\n"
        + "\n".join(table)
        + "\n}\n"
    )
    target = pathlib.Path(__file__).parent.parent / "contract" / "vocabulary.py"
    target.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
