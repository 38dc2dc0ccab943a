"""A group is all or nothing, and what its end says is what the file says."""

import sqlite3

import pytest

from contract.lanes import Lane
from edge.errors import JournalUnavailable
from edge.journal.model import Origin
from edge.journal.schema import connect
from tests.edge.journal.paper import Calls, GivenUp, Once, Paper, fails


def armed(tmp_path, sql: str, *, is_after: bool, code=sqlite3.SQLITE_IOERR) -> Paper:
    """A journal with one row, whose next statement of this kind fails once, carried out before or
    not."""
    once = Once(sql, fails(code))
    paper = Paper(tmp_path, Calls(once, 1, 10**9, is_after=is_after).connect)
    paper.write(Lane.ALARM, "before")
    once.arm()
    return paper


def test_what_is_committed_is_on_the_disk_before_the_block_is_left(tmp_path):
    db = connect(tmp_path / "journal.db")

    assert db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    db.close()


def test_a_group_of_all_kinds_of_writing_is_kept_whole(paper):
    with paper.journal.writing() as work:
        row = work.append(paper.entry(raw="AAEC", path="action", topic="zigbee2mqtt/x", rep=None))
        work.remember_message(1, Origin(7, "zigbee2mqtt/x", "00ff"), [(Lane.ALARM, row.seq)])
        work.set_meta("config", "{}")
        work.reject(1, 5, "zigbee2mqtt/y", b"?", "no JSON")
        assert work.take_command("cm-1", 5)
    view = paper.reopen().view

    assert view.row(Lane.ALARM, 1) == row
    assert [m.rows for m in view.messages()] == [((Lane.ALARM, 1),)]
    assert view.meta("config") == "{}"
    assert [each.reason for each in view.rejected()] == ["no JSON"]
    assert view.has_command("cm-1")


def test_of_a_group_that_raises_nothing_is_kept(paper):
    def act(work):
        work.append(paper.entry())
        work.remember_message(1, Origin(7, "t", "00ff"), [(Lane.ALARM, 1)])
        work.set_meta("config", "{}")
        work.take_command("cm-1", 5)

    with pytest.raises(GivenUp):
        paper.give_up(act)
    view = paper.reopen().view

    assert paper.seqs(Lane.ALARM) == []
    assert view.messages() == []
    assert view.meta("config") is None
    assert not view.has_command("cm-1")


def test_a_commit_that_raised_and_is_not_in_the_file_is_unavailable(tmp_path):
    paper = armed(tmp_path, "COMMIT", is_after=False)

    with pytest.raises(JournalUnavailable):
        paper.write(Lane.ALARM, "lost")

    assert paper.values(Lane.ALARM) == ["before"]
    assert paper.write(Lane.ALARM, "again") == [2]


def test_a_commit_that_raised_and_is_in_the_file_was_one(tmp_path):
    paper = armed(tmp_path, "COMMIT", is_after=True)

    assert paper.write(Lane.ALARM, "kept") == [2]
    assert paper.values(Lane.ALARM) == ["before", "kept"]
    assert paper.write(Lane.ALARM, "next") == [3]


def test_an_empty_group_is_recognised_as_well(tmp_path):
    paper = armed(tmp_path, "COMMIT", is_after=True)

    with paper.journal.writing():
        pass

    assert paper.values(Lane.ALARM) == ["before"]


def test_a_lock_that_another_process_holds_is_waited_for_or_said(tmp_path):
    paper = armed(tmp_path, "BEGIN", is_after=False, code=sqlite3.SQLITE_BUSY)

    with pytest.raises(JournalUnavailable, match="trying again") as raised:
        paper.write(Lane.ALARM, "lost")

    assert raised.value.retry_after_s > 0
    assert paper.write(Lane.ALARM, "again") == [2]


def test_a_thread_that_is_stopped_just_after_the_commit_leaves_the_file_right(tmp_path):
    def stop(_what: str) -> None:
        raise KeyboardInterrupt

    once = Once("COMMIT", stop)
    paper = Paper(tmp_path, Calls(once, 1, 10**9, is_after=True).connect)
    once.arm()
    with pytest.raises(KeyboardInterrupt):
        paper.write(Lane.ALARM, "kept")

    assert paper.write(Lane.ALARM, "next") == [2]
    assert paper.values(Lane.ALARM) == ["kept", "next"]


def test_a_rollback_that_fails_does_not_spoil_the_next_group(tmp_path):
    paper = armed(tmp_path, "ROLLBACK", is_after=False)

    with pytest.raises(GivenUp):
        paper.give_up(lambda work: work.append(paper.entry(value="lost")))

    assert paper.write(Lane.ALARM, "again") == [2]
    assert paper.values(Lane.ALARM) == ["before", "again"]
