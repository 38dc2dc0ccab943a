"""Daily life of the virtual homes: a function of seed, home and day, kept for the days in use.

The order of a day: people move through rooms (routine), something may befall them (emergencies),
sensors see it (sensing), some sensors are broken (faults). No clock: any day, in any order.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any, Final, NamedTuple

from device_simulators import emergencies, faults, sensing
from device_simulators.emergencies import DAY_MS, Emergency, What
from device_simulators.faults import Fault, Said
from device_simulators.floor import FLOORS, Room
from device_simulators.models import MODELS, Fields
from device_simulators.plan import Device, Home
from device_simulators.routine import Stay, day_of, person
from device_simulators.zigbee2mqtt import initial_state

LOCAL_OFFSET_MS: Final = 8 * 3_600_000  # China has one time zone
EPOCH_WEEKDAY: Final = 3  # 1 January 1970 was a Thursday
DAYS_KEPT: Final = 4
OVERRUN_MS: Final = 3_600_000  # what begins before midnight is over by then
SHORTEST_HORIZON_MS: Final = 600_000
BATTERY_DAYS: Final = 5  # for one per cent


class Happening(NamedTuple):
    """A device says something by itself."""

    at_ms: int
    device: Device
    fields: Fields


class Rates(NamedTuple):
    """How often things go wrong, a home or a device and year."""

    emergencies: Mapping[What, float] = emergencies.A_YEAR
    faults: Mapping[Fault, float] = faults.A_YEAR


CALM: Final = Rates({}, {})


class HomeDay(NamedTuple):
    """What went on in a home on one day. came: what befell it; faults: by device key."""

    people: tuple[tuple[Stay, ...], ...]
    seen: Mapping[Room, Sequence[int]]
    came: tuple[Emergency, ...]
    faults: Mapping[str, Fault]
    said: tuple[Happening, ...]


class Life:
    """The days of some homes. Not for several threads at once."""

    def __init__(self, homes: Sequence[Home], seed: int, rates: Rates = Rates()) -> None:  # noqa: B008 - it is a constant
        self._homes, self._seed, self._rates = homes, seed, rates
        self._ordered: dict[tuple[str, int], tuple[Emergency, ...]] = {}
        self._days: dict[int, dict[str, HomeDay]] = {}
        self._told: dict[int, list[Happening]] = {}

    def between(self, after_ms: int, until_ms: int) -> list[Happening]:
        """What all devices say in (after_ms, until_ms], in order."""
        return [
            one
            for day in range(_day(after_ms - OVERRUN_MS), _day(until_ms) + 1)
            for one in self._part(day, after_ms, until_ms)
        ]

    def next_due_ms(self, after_ms: int) -> int:
        """When the next device says something; at the latest ten minutes on."""
        horizon_ms = after_ms + SHORTEST_HORIZON_MS
        coming = self.between(after_ms, horizon_ms)
        return min((one.at_ms for one in coming), default=horizon_ms)

    def befall(self, home: Home, what: What, at_ms: int) -> None:
        """It happens now; the rest of that day follows from it. Who is to stay in bed does so
        tomorrow."""
        day = _day(at_ms) + (what == "stays_in_bed")
        dice = _dice(self._seed, home.id, at_ms, what)
        came = emergencies.emergency(what, at_ms - _midnight_ms(day), dice)
        key = (home.id, day)
        self._ordered[key] = (*self._ordered.get(key, ()), came)
        self._days.get(day, {}).pop(home.id, None)
        self._told.pop(day, None)

    def home_day(self, home: Home, day: int) -> HomeDay:
        """One home's day. day: since 1970, in local time."""
        kept = self._days.setdefault(day, {})
        if home.id not in kept:
            ordered = self._ordered.get((home.id, day), ())
            kept[home.id] = live(home, day, self._seed, self._rates, ordered)
        return kept[home.id]

    def _part(self, day: int, after_ms: int, until_ms: int) -> list[Happening]:
        told = self._all(day)
        begin = bisect_right(told, after_ms, key=_at)
        return told[begin : bisect_right(told, until_ms, key=_at)]

    def _all(self, day: int) -> list[Happening]:
        if day not in self._told:
            told = [one for home in self._homes for one in self.home_day(home, day).said]
            self._told[day] = sorted(told, key=_at)
            for old in sorted(self._days)[:-DAYS_KEPT]:
                del self._days[old]
                self._told.pop(old, None)
        return self._told[day]


