"""Durable timers: every wait of an alarm is a row, committed with the state that it guards."""

from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)

from cloud.pumps import Signal
from cloud.storage.schema import metadata
from cloud.storage.unit import Work

timer_table = Table(
    "timer",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("due_ms", BigInteger, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("trouble", Text),
    Index("ix_timer_due", "partition", "due_ms"),
)


class Timer(NamedTuple):
    """A wait that is over. payload: whatever its setter put there."""

    kind: str
    subject: str
    due_ms: int
    partition: int
    payload: Any
    attempts: int


class Timers:
    """Sets and cancels timers. One timer for each (kind, subject): setting it again moves it."""

    def __init__(self, signal: Signal) -> None:
        self._signal = signal

    def set(
        self,
        work: Work,
        kind: str,
        subject: str,
        due_ms: int,
        *,
        partition: int = 0,
        payload: Any = None,
    ) -> None:
        """Due at due_ms, in the same transaction as everything else of `work`."""
        key = (timer_table.c.kind == kind) & (timer_table.c.subject == subject)
        values = {
            "due_ms": due_ms,
            "partition": partition,
            "payload": msgspec.json.encode(payload),
            "attempts": 0,
        }
        if work.execute(update(timer_table).where(key).values(values)).rowcount == 0:
            work.execute(insert(timer_table).values(kind=kind, subject=subject, **values))
        work.after_commit(self._signal.set)

    def cancel(self, work: Work, kind: str, subject: str) -> None:
        """Harmless where there is none."""
        work.execute(
            delete(timer_table).where(timer_table.c.kind == kind, timer_table.c.subject == subject)
        )


def due(work: Work, limit: int) -> list[Timer]:
    """Timers that are over now, oldest first."""
    rows = work.execute(
        select(timer_table)
        .where(timer_table.c.due_ms <= work.now_ms)
        .order_by(timer_table.c.due_ms, timer_table.c.kind, timer_table.c.subject)
        .limit(limit)
    )
    return [_timer(row) for row in rows]


def next_due_ms(work: Work) -> int | None:
    """When the next timer is over."""
    found = work.execute(
        select(timer_table.c.due_ms).order_by(timer_table.c.due_ms).limit(1)
    ).scalar()
    return None if found is None else int(found)


def take(work: Work, timer: Timer) -> bool:
    """Remove a timer to carry it out in this transaction; False where it was moved or cancelled
    meanwhile."""
    key = (timer_table.c.kind == timer.kind) & (timer_table.c.subject == timer.subject)
    return (
        work.execute(
            delete(timer_table).where(key & (timer_table.c.due_ms == timer.due_ms))
        ).rowcount
        == 1
    )


def postpone(work: Work, timer: Timer, due_ms: int, trouble: str) -> None:
    """Its handler failed: try again later, and keep the reason where it can be seen."""
    key = (timer_table.c.kind == timer.kind) & (timer_table.c.subject == timer.subject)
    values = {"due_ms": due_ms, "attempts": timer.attempts + 1, "trouble": trouble[:500]}
    work.execute(
        update(timer_table).where(key & (timer_table.c.due_ms == timer.due_ms)).values(values)
    )


def _timer(row: Any) -> Timer:
    return Timer(
        row.kind,
        row.subject,
        row.due_ms,
        row.partition,
        msgspec.json.decode(row.payload),
        row.attempts,
    )
