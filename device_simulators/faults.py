"""What devices do wrong: silent, empty, flapping, stuck, dated by a wrong clock. Pure.

A fault holds for a local day. The rates a device and year are ours, high enough to be met.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any, Final, Literal, NamedTuple

from device_simulators.models import Fields

Fault = Literal["silent", "battery_low", "flapping", "stuck", "clock_wrong"]
A_YEAR: Final[Mapping[Fault, float]] = {
    "silent": 0.5,
    "battery_low": 0.4,
    "flapping": 0.1,
    "stuck": 0.1,
    "clock_wrong": 0.1,
}
EMPTY_PERCENT: Final = 4
FLAPS: Final = 6
FLAP_MS: Final = 4_000
SLOW_MS: Final = 26 * 3_600_000
ABOUT_ITSELF: Final = {"linkquality", "battery", "battery_low", "action", "sos"}


class Said(NamedTuple):
    """A device says something. at_ms: Unix epoch."""

    at_ms: int
    fields: Fields


def by_chance(dice: Random, a_year: Mapping[Fault, float]) -> Fault | None:
    """What a device suffers on one day; seldom anything."""
    throw = dice.random() * 365
    for fault, rate in a_year.items():
        throw -= rate
        if throw < 0:
            return fault
    return None


def with_fault(fault: Fault | None, said: Sequence[Said]) -> list[Said]:
    """What comes through of a device's day."""
    if fault == "silent":
        return []
    if fault == "flapping":
        return [flap for one in said for flap in _flapped(one)]
    if fault == "stuck":
        return _stuck(said)
    if fault == "battery_low":
        return [Said(one.at_ms, one.fields | _empty(one.fields)) for one in _plain(said)]
    if fault == "clock_wrong":
        return [Said(one.at_ms, one.fields | _dated(one.at_ms)) for one in _plain(said)]
    return list(said)


class _Plain(NamedTuple):
    at_ms: int
    fields: dict[str, Any]


def _plain(said: Sequence[Said]) -> list[_Plain]:
    return [_Plain(one.at_ms, dict(one.fields)) for one in said]


def _empty(fields: Fields) -> dict[str, Any]:
    level = {"battery": EMPTY_PERCENT} if "battery" in fields else {}
    return {**level, **({"battery_low": True} if "battery_low" in fields else {})}


def _dated(at_ms: int) -> dict[str, str]:
    """Zigbee2MQTT's `last_seen`, more than a day late."""
    return {"last_seen": datetime.fromtimestamp((at_ms - SLOW_MS) / 1000, UTC).isoformat()}


def _flapped(one: Said) -> list[Said]:
    """A loose contact: every change comes with several that were none."""
    flags = {key: value for key, value in one.fields.items() if isinstance(value, bool)}
    shaking = {key: value for key, value in flags.items() if key not in ABOUT_ITSELF}
    if not shaking:
        return [one]
    turned = {key: not value for key, value in shaking.items()}
    return [one, *(Said(one.at_ms + n * FLAP_MS, shaking if n % 2 == 0 else turned)
                   for n in range(1, FLAPS + 1))]  # fmt: skip


def _stuck(said: Sequence[Said]) -> list[Said]:
    """Every value stays what it was the first time; the device still tells of itself."""
    first: dict[str, Any] = {}
    kept: list[Said] = []
    for one in said:
        for key, value in one.fields.items():
            first.setdefault(key, value)
        about = {key: value for key, value in one.fields.items() if key in ABOUT_ITSELF}
        kept.append(Said(one.at_ms, {**{key: first[key] for key in one.fields}, **about}))
    return kept
