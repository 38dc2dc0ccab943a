"""Writes what is in hand into the journal, and keeps count of the deliveries that the home broker
may send again."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from contract.lanes import ROW_LANES, Lane
from contract.messages import DownMessage
from edge.answers import apply
from edge.clock import Clock, Now
from edge.intake import Intake, Read
from edge.journal.model import Entry, Origin, Row, Taken
from edge.journal.store import Journal
from edge.journal.writing import Writing
from edge.link import Arrived
from edge.meaning import DOUBLE_WITHIN_MS, Reading
from edge.redelivery import Delivery
from edge.residents import Residents

SETS_DUP: Final = "home_sets_dup"


class Waiting(NamedTuple):
    """A message in hand: not committed, so not settled. failures: how often it alone could not be
    written, for a reason of our own."""

    message: Arrived
    taken: Taken
    read: Read
    failures: int = 0

    @property
    def is_call(self) -> bool:
        """Whether it must not wait for others: anything on the alarm lane."""
        return any(entry.lane is Lane.ALARM for entry, _ in self.read.entries)


class Commit:
    """The journal's pen. Every method that writes raises JournalError, and then nothing of it is
    kept. version: this program's."""

    def __init__(
        self, journal: Journal, intake: Intake, residents: Residents, clock: Clock, version: str
    ) -> None:
        self._journal, self._intake, self._residents = journal, intake, residents
        self._clock, self._version = clock, version
        self._n = self._rejected_n = 0  # deliveries that became rows, messages put aside
        self._settled_n = self._sure_n = self._forgotten_n = 0
        self._proofs: dict[int, int] = {}  # publication -> what had been settled before it
        self._is_stale = False
        self.sets_dup = False  # the home broker marks what it delivers again

    def begin(self) -> None:
        """From what the journal holds."""
        view = self._journal.view
        self._n = max((m.n for m in view.messages()), default=0)
        self._settled_n = self._sure_n = self._forgotten_n = 0
        self._proofs.clear()
        self._rejected_n = view.rejected_so_far()
        self.sets_dup = view.meta(SETS_DUP) == "1"
        self._is_stale = True

    def rolled_back(self) -> None:
        """A group failed: what the intake learnt of it did not happen."""
        self._is_stale = True

    # ------------------------------------------------------------ writing

    def group(self, batch: Sequence[Waiting], now: Now) -> list[Row]:
        """These messages, in one transaction. The rows that they became."""
        if self._is_stale:
            self._remember_recent(now)
            self._is_stale = False
        written: list[list[Row]] = []
        with self._journal.writing() as work:
            n, rejected_n = self._n, self._rejected_n
            if self._intake.has_seen_dup and not self.sets_dup:
                work.set_meta(SETS_DUP, "1")
            for each in batch:
                rows = [self._append(work, *entry) for entry in each.read.entries]
                written.append(rows)
                if each.read.delivery is not None and rows:
                    n += 1
                    work.remember_message(n, _origin(each.read.delivery), _keys(rows))
                if each.read.rejected is not None:
                    rejected_n += 1
                    message, reason = each.message, each.read.rejected
                    work.reject(rejected_n, now.wall_ms, message.topic, message.payload, reason)
        self._n, self._rejected_n = n, rejected_n
        self.sets_dup |= self._intake.has_seen_dup
        for each, rows in zip(batch, written, strict=True):
            if each.read.delivery is not None:
                each.read.delivery.rows = tuple(_keys(rows))
        return [row for rows in written for row in rows]

    def answers(
        self, inbox: Sequence[DownMessage], told: Sequence[int], commands: Sequence[str], now: Now
    ) -> list[Row]:
        """What the cloud said, rows that the resident was told of, commands carried out. The rows
        that the cloud acknowledges for the first time."""
        answered: list[Row] = []
        with self._journal.writing() as work:
            for message in inbox:
                answered += apply(self._journal, work, message, now.wall_ms, self._version)
            for seq in told:
                work.told(seq, now.wall_ms)
            for command in commands:
                work.take_command(command, now.wall_ms)
        return answered

    def _append(self, work: Writing, entry: Entry, reading: Reading | None) -> Row:
        row = work.append(self._intake.related(entry, reading))
        self._intake.numbered(row, reading)
        return row

    def _remember_recent(self, now: Now) -> None:
        since_ms = now.monotonic_ms - max(DOUBLE_WITHIN_MS, self._residents.cancel_window_ms)
        view, boot = self._journal.view, self._clock.boot_id()
        self._intake.remember(
            row for lane in ROW_LANES for row in view.recent_rows(lane, boot, since_ms)
        )

    # ------------------------------------------------------------ what the broker may send again

    def joined(self, *, is_resumed: bool) -> list[Delivery]:
        """A new connection. Committed deliveries that may come again on it, in order."""
        if not is_resumed:
            self._sure_n = self._n
            self._learn(sets_dup=False)  # it may be another broker
        return [
            Delivery(m.origin.mid, m.origin.topic, m.origin.sha256, m.rows)
            for m in self._journal.view.messages()
            if m.n > self._sure_n
        ]

    def _learn(self, *, sets_dup: bool) -> None:
        if self.sets_dup != sets_dup:
            with self._journal.writing() as work:
                work.set_meta(SETS_DUP, "1" if sets_dup else "0")
            self.sets_dup = self._intake.has_seen_dup = sets_dup

    def settled(self) -> None:
        """All that is committed has just been settled."""
        self._settled_n = self._n

    def said(self, token: int) -> None:
        """A publication. The broker answers in order: once it confirms this, it has seen what was
        settled before. Time proves nothing: measured, a busy broker had not after half a second."""
        self._proofs[token] = self._settled_n

    def confirmed(self, token: int) -> None:
        """The broker has answered for a publication."""
        self._sure_n = max(self._sure_n, self._proofs.pop(token, 0))

    @property
    def is_sure(self) -> bool:
        """Whether the broker is known to have seen all that was settled on this connection."""
        return self._settled_n <= self._sure_n

    def lost(self) -> None:
        """Whether the last acknowledgements arrived is not known."""
        self._settled_n = 0
        self._proofs.clear()

    def forget_settled(self) -> None:
        """What the broker has certainly been told of can only come again as something new."""
        if self._sure_n > self._forgotten_n:
            with self._journal.writing() as work:
                work.forget_messages(self._sure_n)
            self._forgotten_n = self._sure_n


def _origin(delivery: Delivery) -> Origin:
    return Origin(delivery.mid, delivery.topic, delivery.sha256)


def _keys(rows: Sequence[Row]) -> list[tuple[Lane, int]]:
    return [(row.entry.lane, row.seq) for row in rows]
