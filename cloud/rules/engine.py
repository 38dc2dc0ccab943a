"""Follows the rules of a home: `step(state, happening) → (state, detections, troubles)`. Pure.

Time is an input; nothing here waits. A rule that fails is left out for this fact and reported,
its state unchanged; the others go on.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from cloud.rules.model import (
    AnyOf,
    Condition,
    Detection,
    EventIs,
    Happening,
    HomeState,
    Rule,
    RuleState,
    Trouble,
)
from contract.lanes import Quality
from contract.vocabulary import Measurement


class Step(NamedTuple):
    """The home's state after a fact, what was concluded, which rules failed."""

    state: HomeState
    detections: tuple[Detection, ...]
    troubles: tuple[Trouble, ...]


class RuleSet:
    """Rules by the measurements that they ask for, so that most facts cost one look-up."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        by_measurement: dict[Measurement, list[Rule]] = defaultdict(list)
        for rule in self.rules:
            for measurement in sorted(asked_for(rule.when)):
                by_measurement[measurement].append(rule)
        self._by_measurement: Mapping[Measurement, tuple[Rule, ...]] = {
            measurement: tuple(found) for measurement, found in by_measurement.items()
        }

    def concerned(self, measurement: Measurement) -> tuple[Rule, ...]:
        """The rules that ask for it, in order of their files."""
        return self._by_measurement.get(measurement, ())


def asked_for(condition: Condition) -> frozenset[Measurement]:
    """Every measurement that a condition looks at."""
    match condition:
        case EventIs(measurement):
            return frozenset({measurement})
        case AnyOf(parts):
            return frozenset().union(*(asked_for(part) for part in parts))


def step(rules: RuleSet, state: HomeState, happening: Happening) -> Step:
    """The state given is left as it is. A test of a device proves the chain and detects nothing."""
    concerned = rules.concerned(happening.measurement)
    if not concerned or happening.quality is not Quality.OK:
        return Step(state, (), ())
    after = dict(state)
    detections: list[Detection] = []
    troubles: list[Trouble] = []
    for rule in concerned:
        try:
            if not _becomes_true(rule.when, happening):
                continue
            after[rule.name] = now = _remember(rule, state.get(rule.name), happening)
            detections.append(_detection(rule, now, state.get(rule.name), happening))
        except Exception as error:  # noqa: BLE001 - one bad rule must not silence the others
            after.pop(rule.name, None)
            if rule.name in state:
                after[rule.name] = state[rule.name]
            troubles.append(Trouble(rule.name, f"{type(error).__name__}: {error}"))
    return Step(after, tuple(detections), tuple(troubles))


def _becomes_true(condition: Condition, happening: Happening) -> bool:
    match condition:
        case EventIs(measurement):
            return happening.measurement is measurement and happening.value is True
        case AnyOf(parts):
            return any(_becomes_true(part, happening) for part in parts)


def _remember(rule: Rule, before: RuleState | None, happening: Happening) -> RuleState:
    if before is None or before.version != rule.version:
        before = RuleState(rule.version)
    last_ms = max(happening.at_ms, before.last_at_ms or happening.at_ms)
    return RuleState(rule.version, before.times + 1, last_ms)


def _detection(
    rule: Rule, now: RuleState, before: RuleState | None, happening: Happening
) -> Detection:
    evidence = {
        "fact": happening.key,
        "measurement": happening.measurement.value,
        "device": happening.device,
        "times": now.times,
    }
    if before is not None and before.version == rule.version and before.last_at_ms is not None:
        evidence["before_at_ms"] = before.last_at_ms
    return Detection(
        rule=rule.name,
        version=rule.version,
        severity=rule.severity,
        at_ms=happening.at_ms,
        known_at_ms=happening.known_at_ms,
        device=happening.device,
        key=happening.key,
        say=rule.say,
        evidence=evidence,
    )
