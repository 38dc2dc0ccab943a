"""A gateway's day in a few groups, for faults at every n-th call: what a group's end promised, and
what a journal that is opened afterwards must hold."""

from collections import Counter
from collections.abc import Callable

from contract.lanes import Lane
from edge.errors import JournalUnavailable
from edge.journal.model import Origin
from edge.journal.view import View
from edge.journal.writing import Writing
from tests.edge.journal.paper import NOON_MS, Paper

GROUPS = 4
ROWS = 2  # of each lane in a group
ATTEMPTS = 12


class Story:
    """Plays it; `say` hears `+label` when a group returned, `-label` when it raised."""

    def __init__(self, paper: Paper, say: Callable[[str], None]) -> None:
        self._paper, self._say = paper, say

    def play(self) -> None:
        """Groups, with a restart and some housekeeping between them."""
        for group in range(GROUPS):
            self._write(group)
            self._house(group)
        self._paper.journal.close()

    def _write(self, group: int) -> None:
        """As the home's pump does: what failed is tried again, here under another label."""
        for attempt in range(ATTEMPTS):
            label = f"{group}.{attempt}"
            try:
                with self._paper.journal.writing() as work:
                    self._fill(work, group, label)
            except JournalUnavailable:
                self._say(f"-{label}")
            else:
                self._say(f"+{label}")
                return
        raise AssertionError("the journal never recovered")

    def _fill(self, work: Writing, group: int, label: str) -> None:
        rows = [
            work.append(self._paper.entry(lane, label))
            for lane in (Lane.ALARM, Lane.EVENT, Lane.DATA)
            for _ in range(ROWS)
        ]
        pairs = [(row.entry.lane, row.seq) for row in rows]
        work.remember_message(group + 1, Origin(group + 1, label, "00ff"), pairs)
        work.take_command(label, NOON_MS)
        work.set_meta("last", label)
        if group == 1:
            work.acknowledge(Lane.ALARM, [1, 2], NOON_MS)

    def _house(self, group: int) -> None:
        """Fails as it may; nothing of it is promised."""
        try:
            if group == 1:
                self._paper.journal.checkpoint()
            if group == 2:
                self._paper.journal.close()
                self._paper.open()
        except JournalUnavailable:
            self._say("-house")


def check(view: View, said: list[str]) -> None:
    """Whole groups only: those that returned once, those that raised not at all; the one of which
    nothing was said, either."""
    kept = {line[1:] for line in said if line.startswith("+")}
    raised = {line[1:] for line in said if line.startswith("-")}
    for lane in (Lane.ALARM, Lane.EVENT, Lane.DATA):
        rows = view.rows(lane)
        counted = Counter(str(row.entry.value) for row in rows)
        assert set(counted.values()) <= {ROWS}
        assert kept <= counted.keys()
        assert not raised & counted.keys()
        assert len(counted.keys() - kept) <= 1
        seqs = [row.seq for row in rows]
        assert seqs == sorted(set(seqs))
        assert view.lanes()[lane].highest >= max(seqs, default=0)
    labels = {str(row.entry.value) for row in view.rows(Lane.ALARM)}
    assert {m.origin.topic for m in view.messages()} == labels
    assert {label for label in labels | raised if view.has_command(label)} == labels
    assert view.meta("last") == (last_of(view) if labels else None)


def last_of(view: View) -> object:
    return view.rows(Lane.ALARM)[-1].entry.value
