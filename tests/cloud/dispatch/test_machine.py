"""The life of an offer: every state against every command."""

import itertools
from typing import get_args

import pytest
from msgspec.structs import replace

from cloud.alarms.errors import Conflict
from cloud.dispatch.errors import InvalidReport, OfferGone
from cloud.dispatch.machine import (
    TRANSITIONS,
    Accept,
    Arrive,
    Command,
    Decline,
    Depart,
    Expire,
    Report,
    Withdraw,
    step,
)
from cloud.dispatch.model import REPORT_WORDS, Offer, OfferState

NOW = 1_000_000
FOUND = {name: words[0] for name, words in REPORT_WORDS.items()}
COMMANDS: dict[type, Command] = {
    Accept: Accept("re-1"),
    Decline: Decline("busy"),
    Expire: Expire(),
    Withdraw: Withdraw(),
    Depart: Depart("re-1"),
    Arrive: Arrive("re-1"),
    Report: Report("re-1", FOUND),
}


def offer(state: OfferState = OfferState.OFFERED) -> Offer:
    return Offer(
        id="of-1",
        alarm_id="al-1",
        station_id="st-1",
        offered_at_ms=NOW - 1000,
        expires_at_ms=NOW + 59_000,
        distance_m=1200,
        travel_s=360,
        rank=1,
        attempt=1,
        state=state,
        responder_id=None if state is OfferState.OFFERED else "re-1",
    )


def test_every_command_has_an_example() -> None:
    assert set(COMMANDS) == set(get_args(Command))


@pytest.mark.parametrize(("state", "kind"), list(itertools.product(OfferState, get_args(Command))))
def test_a_step_goes_where_the_table_says_or_nowhere(
    state: OfferState, kind: type[Command]
) -> None:
    before = offer(state)
    target = TRANSITIONS.get((state, kind))

    if target is None:
        with pytest.raises(Conflict):
            step(before, COMMANDS[kind], NOW)
    else:
        after = step(before, COMMANDS[kind], NOW)
        assert (after.state, after.rev) == (target, before.rev + 1)


def test_the_whole_way_is_stamped() -> None:
    done = offer()
    for at, kind in enumerate((Accept, Depart, Arrive, Report)):
        done = step(done, COMMANDS[kind], NOW + at)

    assert [done.accepted_at_ms, done.departed_at_ms, done.arrived_at_ms, done.reported_at_ms] == [
        NOW,
        NOW + 1,
        NOW + 2,
        NOW + 3,
    ]
    assert done.report == FOUND


def test_of_two_responders_who_accept_the_first_one_has_it() -> None:
    taken = step(offer(), Accept("re-1"), NOW)

    with pytest.raises(OfferGone):
        step(taken, Accept("re-2"), NOW + 1)


@pytest.mark.parametrize(("early_ms", "is_gone"), [(1, False), (0, True)])
def test_an_acceptance_counts_until_the_time_is_over(early_ms: int, is_gone: bool) -> None:
    standing = offer()
    at_ms = standing.expires_at_ms - early_ms

    if is_gone:
        with pytest.raises(OfferGone):
            step(standing, Accept("re-1"), at_ms)
    else:
        assert step(standing, Accept("re-1"), at_ms).state is OfferState.ACCEPTED


def test_nobody_but_who_accepted_goes_on_with_it() -> None:
    taken = step(offer(), Accept("re-1"), NOW)

    for command in (Depart("re-2"), Arrive("re-2")):
        with pytest.raises(OfferGone):
            step(taken, command, NOW)


@pytest.mark.parametrize("field", sorted(REPORT_WORDS))
def test_a_report_with_an_unknown_word_is_refused_by_field(field: str) -> None:
    arrived = replace(offer(OfferState.ARRIVED))

    with pytest.raises(InvalidReport) as refused:
        step(arrived, Report("re-1", {**FOUND, field: "perhaps"}), NOW)

    assert refused.value.data["field"] == field


@pytest.mark.parametrize(("length", "is_taken"), [(2000, True), (2001, False)])
def test_a_report_may_carry_a_text_of_limited_length(length: int, is_taken: bool) -> None:
    report = Report("re-1", {**FOUND, "text": "x" * length})

    if is_taken:
        assert step(offer(OfferState.ARRIVED), report, NOW).report == report.report
    else:
        with pytest.raises(InvalidReport):
            step(offer(OfferState.ARRIVED), report, NOW)


def test_a_decline_needs_a_known_reason() -> None:
    with pytest.raises(InvalidReport):
        step(offer(), Decline("no mood"), NOW)
