"""Conditions as closures: what is true of a home at an instant. Pure; compiled once a rule.

Three truths: True, False, and None for what nobody can know now. `not` and unknown is unknown;
`or` is true where one part is; `and` is false where one part is.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from cloud.rules import phrases
from cloud.rules.model import (
    Absence,
    AllOf,
    Amount,
    AnyOf,
    Between,
    Condition,
    DeviceState,
    EventIs,
    Given,
    Happening,
    HomeState,
    Lasting,
    ModeIs,
    Not,
    NumberIs,
    Parameter,
    StateIs,
    Truth,
    Witness,
)
from contract.vocabulary import Measurement

SILENT_MS: Final = 26 * 3_600_000  # of a device: then what it said last is no knowledge any more
LINK_MS: Final = 30 * 60_000  # of a gateway: then nobody could have heard that somebody is up
LOOK_AGAIN_MS: Final = 5 * 60_000  # at what cannot be known now
LOCAL: Final = timedelta(hours=8)  # Beijing time, without daylight saving since 1991
DAY_MIN: Final = 24 * 60


class Look:
    """One look of one rule at its home. It collects who speaks for the truth, and when the next
    look is due. since: of the rule's state, changed in place."""

    __slots__ = (
        "at_ms",
        "due_ms",
        "home",
        "is_event",
        "missing",
        "now_ms",
        "pulse",
        "seen",
        "since",
    )

    def __init__(
        self,
        home: HomeState,
        now_ms: int,
        at_ms: int,
        since: dict[str, int],
        pulse: Happening | None,
    ) -> None:
        self.home, self.since, self.pulse = home, since, pulse
        self.now_ms, self.at_ms = now_ms, at_ms
        self.is_event = False
        self.missing = 0  # conditions that no device of this home can tell anything of
        self.seen: list[Witness] = []
        self.due_ms: int | None = None

    def again_at(self, due_ms: int) -> None:
        """Not later than then; the past needs no look."""
        if due_ms > self.now_ms and (self.due_ms is None or due_ms < self.due_ms):
            self.due_ms = due_ms


Test = Callable[[Look], Truth]
_EVER: Final[Mapping[str, Callable[[HomeState], int]]] = {
    "activity": lambda home: home.activity_ms,
    "movement": lambda home: home.movement_ms,
    "device test": lambda home: home.test_ms,
    phrases.OF_GATEWAY: lambda home: home.link_ms,
}


class Compiler:
    """Turns the conditions of one rule into tests. Its `for`s are numbered in order."""

    def __init__(self, parameters: Mapping[str, Parameter]) -> None:
        self._parameters = parameters
        self._numbers = 0

    def test(self, condition: Condition) -> Test:
        """The condition as a function of a look."""
        match condition:
            case EventIs(phrase):
                return _event(phrase)
            case StateIs(phrase, room):
                return _state(phrase, room)
            case NumberIs(phrase, is_above, limit):
                return _number(phrases.NUMBERS[phrase], is_above, self._amount(limit).value)
            case Lasting(what, span):
                self._numbers += 1
                return _lasting(self.test(what), str(self._numbers), self._amount(span).ms)
            case Absence(phrase, span, since_door):
                return _absence(phrase, self._amount(span).ms, since_door)
            case Between(from_min, to_min):
                return _between(from_min, to_min)
            case ModeIs(phrase):
                return lambda look: phrase in look.home.modes
            case _:
                return self._joined(condition)

    def _joined(self, condition: Not | AllOf | AnyOf) -> Test:
        match condition:
            case Not(what):
                inner = self.test(what)
                return lambda look: _negated(inner, look)
            case AllOf(parts):
                tests = [self.test(part) for part in parts]
                return lambda look: _all([test(look) for test in tests])
            case AnyOf(parts):
                tests = [self.test(part) for part in parts]
                return lambda look: _any(tests, look)

    def _amount(self, amount: Amount | Given) -> Amount:
        return self._parameters[amount.name].default if isinstance(amount, Given) else amount


def _all(truths: list[Truth]) -> Truth:
    if False in truths:
        return False
    return None if None in truths else True


def _any(tests: list[Test], look: Look) -> Truth:
    """A part that does not apply to this home says nothing, unless none applies."""
    truths: list[Truth] = []
    for test in tests:
        before = look.missing
        truth = test(look)
        if truth is not None or look.missing == before:
            truths.append(truth)
    if True in truths:
        return True
    return None if None in truths or not truths else False


def _negated(inner: Test, look: Look) -> Truth:
    before = len(look.seen)
    truth = inner(look)
    del look.seen[before:]  # who speaks for the opposite does not speak for this
    return None if truth is None else not truth


def _event(phrase: str) -> Test:
    event = phrases.EVENTS[phrase]

    def test(look: Look) -> Truth:
        pulse = look.pulse
        if (
            pulse is None
            or pulse.measurement not in event.measurements
            or pulse.quality is not event.quality
            or pulse.value is False
        ):
            return False
        look.is_event = True
        look.seen.append(Witness(pulse.device, pulse.measurement.value, pulse.value, pulse.at_ms))
        return True

    return test


def _state(phrase: str, room: str) -> Test:
    state = phrases.STATES[phrase]
    return _of_devices(state.measurement, room, lambda value: value is state.value)


def _number(measurement: Measurement, is_above: bool, limit: float) -> Test:
    def holds(value: Any) -> bool:
        return float(value) > limit if is_above else float(value) < limit

    return _of_devices(measurement, "", holds)


