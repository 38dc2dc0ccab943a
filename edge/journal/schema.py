"""The journal's file: tables, connection settings, what SQLite's errors mean, rows in and out of
columns."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from contract.lanes import Lane, Quality
from edge.errors import JournalBroken, JournalError, JournalUnavailable
from edge.journal.model import Entry, Row, Taken

VERSION: Final = 1
FILE_NAME: Final = "journal.db"
# measured: Mosquitto sends 600 again at once, whatever our receive maximum
MESSAGES_KEPT: Final = 10_000
REJECTED_KEPT: Final = 200
CHECKPOINT_PAGES: Final = 4_000  # a last resort; idle turns checkpoint long before
BUSY_S: Final = 5.0
Connect = Callable[[Path], sqlite3.Connection]

TABLES: Final = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    # highest: the last number given; acked: JSON intervals that the cloud has applied (data,
    # health)
    """CREATE TABLE lanes (lane TEXT PRIMARY KEY, highest INTEGER NOT NULL, acked TEXT NOT NULL)
        WITHOUT ROWID""",
    """CREATE TABLE rows (
        lane TEXT NOT NULL, seq INTEGER NOT NULL,
        device TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, unit TEXT,
        quality TEXT NOT NULL,
        time_ms INTEGER, time_quality TEXT NOT NULL, channel TEXT, path TEXT, topic TEXT, raw TEXT,
        is_retained INTEGER NOT NULL, is_sample INTEGER NOT NULL,
        boot TEXT NOT NULL, taken_ms INTEGER NOT NULL, wall_ms INTEGER NOT NULL,
        is_synced INTEGER NOT NULL,
        rep INTEGER, cancels INTEGER,
        acked_ms INTEGER, told_ms INTEGER, refused TEXT, refused_by TEXT,
        PRIMARY KEY (lane, seq)) WITHOUT ROWID""",
    """CREATE INDEX rows_waiting ON rows (lane, seq)
        WHERE acked_ms IS NULL AND refused IS NULL AND lane IN ('alarm', 'event')""",
    # the last QoS 1 messages that became rows, a ring; n counts deliveries, rows is JSON [[lane,
    # seq], …]
    """CREATE TABLE messages (slot INTEGER PRIMARY KEY, n INTEGER NOT NULL, mid INTEGER NOT NULL,
        topic TEXT NOT NULL, sha256 TEXT NOT NULL, rows TEXT NOT NULL)""",
    """CREATE TABLE dropped (id INTEGER PRIMARY KEY, lane TEXT NOT NULL, first INTEGER NOT NULL,
        last INTEGER NOT NULL, count INTEGER NOT NULL, reason TEXT NOT NULL)""",
    "CREATE TABLE commands (id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TABLE rejected (slot INTEGER PRIMARY KEY, n INTEGER NOT NULL, at_ms INTEGER NOT NULL,
        topic TEXT NOT NULL, payload BLOB NOT NULL, reason TEXT NOT NULL)""",
)  # fmt: skip
COLUMNS: Final = (
    "lane, seq, device, name, value, unit, quality, time_ms, time_quality, channel, path, topic,"
    " raw,"
    " is_retained, is_sample, boot, taken_ms, wall_ms, is_synced, rep, cancels"
)
INSERT_ROW: Final = f"INSERT INTO rows ({COLUMNS}) VALUES ({', '.join('?' * 21)})"  # noqa: S608
SELECT_ROWS: Final = f"SELECT {COLUMNS} FROM rows"  # noqa: S608
# The second: measured on a full tmpfs, where the index of the write-ahead log cannot be made.
NO_SPACE: Final = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)
BROKEN: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def connect(path: Path) -> sqlite3.Connection:
    """The writer's connection: every commit is on the disk before it returns."""
    db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    return db


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that cannot write; raises where there is no file."""
    db = sqlite3.connect(
        # rw: a reader of a WAL must be able to make its index
        f"{path.resolve().as_uri()}?mode=rw",
        uri=True,
        timeout=BUSY_S,
        isolation_level=None,
        check_same_thread=False,
    )
    db.execute("PRAGMA query_only = ON")
    return db


def translated(error: sqlite3.Error) -> JournalError:
    """What an error of SQLite means for the journal."""
    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF  # the rest are SQLite's extended codes
    if primary in BROKEN:
        return JournalBroken(f"the journal's file is damaged: {error}")
    return JournalUnavailable(str(error))


@contextmanager
def reading() -> Iterator[None]:
    """A text of ours that cannot be read is damage, which SQLite cannot see. Raises
    JournalBroken."""
    try:
        yield
    except (ValueError, TypeError, msgspec.MsgspecError) as error:
        raise JournalBroken(f"the journal's file is damaged: {error}") from error


def is_out_of_space(error: sqlite3.Error) -> bool:
    """Whether the disk is full."""
    return getattr(error, "sqlite_errorcode", None) in NO_SPACE


def to_columns(seq: int, entry: Entry) -> Sequence[Any]:
    """In the order of COLUMNS."""
    return (
        entry.lane.value,
        seq,
        entry.device,
        entry.name,
        msgspec.json.encode(entry.value).decode(),
        entry.unit,
        entry.quality.value,
        entry.time_ms,
        entry.time_quality,
        entry.channel,
        entry.path,
        entry.topic,
        entry.raw,
        entry.is_retained,
        entry.is_sample,
        entry.taken.boot,
        entry.taken.monotonic_ms,
        entry.taken.wall_ms,
        entry.taken.is_synced,
        entry.rep,
        entry.cancels,
    )


@reading()
def from_columns(columns: Sequence[Any]) -> Row:
    """The row that `to_columns` took apart."""
    entry = Entry(
        lane=Lane(columns[0]),
        device=columns[2],
        name=columns[3],
        value=msgspec.json.decode(columns[4]),
        unit=columns[5],
        quality=Quality(columns[6]),
        time_ms=columns[7],
        time_quality=columns[8],
        channel=columns[9],
        path=columns[10],
        topic=columns[11],
        raw=columns[12],
        is_retained=bool(columns[13]),
        is_sample=bool(columns[14]),
        taken=Taken(columns[15], columns[16], columns[17], bool(columns[18])),
        rep=columns[19],
        cancels=columns[20],
    )
    return Row(columns[1], entry)
