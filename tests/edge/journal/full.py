"""Fills the small disk that it is given, and says how the journal fares. For test_full_disk.py."""

import sys
from pathlib import Path

from contract.lanes import Lane
from edge.errors import JournalUnavailable
from tests.edge.journal.paper import Paper


def fill(folder: Path) -> None:
    """Everything else on the disk grows until nothing is left."""
    with (folder / "logs").open("ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def say(word: str) -> None:
    sys.stdout.write(word + "\n")


def main(folder: Path) -> None:
    paper = Paper(folder)
    assert (folder / "reserve").exists()
    paper.write(Lane.DATA, *["x" * 200] * 2_000)
    fill(folder)
    alarms, is_full = 0, False
    while not is_full:  # what the log of the journal had left
        alarms, is_full = take(paper, alarms)
    say("full")
    alarms, is_full = take(paper, alarms)
    assert not is_full
    say("taken")
    paper.reopen()
    say("restarted")
    alarms, is_full = take(paper, alarms)
    assert not is_full
    say("taken")
    assert len(paper.seqs(Lane.ALARM)) == alarms
    assert paper.journal.view.check() == []
    say("whole")


def take(paper: Paper, alarms: int) -> tuple[int, bool]:
    """One alarm as the home's pump takes it: again where it failed. Whether it failed first."""
    try:
        paper.write(Lane.ALARM, "y" * 5_000)
    except JournalUnavailable:
        paper.write(Lane.ALARM, "y" * 5_000)
        return alarms + 1, True
    return alarms + 1, False


if __name__ == "__main__":
    main(Path(sys.argv[1]))
