"""What the tests of the journal share: a clock that is turned by hand, entries, connections that
fail or die at their n-th call."""

import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from contract.lanes import Lane
from edge.clock import Now
from edge.errors import JournalUnavailable
from edge.journal.limits import Keeper, Limits
from edge.journal.model import Entry, Taken, Value
from edge.journal.schema import Connect, connect
from edge.journal.store import Journal
from edge.journal.writing import Writing

NOON_MS = 1_795_000_000_000  # 2026-11-18
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


class GivenUp(Exception):
    """An error of our own in the middle of a group."""


class HandClock:
    """Time that stands until a test moves it."""

    def __init__(self) -> None:
        self.at = Now(NOON_MS, 1_000_000)
        self.boot, self.synced = "boot-1", True

    def wall_ms(self) -> int:
        return self.at.wall_ms

    def monotonic_ms(self) -> int:
        return self.at.monotonic_ms

    def now(self) -> Now:
        return self.at

    def boot_id(self) -> str:
        return self.boot

    def is_synced(self) -> bool:
        return self.synced

    def go(self, ms: int) -> None:
        """Let time go by."""
        self.at = Now(self.at.wall_ms + ms, self.at.monotonic_ms + ms)

    def reboot(self) -> None:
        """The monotonic clock begins again."""
        self.boot = f"{self.boot}'"
        self.at = Now(self.at.wall_ms, 1_000)


class Paper:
    """A journal in a folder of its own, with its clock.

    tries: how often it is opened where the disk refuses.
    """

    def __init__(self, folder: Path, connect: Connect = connect, tries: int = 1) -> None:
        self.folder, self.clock, self.connect, self._tries = folder, HandClock(), connect, tries
        self.journal = self.open()

    def open(self) -> Journal:
        """As the agent does at its start. Raises JournalUnavailable."""
        for left in reversed(range(self._tries)):
            try:
                self.journal = Journal(self.folder, self.clock, "edge:gw-0001", self.connect)
                break
            except JournalUnavailable:
                if not left:
                    raise
        return self.journal

    def reopen(self) -> Journal:
        """The agent ends in order and starts again."""
        self.journal.close()
        return self.open()

    def entry(
        self, lane: Lane = Lane.ALARM, value: Value = True, device: str = "z2m:0x01", **more: Any
    ) -> Entry:
        """What is taken now."""
        clock = self.clock
        taken = Taken(clock.boot, clock.at.monotonic_ms, clock.at.wall_ms, clock.synced)
        fields = {"name": NAMES[lane], "taken": taken, "is_sample": lane is Lane.DATA, **more}
        return Entry(lane=lane, device=device, value=value, **fields)

    def write(self, lane: Lane, *values: Value, **more: Any) -> list[int]:
        """A group of rows; their numbers."""
        with self.journal.writing() as work:
            return [work.append(self.entry(lane, value, **more)).seq for value in values]

    def give_up(self, act: Callable[[Writing], object]) -> None:
        """A group that ends in an error of our own. Raises GivenUp."""
        with self.journal.writing() as work:
            act(work)
            raise GivenUp

    def seqs(self, lane: Lane) -> list[int]:
        """All that is held of a lane."""
        return [row.seq for row in self.journal.view.rows(lane)]

    def values(self, lane: Lane) -> list[Value]:
        """What the rows of a lane say, oldest first."""
        return [row.entry.value for row in self.journal.view.rows(lane)]

    def keeper(self, **limits: int) -> Keeper:
        """Limits that nothing reaches, but for those that are given."""
        wide = {"bytes_max": 2**40, "age_ms_max": 10_000 * DAY_MS}
        clock = self.clock
        return Keeper(self.journal, Limits(**wide | limits), clock.boot, clock.is_synced)

    def keep(self, keeper: Keeper) -> int:
        """Step until nothing is left to do; how many steps did something."""
        steps = 0
        while keeper.step(self.clock.now()):
            steps += 1
            assert steps < 1_000
        return steps


NAMES = {
    Lane.ALARM: "sos",
    Lane.EVENT: "button",
    Lane.DATA: "temperature",
    Lane.HEALTH: "battery",
}


def error(code: int, text: str = "made for this test") -> sqlite3.OperationalError:
    """An error as SQLite raises it."""
    made = sqlite3.OperationalError(text)
    made.sqlite_errorcode = code
    return made


class Calls:
    """Counts what is asked of the database, over all of its connections, and spoils the n-th.

    at: the first call that is spoilt, 1 for the first of all; lasts: how many in a row; is_after:
    whether the call is carried out first.
    """

    def __init__(
        self, spoil: Callable[[str], None], at: int, lasts: int = 1, *, is_after: bool = False
    ) -> None:
        self.spoil, self.at, self.lasts, self.is_after = spoil, at, lasts, is_after
        self.so_far = 0

    @property
    def is_untouched(self) -> bool:
        """The run ended before the n-th call."""
        return self.so_far < self.at

    def connect(self, path: Path) -> sqlite3.Connection:
        """For Journal."""
        db = self.call("connect", lambda: connect(path))
        return cast(sqlite3.Connection, _Counted(db, self))

    def call(self, what: str, act: Callable[[], Any]) -> Any:
        self.so_far += 1
        is_spoilt = self.at <= self.so_far < self.at + self.lasts
        if is_spoilt and not self.is_after:
            self.spoil(what)
        done = act()
        if is_spoilt and self.is_after:
            self.spoil(what)
        return done


class _Counted:
    """The part of a connection that the journal uses."""

    def __init__(self, db: sqlite3.Connection, calls: Calls) -> None:
        self._db, self._calls = db, calls

    @property
    def in_transaction(self) -> bool:
        return self._db.in_transaction

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        return self._calls.call(sql, lambda: self._db.execute(sql, parameters))

    def executemany(self, sql: str, parameters: Sequence[Any]) -> Any:
        return self._calls.call(sql, lambda: self._db.executemany(sql, parameters))

    def close(self) -> None:
        try:
            self._calls.call("close", lambda: None)
        finally:
            self._db.close()  # an error at the end is said, but a connection always ends


class Once:
    """Spoils the first statement of a kind after it was armed."""

    def __init__(self, sql: str, spoil: Callable[[str], None]) -> None:
        self._sql, self._spoil, self._is_armed = sql, spoil, False

    def arm(self) -> None:
        self._is_armed = True

    def __call__(self, what: str) -> None:
        if self._is_armed and what.startswith(self._sql):
            self._is_armed = False
            self._spoil(what)


def fails(code: int) -> Callable[[str], None]:
    """Spoils a call by an error of SQLite."""

    def spoil(_what: str) -> None:
        raise error(code)

    return spoil


def dies(_what: str) -> None:
    """Spoils a call by the end of the process, as SIGKILL does: nothing is closed or flushed."""
    os._exit(9)