def _of_devices(measurement: Measurement, room: str, holds: Callable[[Any], bool]) -> Test:
    name = measurement.value

    def test(look: Look) -> Truth:
        told: list[Truth] = []
        for uid, device in look.home.devices.items():
            level = device.levels.get(name)
            if level is None or (room and device.room != room):
                continue
            if measurement is not Measurement.ONLINE and not _is_heard(device, look):
                told.append(None)
            elif holds(level.value):
                look.seen.append(Witness(uid, name, level.value, level.at_ms))
                told.append(True)
            else:
                told.append(False)
        if not told:
            look.missing += 1
            return None
        return True if True in told else None if None in told else False

    return test


def _is_heard(device: DeviceState, look: Look) -> bool:
    online = device.levels.get(Measurement.ONLINE.value)
    is_offline = online is not None and online.value is False
    return not is_offline and look.now_ms - device.heard_ms < SILENT_MS


def _lasting(inner: Test, number: str, span_ms: int) -> Test:
    def test(look: Look) -> Truth:
        truth = inner(look)
        if truth is False:
            look.since.pop(number, None)
        elif truth is True:
            due_ms = look.since.setdefault(number, look.at_ms) + span_ms
            if look.now_ms < due_ms:
                look.again_at(due_ms)
                return False
            look.at_ms = max(look.at_ms, due_ms)  # a late fact completes a window in its past
        return truth

    return test


def _absence(phrase: str, span_ms: int, since_door: bool) -> Test:
    if phrase == "reading of any device":
        return _silent_device(span_ms)

    def test(look: Look) -> Truth:
        home = look.home
        last_ms = max(_EVER[phrase](home), home.begin_ms)
        if since_door:
            if not home.door_ms or home.movement_ms > home.door_ms:
                return False
            last_ms = home.door_ms
        due_ms = last_ms + span_ms
        if look.now_ms < due_ms:
            look.again_at(due_ms)
            return False
        if phrase in ("activity", "movement") and not _would_be_seen(look):
            look.again_at(look.now_ms + LOOK_AGAIN_MS)
            return None
        look.seen.append(Witness("", phrase, None, last_ms))
        return True

    return test


def _would_be_seen(look: Look) -> bool:
    """Whether somebody who moves would be heard of: a sensor is there, and so is its way here."""
    if look.now_ms - look.home.link_ms >= LINK_MS:
        return False
    return any(
        not phrases.MOVEMENT.isdisjoint(device.levels) and _is_heard(device, look)
        for device in look.home.devices.values()
    )


def _silent_device(span_ms: int) -> Test:
    def test(look: Look) -> Truth:
        truth: Truth = False
        for uid, device in look.home.devices.items():
            due_ms = device.heard_ms + span_ms
            if look.now_ms < due_ms:
                look.again_at(due_ms)
            elif look.now_ms - look.home.link_ms >= LINK_MS:  # the gateway's rule speaks of that
                look.again_at(look.now_ms + LOOK_AGAIN_MS)
                truth = None if truth is False else truth
            else:
                look.seen.append(Witness(uid, "silence", None, device.heard_ms))
                truth = True
        return truth

    return test


def _between(from_min: int, to_min: int) -> Test:
    def test(look: Look) -> Truth:
        local = datetime.fromtimestamp(look.now_ms / 1000, UTC) + LOCAL
        now_min = local.hour * 60 + local.minute
        is_in = (now_min - from_min) % DAY_MIN < (to_min - from_min) % DAY_MIN
        edge_min = (to_min if is_in else from_min) - now_min
        look.again_at(look.now_ms - look.now_ms % 60_000 + (edge_min % DAY_MIN or DAY_MIN) * 60_000)
        return is_in

    return test


class Needs(NamedTuple):
    """What a condition asks for: readings and modes that may change its truth."""

    measurements: frozenset[Measurement] = frozenset()
    ends: frozenset[Measurement] = frozenset()  # may only end what stands: of absences
    modes: frozenset[str] = frozenset()
    is_gateway: bool = False


NOTHING: Final = Needs()


def needs_of(condition: Condition) -> Needs:
    """Of the whole tree."""
    match condition:
        case Lasting(what) | Not(what):
            return needs_of(what)
        case AllOf(parts) | AnyOf(parts):
            return joined([needs_of(part) for part in parts])
        case _:
            return _needs_of_leaf(condition)


def _needs_of_leaf(
    condition: EventIs | StateIs | NumberIs | Absence | Between | ModeIs,
) -> Needs:
    match condition:
        case EventIs(phrase):
            return NOTHING._replace(measurements=frozenset(phrases.EVENTS[phrase].measurements))
        case StateIs(phrase):
            return NOTHING._replace(measurements=frozenset({phrases.STATES[phrase].measurement}))
        case NumberIs(phrase):
            return NOTHING._replace(measurements=frozenset({phrases.NUMBERS[phrase]}))
        case Absence(phrase, _, since_door):
            return Needs(
                frozenset({Measurement.OPENING} if since_door else ()),
                phrases.measurements_of(phrase),
                is_gateway=phrase == phrases.OF_GATEWAY,
            )
        case Between():
            return NOTHING
        case ModeIs(phrase):
            return NOTHING._replace(modes=frozenset({phrase}))


def joined(parts: Sequence[Needs]) -> Needs:
    """What all of them ask for together."""
    return Needs(
        frozenset[Measurement]().union(*(each.measurements for each in parts)),
        frozenset[Measurement]().union(*(each.ends for each in parts)),
        frozenset[str]().union(*(each.modes for each in parts)),
        any(each.is_gateway for each in parts),
    )
