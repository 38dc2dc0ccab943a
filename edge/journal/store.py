"""The journal's writer: opens the file, commits groups, survives errors of the disk, sets a damaged
file aside.

One thread writes. What is committed is read through `view`, from any thread.
"""

import logging
import secrets
import sqlite3
from base64 import b32encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from contract.lanes import Lane, Notice
from edge.clock import Clock
from edge.errors import JournalBroken, JournalError, JournalUnavailable
from edge.journal.model import Entry, Taken
from edge.journal.reserve import Reserve
from edge.journal.schema import (
    FILE_NAME,
    TABLES,
    VERSION,
    Connect,
    connect,
    is_out_of_space,
    reading,
    translated,
)
from edge.journal.view import View
from edge.journal.writing import Writing

log = logging.getLogger(__name__)
BROKEN_KEPT: Final = 3
CHECK_BYTES_MAX: Final = (
    64 * 1024 * 1024
)  # a larger file is not read through at start: back in 30 s comes first
GROUP: Final = "group"  # meta: number of the last group committed
SUFFIXES: Final = ("", "-wal", "-shm")
IdSource = Callable[[], str]


def new_journal_id() -> str:
    """`jr-` and twenty letters."""
    return "jr-" + b32encode(secrets.token_bytes(13)).decode().lower()[:20]