def live(
    home: Home, day: int, seed: int, rates: Rates, ordered: Sequence[Emergency] = ()
) -> HomeDay:
    """One day of one home, by the dice of seed, home and day alone."""
    floor = _dice(seed, home.id, "floor").randrange(len(FLOORS))
    dice = _dice(seed, home.id, day)
    came = tuple(emergencies.by_chance(_dice(seed, home.id, day, "came"), rates.emergencies))
    came += tuple(ordered)
    people = [
        day_of(
            person(_dice(seed, home.id, number)),
            (day + EPOCH_WEEKDAY) % 7,
            _dice(seed, home.id, number, day),
        )
        for number in range(len(home.residents))
    ]
    for each in came:
        people[0] = emergencies.lived(people[0], each)
    seen = sensing.sightings(people, floor, dice)
    broken: dict[str, Fault] = {}
    told: list[Happening] = []
    for device in home.devices:
        fault = faults.by_chance(_dice(seed, device.ieee, day, "fault"), rates.faults)
        if fault is not None:
            broken[device.key] = fault
        said = _said(device, day, people, seen, _dice(seed, device.ieee, day))
        level = battery_percent(device, seed, _midnight_ms(day))
        full = [Said(at_ms, with_battery(device, level, fields)) for at_ms, fields in said]
        told += (Happening(at, device, fields) for at, fields in faults.with_fault(fault, full))
    for each in came:
        called = emergencies.said(home, each, _dice(seed, home.id, day, each.at_ms))
        told += (Happening(_midnight_ms(day) + at, device, says) for at, device, says in called)
    return HomeDay(tuple(map(tuple, people)), seen, came, broken, tuple(sorted(told, key=_at)))


def _said(
    device: Device,
    day: int,
    people: Sequence[Sequence[Stay]],
    seen: Mapping[Room, Sequence[int]],
    dice: Random,
) -> list[Said]:
    begin_ms = _midnight_ms(day)
    return [
        Said(begin_ms + at_ms, {**fields, "linkquality": _link(dice)})
        for at_ms, fields in _of_kind(device, people, seen, dice)
    ]


def _of_kind(
    device: Device,
    people: Sequence[Sequence[Stay]],
    seen: Mapping[Room, Sequence[int]],
    dice: Random,
) -> Iterator[sensing.Said]:
    match device.kind:
        case "motion":
            return sensing.motion(seen.get(device.room, ()), dice)  # type: ignore[call-overload]
        case "door":
            return sensing.door(people, dice)
        case "bed":
            return sensing.bed(people[0], dice)
        case "plug":
            return sensing.kettle(people, dice)
        case "climate":
            return sensing.air(dice)
        case _:
            return sensing.sign_of_life(dice)


def first_state(device: Device, seed: int, at_ms: int) -> dict[str, Any]:
    """What the bridge's cache holds of a device when it starts."""
    return dict(with_battery(device, battery_percent(device, seed, at_ms), initial_state(device)))


def battery_percent(device: Device, seed: int, at_ms: int) -> int:
    """Falls by one in five days, from a level of the device's own, until it is changed."""
    fresh = _dice(seed, device.ieee, "battery").randrange(70, 101)
    return max(15, fresh - (at_ms // (BATTERY_DAYS * DAY_MS)) % 40)


def with_battery(device: Device, level: int, fields: Fields) -> Fields:
    """Also what is left in it; a device on the mains, or that only tells low or not, has none."""
    return {**fields, "battery": level} if "battery" in MODELS[device.model].initial else fields


def _day(at_ms: int) -> int:
    return (at_ms + LOCAL_OFFSET_MS) // DAY_MS


def _midnight_ms(day: int) -> int:
    return day * DAY_MS - LOCAL_OFFSET_MS


def _at(one: Happening) -> int:
    return one.at_ms


def _dice(*names: object) -> Random:
    return Random("/".join(map(str, names)))  # noqa: S311 - dice, no keys


def _link(dice: Random) -> int:
    return min(255, max(20, round(dice.gauss(120, 30))))
