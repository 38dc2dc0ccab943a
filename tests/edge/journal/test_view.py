"""Reading beside the writer: stretches with their holes, rings, other threads and processes."""

import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from contract.lanes import Lane, Quality
from edge.errors import JournalUnavailable
from edge.journal.model import Hole, Origin
from edge.journal.schema import MESSAGES_KEPT, REJECTED_KEPT
from edge.journal.view import ROW_BYTES, View
from edge.journal.writing import REJECTED_BYTES_MAX
from tests.edge.journal.paper import NOON_MS

MUCH = 2**30


def test_a_row_comes_back_as_it_was_taken(paper):
    paper.clock.synced = False
    entry = paper.entry(
        Lane.DATA,
        21.5,
        unit="Cel",
        quality=Quality.IMPLAUSIBLE,
        time_ms=NOON_MS - 5,
        time_quality="device",
        channel="left",
        path="values.temperature",
        topic="zigbee2mqtt/x",
        raw="AAEC",
        is_retained=True,
        rep=3,
        cancels=2,
    )

    with paper.journal.writing() as work:
        row = work.append(entry)

    assert row.entry == entry
    assert paper.journal.view.row(Lane.DATA, 1) == row
    assert paper.journal.view.row(Lane.DATA, 2) is None


@pytest.mark.parametrize("value", [True, False, 0, 1, 1.0, -273.15, "", "a'b\"\n", None, 2**53])
def test_a_value_keeps_its_type(paper, value):
    paper.write(Lane.DATA, value)

    found = paper.values(Lane.DATA)[0]

    assert (found, type(found)) == (value, type(value))


# ---------------------------------------------------------------- stretches


def test_a_stretch_without_holes_has_no_gaps(paper):
    paper.write(Lane.DATA, *range(5))

    span = paper.journal.view.span(Lane.DATA, 2, 4, 10, MUCH)

    assert (span.first, span.last, [row.seq for row in span.rows]) == (2, 4, [2, 3, 4])
    assert span.gaps == []


def test_holes_travel_as_gaps_with_their_reasons(paper):
    paper.write(Lane.DATA, *range(10))
    with paper.journal.writing() as work:
        work.drop(Lane.DATA, [1, 2], "full")
        work.drop(Lane.DATA, [4], "thinned")
        work.drop(Lane.DATA, [9, 10], "expired")

    span = paper.journal.view.span(Lane.DATA, 1, 10, 10, MUCH)

    assert [row.seq for row in span.rows] == [3, 5, 6, 7, 8]
    assert span.gaps == [Hole(1, 2, "full"), Hole(4, 4, "thinned"), Hole(9, 10, "expired")]


def test_a_hole_that_nobody_can_explain_is_said_to_have_expired(paper):
    paper.write(Lane.DATA, *range(4))
    with paper.journal.writing() as work:
        work.acknowledge_intervals(Lane.DATA, [(1, 2)])
        work.acknowledge_intervals(Lane.DATA, [])  # the cloud came back from an old backup

    span = paper.journal.view.span(Lane.DATA, 1, 4, 10, MUCH)

    assert span.gaps == [Hole(1, 2, "expired")]


def test_what_the_cloud_has_is_no_gap(paper):
    paper.write(Lane.DATA, *range(6))
    with paper.journal.writing() as work:
        work.acknowledge_intervals(Lane.DATA, [(2, 3), (6, 6)])
        work.drop(Lane.DATA, [4], "full")

    span = paper.journal.view.span(Lane.DATA, 1, 6, 10, MUCH)

    assert [row.seq for row in span.rows] == [1, 5]
    assert span.gaps == [Hole(4, 4, "full")]


def test_a_stretch_of_nothing_but_holes_is_one_gap(paper):
    with paper.journal.writing() as work:
        work.skip(Lane.HEALTH, 7, "full")

    span = paper.journal.view.span(Lane.HEALTH, 1, 7, 10, MUCH)

    assert (span.first, span.last, span.rows, span.gaps) == (1, 7, [], [Hole(1, 7, "full")])


def test_a_stretch_that_is_too_long_ends_at_its_last_row(paper):
    paper.write(Lane.DATA, *range(9))
    with paper.journal.writing() as work:
        work.drop(Lane.DATA, [4, 5], "full")

    span = paper.journal.view.span(Lane.DATA, 1, 9, 3, MUCH)
    rest = paper.journal.view.span(Lane.DATA, span.last + 1, 9, 10, MUCH)

    assert (span.last, span.gaps) == (3, [])
    assert [row.seq for row in rest.rows] == [6, 7, 8, 9]
    assert rest.gaps == [Hole(4, 5, "full")]


def test_as_many_rows_as_are_allowed_end_where_the_stretch_ends(paper):
    paper.write(Lane.DATA, *range(3))
    with paper.journal.writing() as work:
        work.skip(Lane.DATA, 2, "full")

    span = paper.journal.view.span(Lane.DATA, 1, 5, 3, MUCH)

    assert (len(span.rows), span.last, span.gaps) == (3, 5, [Hole(4, 5, "full")])


def test_a_stretch_keeps_to_its_bytes_but_has_one_row_at_least(paper):
    paper.write(Lane.DATA, *["x" * 100] * 3)

    def rows(bytes_max: int) -> int:
        return len(paper.journal.view.span(Lane.DATA, 1, 3, 10, bytes_max).rows)

    assert rows(1) == 1
    assert rows(2 * (ROW_BYTES + 100)) == 2
    assert rows(2 * (ROW_BYTES + 100) - 1) == 1


