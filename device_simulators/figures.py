"""The figures by which a town's days are held against real homes'. Pure.

A sighting is what a motion sensor tells that is blind for a minute after it; the same is made of a
real home's record, whose sensors tell more often.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median
from typing import Any, Final, NamedTuple

from device_simulators.emergencies import DAY_MS
from device_simulators.life import HomeDay
from device_simulators.routine import Stay
from device_simulators.sensing import BLIND_MS

HOUR_MS: Final = 3_600_000
BLOCK_MS: Final = 3 * HOUR_MS
NIGHT_H: Final = (23, 6)


class Sighting(NamedTuple):
    """at_ms: local time since any midnight."""

    at_ms: int
    room: str


class Stretch(NamedTuple):
    """Somebody was at something."""

    begin_ms: int
    end_ms: int


def blind(sightings: Iterable[Sighting]) -> list[Sighting]:
    """In order of time; what each room's sensor would have told."""
    last: dict[str, int] = {}
    seen: list[Sighting] = []
    for one in sorted(sightings):
        if one.at_ms - last.get(one.room, -BLIND_MS - 1) > BLIND_MS:
            last[one.room] = one.at_ms
            seen.append(one)
    return seen


def of_sightings(sightings: Iterable[Sighting], days: Sequence[int]) -> dict[str, Any]:
    """A home's record over these days: medians a day, share of each three hours."""
    seen = blind(sightings)
    wanted = set(days)
    a_day = Counter(one.at_ms // DAY_MS for one in seen)
    moves = Counter(
        after.at_ms // DAY_MS
        for before, after in itertools.pairwise(seen)
        if before.room != after.room
    )
    blocks = Counter(
        one.at_ms % DAY_MS // BLOCK_MS for one in seen if one.at_ms // DAY_MS in wanted
    )
    return {
        "sightings_a_day": median(a_day[day] for day in days),
        "room_changes_a_day": median(moves[day] for day in days),
        "share_by_3_h": [round(blocks[n] / max(1, blocks.total()), 3) for n in range(8)],
    }


def of_stretches(stretches: Sequence[Stretch], days: int) -> dict[str, Any]:
    """Visits to the toilet: how many a day and at night, how long (minutes)."""
    by_night = [one for one in stretches if _is_night(one.begin_ms)]
    lengths = [(one.end_ms - one.begin_ms) / 60_000 for one in stretches]
    return {
        "toilets_a_day": round(len(stretches) / days, 2),
        "toilets_a_night": round(len(by_night) / days, 2),
        "toilet_min": round(median(lengths), 2) if lengths else None,
    }


def of_days(lived: Mapping[int, HomeDay]) -> dict[str, Any]:
    """One virtual home over these days. Its first resident's outings and toilets are counted."""
    stays = [(day, stay) for day, one in lived.items() for stay in one.people[0]]
    sightings = (
        Sighting(day * DAY_MS + at_ms, room)
        for day, one in lived.items()
        for room, times in one.seen.items()
        if room not in ("hall", "out")  # no motion sensor hangs there
        for at_ms in times
    )
    toilets = [_on(day, stay) for day, stay in stays if stay.doing == "toilet"]
    return {
        "people": len(next(iter(lived.values())).people),
        "messages_a_day": median(len(one.said) for one in lived.values()),
        **of_sightings(sightings, list(lived)),
        **of_stretches(toilets, len(lived)),
        "outings_a_day": round(sum(s.doing == "out" for _, s in stays) / len(lived), 2),
    }


def in_all(homes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The median home."""
    names = [name for name, value in homes[0].items() if isinstance(value, int | float)]
    shares = [home["share_by_3_h"] for home in homes]
    return {
        **{name: round(median(home[name] for home in homes), 2) for name in names},
        "share_by_3_h": [round(sum(column) / len(homes), 3) for column in _columns(shares)],
    }


def _columns(rows: Sequence[Sequence[float]]) -> Iterator[tuple[float, ...]]:
    return zip(*rows, strict=True)


def _on(day: int, stay: Stay) -> Stretch:
    return Stretch(day * DAY_MS + stay.begin_ms, day * DAY_MS + stay.end_ms)


def _is_night(at_ms: int) -> bool:
    hour = at_ms % DAY_MS // HOUR_MS
    return hour >= NIGHT_H[0] or hour < NIGHT_H[1]
