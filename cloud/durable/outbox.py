"""The outbox: effects on the world outside, committed with the state that wants them, carried out
at least once."""

from collections.abc import Callable
from enum import StrEnum
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


class OutboxState(StrEnum):
    """Where a row stands."""

    PENDING = "pending"
    DONE = "done"  # its receiver has confirmed
    DEAD = "dead"  # refused, or its time is over; kept for inspection


outbox_table = Table(
    "outbox",
    metadata,
    Column("id", Text, primary_key=True),  # chosen by the sender, so that asking twice posts once
    Column("kind", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("next_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("alarm_id", Text),
    Column("trouble", Text),
    Index("ix_outbox_next", "state", "next_ms"),
)


class Letter(NamedTuple):
    """A row of the outbox that is due."""

    id: str
    kind: str
    target: str
    payload: Any
    expires_ms: int
    attempts: int
    alarm_id: str | None


class Delivered(NamedTuple):
    """Its receiver has it for certain."""


class Sent(NamedTuple):
    """On its way; the receiver's own confirmation ends it, else it goes again."""


class Retry(NamedTuple):
    """Not now; again after this many seconds."""

    after_s: float
    reason: str


class Refused(NamedTuple):
    """Never."""

    reason: str


Outcome = Delivered | Sent | Retry | Refused
Carrier = Callable[[Letter], Outcome]  # of one kind of letter; must not block long


class Outbox:
    """Posts effects."""

    def __init__(self, signal: Signal) -> None:
        self._signal = signal

    def post(
        self,
        work: Work,
        letter_id: str,
        kind: str,
        target: str,
        payload: Any,
        *,
        expires_ms: int,
        alarm_id: str | None = None,
    ) -> None:
        """Once for each letter_id, however often it is asked for. payload: anything msgspec can
        encode as JSON."""
        known = work.execute(
            select(outbox_table.c.id).where(outbox_table.c.id == letter_id)
        ).first()
        if known is not None:
            return
        work.execute(
            insert(outbox_table).values(
                id=letter_id,
                kind=kind,
                target=target,
                payload=msgspec.json.encode(payload),
                state=OutboxState.PENDING,
                created_ms=work.now_ms,
                next_ms=work.now_ms,
                expires_ms=expires_ms,
                attempts=0,
                alarm_id=alarm_id,
            )
        )
        work.after_commit(self._signal.set)


def due_letters(work: Work, limit: int) -> list[Letter]:
    """Pending rows whose turn has come, oldest first."""
    c = outbox_table.c
    rows = work.execute(
        select(c.id, c.kind, c.target, c.payload, c.expires_ms, c.attempts, c.alarm_id)
        .where(c.state == OutboxState.PENDING, c.next_ms <= work.now_ms)
        .order_by(c.next_ms, c.created_ms, c.id)
        .limit(limit)
    )
    return [
        Letter(
            r.id,
            r.kind,
            r.target,
            msgspec.json.decode(r.payload),
            r.expires_ms,
            r.attempts,
            r.alarm_id,
        )
        for r in rows
    ]


def next_letter_ms(work: Work) -> int | None:
    """When the next pending row is due."""
    c = outbox_table.c
    pending = select(c.next_ms).where(c.state == OutboxState.PENDING).order_by(c.next_ms).limit(1)
    found = work.execute(pending).scalar()
    return None if found is None else int(found)


def retry_letter(work: Work, letter: Letter, next_ms: int, trouble: str | None) -> None:
    """Not confirmed yet: again at next_ms."""
    values = {"attempts": letter.attempts + 1, "next_ms": next_ms, "trouble": trouble}
    still = (outbox_table.c.id == letter.id) & (outbox_table.c.state == OutboxState.PENDING)
    work.execute(update(outbox_table).where(still).values(values))


def finish_letters(work: Work, letter_ids: list[str]) -> list[str]:
    """Their receivers have confirmed. Those of which that was news."""
    c = outbox_table.c
    pending = c.id.in_(letter_ids) & (c.state == OutboxState.PENDING)
    done = update(outbox_table).where(pending).values(state=OutboxState.DONE).returning(c.id)
    return list(work.execute(done).scalars())


def bury_letter(work: Work, letter_id: str, trouble: str) -> None:
    """Refused for good, or too late to be of use."""
    row = outbox_table.c.id == letter_id
    work.execute(
        update(outbox_table).where(row).values(state=OutboxState.DEAD, trouble=trouble[:500])
    )


def sweep_outbox(work: Work, before_ms: int) -> int:
    """Delete finished rows older than before_ms; how many."""
    c = outbox_table.c
    finished = (c.state != OutboxState.PENDING) & (c.created_ms < before_ms)
    return work.execute(delete(outbox_table).where(finished)).rowcount
