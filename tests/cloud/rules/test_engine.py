"""What the engine promises: explained detections, isolated faults, late facts, restarts."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from cloud.rules.engine import RuleSet, Step, heard, pass_time, step
from cloud.rules.language import parse_rule, read_rule, read_rule_set
from cloud.rules.model import Detection, Happening, HomeState
from contract.lanes import Quality
from contract.vocabulary import SPECS, Measurement

CONFIG = Path(__file__).parents[3] / "config"
RULES = read_rule_set(CONFIG)
SOS = read_rule(CONFIG / "rules" / "sos.yaml")
START = 1_767_196_800_000
MINUTE = 60_000
HOUR = 60 * MINUTE
LONG_STAY = """rule: long_stay
title: { zh: 久, en: Long }
why: It is tried.
kind: inactivity
severity: high
when: bathroom occupied for 30 min
say: { zh: "{resident} {duration}", en: "{resident} {duration}" }
"""


def fact(at_ms: int = START, **changes: Any) -> Happening:
    made = Happening(
        measurement=Measurement.SOS,
        value=True,
        device="z2m:0x1",
        at_ms=at_ms,
        known_at_ms=at_ms,
        key=f"gw/j/alarm/{at_ms}",
        is_call=SPECS[changes.get("measurement", Measurement.SOS)].is_alarm,
    )
    return replace(made, **changes)


def after(rules: RuleSet, *facts: Happening) -> Step:
    """The last step."""
    result = Step(HomeState(), (), ())
    for each in facts:
        result = step(rules, result.state, each)
    return result


def occupied(at_ms: int, value: bool = True, **changes: Any) -> Happening:
    made = fact(at_ms, measurement=Measurement.OCCUPANCY, value=value, room="bathroom")
    return replace(made, **changes)


def test_a_detection_explains_itself() -> None:
    result = after(RuleSet([SOS]), fact(START), fact(START + 3000))

    [found] = result.detections
    assert (found.rule, found.version, found.key) == (
        "sos",
        SOS.version,
        f"gw/j/alarm/{START + 3000}",
    )
    assert found.evidence == {
        "fact": f"gw/j/alarm/{START + 3000}",
        "facts": [
            {"device": "z2m:0x1", "measurement": "sos", "value": True, "at_ms": START + 3000}
        ],
        "limits": {},
        "times": 2,
        "before_at_ms": START,
    }


def test_a_limit_names_its_value_and_whose_it_is() -> None:
    low = fact(measurement=Measurement.BATTERY, value=9.0)

    [found] = after(RULES, low).detections

    assert found.evidence["limits"] == {"limit": "15 % (default)"}
    assert found.facts["value"] == "9"


@pytest.mark.parametrize(
    "other",
    [
        fact(value=False),
        fact(quality=Quality.TEST),
        fact(quality=Quality.IMPLAUSIBLE),
        fact(measurement=Measurement.BUTTON, value="single"),
    ],
    ids=["not true", "a test", "implausible", "another word"],
)
def test_what_is_no_call_detects_nothing(other: Happening) -> None:
    assert after(RULES, other).detections == ()


def test_the_state_given_is_left_as_it_is() -> None:
    before = after(RULES, fact()).state
    copy = msgspec.json.encode(before)

    step(RULES, before, fact(START + HOUR))

    assert msgspec.json.encode(before) == copy


def test_a_changed_rule_begins_with_fresh_state_and_the_others_keep_theirs() -> None:
    changed = replace(SOS, version="other")
    fall = read_rule(CONFIG / "rules" / "fall.yaml")
    tumble = fact(START + 1, measurement=Measurement.FALL)
    state = after(RuleSet([SOS, fall]), fact(START), tumble).state

    result = step(RuleSet([changed, fall]), state, fact(START + 2000))

    assert result.state.rules["sos"].times == 1
    assert result.state.rules["fall"].times == 1
    assert "before_at_ms" not in result.detections[0].evidence


def test_a_rule_that_is_new_begins_to_wait_with_the_next_fact() -> None:
    without = RuleSet([SOS])
    state = after(without, fact()).state

    result = step(RULES, state, fact(START + HOUR))

    assert result.state.rules["button_untested"].due_ms == START + 90 * 24 * HOUR


def broken_set() -> RuleSet:
    """As if a bug of ours made one rule throw."""
    rules = RuleSet([replace(SOS, name="broken"), SOS, parse_rule(LONG_STAY, "long_stay.yaml")])

    def fail(_look: object) -> bool:
        raise ZeroDivisionError("a bug of ours")

    mended = {
        measurement: tuple(
            each._replace(when=fail) if each.rule.name == "broken" else each for each in found
        )
        for measurement, found in rules._begin.items()
    }
    rules._begin = mended
    return rules


def test_a_rule_that_fails_silences_no_other_and_leaves_no_trace() -> None:
    result = after(broken_set(), fact())

    assert [found.rule for found in result.detections] == ["sos"]
    assert [(each.rule, each.text) for each in result.troubles] == [
        ("broken", "ZeroDivisionError: a bug of ours")
    ]
    assert "broken" not in result.state.rules


def test_a_timed_rule_that_fails_is_looked_at_again_and_holds_up_no_other() -> None:
    stay = parse_rule(LONG_STAY, "long_stay.yaml")
    rules = RuleSet([stay])
    state = after(rules, occupied(START)).state

    def fail(_look: object) -> bool:
        raise ZeroDivisionError("a bug of ours")

    rules.every["long_stay"] = rules.every["long_stay"]._replace(when=fail)
    result = pass_time(rules, state, START + 30 * MINUTE)

    assert len(result.troubles) == 1
    assert result.state.due_ms == START + 31 * MINUTE


# ---------------------------------------------------------------- late facts


def test_a_late_fact_completes_a_window_in_its_past() -> None:
    rules = RuleSet([parse_rule(LONG_STAY, "long_stay.yaml")])
    late = occupied(START, known_at_ms=START + 40 * MINUTE)

    [found] = after(rules, late).detections

    assert (found.at_ms, found.known_at_ms) == (START + 30 * MINUTE, START + 40 * MINUTE)


def test_a_late_fact_never_opens_again_what_was_decided() -> None:
    rules = RuleSet([parse_rule(LONG_STAY, "long_stay.yaml")])
    left = occupied(START + 20 * MINUTE, value=False, known_at_ms=START + 31 * MINUTE)
    rang = pass_time(rules, after(rules, occupied(START)).state, START + 30 * MINUTE)

    result = step(rules, rang.state, left)

    assert [found.at_ms for found in rang.detections] == [START + 30 * MINUTE]
    assert result.detections == ()
    assert len(result.clearings) == 1


def test_an_older_word_does_not_overtake_a_newer_one() -> None:
    rules = RuleSet([parse_rule(LONG_STAY, "long_stay.yaml")])
    empty = occupied(START + 10 * MINUTE, value=False)
    older = occupied(START, known_at_ms=START + 11 * MINUTE)

    result = after(rules, empty, older)

    assert pass_time(rules, result.state, START + 3 * HOUR).detections == ()


@pytest.mark.parametrize(("late_ms", "count"), [(HOUR, 1), (HOUR + 1, 0)])
def test_a_sample_later_than_an_hour_is_kept_and_not_evaluated(late_ms: int, count: int) -> None:
    low = fact(measurement=Measurement.BATTERY, value=5.0, known_at_ms=START + late_ms)

    assert len(after(RULES, low).detections) == count


def test_a_danger_of_yesterday_is_evaluated_all_the_same() -> None:
    gas = fact(measurement=Measurement.GAS, known_at_ms=START + 24 * HOUR)

    [found] = after(RULES, gas).detections

    assert (found.rule, found.at_ms) == ("gas", START)


# ---------------------------------------------------------------- unknown is not false


def test_a_detector_that_is_silent_does_not_clear_its_alarm() -> None:
    gas = fact(measurement=Measurement.GAS)
    temperature = fact(START + 27 * HOUR, measurement=Measurement.TEMPERATURE, device="b", value=20)

    result = after(RULES, gas, temperature)

    assert result.clearings == ()
    assert result.state.rules["gas"].told == ("z2m:0x1",)


def test_not_of_what_nobody_can_know_is_not_true() -> None:
    text = LONG_STAY.replace("bathroom occupied for 30 min", "not smoke present and gas present")
    rules = RuleSet([parse_rule(text, "long_stay.yaml")])

    assert after(rules, fact(measurement=Measurement.GAS)).detections == ()


# ---------------------------------------------------------------- gateways


def test_a_gateway_that_is_heard_in_time_never_rings() -> None:
    state, now = HomeState(), START
    for _ in range(200):
        now += 29 * MINUTE
        result = heard(RULES, pass_time(RULES, state, now).state, now)
        state = result.state
        assert result.detections == ()


# ---------------------------------------------------------------- restarts, pieces, duplicates

MINUTES = st.integers(0, 40)
KINDS = st.sampled_from(
    [
        (Measurement.SOS, True, "button"),
        (Measurement.FALL, True, "radar"),
        (Measurement.GAS, True, "gas"),
        (Measurement.GAS, False, "gas"),
        (Measurement.MOTION, True, "pir"),
        (Measurement.MOTION, False, "pir"),
        (Measurement.OPENING, True, "door"),
        (Measurement.OPENING, False, "door"),
        (Measurement.BATTERY, 9.0, "button"),
        (Measurement.BATTERY, 90.0, "button"),
        (Measurement.ONLINE, False, "lamp"),
        (Measurement.ONLINE, True, "lamp"),
        (Measurement.TEMPERATURE, 20.0, "air"),
    ]
)
LIVES = st.lists(st.tuples(KINDS, MINUTES, st.integers(0, 20)), max_size=40)


def told(lives: list[tuple[tuple[Measurement, Any, str], int, int]]) -> list[Happening]:
    """In order of arrival, each some minutes late."""
    facts, now = [], START
    for number, ((measurement, value, device), pause, late) in enumerate(lives):
        now += pause * 3 * MINUTE
        facts.append(
            fact(
                now - late * MINUTE,
                known_at_ms=now,
                measurement=measurement,
                value=value,
                device=device,
                key=f"k{number}",
            )
        )
    return facts


def run(
    facts: list[Happening], *, restarts: bool = False, ticks: bool = False, doubles: bool = False
) -> tuple[bytes, list[Detection]]:
    """To half a day after the last fact."""
    state, seen, now = HomeState(), list[Detection](), START

    def take(result: Step) -> HomeState:
        seen.extend(result.detections)
        assert result.troubles == ()
        if restarts:
            return msgspec.json.decode(msgspec.json.encode(result.state), type=HomeState)
        return result.state

    for each in facts:
        while ticks and state.due_ms is not None and state.due_ms <= each.known_at_ms:
            state = take(pass_time(RULES, state, state.due_ms))
        now = each.known_at_ms
        state = take(step(RULES, state, each))
        if doubles and each.measurement not in (Measurement.SOS, Measurement.FALL):
            state = take(step(RULES, state, each))
    state = take(pass_time(RULES, state, now + 12 * HOUR))
    return msgspec.json.encode(state.rules, order="sorted"), seen


def keys(seen: list[Detection]) -> list[tuple[str, str, int]]:
    return [(found.rule, found.key, found.at_ms) for found in seen]


@given(LIVES)
@settings(max_examples=60, deadline=None)
def test_a_restart_after_every_fact_changes_nothing(lives: Any) -> None:
    facts = told(lives)

    assert run(facts, restarts=True) == run(facts)


@given(LIVES)
@settings(max_examples=60, deadline=None)
def test_whether_timers_come_in_time_or_with_the_next_fact_changes_nothing(lives: Any) -> None:
    facts = told(lives)

    assert keys(run(facts, ticks=True)[1]) == keys(run(facts)[1])


@given(LIVES)
@settings(max_examples=60, deadline=None)
def test_states_and_samples_that_are_told_twice_are_told_once(lives: Any) -> None:
    facts = told(lives)

    assert keys(run(facts, doubles=True)[1]) == keys(run(facts)[1])


@given(LIVES)
@settings(max_examples=30, deadline=None)
def test_every_call_rings_whatever_happened_before(lives: Any) -> None:
    facts = told(lives)

    calls = [each.key for each in facts if each.measurement is Measurement.SOS]
    assert [found.key for found in run(facts)[1] if found.rule == "sos"] == calls


@given(LIVES)
@settings(max_examples=20, deadline=None)
def test_no_detection_is_made_twice(lives: Any) -> None:
    found = [(each.rule, each.key) for each in run(told(lives), ticks=True)[1]]

    assert len(found) == len(set(found))
