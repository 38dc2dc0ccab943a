"""Two processes on one folder: one does it, the other takes over."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from cloud.observe import Counters
from cloud.pumps import Signal
from cloud.storage.lock import FolderLock
from cloud.workers.neighbours import LOOK_MS, OVERTAKEN_MS, POLL_MS, Exclusive, Polled


class Part:
    """Something that only one may run."""

    def __init__(self, folder: Path, trouble: Exception | None = None) -> None:
        self.runs, self.trouble, self.counters = 0, trouble, Counters()
        self.alone = Exclusive("part", FolderLock(folder / "part.lock"), self.begin, self.counters)

    def begin(self, ends: ExitStack) -> None:
        self.runs += 1
        ends.callback(self.end)
        if self.trouble is not None:
            raise self.trouble

    def end(self) -> None:
        self.runs -= 1


def test_the_second_waits_until_the_first_has_ended(tmp_path: Path) -> None:
    first, second = Part(tmp_path), Part(tmp_path)
    first.alone.run_once(0)

    assert second.alone.run_once(0) == LOOK_MS
    assert (first.runs, second.runs) == (1, 0)

    first.alone.stop()
    second.alone.run_once(LOOK_MS)
    assert (first.runs, second.runs) == (0, 1)
    assert second.alone.is_running


def test_it_begins_once_however_often_it_is_turned(tmp_path: Path) -> None:
    part = Part(tmp_path)

    part.alone.run_once(0)
    part.alone.run_once(1)

    assert part.runs == 1


def test_a_beginning_that_fails_leaves_nothing_and_is_tried_again(tmp_path: Path) -> None:
    part = Part(tmp_path, RuntimeError("the disk is full"))

    with pytest.raises(RuntimeError):
        part.alone.run_once(0)
    assert (part.runs, part.alone.is_running) == (0, False)

    part.trouble = None
    part.alone.run_once(1)
    assert part.runs == 1


def test_who_was_overtaken_ends_lets_go_says_so_once_and_stands_by(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    part, other = Part(tmp_path), Part(tmp_path)
    part.alone.run_once(0)

    part.alone.overtaken()
    for at_ms in (1, 600, 1_200):
        assert part.alone.run_once(at_ms) == 1 + OVERTAKEN_MS

    assert (part.runs, part.alone.is_running) == (0, False)
    assert caplog.text.count("standing by") == 1
    assert part.counters.snapshot()[1]["app.part"].times == 1
    other.alone.run_once(2)
    assert other.runs == 1


def test_who_was_overtaken_tries_again_after_a_minute_and_waits_for_the_lock(
    tmp_path: Path,
) -> None:
    part, other = Part(tmp_path), Part(tmp_path)
    part.alone.run_once(0)
    part.alone.overtaken()
    part.alone.run_once(1)
    other.alone.run_once(2)

    part.alone.run_once(1 + OVERTAKEN_MS)
    assert part.runs == 0
    other.alone.stop()
    part.alone.run_once(1 + OVERTAKEN_MS + LOOK_MS)
    assert part.runs == 1


def test_a_lock_belongs_to_one_holder_until_it_lets_go(tmp_path: Path) -> None:
    one, other = FolderLock(tmp_path / "l"), FolderLock(tmp_path / "l")

    assert one.take()
    assert one.take()
    assert not other.take()
    one.release()
    assert other.take()


class Slow:
    """A pump that says when it is next due."""

    name = "slow"

    def __init__(self, due_ms: int | None) -> None:
        self.signal, self.due_ms = Signal(), due_ms

    def run_once(self, now_ms: int) -> int | None:
        return self.due_ms


@pytest.mark.parametrize(("due_ms", "then"), [(None, POLL_MS), (90_000, POLL_MS), (3, 3)])
def test_what_others_leave_in_the_store_is_looked_for_every_second(
    due_ms: int | None, then: int
) -> None:
    assert Polled(Slow(due_ms)).run_once(0) == then
