"""What goes wrong in a virtual home, seldom by its own dice or at once by command. Pure.

Rates a home and year are ours but for falls: 28 to 35 of 100 people over 64 fall each year (WHO,
Global report on falls prevention in older age, 2007); there may be two in a home.
"""

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Final, Literal, NamedTuple, get_args

from device_simulators.models import MODELS, Fields
from device_simulators.plan import CALLS, Device, Home
from device_simulators.routine import MINUTE_MS, Stay

What = Literal["press", "fall", "gas", "smoke", "leak", "stays_in_bed"]
WHATS: Final[tuple[What, ...]] = get_args(What)
DAY_MS: Final = 24 * 60 * MINUTE_MS
A_YEAR: Final[Mapping[What, float]] = {
    "press": 8.0,
    "fall": 0.5,
    "gas": 0.2,
    "smoke": 0.3,
    "leak": 0.4,
    "stays_in_bed": 0.3,
}
ENDS_AFTER_MS: Final = 15 * MINUTE_MS  # gas, smoke and water are then gone


class Emergency(NamedTuple):
    """at_ms: after midnight. help_ms: how long the person then lies, or stays in bed."""

    what: What
    at_ms: int
    help_ms: int


def by_chance(dice: Random, a_year: Mapping[What, float]) -> Iterator[Emergency]:
    """What befalls a home on one day."""
    for what in WHATS:
        happens, at_ms = dice.random() < a_year.get(what, 0) / 365, dice.randrange(DAY_MS)
        if happens:
            yield emergency(what, at_ms, dice)


def emergency(what: What, at_ms: int, dice: Random) -> Emergency:
    """With how long it lasts. Who does not get up has not got up since midnight."""
    if what == "stays_in_bed":
        return Emergency(what, 0, dice.randrange(14, 18) * 60 * MINUTE_MS)
    return Emergency(what, at_ms, dice.randrange(20, 180) * MINUTE_MS)


def lived(stays: Sequence[Stay], came: Emergency) -> list[Stay]:
    """The person's day after it: lying where the fall was and then in bed, or long in bed."""
    if came.what == "stays_in_bed":
        return _held(stays, came.help_ms)
    if came.what == "fall":
        return _fallen(stays, came)
    return list(stays)


def _held(stays: Sequence[Stay], until_ms: int) -> list[Stay]:
    later = [stay for stay in stays if stay.end_ms > until_ms]
    first = later[0]._replace(begin_ms=min(until_ms, DAY_MS))
    return [Stay(0, first.begin_ms, "bedroom", "sleep"), first, *later[1:]]


def _fallen(stays: Sequence[Stay], came: Emergency) -> list[Stay]:
    before = [stay for stay in stays if stay.end_ms <= came.at_ms]
    here = next(stay for stay in stays if stay.end_ms > came.at_ms)
    if here.room == "out":  # falls in the street are not ours
        return list(stays)
    help_ms = min(DAY_MS, came.at_ms + came.help_ms)
    day = [*before, here._replace(end_ms=came.at_ms), here._replace(
        begin_ms=came.at_ms, end_ms=help_ms, doing="lie"),
        Stay(help_ms, DAY_MS, "bedroom", "sleep")]  # fmt: skip
    return [stay for stay in day if stay.end_ms > stay.begin_ms]


def said(home: Home, came: Emergency, dice: Random) -> Iterator[tuple[int, Device, Fields]]:
    """What the home's devices say of it themselves; nothing where it has none for it.

    A fall is told by a detector if there is one, and by the person two times in three, from the
    button that is worn, some minutes later.
    """
    at_ms = came.at_ms
    if came.what == "press":
        yield from _pressed(dice.choice([one for one in home.devices if one.kind in CALLS]), at_ms)
    elif came.what == "fall":
        for device in _of_kind(home, "fall"):
            yield from _pressed(device, at_ms)
        worn = _of_kind(home, "pendant")
        if worn and dice.random() < 2 / 3:
            yield from _pressed(worn[0], at_ms + dice.randrange(1, 8) * MINUTE_MS)
    elif came.what != "stays_in_bed":
        for device in _of_kind(home, came.what):
            danger = MODELS[device.model].toggles
            if danger is not None:
                yield at_ms, device, {danger: True}
                yield at_ms + ENDS_AFTER_MS, device, {danger: False}


def _of_kind(home: Home, kind: str) -> list[Device]:
    return [device for device in home.devices if device.kind == kind]


def _pressed(device: Device, at_ms: int) -> Iterator[tuple[int, Device, Fields]]:
    model = MODELS[device.model]
    if model.press is not None:
        yield at_ms, device, model.press
        for after in model.after:
            yield at_ms + after.delay_ms, device, after.fields
