"""What the cloud says of our rows, and what the resident has been told."""

import pytest

from contract.lanes import INTERVAL_LANES, ROW_LANES, Lane
from contract.messages import Refusal
from tests.edge.journal.paper import NOON_MS


def numbers(rows) -> list[int]:
    return [row.seq for row in rows]


@pytest.mark.parametrize("lane", ROW_LANES)
def test_an_acknowledged_row_waits_no_more_and_is_kept(paper, lane):
    paper.write(lane, "a", "b", "c")

    with paper.journal.writing() as work:
        fresh = work.acknowledge(lane, [1, 3], NOON_MS)

    assert numbers(fresh) == [1, 3]
    assert paper.journal.view.waiting(lane) == (2,)
    assert paper.seqs(lane) == [1, 2, 3]


def test_a_second_acknowledgement_is_nothing_new(paper):
    paper.write(Lane.ALARM, "a")
    with paper.journal.writing() as work:
        work.acknowledge(Lane.ALARM, [1], NOON_MS)

    with paper.journal.writing() as work:
        again = work.acknowledge(Lane.ALARM, [1, 1], NOON_MS + 5)

    assert again == []


def test_an_acknowledgement_takes_its_own_lane_only(paper):
    paper.write(Lane.ALARM, "a")
    paper.write(Lane.EVENT, "e")

    with paper.journal.writing() as work:
        work.acknowledge(Lane.EVENT, [1], NOON_MS)

    assert paper.journal.view.waiting(Lane.ALARM) == (1,)


def test_what_is_refused_is_kept_and_not_said_again(paper):
    paper.write(Lane.ALARM, "a", "b")

    with paper.journal.writing() as work:
        work.refuse(Lane.ALARM, [Refusal(1, "unknown_name")], by="epoch-1")

    assert paper.journal.view.waiting(Lane.ALARM) == (2,)
    assert paper.journal.view.refused() == [(Lane.ALARM, 1, "unknown_name")]
    assert paper.seqs(Lane.ALARM) == [1, 2]


def test_an_acknowledged_row_cannot_be_refused_any_more(paper):
    paper.write(Lane.ALARM, "a")
    with paper.journal.writing() as work:
        work.acknowledge(Lane.ALARM, [1], NOON_MS)
        work.refuse(Lane.ALARM, [Refusal(1, "late")], by="epoch-1")

    assert paper.journal.view.refused() == []


def test_a_refused_row_that_is_acknowledged_after_all_is_refused_no_more(paper):
    paper.write(Lane.ALARM, "a")
    with paper.journal.writing() as work:
        work.refuse(Lane.ALARM, [Refusal(1, "unknown_name")], by="epoch-1")
        fresh = work.acknowledge(Lane.ALARM, [1], NOON_MS)

    assert numbers(fresh) == [1]
    assert paper.journal.view.refused() == []


def test_a_cloud_that_may_have_forgotten_is_offered_everything_again(paper):
    paper.write(Lane.ALARM, "a", "b", "c")
    paper.write(Lane.EVENT, "e")
    with paper.journal.writing() as work:
        work.acknowledge(Lane.ALARM, [1, 2], NOON_MS)
        work.refuse(Lane.ALARM, [Refusal(3, "unknown_name")], by="epoch-1")
        work.acknowledge(Lane.EVENT, [1], NOON_MS)

    with paper.journal.writing() as work:
        count = work.offer_again()

    assert count == 4
    assert paper.journal.view.waiting(Lane.ALARM) == (1, 2, 3)
    assert paper.journal.view.waiting(Lane.EVENT) == (1,)


def test_what_another_cloud_refused_is_offered_to_this_one(paper):
    paper.write(Lane.ALARM, "a", "b")
    with paper.journal.writing() as work:
        work.refuse(Lane.ALARM, [Refusal(1, "unknown_name")], by="epoch-1")
        work.refuse(Lane.ALARM, [Refusal(2, "unknown_name")], by="epoch-2")

    with paper.journal.writing() as work:
        count = work.offer_refused_again("epoch-2")

    assert count == 1
    assert paper.journal.view.waiting(Lane.ALARM) == (1,)


def test_residents_are_told_of_each_receipt_once(paper):
    paper.write(Lane.ALARM, "a", "b", "c")
    with paper.journal.writing() as work:
        work.acknowledge(Lane.ALARM, [1, 2], NOON_MS)
        work.told(1, NOON_MS)
        work.offer_again()
        work.acknowledge(Lane.ALARM, [1, 2], NOON_MS)

    view = paper.reopen().view

    assert numbers(view.untold()) == [2]
    assert (view.is_told(1), view.is_told(2), view.is_told(3)) == (True, False, False)


@pytest.mark.parametrize("lane", INTERVAL_LANES)
def test_readings_that_the_cloud_has_applied_go(paper, lane):
    paper.write(lane, *range(6))

    with paper.journal.writing() as work:
        work.acknowledge_intervals(lane, [(4, 5), (1, 2)])

    assert paper.seqs(lane) == [3, 6]
    assert paper.journal.view.lanes()[lane].acked == ((1, 2), (4, 5))
    assert paper.journal.view.lowest(lane) == 3


def test_fewer_intervals_than_before_are_what_holds_now(paper):
    paper.write(Lane.DATA, *range(6))
    for applied in ([(1, 6)], [(1, 2)]):
        with paper.journal.writing() as work:
            work.acknowledge_intervals(Lane.DATA, applied)

    assert paper.journal.view.lanes()[Lane.DATA].acked == ((1, 2),)
    assert paper.write(Lane.DATA, 20.5) == [7]


def test_no_intervals_at_all_change_no_row(paper):
    paper.write(Lane.DATA, 1, 2)

    with paper.journal.writing() as work:
        work.acknowledge_intervals(Lane.DATA, [])

    assert paper.seqs(Lane.DATA) == [1, 2]


def test_the_reason_of_a_gap_is_kept_until_the_cloud_has_the_gap(paper):
    paper.write(Lane.DATA, *range(8))
    with paper.journal.writing() as work:
        work.drop(Lane.DATA, [2, 3], "full")

    with paper.journal.writing() as work:  # live readings overtake the backlog
        work.acknowledge_intervals(Lane.DATA, [(6, 8)])
    before = paper.journal.view.dropped()
    with paper.journal.writing() as work:
        work.acknowledge_intervals(Lane.DATA, [(1, 8)])

    assert before == {"full": 2}
    assert paper.journal.view.dropped() == {}


def test_a_command_is_carried_out_once(paper):
    with paper.journal.writing() as work:
        first = work.take_command("cm-1", NOON_MS)
    paper.reopen()
    with paper.journal.writing() as work:
        second = work.take_command("cm-1", NOON_MS + 5)

    assert (first, second) == (True, False)


def test_commands_are_forgotten_when_they_are_old(paper):
    with paper.journal.writing() as work:
        work.take_command("old", NOON_MS - 1)
        work.take_command("young", NOON_MS)
        work.forget_commands(NOON_MS)

    view = paper.journal.view
    assert (view.has_command("old"), view.has_command("young")) == (False, True)
