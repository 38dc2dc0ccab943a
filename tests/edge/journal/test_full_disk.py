"""A full disk: alarms have room of their own, readings give up theirs, nothing is half there."""

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from contract.lanes import Lane
from edge.errors import JournalUnavailable
from edge.journal.reserve import RESERVE_BYTES, Reserve
from edge.journal.schema import connect, is_out_of_space
from tests.edge.journal.paper import Paper, error

KIB = 1024
PAGES = 60  # what the disk of these tests has for the journal
RESERVED_PAGES = 40  # and what it has when the reserve is given up


def small_disk(path: Path) -> sqlite3.Connection:
    """A connection to a disk of so many pages, more where the reserve is gone."""
    db = connect(path)
    is_reserved = (path.parent / "reserve").exists()
    db.execute(f"PRAGMA max_page_count = {PAGES if is_reserved else PAGES + RESERVED_PAGES}")
    return db


def fill(paper: Paper, lane: Lane) -> int:
    """Rows of a kilobyte until the disk refuses; how many were taken."""
    for n in range(10_000):
        try:
            paper.write(lane, f"{n}-" + "x" * KIB)
        except JournalUnavailable:
            return n
    raise AssertionError("the disk never was full")


@pytest.fixture
def small(tmp_path):
    made = Paper(tmp_path, small_disk)
    yield made
    made.journal.close()


def test_a_group_that_meets_a_full_disk_is_not_there_and_says_so(small):
    count = fill(small, Lane.DATA)

    assert small.journal.is_full
    assert len(small.seqs(Lane.DATA)) == count
    assert small.journal.view.check() == []


def test_alarms_take_the_reserve_when_the_disk_is_full(small):
    fill(small, Lane.DATA)

    assert small.write(Lane.ALARM, "a") == [1]
    assert not small.journal.is_full


def test_when_the_reserve_is_used_up_readings_make_room_for_alarms(small):
    fill(small, Lane.DATA)
    fill(small, Lane.DATA)
    with pytest.raises(JournalUnavailable):
        small.write(Lane.ALARM, "b" * 4 * KIB)

    assert small.keeper().make_room()

    assert small.write(Lane.ALARM, "b" * 4 * KIB) == [1]
    assert small.journal.view.dropped().keys() == {"full"}


def test_alarms_alone_can_fill_the_disk_and_none_is_given_up(small):
    count = fill(small, Lane.ALARM)
    count += fill(small, Lane.ALARM)

    assert not small.keeper().make_room()
    assert len(small.seqs(Lane.ALARM)) == count > PAGES


def test_a_new_journal_on_a_full_disk_gets_the_reserve(tmp_path):
    (tmp_path / "reserve").write_bytes(bytes(RESERVE_BYTES))

    def none_left(path: Path) -> sqlite3.Connection:
        if (tmp_path / "reserve").exists():
            raise error(sqlite3.SQLITE_IOERR_SHMSIZE)
        return connect(path)

    paper = Paper(tmp_path, none_left)

    assert paper.write(Lane.ALARM, "a") == [1]
    paper.journal.close()


def test_a_full_disk_without_a_reserve_is_unavailable(tmp_path):
    def none_left(path: Path) -> sqlite3.Connection:
        (tmp_path / "reserve").unlink(missing_ok=True)
        raise error(sqlite3.SQLITE_FULL)

    with pytest.raises(JournalUnavailable):
        Paper(tmp_path, none_left)


@pytest.mark.parametrize(
    ("code", "is_full"),
    [
        (sqlite3.SQLITE_FULL, True),
        (sqlite3.SQLITE_IOERR_SHMSIZE, True),
        (sqlite3.SQLITE_IOERR_FSYNC, False),
    ],
)
def test_what_a_full_disk_says(code, is_full):
    assert is_out_of_space(error(code)) is is_full


# ---------------------------------------------------------------- the reserve


def test_the_reserve_is_real_room_and_comes_back_when_there_is_plenty(paper):
    reserve = paper.folder / "reserve"
    assert reserve.stat().st_blocks * 512 >= RESERVE_BYTES
    paper.journal._reserve.release()
    assert not reserve.exists()

    paper.journal.checkpoint()

    assert reserve.stat().st_size == RESERVE_BYTES


def test_a_reserve_of_an_earlier_start_is_not_written_again(tmp_path):
    Reserve(tmp_path, 100).restore()
    before = (tmp_path / "reserve").stat().st_mtime_ns

    Reserve(tmp_path, 100).restore()

    assert (tmp_path / "reserve").stat().st_mtime_ns == before


def test_a_reserve_that_was_half_written_is_written_whole(tmp_path):
    (tmp_path / "reserve").write_bytes(b"\0" * 99)

    Reserve(tmp_path, 100).restore()

    assert (tmp_path / "reserve").stat().st_size == 100


def test_a_disk_with_little_room_is_not_asked_for_a_reserve(tmp_path):
    reserve = Reserve(tmp_path, size=2**60)

    reserve.restore()

    assert not reserve.path.exists()
    assert not reserve.release()


# ---------------------------------------------------------------- a real one


def test_on_a_real_full_disk_alarms_are_taken_over_a_restart(tmp_path):
    """A small tmpfs in a name space of its own, so that nothing of it is left behind."""
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-rm", "true"]).returncode:
        pytest.skip("this machine gives no mount name space for a small disk")
    mount = 'mount -t tmpfs -o size=28m small "$0" && exec "$1" -m tests.edge.journal.full "$0"'

    told = subprocess.run(
        ["unshare", "-rm", "sh", "-c", mount, str(tmp_path), sys.executable],
        capture_output=True, text=True, timeout=100,
    )  # fmt: skip

    assert told.returncode == 0, told.stderr
    assert told.stdout.split() == ["full", "taken", "restarted", "taken", "whole"]
