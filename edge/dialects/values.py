"""Raw values of devices' messages as words, numbers and instants. Knows no convention."""

import math
import re
from datetime import datetime
from typing import Final

import msgspec

NOT_JSON: Final = object()  # what `parsed` gives for bytes that are no JSON text
ON: Final = frozenset({"true", "on"})
OFF: Final = frozenset({"false", "off"})
_NUMBER: Final = re.compile(r"[-+]?\d{1,18}(\.\d{1,18})?", re.ASCII)
CLOCK_SET_S: Final = 1_000_000_000  # 2001: before it, a clock counts from its own start
CLOCK_S_MAX: Final = 2**33
_MILLIS_MAX: Final = 2**53 - 1  # contract.messages.Millis


def parsed(payload: bytes) -> object:
    """The JSON value, without NaN and Infinity; NOT_JSON for anything else."""
    try:
        return msgspec.json.decode(payload)
    except (ValueError, RecursionError):  # ValueError: msgspec's own, and bad UTF-8
        return NOT_JSON


def text_of(payload: bytes) -> str | None:
    """The bytes as text, None where they are none."""
    try:
        return payload.decode()
    except UnicodeDecodeError:
        return None


def spoken(raw: object) -> str | None:
    """A value as one lower-case word: True is `true`, "ON" is `on`, 1 and 1.0 are `1`; None for
    the rest."""
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, str):
        return raw.strip().casefold()
    if isinstance(raw, float) and raw.is_integer() and abs(raw) <= _MILLIS_MAX:
        return str(int(raw))
    return str(raw) if isinstance(raw, int) else None


def number(raw: object) -> float | None:
    """A finite number, also from a text such as "80.00", as old Zigbee2MQTT sent the battery."""
    if isinstance(raw, str):
        return float(raw) if _NUMBER.fullmatch(raw) else None
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return None
    is_safe = -_MILLIS_MAX <= raw <= _MILLIS_MAX if isinstance(raw, int) else math.isfinite(raw)
    return raw if is_safe else None


def epoch_ms(raw: object) -> int | None:
    """Unix milliseconds from Unix seconds; None for the clock of a device that has not been set."""
    seconds = number(raw)
    return (
        None
        if seconds is None or not CLOCK_SET_S <= seconds <= CLOCK_S_MAX
        else int(seconds * 1000)
    )


def instant_ms(raw: object) -> int | None:
    """Unix milliseconds from such a number or from ISO 8601 with an offset; without one: None."""
    if isinstance(raw, str):
        try:
            at = datetime.fromisoformat(raw)
            ms = None if at.tzinfo is None else int(at.timestamp() * 1000)
        except (ValueError, OverflowError):
            return None
    else:
        value = number(raw)
        ms = None if value is None else int(value)
    return ms if ms is not None and 0 <= ms <= _MILLIS_MAX else None
