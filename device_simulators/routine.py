"""How a person spends a day: who does what in which room, from midnight to midnight. Pure.

Each day begins and ends in bed, so that any day can be asked for without the one before. The
figures are chosen so that the sensors' record is near that of real homes; docs/town.md has both.
"""

import math
from collections.abc import Iterator
from random import Random
from typing import Final, Literal, NamedTuple

from device_simulators.floor import Room

MINUTE_MS: Final = 60_000
DAY_MIN: Final = 24 * 60.0
Doing = Literal[
    "sleep", "nap", "toilet", "wash", "cook", "eat", "drink", "tidy", "sit", "out", "host", "lie"
]
PLACES: Final[dict[Doing, Room]] = {
    "sleep": "bedroom",
    "nap": "bedroom",
    "toilet": "bathroom",
    "wash": "bathroom",
    "cook": "kitchen",
    "eat": "living",
    "drink": "kitchen",
    "sit": "living",
    "out": "out",
    "host": "living",
}
TIDIED: Final[tuple[Room, ...]] = ("bedroom", "living", "kitchen", "bathroom")


class Person(NamedTuple):
    """Habits. Hours of the day, chances a day, minutes between two visits to the toilet."""

    wake_h: float
    bed_h: float
    night_toilets: float
    toilet_every_min: float
    cooks: float
    naps: float
    goes_out: float
    hosts: float
    sits_min: float


class Stay(NamedTuple):
    """Somebody is in a room and does one thing. Milliseconds after midnight."""

    begin_ms: int
    end_ms: int
    room: Room
    doing: Doing


def person(dice: Random) -> Person:
    """Whose dice these are; the spread is from person to person."""
    return Person(
        wake_h=_within(dice.gauss(6.3, 0.7), 4.5, 8.5),
        bed_h=_within(dice.gauss(21.7, 0.6), 20, 23.3),
        night_toilets=dice.uniform(0.1, 1.1),
        toilet_every_min=dice.uniform(110, 240),
        cooks=dice.uniform(0.6, 1),
        naps=dice.uniform(0.2, 0.9),
        goes_out=dice.uniform(0.5, 0.95),
        hosts=dice.uniform(0.03, 0.25),
        sits_min=dice.uniform(8, 17),
    )


def day_of(who: Person, weekday: int, dice: Random) -> list[Stay]:
    """One day, without a gap. weekday: Monday is 0; at week-ends there is less shopping and more
    visitors."""
    wake = _within(dice.gauss(who.wake_h, 0.4), 4, 9.5) * 60
    bed = _within(dice.gauss(who.bed_h, 0.4), 19.5, 23.6) * 60
    return _joined([*_night(who, 0, wake, dice), *_waking(who, weekday, wake, bed, dice),
                    *_night(who, bed, DAY_MIN, dice)])  # fmt: skip


class _Do(NamedTuple):
    minutes: float
    doing: Doing
    room: Room


def _night(who: Person, begin: float, end: float, dice: Random) -> Iterator[_Do]:
    """Asleep, but for the visits to the toilet."""
    share = who.night_toilets * (end - begin) / (8 * 60)
    whole = int(share) + (dice.random() < share % 1)
    ups = sorted(
        dice.uniform(begin + 20, end - 20) for _ in range(whole if end > begin + 60 else 0)
    )
    at = begin
    for up in ups:
        if up > at:
            yield _do("sleep", up - at)
            visit = _do("toilet", _long(dice, 2.4, 0.45))
            yield visit
            at = up + visit.minutes
    yield _do("sleep", max(0.0, end - at))


def _waking(who: Person, weekday: int, wake: float, bed: float, dice: Random) -> Iterator[_Do]:
    """From getting up to lying down: three meals and what fills the time between them."""
    weekend = weekday >= 5
    at, toilet_at = wake, wake + who.toilet_every_min
    for one in (_do("toilet", _long(dice, 2.4, 0.45)), _do("wash", _long(dice, 4.8, 0.4))):
        yield one
        at += one.minutes
    for begin, minutes, extra in (
        (wake + 25, 10.0, "morning"),
        (dice.gauss(11.6, 0.3) * 60, 22.0, "midday"),
        (dice.gauss(17.7, 0.35) * 60, 24.0, "evening"),
    ):
        for one in _fill(who, at, min(begin, bed - 40), toilet_at, dice):
            yield one
            at += one.minutes
            toilet_at = at + who.toilet_every_min if one.doing == "toilet" else toilet_at
        for one in (*_meal(who, minutes, dice), *_after(who, extra, weekend, dice)):
            yield one
            at += one.minutes
    yield from _fill(who, at, bed - 6, toilet_at, dice)
    yield _do("wash", 6.0)


def _meal(who: Person, minutes: float, dice: Random) -> Iterator[_Do]:
    if dice.random() < who.cooks:
        yield _do("cook", _long(dice, minutes, 0.3))
    yield _do("eat", _long(dice, 17, 0.3))
    yield _do("cook", _long(dice, 3, 0.4))  # the dishes


def _after(who: Person, part: str, weekend: bool, dice: Random) -> Iterator[_Do]:
    """What follows a meal: errands, the nap, a walk, a visit."""
    out = who.goes_out * {"morning": 0.6 if weekend else 1.0, "midday": 0.45, "evening": 0.4}[part]
    if part == "midday" and dice.random() < who.naps:
        yield _do("nap", _long(dice, 55, 0.4))
    if dice.random() < out:
        yield _do("out", _long(dice, 55, 0.6))
    elif part != "evening" and dice.random() < who.hosts * (2 if weekend else 1):
        yield _do("host", _long(dice, 50, 0.4))


def _fill(who: Person, at: float, end: float, toilet_at: float, dice: Random) -> Iterator[_Do]:
    """Free time, until nearly `end`."""
    while at < end - 0.5:
        if at >= toilet_at:
            one = _do("toilet", _long(dice, 2.4, 0.45))
            toilet_at = at + who.toilet_every_min * dice.uniform(0.7, 1.3)
        else:
            one = _pastime(who, dice)
        one = one._replace(minutes=min(one.minutes, end - at))
        yield one
        at += one.minutes


def _pastime(who: Person, dice: Random) -> _Do:
    throw = dice.random()
    if throw < 0.42:
        return _do("sit", _long(dice, who.sits_min, 0.7))
    if throw < 0.62:
        return _do("drink", _long(dice, 1.6, 0.4))
    return _Do(_long(dice, 2.2, 0.6), "tidy", dice.choice(TIDIED))


def _do(doing: Doing, minutes: float) -> _Do:
    return _Do(minutes, doing, PLACES[doing])


def _joined(day: list[_Do]) -> list[Stay]:
    """With their times; the last night takes up what earlier things ran over."""
    stays: list[Stay] = []
    at = 0.0
    for number, one in enumerate(day, 1):
        end = DAY_MIN if number == len(day) else min(at + one.minutes, DAY_MIN)
        if end > at:
            stays.append(Stay(round(at * MINUTE_MS), round(end * MINUTE_MS), one.room, one.doing))
        at = end
    return stays


def _long(dice: Random, median_min: float, spread: float) -> float:
    """Durations are skewed: most are short, some very long."""
    return median_min * math.exp(_within(dice.gauss(0, spread), -2 * spread, 2 * spread))


def _within(value: float, least: float, most: float) -> float:
    return min(most, max(least, value))
