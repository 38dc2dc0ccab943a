"""Follows the rules of a home: `step(rules, state, happening)` for a fact, `pass_time` for none.
Pure.

Time is an input; nothing here waits: what must be looked at later is the state's `due_ms`. Before a
fact is applied, everything that was due until then is decided, so that it makes no difference when
a timer came or a process was restarted. A rule that fails is left out and reported, its state
unchanged; the others go on. Late facts: docs/decisions/0017.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final, NamedTuple

from msgspec.structs import replace

from cloud.rules import phrases
from cloud.rules.model import (
    Clearing,
    Detection,
    DeviceState,
    Happening,
    HomeState,
    Level,
    Mode,
    ModeChange,
    Rule,
    RuleState,
    Trouble,
    Witness,
)
from cloud.rules.truth import Compiler, Look, Needs, Test, joined, needs_of
from contract.lanes import Quality
from contract.vocabulary import SPECS, Kind, Measurement

LATE_MS_MAX: Final = 3_600_000  # a state or sample that is later is kept, and not evaluated
RETRY_MS: Final = 60_000  # after which a rule that failed is looked at again
TURNS_MAX: Final = 64  # of what is due, at one fact; more is left to the next look
_KEPT: Final = frozenset(
    m for m, spec in SPECS.items() if spec.kind is not Kind.EVENT and not spec.is_diagnostic
)
Outcome = Detection | Clearing | ModeChange


class Step(NamedTuple):
    """The home's state afterwards, what was concluded, what holds no more, which rules failed."""

    state: HomeState
    detections: tuple[Detection, ...]
    troubles: tuple[Trouble, ...]
    clearings: tuple[Clearing, ...] = ()
    modes: tuple[ModeChange, ...] = ()


class Compiled(NamedTuple):
    """A rule with its tests."""

    rule: Rule | Mode
    needs: Needs
    when: Test
    unless: Test | None
    clears: Test | None


class RuleSet:
    """Rules by the measurements that they ask for, so that most facts cost one look-up.

    modes come first: rules see the modes as they are after the fact.
    """

    def __init__(self, rules: Iterable[Rule], modes: Iterable[Mode] = ()) -> None:
        self.rules, self.modes = tuple(rules), tuple(modes)
        both: tuple[Rule | Mode, ...] = (*self.modes, *self.rules)
        every = [compiled(each) for each in both]
        self.every = {each.rule.name: each for each in every}
        self.of_gateway = tuple(each for each in every if each.needs.is_gateway)
        self.of_home = tuple(each for each in every if not each.needs.is_gateway)
        begin: dict[Measurement, list[Compiled]] = defaultdict(list)
        end: dict[Measurement, list[Compiled]] = defaultdict(list)
        for each in self.of_home:
            for measurement in sorted(each.needs.measurements):
                begin[measurement].append(each)
            for measurement in sorted(each.needs.ends - each.needs.measurements):
                end[measurement].append(each)
        self._begin: Mapping[Measurement, tuple[Compiled, ...]] = _frozen(begin)
        self._end: Mapping[Measurement, tuple[Compiled, ...]] = _frozen(end)
        meaning = "/".join(f"{each.rule.name}:{each.rule.version}" for each in every)
        self.version = sha256(meaning.encode()).hexdigest()[:12]

    def concerned(self, measurement: Measurement) -> tuple[Compiled, ...]:
        """The rules that this reading may make true or false, in order of their files."""
        return self._begin.get(measurement, ())

    def ended_by(self, measurement: Measurement) -> tuple[Compiled, ...]:
        """The rules of which this reading can only end what stands."""
        return self._end.get(measurement, ())


def _frozen(found: dict[Measurement, list[Compiled]]) -> dict[Measurement, tuple[Compiled, ...]]:
    return {measurement: tuple(each) for measurement, each in found.items()}


def compiled(rule: Rule | Mode) -> Compiled:
    """The rule's sentences as tests, over one numbering of their `for`s."""
    compiler = Compiler(rule.parameters)
    when = compiler.test(rule.when)
    unless = clears = None
    needs = needs_of(rule.when)
    if isinstance(rule, Rule):
        unless = compiler.test(rule.unless) if rule.unless is not None else None
        clears = compiler.test(rule.clears) if rule.clears is not None else None
        more = [each for each in (rule.unless, rule.clears) if each is not None]
        needs = joined([needs, *(needs_of(each) for each in more)])
    return Compiled(rule, needs, when, unless, clears)


