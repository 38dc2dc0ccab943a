"""A number is given once: the cloud takes a second row of the same number for a repetition."""

import shutil

import pytest

from contract.lanes import INTERVAL_LANES, ROW_LANES, Lane
from contract.messages import Refusal
from edge.journal.store import new_journal_id
from tests.edge.journal.paper import NOON_MS, GivenUp


def test_each_lane_counts_for_itself_from_1(paper):
    assert paper.write(Lane.ALARM, "a", "b") == [1, 2]
    assert paper.write(Lane.DATA, 20.5) == [1]
    assert paper.write(Lane.ALARM, "c") == [3]


def test_counting_goes_on_after_a_restart(paper):
    paper.write(Lane.EVENT, "a", "b")

    paper.reopen()

    assert paper.write(Lane.EVENT, "c") == [3]


def test_the_journals_name_stays_with_its_file(paper):
    name = paper.journal.id

    assert paper.reopen().id == name == paper.journal.view.meta("journal")
    assert new_journal_id() != new_journal_id()


def test_a_number_whose_row_is_gone_is_not_given_again(paper):
    paper.write(Lane.DATA, *range(5))
    with paper.journal.writing() as work:
        work.drop(Lane.DATA, [4, 5], "full")
        work.acknowledge_intervals(Lane.DATA, [(1, 3)])

    paper.reopen()

    assert paper.seqs(Lane.DATA) == []
    assert paper.write(Lane.DATA, 20.5) == [6]


def test_readings_that_could_not_be_kept_take_their_numbers(paper):
    with paper.journal.writing() as work:
        work.skip(Lane.DATA, 3, "full")

    assert paper.write(Lane.DATA, 20.5) == [4]
    assert paper.journal.view.dropped() == {"full": 3}


def test_a_group_that_failed_gives_its_numbers_back(paper):
    with pytest.raises(GivenUp):
        paper.give_up(lambda work: work.append(paper.entry()))

    assert paper.write(Lane.ALARM, "a") == [1]


@pytest.mark.parametrize("lane", ROW_LANES)
def test_after_the_disk_forgot_rows_what_the_cloud_has_is_not_given_again(paper, lane):
    paper.write(lane, "a", "b")

    with paper.journal.writing() as work:
        fresh = work.acknowledge(lane, [2, 7], NOON_MS)
        number = work.append(paper.entry(lane, "c")).seq
    paper.reopen()

    assert [row.seq for row in fresh] == [2]
    assert number == 8
    assert paper.write(lane, "d") == [9]


@pytest.mark.parametrize("lane", ROW_LANES)
def test_nor_is_what_the_cloud_has_refused(paper, lane):
    with paper.journal.writing() as work:
        work.refuse(lane, [Refusal(4, "unknown_name")], by="epoch-1")

    assert paper.write(lane, "a") == [5]


@pytest.mark.parametrize("lane", INTERVAL_LANES)
def test_nor_is_what_the_cloud_has_applied(paper, lane):
    paper.write(lane, 1)

    with paper.journal.writing() as work:
        work.acknowledge_intervals(lane, [(1, 1), (5, 9)])
    paper.reopen()

    assert paper.write(lane, 2) == [10]


def test_a_disk_that_came_back_from_an_earlier_day_learns_its_numbers_from_the_cloud(paper):
    paper.write(Lane.ALARM, "a")
    paper.journal.close()
    shutil.copy(paper.journal.path, paper.folder / "earlier")
    paper.open()
    paper.write(Lane.ALARM, "b", "c")
    paper.journal.close()
    shutil.copy(paper.folder / "earlier", paper.journal.path)
    paper.open()

    with paper.journal.writing() as work:
        work.acknowledge(Lane.ALARM, [1, 2, 3], NOON_MS)

    assert paper.write(Lane.ALARM, "d") == [4]


def test_numbers_go_on_near_the_largest_that_the_wire_knows(paper):
    with paper.journal.writing() as work:
        work.acknowledge_intervals(Lane.DATA, [(1, 2**53 - 3)])

    assert paper.write(Lane.DATA, 20.5) == [2**53 - 2]
    assert paper.seqs(Lane.DATA) == [2**53 - 2]
