"""An ordinary day of the virtual homes, as a pure function of seed and time.

Each device's time is cut into slots; a slot's own dice say whether something happens in it, when,
and with which values. So any stretch of time can be asked for, in any order, without memory.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any, Final, NamedTuple

from device_simulators.models import MODELS, Fields
from device_simulators.plan import Device
from device_simulators.zigbee2mqtt import initial_state

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
LOCAL_OFFSET_MS: Final = 8 * HOUR_MS  # China has one time zone
OCCUPIED_MS: Final = 90_000  # the motion sensor's own silence after a sighting
SHORTEST_HORIZON_MS: Final = 10 * MINUTE_MS


class Happening(NamedTuple):
    """A device says something by itself."""

    at_ms: int
    device: Device
    fields: Fields


Said = Iterator[tuple[int, Fields]]  # milliseconds after the slot's begin, what is said


class Habit(NamedTuple):
    """How a kind of device lives: dice thrown once a slot. What is said comes within two slots."""

    slot_ms: int
    say: Callable[[Random, float], Said]  # dice of the slot, local hour


def _move(dice: Random, hour: float) -> Said:
    """Up and about by day, to the toilet at night."""
    chance = 0.55 if 6.5 <= hour < 22 else 0.06
    if dice.random() < chance:
        at = dice.randrange(8 * MINUTE_MS)
        lux = max(0, round(180 * _daylight(hour) + dice.gauss(8, 4)))
        yield at, {"occupancy": True, "illuminance": lux, **_link(dice)}
        yield at + OCCUPIED_MS, {"occupancy": False}


def _go_out(dice: Random, hour: float) -> Said:
    """The front door opens and closes, now and then, by day."""
    if 7 <= hour < 20 and dice.random() < 0.2:
        at = dice.randrange(50 * MINUTE_MS)
        yield at, {"contact": False, **_link(dice)}
        yield at + dice.randrange(8_000, 60_000), {"contact": True}


def _measure(dice: Random, hour: float) -> Said:
    """The air of the room, every ten minutes."""
    warm = 24.5 + 2.2 * _daylight(hour) + dice.gauss(0, 0.15)
    humid = 62 - 6 * _daylight(hour) + dice.gauss(0, 0.8)
    yield (
        dice.randrange(10 * MINUTE_MS),
        {
            "temperature": round(warm, 2),
            "humidity": round(humid, 2),
            "pressure": round(1008 + dice.gauss(0, 0.6), 1),
            **_link(dice),
        },
    )


def _still_there(dice: Random, _hour: float) -> Said:
    """A sign of life of what has nothing to tell, every four hours."""
    yield dice.randrange(4 * HOUR_MS), _link(dice)


QUIET: Final = Habit(4 * HOUR_MS, _still_there)
HABITS: Final[Mapping[str, Habit]] = {
    "motion": Habit(10 * MINUTE_MS, _move),
    "door": Habit(HOUR_MS, _go_out),
    "climate": Habit(10 * MINUTE_MS, _measure),
    "sos-bath": QUIET,
    "sos-bed": QUIET,
    "pendant": QUIET,
    "gas": QUIET,
    "smoke": QUIET,
    "leak": QUIET,
    "fall": QUIET,
}


def happenings(device: Device, seed: int, after_ms: int, until_ms: int) -> list[Happening]:
    """What the device says in (after_ms, until_ms], in order."""
    habit = HABITS.get(device.kind)
    if habit is None or until_ms <= after_ms:
        return []
    first, last = after_ms // habit.slot_ms - 1, until_ms // habit.slot_ms
    said = (
        Happening(begin_ms + offset_ms, device, _with_battery(device, seed, begin_ms, fields))
        for begin_ms in range(first * habit.slot_ms, last * habit.slot_ms + 1, habit.slot_ms)
        for offset_ms, fields in habit.say(
            _dice(f"{seed}/{device.ieee}/{begin_ms}"), _local_hour(begin_ms)
        )
    )
    wanted = (one for one in said if after_ms < one.at_ms <= until_ms)
    return sorted(wanted, key=lambda one: one.at_ms)


def first_state(device: Device, seed: int, at_ms: int) -> dict[str, Any]:
    """What the bridge's cache holds of a device when it starts."""
    return dict(_with_battery(device, seed, at_ms, initial_state(device)))


def next_due_ms(devices: list[Device], seed: int, after_ms: int) -> int:
    """When the next of these devices says something; at the latest ten minutes on."""
    horizon_ms = after_ms + SHORTEST_HORIZON_MS
    due = (
        one.at_ms
        for device in devices
        for one in happenings(device, seed, after_ms, horizon_ms)[:1]
    )
    return min(due, default=horizon_ms)


def battery_percent(device: Device, seed: int, at_ms: int) -> int:
    """Falls by one in five days, from a level of the device's own."""
    fresh = _dice(f"{seed}/{device.ieee}/battery").randrange(70, 101)
    return max(15, fresh - (at_ms // (5 * 24 * HOUR_MS)) % 40)


def _dice(seed: str) -> Random:
    return Random(seed)  # noqa: S311 - dice, no keys


def _with_battery(device: Device, seed: int, at_ms: int, fields: Fields) -> Fields:
    if "battery" not in MODELS[device.model].initial:  # on mains, or tells only low or not
        return fields
    return {**fields, "battery": battery_percent(device, seed, at_ms)}


def _link(dice: Random) -> dict[str, int]:
    return {"linkquality": min(255, max(20, round(dice.gauss(120, 30))))}


def _daylight(hour: float) -> float:
    """0 at night to 1 in the early afternoon."""
    return max(0.0, math.sin((hour - 6) / 13 * math.pi)) if 6 <= hour <= 19 else 0.0


def _local_hour(at_ms: int) -> float:
    return (at_ms + LOCAL_OFFSET_MS) % (24 * HOUR_MS) / HOUR_MS