class _Turn:
    """What comes of one fact or one instant, rule by rule."""

    def __init__(self, rules: RuleSet, state: HomeState) -> None:
        self.rules, self.home = rules, state
        self._rules_before = state.rules
        self.found: list[Outcome] = []
        self.troubles: list[Trouble] = []

    def look(
        self, chosen: Iterable[Compiled], now_ms: int, at_ms: int, pulse: Happening | None = None
    ) -> None:
        for each in chosen:
            self._follow(each, now_ms, at_ms, pulse)

    def _follow(self, each: Compiled, now_ms: int, at_ms: int, pulse: Happening | None) -> None:
        name, home = each.rule.name, self.home
        before = home.rules.get(name)
        if before is None or before.version != each.rule.version:
            before = RuleState(each.rule.version)
        try:
            look = Look(home, now_ms, at_ms, dict(before.since), pulse)
            if isinstance(each.rule, Mode):
                after, found = self._mode(each.rule, each, before, look)
            else:
                after, found = _judged(each.rule, each, before, look)
        except Exception as error:  # noqa: BLE001 - one bad rule must not silence the others
            self.troubles.append(Trouble(name, f"{type(error).__name__}: {error}"))
            due_ms = None if before.due_ms is None else now_ms + RETRY_MS
            after, found = replace(before, due_ms=due_ms), []
            if after == RuleState(each.rule.version) and name not in home.rules:
                return
        self.found += found
        if after != before or (name in home.rules and home.rules[name] != after):
            self.home = replace(self.home, rules={**self.home.rules, name: after})

    def _mode(
        self, mode: Mode, each: Compiled, before: RuleState, look: Look
    ) -> tuple[RuleState, list[Outcome]]:
        """A mode that cannot be known stays what it was."""
        truth = each.when(look)
        is_on = mode.name in self.home.modes
        after = replace(before, since=look.since, due_ms=look.due_ms)
        if truth is None or truth is is_on:
            return after, []
        modes = {name: ms for name, ms in self.home.modes.items() if name != mode.name}
        if truth:
            modes[mode.name] = look.at_ms
        self.home = replace(self.home, modes=modes)
        return after, [ModeChange(mode.name, truth, look.at_ms)]

    def done(self) -> Step:
        state = self.home
        if state.rules is not self._rules_before:
            due = (each.due_ms for each in state.rules.values() if each.due_ms is not None)
            state = replace(state, due_ms=min(due, default=None))
        return Step(
            state,
            tuple(each for each in self.found if isinstance(each, Detection)),
            tuple(self.troubles),
            tuple(each for each in self.found if isinstance(each, Clearing)),
            tuple(each for each in self.found if isinstance(each, ModeChange)),
        )


def step(rules: RuleSet, state: HomeState, happening: Happening) -> Step:
    """A fact of a home. The state given is left as it is."""
    now_ms = happening.known_at_ms
    # What was due is decided on what was known before; the gateway is heard again from now on.
    turn = _Turn(rules, _begun(rules, state, now_ms))
    _decide_due(turn, now_ms)
    at_ms = min(happening.at_ms, now_ms)
    is_late = now_ms - at_ms > LATE_MS_MAX
    is_evaluated = happening.quality is not Quality.IMPLAUSIBLE and (
        happening.is_call or not is_late or SPECS[happening.measurement].kind is Kind.EVENT
    )
    before = turn.home
    turn.home = _noted(before, happening, at_ms, is_evaluated=is_evaluated)
    if is_evaluated:
        _apply(turn, before, happening, at_ms, is_new=state.version != rules.version)
    return turn.done()


def _apply(
    turn: _Turn, before: HomeState, happening: Happening, at_ms: int, *, is_new: bool
) -> None:
    rules, now_ms = turn.rules, happening.known_at_ms
    standing = (e for e in rules.ended_by(happening.measurement) if _is_waiting(turn.home, e))
    chosen = (*rules.concerned(happening.measurement), *standing)
    if is_new:  # what waits for something not to happen begins to wait
        known = {id(each) for each in chosen}
        absences = (each for each in rules.of_home if each.needs.ends)
        chosen = (*chosen, *(each for each in absences if id(each) not in known))
    if happening.is_call and happening.value is True and _is_overtaken(before, happening, at_ms):
        now = turn.home
        turn.home = _with_level(now, happening, at_ms)  # the danger was there, however it ended
        turn.look(chosen, now_ms, at_ms, happening)
        turn.home = replace(turn.home, devices=now.devices)
        turn.look(chosen, now_ms, now_ms)
        return
    modes = set(turn.home.modes)
    turn.look(chosen, now_ms, at_ms, happening)
    if changed := modes ^ set(turn.home.modes):
        turn.look(_waiting_for(rules, changed, chosen), now_ms, at_ms)


def _is_waiting(home: HomeState, each: Compiled) -> bool:
    """It stands, or nothing but a reading makes it look again; else its time will come."""
    held = home.rules.get(each.rule.name)
    is_standing = each.rule.name in home.modes or (held is not None and bool(held.told))
    return is_standing or held is None or held.due_ms is None