def test_events_are_said_oldest_first_and_only_those_that_wait(paper):
    paper.write(Lane.EVENT, *range(6))
    with paper.journal.writing() as work:
        work.acknowledge(Lane.EVENT, [2], NOON_MS)

    rows = paper.journal.view.events(1, 5, 3, MUCH)

    assert [row.seq for row in rows] == [1, 3, 4]


def test_waiting_rows_are_counted_by_lane(paper):
    paper.write(Lane.ALARM, "a", "b")
    paper.write(Lane.DATA, 1, 2, 3)
    with paper.journal.writing() as work:
        work.acknowledge(Lane.ALARM, [1], NOON_MS)

    view = paper.journal.view

    assert view.counts() == {"alarm": 1, "event": 0, "data": 3, "health": 0}
    assert (view.lowest(Lane.ALARM), view.lowest(Lane.EVENT)) == (2, None)


def test_recent_rows_are_those_of_this_boot(paper):
    paper.write(Lane.ALARM, "before")
    paper.clock.reboot()
    paper.write(Lane.ALARM, "early")
    paper.clock.go(5_000)
    paper.write(Lane.ALARM, "late")

    rows = paper.journal.view.recent_rows(Lane.ALARM, paper.clock.boot, 3_000)

    assert [row.entry.value for row in rows] == ["late"]


# ---------------------------------------------------------------- rings


@pytest.mark.parametrize("count", [MESSAGES_KEPT, MESSAGES_KEPT + 1])
def test_the_last_messages_are_remembered_in_order(paper, count):
    with paper.journal.writing() as work:
        for n in range(1, count + 1):
            work.remember_message(n, Origin(n, "t", "00ff"), [(Lane.DATA, n)])

    kept = [m.n for m in paper.journal.view.messages()]

    assert kept == list(range(count - MESSAGES_KEPT + 1, count + 1))


def test_what_cannot_be_delivered_again_is_forgotten(paper):
    with paper.journal.writing() as work:
        work.remember_message(1, Origin(1, "t", "00ff"), [(Lane.DATA, 1)])
        work.forget_messages(1)

    assert paper.journal.view.messages() == []


@pytest.mark.parametrize("count", [REJECTED_KEPT, REJECTED_KEPT + 1])
def test_the_last_rejected_messages_are_kept_newest_first(paper, count):
    with paper.journal.writing() as work:
        for n in range(1, count + 1):
            work.reject(n, n, "t", b"?", str(n))

    kept = [int(each.reason) for each in paper.journal.view.rejected()]

    assert kept == list(range(count, count - REJECTED_KEPT, -1))
    assert paper.journal.view.rejected_so_far() == count


@pytest.mark.parametrize("size", [REJECTED_BYTES_MAX, REJECTED_BYTES_MAX + 1])
def test_of_a_large_rejected_message_the_beginning_is_kept(paper, size):
    with paper.journal.writing() as work:
        work.reject(1, 1, "t", b"\x00" * size, "large")

    assert len(paper.journal.view.rejected()[0].payload) == REJECTED_BYTES_MAX


# ---------------------------------------------------------------- beside the writer


def test_a_reader_sees_nothing_of_a_group_that_is_not_committed(paper):
    with paper.journal.writing() as work:
        work.append(paper.entry())
        inside = paper.seqs(Lane.ALARM)

    assert (inside, paper.seqs(Lane.ALARM)) == ([], [1])


def test_readers_in_other_threads_see_whole_groups_only(paper):
    is_over = threading.Event()

    def read() -> set[int]:
        seen = set()
        while not is_over.is_set():
            seen.add(len(paper.seqs(Lane.DATA)) % 7)
        return seen

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        for _ in range(40):
            paper.write(Lane.DATA, *range(7))
        is_over.set()

    assert [reader.result() for reader in readers] == [{0}] * 3


def test_another_process_reads_while_this_one_writes(paper):
    paper.write(Lane.ALARM, "a")
    program = (
        "import sys; from pathlib import Path; from edge.journal.view import View; "
        "from contract.lanes import Lane; view = View(Path(sys.argv[1])); "
        "print(view.counts()['alarm'], view.check()); view.close()"
    )
    with paper.journal.writing() as work:
        work.append(paper.entry())
        said = subprocess.run(
            [sys.executable, "-c", program, str(paper.journal.path)],
            capture_output=True, text=True, timeout=60, check=True,
        ).stdout  # fmt: skip

    assert said.split(maxsplit=1) == ["1", "[]\n"]


def test_a_reader_cannot_write_and_makes_no_file(tmp_path, paper):
    with pytest.raises(JournalUnavailable, match="readonly"):
        paper.journal.view._all("DELETE FROM rows")
    with pytest.raises(JournalUnavailable, match="unable to open"):
        View(tmp_path / "nowhere.db").lanes()

    assert not (tmp_path / "nowhere.db").exists()


def test_a_reader_goes_on_with_the_new_journal_where_one_was_set_aside(paper):
    is_over = threading.Event()

    def read() -> None:
        while not is_over.is_set():
            try:
                paper.journal.view.meta("journal")
            except JournalUnavailable:
                continue

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        seen = []
        for _ in range(10):
            paper.journal.set_aside("for this test")
            seen.append(paper.journal.view.meta("journal") == paper.journal.id)
            paper.clock.go(1)
        is_over.set()

    assert seen == [True] * 10
    assert [reader.result() for reader in readers] == [None, None]


def test_a_file_that_is_no_journal_is_said_to_be_damaged(tmp_path):
    (tmp_path / "x.db").write_bytes(b"no database" * 1000)

    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(tmp_path / "x.db").execute("SELECT 1 FROM sqlite_master")
    with pytest.raises(Exception, match="damaged"):
        View(tmp_path / "x.db").lanes()
