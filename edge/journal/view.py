"""Reading the journal, from any thread and any process; never writes and never waits for the
writer."""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from contract.intervals import Interval, merged, minus, of
from contract.lanes import INTERVAL_LANES, ROW_LANES, Lane
from edge.errors import JournalBroken
from edge.journal.model import Hole, Origin, Row, Span, Waiting
from edge.journal.schema import SELECT_ROWS, connect_to_read, from_columns, reading, translated

WAITING: Final = "acked_ms IS NULL AND refused IS NULL AND lane IN ('alarm', 'event')"
ROW_BYTES: Final = 96  # what a row costs on the wire besides its texts
T = TypeVar("T")
_intervals = msgspec.json.Decoder(list[Interval])
_pairs = msgspec.json.Decoder(list[tuple[Lane, int]])


class Message(NamedTuple):
    """A delivery that became rows."""

    n: int
    origin: Origin
    rows: tuple[tuple[Lane, int], ...]


class Rejected(NamedTuple):
    """A message that gave nothing."""

    at_ms: int
    topic: str
    payload: bytes
    reason: str


def _as_it_is(columns: Any) -> Any:
    return columns


@reading()
def _lane(columns: Sequence[Any]) -> tuple[Lane, Waiting]:
    return Lane(columns[0]), Waiting(columns[1], merged(_intervals.decode(columns[2])))


@reading()
def _message(columns: Sequence[Any]) -> Message:
    n, mid, topic, sha256, rows = columns
    return Message(n, Origin(mid, topic, sha256), tuple(_pairs.decode(rows)))


