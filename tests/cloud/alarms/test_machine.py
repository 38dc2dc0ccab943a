"""The life of an alarm: every handling against every command, and the stories that matter."""

import itertools
from typing import get_args

import pytest
from msgspec import Raw
from msgspec.structs import replace

from cloud.alarms import commands as c
from cloud.alarms.errors import (
    ClaimedByOther,
    Conflict,
    IllegalStep,
    InvalidOutcome,
    InvalidText,
    NotYours,
)
from cloud.alarms.machine import NOTE_CHARS_MAX, TRANSITIONS, decide, evolve
from cloud.alarms.model import (
    SUB_REASONS,
    TARGETS,
    Alarm,
    Condition,
    EscalationMark,
    Handling,
    Outcome,
    Person,
    Press,
    Where,
)
from cloud.rules.model import AlarmKind, Severity
from cloud.words import Words

NOW = 1_000_000
LIN, HE = Person("ac-1", "林晓岚", "Lin Xiaolan"), Person("ac-2", "何文静", "He Wenjing")
CHEN = Person("re-1", "陈立", "Chen Li")
STATION = Person("st-1", "安和站", "Anhe")
OFFER = c.OfferRef("of-1", STATION, CHEN)
VIEW = Raw(b"{}")
WORDS = Words("说", "said")


def a_press(seq: int = 1, age_ms: int | None = 0) -> Press:
    return Press(f"gw/j/alarm/{seq}", "gw-test01", NOW, age_ms=age_ms)


RAISE = c.Raise(
    alarm_id="al-1",
    no="261124-0001",
    kind=AlarmKind.SOS,
    severity=Severity.CRITICAL,
    fold_key="sos/home:ho-1",
    rule="sos",
    version="v1",
    say=WORDS,
    press=a_press(),
    where=Where(),
)
COMMANDS: dict[type, c.Command] = {
    c.Raise: RAISE,
    c.Repeat: c.Repeat(a_press(2), WORDS),
    c.Echo: c.Echo(a_press(1)),
    c.Cancel: c.Cancel(a_press(3)),
    c.Clear: c.Clear(a_press(4)),
    c.Claim: c.Claim(LIN),
    c.Release: c.Release(LIN),
    c.Note: c.Note(LIN, "spoke to her"),
    c.Reveal: c.Reveal(LIN),
    c.Offer: c.Offer(OFFER, VIEW),
    c.AcceptOffer: c.AcceptOffer(OFFER, VIEW),
    c.EndOffer: c.EndOffer(OFFER, VIEW, "declined", "busy"),
    c.Depart: c.Depart(OFFER, VIEW),
    c.Arrive: c.Arrive(OFFER, VIEW),
    c.Report: c.Report(OFFER, VIEW, {}),
    c.Close: c.Close(LIN, "true", "fall"),
    c.Escalate: c.Escalate(EscalationMark(1, 3, WORDS), ("supervisor",)),
}


def after(*commands: c.Command) -> Alarm:
    """The alarm after these, from the first press on."""
    alarm: Alarm | None = None
    for command in commands:
        for event in decide(alarm, command, NOW):
            alarm = evolve(alarm, event)
    assert alarm is not None
    return alarm


def standing(handling: Handling) -> Alarm:
    """An alarm in this state, Lin's where somebody has it, with one offer."""
    owner = None if handling is Handling.UNCLAIMED else LIN
    return replace(after(RAISE), handling=handling, claimed_by=owner, offer_id=OFFER.id)


def test_every_command_has_an_example() -> None:
    assert set(COMMANDS) == set(get_args(c.Command))


@pytest.mark.parametrize(
    ("handling", "kind"), list(itertools.product([None, *Handling], get_args(c.Command)))
)
def test_a_command_goes_where_the_table_says_or_nowhere(
    handling: Handling | None, kind: type[c.Command]
) -> None:
    alarm = None if handling is None else standing(handling)
    target = TRANSITIONS.get((handling, kind))

    if target is None:
        with pytest.raises(Conflict):
            decide(alarm, COMMANDS[kind], NOW)
        return
    events = decide(alarm, COMMANDS[kind], NOW)
    for event in events:
        alarm = evolve(alarm, event)
    assert alarm is not None
    assert alarm.handling is target


def test_the_whole_way_from_press_to_outcome() -> None:
    kinds = (c.Claim, c.Offer, c.AcceptOffer, c.Depart, c.Arrive, c.Report, c.Close)
    alarm = after(RAISE, *(COMMANDS[kind] for kind in kinds))

    assert (alarm.handling, alarm.outcome, alarm.sub_reason) == (
        Handling.CLOSED,
        Outcome.TRUE,
        "fall",
    )
    assert alarm.rev == 8
    assert alarm.condition is Condition.CLEARED


def test_an_alarm_claimed_by_two_operators_belongs_to_the_first() -> None:
    alarm = after(RAISE, c.Claim(LIN))

    with pytest.raises(ClaimedByOther) as lost:
        decide(alarm, c.Claim(HE), NOW)

    assert lost.value.data["by"]["id"] == LIN.id
    assert decide(alarm, c.Claim(LIN), NOW) == ()


