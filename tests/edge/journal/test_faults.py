"""A fault at every n-th call of the database, n = 1, 2, 3, … until the run passes untouched, in the
manner of SQLite's own tests."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.journal.reserve import RESERVE_BYTES
from tests.edge.journal.paper import Calls, Paper, dies, fails
from tests.edge.journal.story import ATTEMPTS, GROUPS, Story, check

N_MAX = 1_000
IO, FULL = sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL


def each_n(tmp_path: Path, run: Callable[[Path, int], bool]) -> None:
    """run: takes a new folder and n; says whether the run was untouched."""
    reserve = tmp_path / "reserve"
    reserve.write_bytes(bytes(RESERVE_BYTES))
    for n in range(1, N_MAX):
        folder = tmp_path / str(n)
        folder.mkdir()
        (folder / "reserve").hardlink_to(reserve)  # not written anew each time
        if run(folder, n):
            assert n > GROUPS * 10  # so many calls were tried
            return
        shutil.rmtree(folder)
    raise AssertionError("the run never passed untouched")


def failing(folder: Path, calls: Calls) -> bool:
    """Play the story with failing calls, open the journal again, and look."""
    said: list[str] = []
    paper = Paper(folder, calls.connect, tries=ATTEMPTS)
    Story(paper, said.append).play()
    calls.lasts = 0
    check(paper.open().view, said)
    paper.journal.close()
    return calls.is_untouched


@pytest.mark.parametrize(("code", "is_after"), [(IO, False), (IO, True), (FULL, False)])
def test_the_nth_call_fails(tmp_path, code, is_after):
    each_n(tmp_path, lambda folder, n: failing(folder, Calls(fails(code), n, is_after=is_after)))


def test_from_the_nth_call_on_everything_fails_for_a_while(tmp_path):
    each_n(tmp_path, lambda folder, n: failing(folder, Calls(fails(IO), n, lasts=7)))


def in_a_child(work: Callable[[], None]) -> int:
    """The exit status of a process that does this."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - told by the status
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("is_after", [False, True])
def test_the_process_dies_at_the_nth_call(tmp_path, is_after):
    def run(folder: Path, n: int) -> bool:
        ledger = folder / "ledger"

        def say(line: str) -> None:
            with ledger.open("a") as file:
                file.write(line + "\n")

        def live() -> None:
            calls = Calls(dies, n, is_after=is_after)
            Story(Paper(folder, calls.connect), say).play()

        status = in_a_child(live)
        paper = Paper(folder)
        check(paper.journal.view, ledger.read_text().split() if ledger.exists() else [])
        assert paper.journal.broken_files() == []
        paper.journal.close()
        assert status in {0, 9}
        return status == 0

    each_n(tmp_path, run)
