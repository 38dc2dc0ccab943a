"""What sensors see of people who move about: sightings, doors, bed, kettle. Pure.

Times are milliseconds after midnight. The motion sensor is blind for a minute after each sighting
and calls the room empty when it has seen nobody for a minute and a half (RTCGQ11LM as Zigbee2MQTT
sets it: occupancy_timeout 90 s).
"""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import Any, Final

from device_simulators.floor import Room, way
from device_simulators.models import Fields
from device_simulators.routine import MINUTE_MS, Doing, Stay

BLIND_MS: Final = 60_000
EMPTY_AFTER_MS: Final = 90_000
STEP_MS: Final = 4_000  # from one room to the next
# Movements a minute that a motion sensor would see, by what somebody does.
STIRS: Final[Mapping[Doing, float]] = {
    "sleep": 0.012,
    "nap": 0.012,
    "toilet": 0.5,
    "wash": 0.8,
    "cook": 0.55,
    "eat": 0.12,
    "drink": 0.6,
    "tidy": 0.5,
    "sit": 0.035,
    "host": 0.3,
    "out": 0.0,
    "lie": 0.0,
}
IN_BED: Final[tuple[Doing, ...]] = ("sleep", "nap")
Walk = tuple[int, Room]
Said = tuple[int, Fields]


def walks(stays: Sequence[Stay], floor: int) -> Iterator[Walk]:
    """Each room that is entered, with the instant."""
    for before, after in itertools.pairwise(stays):
        for number, room in enumerate(way(floor, before.room, after.room)):
            yield after.begin_ms + number * STEP_MS, room


def sightings(people: Sequence[Sequence[Stay]], floor: int, dice: Random) -> dict[Room, list[int]]:
    """When a sensor in each room sees somebody, whoever it is."""
    seen: dict[Room, list[int]] = {}
    for stays in reversed(people):  # the first one's day may be changed: no dice after that
        for at_ms, room in walks(stays, floor):
            seen.setdefault(room, []).append(at_ms)
        for stay in stays:
            stirs = STIRS[stay.doing]
            if stirs:
                seen.setdefault(stay.room, []).extend(_stirred(stay, stirs, dice))
    return {room: _unblinded(sorted(times)) for room, times in seen.items()}


def _stirred(stay: Stay, a_minute: float, dice: Random) -> Iterator[int]:
    at = stay.begin_ms + dice.expovariate(a_minute) * MINUTE_MS
    while at < stay.end_ms:
        yield round(at)
        at += BLIND_MS + dice.expovariate(a_minute) * MINUTE_MS


def _unblinded(times: Iterable[int]) -> list[int]:
    seen: list[int] = []
    for at_ms in times:
        if not seen or at_ms - seen[-1] >= BLIND_MS:
            seen.append(at_ms)
    return seen


def motion(seen: Sequence[int], dice: Random) -> Iterator[Said]:
    """A motion sensor's day: each sighting, and each time that nobody is there any more."""
    for at_ms, following_ms in zip(seen, [*seen[1:], None], strict=True):
        yield at_ms, {"occupancy": True, "illuminance": _lux(at_ms, dice)}
        if following_ms is None or following_ms - at_ms > EMPTY_AFTER_MS:
            yield at_ms + EMPTY_AFTER_MS, {"occupancy": False}


def door(people: Sequence[Sequence[Stay]], dice: Random) -> Iterator[Said]:
    """The front door: on the way out and in, and for visitors. Closed before it opens again."""
    free_ms = 0
    for at_ms in sorted(_passages(people)):
        if at_ms >= free_ms:
            free_ms = at_ms + dice.randrange(6_000, 30_000)
            yield at_ms, {"contact": False}
            yield free_ms, {"contact": True}


def _passages(people: Sequence[Sequence[Stay]]) -> Iterator[int]:
    for stays in people:
        for stay in stays:
            if stay.doing in ("out", "host"):
                yield stay.begin_ms + STEP_MS
                yield stay.end_ms


def bed(stays: Sequence[Stay], dice: Random) -> Iterator[Said]:
    """A radar over the bed: in it, in the room, or nobody; how sleepers breathe, half-hourly."""
    status = "on_the_bed"
    for stay in stays:
        lies = stay.doing in IN_BED
        now = "on_the_bed" if lies else "occupied" if stay.room == "bedroom" else "unoccupied"
        if now != status:
            yield stay.begin_ms, {"status": now}
            status = now
        if lies:
            for at_ms in range(stay.begin_ms + 10 * MINUTE_MS, stay.end_ms, 30 * MINUTE_MS):
                yield at_ms, {"status": now, "breathing_rate": round(dice.gauss(14.5, 1.2))}


def kettle(people: Sequence[Sequence[Stay]], dice: Random) -> Iterator[Said]:
    """The plug of the kettle: it boils when somebody cooks or has something to drink."""
    free_ms = 0
    starts = sorted(
        stay.begin_ms for stays in people for stay in stays if stay.doing in ("cook", "drink")
    )
    for at_ms in starts:
        if at_ms >= free_ms and dice.random() < 0.6:
            free_ms = at_ms + dice.randrange(120, 300) * 1_000
            yield at_ms + 5_000, {"power": round(dice.gauss(1_780, 25))}
            yield free_ms, {"power": 0}


def air(dice: Random) -> Iterator[Said]:
    """Temperature, humidity and pressure, every ten minutes."""
    for begin_ms in range(0, 24 * 60 * MINUTE_MS, 10 * MINUTE_MS):
        light = daylight(begin_ms)
        said: dict[str, Any] = {
            "temperature": round(24.5 + 2.2 * light + dice.gauss(0, 0.15), 2),
            "humidity": round(62 - 6 * light + dice.gauss(0, 0.8), 2),
            "pressure": round(1008 + dice.gauss(0, 0.6), 1),
        }
        yield begin_ms + dice.randrange(10 * MINUTE_MS), said


def sign_of_life(dice: Random) -> Iterator[Said]:
    """What has nothing to tell says every four hours that it is there."""
    for begin_ms in range(0, 24 * 60 * MINUTE_MS, 240 * MINUTE_MS):
        yield begin_ms + dice.randrange(240 * MINUTE_MS), {}


def daylight(at_ms: int) -> float:
    """0 at night to 1 in the early afternoon."""
    hour = at_ms / (60 * MINUTE_MS) % 24
    return max(0.0, math.sin((hour - 6) / 13 * math.pi)) if 6 <= hour <= 19 else 0.0


def _lux(at_ms: int, dice: Random) -> int:
    """Daylight, or a lamp in the evening and at night."""
    light = daylight(at_ms)
    return max(0, round(180 * light + dice.gauss(8, 4) + (35 if light < 0.1 else 0)))