class Journal:
    """An open journal. Raises JournalUnavailable where the disk refuses, JournalBroken where the
    file is damaged.

    device: the uid under which the edge speaks of itself.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        device: str,
        connect: Connect = connect,
        new_id: IdSource = new_journal_id,
    ) -> None:
        self.path = folder / FILE_NAME
        self.view = View(self.path)
        self.id = ""
        self.highest: dict[Lane, int] = {}
        self.is_full = False  # the last write found the disk full
        self._clock, self._device, self._connect, self._new_id = clock, device, connect, new_id
        self._reserve = Reserve(folder)
        self._db: sqlite3.Connection | None = None
        self._group = 0
        try:
            self._open()
            self._check(self._ready())
        except JournalBroken as error:
            self.set_aside(str(error))

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """One group: durable when the block is left without an error, otherwise as if it had never
        been."""
        db = self._ready()
        group = self._group + 1
        work = Writing(db, self.highest)
        try:
            db.execute("BEGIN IMMEDIATE")
            yield work
            work.flush(self.highest)
            work.set_meta(GROUP, str(group))
            db.execute("COMMIT")
        except sqlite3.Error as error:
            if not self._was_committed(group, error):
                raise translated(error) from error
        except BaseException:
            self._drop_connection()  # it may have been the commit that was interrupted
            raise
        self._group = group
        self.highest = work.given
        self.is_full = False

    def close(self) -> None:
        """Let go of the file."""
        self.view.close()
        self._drop_connection()

    def checkpoint(self) -> None:
        """Move what is committed into the main file; to be called when there is nothing else to
        do."""
        with self._translating():
            self._ready().execute("PRAGMA wal_checkpoint(PASSIVE)")
        self._reserve.restore()

    def used_bytes(self) -> int:
        """What the rows and indexes take in the file."""
        with self._translating():
            db = self._ready()
            pages, free, size = (
                int(db.execute(f"PRAGMA {what}").fetchone()[0])
                for what in ("page_count", "freelist_count", "page_size")
            )
        return (pages - free) * size

    def set_aside(self, reason: str) -> None:
        """Keep the damaged file for people, go on with a new journal that says so in its first
        alarm row. Raises JournalUnavailable."""
        log.error("journal %s is set aside: %s", self.path, reason)
        self._drop_connection()
        with self._translating(), self.view.closed():
            self._move_away()
        self._open()

    def broken_files(self) -> list[Path]:
        """Files that were set aside, newest first."""
        found = self.path.parent.glob(f"{FILE_NAME}.broken-*[0-9]")
        return sorted(found, key=_stamp, reverse=True)

    def _move_away(self) -> None:
        # Later than the last one also where the clock was set back: the newest is what is kept.
        stamp = max(self._clock.wall_ms(), *(_stamp(old) + 1 for old in self.broken_files()[:1]), 0)
        for suffix in SUFFIXES:
            damaged = self.path.with_name(FILE_NAME + suffix)
            if damaged.exists():
                damaged.rename(damaged.with_name(f"{FILE_NAME}.broken-{stamp}{suffix}"))
        for old in self.broken_files()[BROKEN_KEPT:]:
            for suffix in SUFFIXES:
                old.with_name(old.name + suffix).unlink(missing_ok=True)

    def notice(self, notice: Notice, reason: str) -> Entry:
        """What the edge itself has to say on the alarm lane."""
        now = self._clock.now()
        taken = Taken(self._clock.boot_id(), now.monotonic_ms, now.wall_ms, self._clock.is_synced())
        return Entry(
            lane=Lane.ALARM, device=self._device, name=notice.value, value=reason, taken=taken
        )

    def _ready(self) -> sqlite3.Connection:
        if self.view.damage is not None:
            raise JournalBroken(self.view.damage)
        if self._db is None:
            self._open()
        assert self._db is not None  # noqa: S101 - for the type checker; _open sets it or raises
        return self._db

    def _open(self) -> None:
        with self._translating():
            try:
                self._db = self._opened()
            except sqlite3.Error as error:
                if not self._has_made_room(error):
                    raise
                self._db = self._opened()
        self._reserve.restore()

    def _opened(self) -> sqlite3.Connection:
        db = self._connect(self.path)
        try:
            if not _has_tables(db):
                self._create(db)
            self._load(db)
        except BaseException:
            with suppress(sqlite3.Error):
                db.close()
            raise
        return db

    def _create(self, db: sqlite3.Connection) -> None:
        """All in one transaction: a journal that exists has its id, and says if an earlier one was
        set aside."""
        db.execute("BEGIN IMMEDIATE")
        for table in TABLES:
            db.execute(table)
        db.executemany("INSERT INTO lanes VALUES (?, 0, '[]')", [(lane.value,) for lane in Lane])
        work = Writing(db, dict.fromkeys(Lane, 0))
        work.set_meta("journal", self._new_id())
        work.set_meta("created_ms", str(self._clock.wall_ms()))
        for broken in self.broken_files()[:1]:
            work.append(
                self.notice(
                    Notice.JOURNAL_TROUBLE,
                    f"the journal was damaged and set aside as {broken.name}",
                )
            )
        work.flush(dict.fromkeys(Lane, 0))
        db.execute(f"PRAGMA user_version = {VERSION}")
        db.execute("COMMIT")

    def _check(self, db: sqlite3.Connection) -> None:
        if self.path.stat().st_size > CHECK_BYTES_MAX:
            return
        with self._translating():
            found = str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
        if found != "ok":
            raise JournalBroken(f"the journal's file is damaged: {found}")

    def _load(self, db: sqlite3.Connection) -> None:
        meta = dict(db.execute("SELECT key, value FROM meta"))
        given = dict(db.execute("SELECT lane, highest FROM lanes"))
        if "journal" not in meta or set(given) != set(Lane):
            raise JournalBroken("the journal has lost its name or its lanes")
        with reading():
            self.id, self._group = meta["journal"], int(meta.get(GROUP, 0))
            self.highest = {lane: int(given[lane]) for lane in Lane}

    def _was_committed(self, group: int, error: sqlite3.Error) -> bool:
        """After an error nothing that the connection believes is trusted; the file decides. Also
        makes room."""
        self._has_made_room(error)
        self._drop_connection()
        if isinstance(translated(error), JournalBroken):
            return False
        try:
            self._open()
        except JournalBroken:
            raise
        except JournalError:
            return False
        return self._group == group

    def _has_made_room(self, error: sqlite3.Error) -> bool:
        """Where the disk is full and there is a reserve, the journal may have it now."""
        self.is_full = is_out_of_space(error)
        return self.is_full and self._reserve.release()

    def _drop_connection(self) -> None:
        """The next one reads from the file where it stands."""
        if self._db is not None:
            with suppress(sqlite3.Error):
                if self._db.in_transaction:  # a cursor somewhere may outlive close, with its locks
                    self._db.execute("ROLLBACK")
            with suppress(sqlite3.Error):
                self._db.close()
        self._db = None

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise translated(error) from error
        except OSError as error:
            raise JournalUnavailable(str(error)) from error


def _stamp(broken: Path) -> int:
    return int(broken.name.rpartition("-")[2])


def _has_tables(db: sqlite3.Connection) -> bool:
    """Raises JournalBroken for a file that a newer version of ours wrote."""
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version > VERSION:
        raise JournalBroken(f"the journal is of version {version}, this program reads {VERSION}")
    return version == VERSION
