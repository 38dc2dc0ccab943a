"""One transaction of the journal: what may be written in it. Committed or rolled back by store.py
only."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

import msgspec

from contract.intervals import Interval, highest, merged
from contract.lanes import ROW_LANES, Lane
from contract.messages import Refusal
from edge.journal.model import Entry, Origin, Row
from edge.journal.schema import (
    INSERT_ROW,
    MESSAGES_KEPT,
    REJECTED_KEPT,
    SELECT_ROWS,
    from_columns,
    to_columns,
)

REJECTED_BYTES_MAX: Final = 4_096
Why = Literal["thinned", "full", "expired"]


class Writing:
    """The writer's hand on the journal, between BEGIN and COMMIT."""

    def __init__(self, db: sqlite3.Connection, given: Mapping[Lane, int]) -> None:
        self._db = db
        self.given = dict(
            given
        )  # the last number given of each lane, as it will be after the commit

    def append(self, entry: Entry) -> Row:
        """Give the entry its number."""
        seq = self.given[entry.lane] + 1
        self._db.execute(INSERT_ROW, to_columns(seq, entry))
        self.given[entry.lane] = seq
        return Row(seq, entry)

    def remember_message(self, n: int, origin: Origin, rows: Iterable[tuple[Lane, int]]) -> None:
        """The n-th delivery became these rows: how a second delivery is recognised."""
        pairs = msgspec.json.encode([(str(lane), seq) for lane, seq in rows]).decode()
        self._db.execute(
            "INSERT OR REPLACE INTO messages VALUES (?, ?, ?, ?, ?, ?)",
            (n % MESSAGES_KEPT, n, origin.mid, origin.topic, origin.sha256, pairs),
        )

    def forget_messages(self, last: int) -> None:
        """Deliveries up to this number cannot come again."""
        self._db.execute("DELETE FROM messages WHERE n <= ?", (last,))

    def reject(self, n: int, at_ms: int, topic: str, payload: bytes, reason: str) -> None:
        """Keep a message that gave nothing, for people to look at; the last two hundred."""
        self._db.execute(
            "INSERT OR REPLACE INTO rejected VALUES (?, ?, ?, ?, ?, ?)",
            (n % REJECTED_KEPT, n, at_ms, topic, payload[:REJECTED_BYTES_MAX], reason),
        )

    def meta(self, key: str) -> str | None:
        """One lasting fact, as this transaction has it."""
        found = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if found is None else str(found[0])

    def set_meta(self, key: str, value: str) -> None:
        """One lasting fact."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def acknowledge(self, lane: Lane, seqs: Iterable[int], now_ms: int) -> list[Row]:
        """The cloud has committed these alarms or events. Returns those that were not acknowledged
        before."""
        fresh: list[Row] = []
        for seq in seqs:
            self._never_give_again(lane, seq)
            changed = self._db.execute(
                "UPDATE rows SET acked_ms = ?, refused = NULL"
                " WHERE lane = ? AND seq = ? AND acked_ms IS NULL",
                (now_ms, lane.value, seq),
            )
            if changed.rowcount:
                fresh += self._rows("WHERE lane = ? AND seq = ?", (lane.value, seq))
        return fresh

    def acknowledge_intervals(self, lane: Lane, intervals: Iterable[Interval]) -> None:
        """What the cloud has applied of data or health, all of it; the rows may go."""
        applied = merged(intervals)
        self._never_give_again(lane, highest(applied))
        for first, last in applied:
            self._db.execute(
                "DELETE FROM rows WHERE lane = ? AND seq BETWEEN ? AND ?", (lane.value, first, last)
            )
            self._db.execute(
                "DELETE FROM dropped WHERE lane = ? AND first >= ? AND last <= ?",
                (lane.value, first, last),
            )
        acked = msgspec.json.encode(applied).decode()
        self._db.execute("UPDATE lanes SET acked = ? WHERE lane = ?", (acked, lane.value))

    def _never_give_again(self, lane: Lane, seq: int) -> None:
        """The cloud knows a number that this file does not: the disk has forgotten rows. A number
        that is given twice would be taken for a repetition in the cloud, and a press would be
        lost."""
        self.given[lane] = max(self.given[lane], seq)

    def refuse(self, lane: Lane, refusals: Iterable[Refusal], by: str) -> None:
        """Stored by the cloud as evidence, of no use to it; kept here, not sent again until `by`
        changes."""
        for refusal in refusals:
            self._never_give_again(lane, refusal.seq)
            self._db.execute(
                "UPDATE rows SET refused = ?, refused_by = ?"
                " WHERE lane = ? AND seq = ? AND acked_ms IS NULL",
                (refusal.reason, by, lane.value, refusal.seq),
            )

    def offer_refused_again(self, by: str) -> int:
        """Rows that another cloud, or another version of ours, refused wait again."""
        sql = "UPDATE rows SET refused = NULL WHERE refused IS NOT NULL AND refused_by IS NOT ?"
        return self._db.execute(sql, (by,)).rowcount

    def offer_again(self) -> int:
        """The cloud may have forgotten: every alarm and event still kept waits again. Returns how
        many."""
        sql = "UPDATE rows SET acked_ms = NULL, refused = NULL WHERE lane IN (?, ?)"
        return self._db.execute(sql, [lane.value for lane in ROW_LANES]).rowcount

    def told(self, seq: int, now_ms: int) -> None:
        """The resident has been told that this alarm is received."""
        self._db.execute(
            "UPDATE rows SET told_ms = ? WHERE lane = 'alarm' AND seq = ?", (now_ms, seq)
        )

    def take_command(self, command: str, now_ms: int) -> bool:
        """False where it has been carried out before."""
        sql = "INSERT OR IGNORE INTO commands VALUES (?, ?)"
        return self._db.execute(sql, (command, now_ms)).rowcount == 1

    def forget_commands(self, before_ms: int) -> None:
        """Commands this old do not come again."""
        self._db.execute("DELETE FROM commands WHERE at_ms < ?", (before_ms,))

    def drop(self, lane: Lane, seqs: Sequence[int], why: Why) -> None:
        """Give up rows of data or health and keep count; the hole travels as a gap."""
        self._db.executemany(
            "DELETE FROM rows WHERE lane = ? AND seq = ?", [(lane.value, s) for s in seqs]
        )
        self.give_up(lane, min(seqs), max(seqs), len(seqs), why)

    def give_up(self, lane: Lane, first: int, last: int, count: int, why: Why) -> None:
        """Why the holes between first and last are there."""
        self._db.execute(
            "INSERT INTO dropped (lane, first, last, count, reason) VALUES (?, ?, ?, ?, ?)",
            (lane.value, first, last, count, why),
        )

    def skip(self, lane: Lane, count: int, why: Why) -> None:
        """Readings that could not be kept at all take their numbers, so that their absence is
        seen."""
        first = self.given[lane] + 1
        self.given[lane] += count
        self.give_up(lane, first, self.given[lane], count, why)

    def remove_acknowledged(self, lane: Lane, seqs: Sequence[int]) -> None:
        """Alarms and events that the cloud has had for a month."""
        self._db.executemany(
            "DELETE FROM rows WHERE lane = ? AND seq = ? AND acked_ms IS NOT NULL",
            [(lane.value, seq) for seq in seqs],
        )

    def flush(self, before: Mapping[Lane, int]) -> None:
        """Write the numbers given, just before the commit."""
        for lane, seq in self.given.items():
            if seq != before[lane]:
                self._db.execute("UPDATE lanes SET highest = ? WHERE lane = ?", (seq, lane.value))

    def _rows(self, where: str, parameters: Sequence[object]) -> list[Row]:
        return [from_columns(c) for c in self._db.execute(f"{SELECT_ROWS} {where}", parameters)]