def test_an_alarm_given_back_may_be_claimed_by_another_while_a_station_is_asked() -> None:
    alarm = after(RAISE, c.Claim(LIN), COMMANDS[c.Offer], c.Release(LIN))
    assert (alarm.handling, alarm.claimed_by) == (Handling.OFFERED, None)

    [event] = decide(alarm, c.Claim(HE), NOW)

    assert evolve(alarm, event).claimed_by == HE


def test_an_offer_that_ends_after_the_alarm_was_given_back_leaves_it_unclaimed() -> None:
    alarm = after(RAISE, c.Claim(LIN), COMMANDS[c.Offer], c.Release(LIN), COMMANDS[c.EndOffer])

    assert alarm.handling is Handling.UNCLAIMED


@pytest.mark.parametrize("kind", [c.Release, c.Reveal, c.Close])
def test_only_who_has_it_may_go_on_with_it(kind: type[c.Command]) -> None:
    alarm = replace(standing(Handling.CLAIMED), claimed_by=HE)

    with pytest.raises(NotYours):
        decide(alarm, COMMANDS[kind], NOW)


def test_another_press_counts_and_rings_also_for_who_has_it() -> None:
    alarm = after(RAISE, c.Claim(LIN), COMMANDS[c.Repeat])

    assert (alarm.presses, alarm.handling, alarm.claimed_by) == (2, Handling.CLAIMED, LIN)


def test_a_press_after_taking_back_calls_again() -> None:
    taken_back = after(RAISE, COMMANDS[c.Cancel])
    [event] = decide(taken_back, COMMANDS[c.Repeat], NOW)
    alarm = evolve(taken_back, event)

    assert taken_back.condition is Condition.CLEARED
    assert taken_back.is_open
    assert alarm.condition is Condition.ACTIVE
    assert not alarm.is_cancelled_by_resident


def test_an_echo_changes_nothing_but_the_history() -> None:
    before = after(RAISE)
    [event] = decide(before, COMMANDS[c.Echo], NOW)

    assert replace(evolve(before, event), rev=before.rev) == before


@pytest.mark.parametrize(
    ("age_ms", "is_late"), [(None, False), (0, False), (60_000, False), (60_001, True)]
)
def test_lateness_goes_by_age_alone_and_unknown_age_is_fresh(
    age_ms: int | None, is_late: bool
) -> None:
    assert after(replace(RAISE, press=a_press(age_ms=age_ms))).is_late is is_late


def test_steps_of_an_offer_that_is_not_the_present_one_are_refused() -> None:
    alarm = standing(Handling.ACCEPTED)
    other = c.OfferRef("of-other", STATION, CHEN)

    with pytest.raises(IllegalStep):
        decide(alarm, c.Arrive(other, VIEW), NOW)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_takes_its_own_sub_reasons_and_no_others(outcome: Outcome) -> None:
    alarm = standing(Handling.CLAIMED)
    for reason in SUB_REASONS[outcome]:
        decide(alarm, c.Close(LIN, outcome, reason), NOW)

    with pytest.raises(InvalidOutcome):
        decide(alarm, c.Close(LIN, outcome, "no such reason"), NOW)


def test_an_unknown_outcome_is_refused() -> None:
    with pytest.raises(InvalidOutcome):
        decide(standing(Handling.CLAIMED), c.Close(LIN, "maybe"), NOW)


@pytest.mark.parametrize(
    ("length", "is_taken"),
    [(0, False), (1, True), (NOTE_CHARS_MAX, True), (NOTE_CHARS_MAX + 1, False)],
)
def test_a_note_has_a_limited_length(length: int, is_taken: bool) -> None:
    note = c.Note(LIN, "x" * length)

    if is_taken:
        assert decide(standing(Handling.CLAIMED), note, NOW)
    else:
        with pytest.raises(InvalidText):
            decide(standing(Handling.CLAIMED), note, NOW)


def test_a_condition_that_clears_by_itself_is_not_taken_back_by_anybody() -> None:
    alarm = after(RAISE, COMMANDS[c.Clear])

    assert alarm.condition is Condition.CLEARED
    assert not alarm.is_cancelled_by_resident
    assert after(RAISE, COMMANDS[c.Clear], COMMANDS[c.Repeat]).condition is Condition.ACTIVE


@pytest.mark.parametrize(
    ("first", "then", "last"),
    [("medium", "high", "high"), ("high", "medium", "high"), ("low", "low", "low")],
)
def test_an_alarm_becomes_worse_and_never_better(first: str, then: str, last: str) -> None:
    begun = replace(RAISE, severity=Severity(first))

    alarm = after(begun, c.Repeat(a_press(2), WORDS, severity=Severity(then)))

    assert (alarm.severity, alarm.targets) == (last, TARGETS[Severity(last)])