def _waiting_for(rules: RuleSet, modes: set[str], done: tuple[Compiled, ...]) -> list[Compiled]:
    known = {id(each) for each in done}
    return [
        each
        for each in rules.of_home
        if not each.needs.modes.isdisjoint(modes) and id(each) not in known
    ]


def pass_time(rules: RuleSet, state: HomeState, now_ms: int, link_ms: int = 0) -> Step:
    """Nothing has happened until now; link_ms: when the home's gateway was heard last."""
    if link_ms > state.link_ms:
        state = replace(state, link_ms=link_ms)
    turn = _Turn(rules, state)
    _decide_due(turn, now_ms)
    return turn.done()


def heard(rules: RuleSet, state: HomeState, now_ms: int) -> Step:
    """A gateway has said something: the step of its own rules, whose state is apart."""
    turn = _Turn(rules, _begun(rules, state, now_ms))
    _decide_due(turn, now_ms)
    turn.home = replace(turn.home, link_ms=max(now_ms, turn.home.link_ms))
    if any(held.told for held in turn.home.rules.values()) or turn.home.due_ms is None:
        turn.look(rules.of_gateway, now_ms, now_ms)
    return turn.done()


def _begun(rules: RuleSet, state: HomeState, now_ms: int) -> HomeState:
    """As these rules remember it: what other versions have left is forgotten."""
    if state.version == rules.version:
        return state
    kept = {
        name: held
        for name, held in state.rules.items()
        if name in rules.every and rules.every[name].rule.version == held.version
    }
    begin_ms = state.begin_ms or now_ms
    modes = {name: ms for name, ms in state.modes.items() if name in phrases.MODES}
    return replace(state, version=rules.version, begin_ms=begin_ms, rules=kept, modes=modes)


def _decide_due(turn: _Turn, now_ms: int) -> None:
    """Everything that was to be looked at until now, at its own instant, in order."""
    if turn.home.due_ms is None or turn.home.due_ms > now_ms:
        return
    for _ in range(TURNS_MAX):
        due = [held.due_ms for held in turn.home.rules.values() if held.due_ms is not None]
        due_ms = min(due, default=None)
        if due_ms is None or due_ms > now_ms:
            return
        modes = set(turn.home.modes)
        names = [name for name, held in turn.home.rules.items() if held.due_ms == due_ms]
        chosen = tuple(each for name, each in turn.rules.every.items() if name in names)
        for name in set(names) - turn.rules.every.keys():
            left = {key: held for key, held in turn.home.rules.items() if key != name}
            turn.home = replace(turn.home, rules=left)
        turn.look(chosen, due_ms, due_ms)
        if changed := modes ^ set(turn.home.modes):
            turn.look(_waiting_for(turn.rules, changed, chosen), due_ms, due_ms)


# ---------------------------------------------------------------- what is remembered of a fact


def _noted(home: HomeState, happening: Happening, at_ms: int, *, is_evaluated: bool) -> HomeState:
    now_ms, measurement = happening.known_at_ms, happening.measurement
    changes: dict[str, int] = {"link_ms": max(now_ms, home.link_ms)}
    if happening.quality is Quality.TEST:
        changes["test_ms"] = max(at_ms, home.test_ms)
    elif measurement in phrases.ACTIVITY and _is_active(home, happening):
        changes["activity_ms"] = max(at_ms, home.activity_ms)
        if measurement in phrases.MOVEMENT:
            changes["movement_ms"] = max(at_ms, home.movement_ms)
        elif measurement is Measurement.OPENING:
            changes["door_ms"] = max(at_ms, home.door_ms)
    device = home.devices.get(happening.device)
    levels = device.levels if device else {}
    heard_ms = max(now_ms, device.heard_ms) if device else now_ms
    if measurement is Measurement.ONLINE and device and happening.value is False:
        heard_ms = device.heard_ms  # the bridge says it of the device, not the device itself
    spoken = DeviceState(heard_ms, happening.room, levels)
    home = replace(home, devices={**home.devices, happening.device: spoken}, **changes)
    is_level = measurement in _KEPT and is_evaluated and happening.quality is Quality.OK
    if is_level and not _is_overtaken(home, happening, at_ms):
        home = _with_level(home, happening, at_ms)
    return home


def _with_level(home: HomeState, happening: Happening, at_ms: int) -> HomeState:
    device = home.devices[happening.device]
    levels = {**device.levels, happening.measurement.value: Level(happening.value, at_ms)}
    spoken = DeviceState(device.heard_ms, device.room, levels)
    return replace(home, devices={**home.devices, happening.device: spoken})