class View:
    """What is committed. Raises JournalUnavailable or JournalBroken."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damage: str | None = None  # what a question met, for the writer to set the file aside
        self._db: sqlite3.Connection | None = None
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let go of the file; the next question opens it again."""
        with self.closed():
            pass

    @contextmanager
    def closed(self) -> Iterator[None]:
        """While the file is replaced: a question that comes meanwhile waits, so that nobody goes on
        reading the old one."""
        with self._lock:
            if self._db is not None:
                self._db.close()
            self._db, self.damage = None, None
            yield

    def meta(self, key: str) -> str | None:
        """One lasting fact."""
        found = self._all("SELECT value FROM meta WHERE key = ?", (key,))
        return str(found[0][0]) if found else None

    def lanes(self) -> dict[Lane, Waiting]:
        """Where each lane stands."""
        return dict(self._read("SELECT lane, highest, acked FROM lanes", (), _lane))

    def waiting(self, lane: Lane, after: int = 0) -> tuple[int, ...]:
        """Numbers of the alarms or events that wait for the cloud, in order."""
        sql = f"SELECT seq FROM rows WHERE {WAITING} AND lane = ? AND seq > ? ORDER BY seq"  # noqa: S608
        return tuple(c[0] for c in self._all(sql, (lane.value, after)))

    def lowest(self, lane: Lane) -> int | None:
        """The lowest number that is held and waits."""
        held = f"{WAITING} AND" if lane in ROW_LANES else ""
        found = self._all(f"SELECT min(seq) FROM rows WHERE {held} lane = ?", (lane.value,))  # noqa: S608
        return None if found[0][0] is None else int(found[0][0])

    def counts(self) -> dict[str, int]:
        """How many rows of each lane wait."""
        counts = dict.fromkeys((lane.value for lane in Lane), 0)
        sql = f"SELECT lane, count(*) FROM rows WHERE {WAITING} GROUP BY lane"  # noqa: S608
        counts.update(self._all(sql))
        for lane in INTERVAL_LANES:
            counts[lane.value] = self._all(
                "SELECT count(*) FROM rows WHERE lane = ?", (lane.value,)
            )[0][0]
        return counts

    def row(self, lane: Lane, seq: int) -> Row | None:
        """One row, whether it waits or not."""
        found = self._rows("WHERE lane = ? AND seq = ?", (lane.value, seq))
        return found[0] if found else None

    def rows(self, lane: Lane, first: int = 1, last: int = 2**53) -> list[Row]:
        """All rows held of a lane, acknowledged ones too."""
        return self._rows(
            "WHERE lane = ? AND seq BETWEEN ? AND ? ORDER BY seq", (lane.value, first, last)
        )

    def events(self, first: int, last: int, rows_max: int, bytes_max: int) -> list[Row]:
        """Events that wait, oldest first, as many as one message takes."""
        sql = f"WHERE {WAITING} AND lane = 'event' AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?"
        return _up_to(self._rows(sql, (first, last, rows_max)), bytes_max)

    def span(self, lane: Lane, first: int, last: int, rows_max: int, bytes_max: int) -> Span:
        """A stretch of data or health from `first` on: rows, and the holes between them as gaps."""
        sql = "WHERE lane = ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?"
        rows = _up_to(self._rows(sql, (lane.value, first, last, rows_max + 1)), bytes_max, rows_max)
        beyond = self._all(
            "SELECT 1 FROM rows WHERE lane = ? AND seq > ? AND seq <= ? LIMIT 1",
            (lane.value, rows[-1].seq if rows else last, last),
        )
        end = rows[-1].seq if rows and beyond else last
        there = (*of(row.seq for row in rows), *self.lanes()[lane].acked)
        return Span(first, end, rows, [self._hole(lane, h) for h in minus((first, end), there)])

    def recent_rows(self, lane: Lane, boot: str, since_ms: int) -> list[Row]:
        """Rows taken since that instant of the same boot, oldest first."""
        sql = "WHERE lane = ? AND boot = ? AND taken_ms >= ? ORDER BY seq"
        return self._rows(sql, (lane.value, boot, since_ms))

    def oldest(self, where: str, parameters: Sequence[object], rows_max: int) -> list[Row]:
        """The first rows of a kind, by number."""
        return self._rows(f"{where} ORDER BY seq LIMIT ?", (*parameters, rows_max))

    def untold(self) -> list[Row]:
        """Alarms that the cloud has and of whose receipt the resident may not have been told,
        oldest first."""
        sql = "WHERE lane = 'alarm' AND acked_ms IS NOT NULL AND told_ms IS NULL ORDER BY seq"
        return self._rows(sql, ())

    def is_told(self, seq: int) -> bool:
        """Whether the resident has been told of this alarm's receipt."""
        sql = "SELECT 1 FROM rows WHERE lane = 'alarm' AND seq = ? AND told_ms IS NOT NULL"
        return bool(self._all(sql, (seq,)))

    def has_command(self, command: str) -> bool:
        """Whether it has been carried out."""
        return bool(self._all("SELECT 1 FROM commands WHERE id = ?", (command,)))

    def messages(self) -> list[Message]:
        """The last deliveries that became rows, oldest first."""
        sql = "SELECT n, mid, topic, sha256, rows FROM messages ORDER BY n"
        return self._read(sql, (), _message)

    def rejected(self) -> list[Rejected]:
        """Newest first."""
        found = self._all("SELECT at_ms, topic, payload, reason FROM rejected ORDER BY n DESC")
        return [Rejected(*c) for c in found]

    def rejected_so_far(self) -> int:
        """How many have been kept since the journal began."""
        return int(self._all("SELECT coalesce(max(n), 0) FROM rejected")[0][0])

    def refused(self) -> list[tuple[Lane, int, str]]:
        """What the cloud refused: lane, number, its reason."""
        found = self._all(
            "SELECT lane, seq, refused FROM rows WHERE refused IS NOT NULL ORDER BY lane, seq"
        )
        return [(Lane(c[0]), c[1], c[2]) for c in found]

    def dropped(self) -> dict[str, int]:
        """Readings given up and not yet told to the cloud, by reason."""
        return dict(self._all("SELECT reason, sum(count) FROM dropped GROUP BY reason"))

    def check(self) -> list[str]:
        """What SQLite finds wrong with the file; may take a second for each hundred megabytes."""
        found = [str(c[0]) for c in self._all("PRAGMA quick_check(10)")]
        return [] if found == ["ok"] else found

    def _hole(self, lane: Lane, hole: Interval) -> Hole:
        sql = (
            "SELECT reason FROM dropped WHERE lane = ? AND first <= ? AND last >= ?"
            " ORDER BY id DESC LIMIT 1"
        )
        found = self._all(sql, (lane.value, hole[1], hole[0]))
        return Hole(*hole, found[0][0] if found else "expired")

    def _rows(self, where: str, parameters: Sequence[object]) -> list[Row]:
        return self._read(f"{SELECT_ROWS} {where}", parameters, from_columns)

    def _all(self, sql: str, parameters: Sequence[object] = ()) -> list[Any]:
        return self._read(sql, parameters, _as_it_is)

    def _read(self, sql: str, parameters: Sequence[object], read: Callable[[Any], T]) -> list[T]:
        with self._lock:
            try:
                return [read(columns) for columns in self._fetched(sql, parameters)]
            except JournalBroken as error:
                self.damage = str(error)
                raise

    def _fetched(self, sql: str, parameters: Sequence[object]) -> list[Any]:
        try:
            if self._db is None:
                self._db = connect_to_read(self.path)
            return self._db.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise translated(error) from error


def _up_to(rows: list[Row], bytes_max: int, rows_max: int | None = None) -> list[Row]:
    """The first rows that fit, at least one."""
    size = 0
    for index, row in enumerate(rows[:rows_max]):
        entry = row.entry
        texts = (entry.raw, entry.topic, entry.value if isinstance(entry.value, str) else None)
        size += ROW_BYTES + sum(len(text) for text in texts if text is not None)
        if size > bytes_max and index:
            return rows[:index]
    return rows[:rows_max]