def _is_active(home: HomeState, happening: Happening) -> bool:
    """Somebody did something: a sensor sees it, or a door or bed is not as it was."""
    if happening.measurement in phrases.ACTIVITY_EVENTS:
        return True
    if happening.measurement in phrases.MOVEMENT:
        return happening.value is True
    device = home.devices.get(happening.device)
    level = device.levels.get(happening.measurement.value) if device else None
    return level is not None and level.value != happening.value


def _is_overtaken(home: HomeState, happening: Happening, at_ms: int) -> bool:
    """A newer word of the same device on the same thing is known."""
    device = home.devices.get(happening.device)
    level = device.levels.get(happening.measurement.value) if device else None
    return level is not None and level.at_ms > at_ms


# ---------------------------------------------------------------- one rule


def _judged(
    rule: Rule, each: Compiled, before: RuleState, look: Look
) -> tuple[RuleState, list[Outcome]]:
    pulse_key = look.pulse.key if look.pulse else ""
    truth = each.when(look)
    witnesses, at_ms = look.seen, look.at_ms
    look.seen = []
    is_excused = each.unless is not None and each.unless(look) is True
    is_cleared = truth is False if each.clears is None else each.clears(look) is True
    after = replace(before, since=look.since, due_ms=look.due_ms)
    if truth is True and not is_excused:
        return _standing(rule, after, look, witnesses, at_ms, pulse_key)
    if before.told and is_cleared and truth is not True:
        cleared = Clearing(
            rule=rule.name,
            kind=rule.kind,
            at_ms=look.at_ms,
            known_at_ms=look.now_ms,
            key=f"{rule.name}:cleared:{before.began_ms}:{look.at_ms}",
        )
        return replace(after, told=(), began_ms=None, risen=0), [cleared]
    return after, []


def _standing(
    rule: Rule,
    before: RuleState,
    look: Look,
    witnesses: list[Witness],
    at_ms: int,
    pulse_key: str,
) -> tuple[RuleState, list[Outcome]]:
    names = tuple(dict.fromkeys(each.device for each in witnesses))
    if look.is_event:
        after = replace(before, times=before.times + 1, last_at_ms=at_ms)
        return after, [_detection(rule, before, look, witnesses, at_ms, pulse_key)]
    fresh = [each for each in witnesses if each.device not in before.told]
    began_ms = at_ms if before.began_ms is None else before.began_ms
    after = replace(before, told=names, began_ms=began_ms)
    found: list[Outcome] = []
    if fresh:
        after = replace(after, times=before.times + 1, last_at_ms=at_ms)
        key = f"{pulse_key or rule.name}:{fresh[0].device}:{at_ms}"
        found.append(_detection(rule, before, look, fresh, at_ms, key))
    ahead = rule.rises[after.risen + 1 :]
    if ahead and look.now_ms >= began_ms + ahead[0].after_ms:
        after = replace(after, risen=after.risen + 1)
        key = f"{rule.name}:rise:{began_ms}:{after.risen}"
        rise = _detection(rule, before, look, witnesses, look.now_ms, key)
        found.append(replace(rise, severity=ahead[0].severity, is_rise=True))
        ahead = ahead[1:]
    if ahead:
        look.again_at(began_ms + ahead[0].after_ms)
    return replace(after, due_ms=look.due_ms), found


def _detection(
    rule: Rule,
    before: RuleState,
    look: Look,
    witnesses: list[Witness],
    at_ms: int,
    key: str,
) -> Detection:
    """With everything that a person needs to see why."""
    first = witnesses[0] if witnesses else Witness("", "", None, at_ms)
    facts = [
        {"device": each.device, "measurement": each.measurement, "value": each.value,
         "at_ms": each.at_ms}
        for each in witnesses
    ]  # fmt: skip
    limits = {name: f"{each.default} (default)" for name, each in rule.parameters.items()}
    evidence = {"facts": facts, "limits": limits, "times": before.times + 1}
    if look.pulse is not None:
        evidence["fact"] = look.pulse.key
    if before.last_at_ms is not None:
        evidence["before_at_ms"] = before.last_at_ms
    said: dict[str, str] = {name: str(each.default) for name, each in rule.parameters.items()}
    said["value"] = f"{first.value:g}" if isinstance(first.value, int | float) else ""
    said["duration"] = _span(at_ms - first.at_ms)
    return Detection(
        rule=rule.name,
        version=rule.version,
        kind=rule.kind,
        severity=rule.severity,
        at_ms=at_ms,
        known_at_ms=look.now_ms,
        device=first.device,
        key=key,
        say=rule.say,
        facts={**said},
        evidence=evidence,
        takes_back=rule.takes_back,
    )


def _span(ms: int) -> str:
    """In the unit that a person would say."""
    for unit, size_ms in (("d", 86_400_000), ("h", 3_600_000)):
        if ms >= 2 * size_ms:
            return f"{ms / size_ms:.0f} {unit}"
    return f"{max(0, ms) / 60_000:.0f} min"
