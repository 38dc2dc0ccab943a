"""What has been received: every alarm and event row under its identity, applied intervals of the
other lanes, and what could not be understood."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)

from cloud.storage.schema import metadata
from cloud.storage.unit import Work
from contract.intervals import Interval, covers, merged
from contract.lanes import Lane

INTERVALS_MAX: Final = 64  # of one lane; docs/decisions/0001
SWEEP_MAX: Final = 5000
QUARANTINE_BYTES_MAX: Final = 16 * 1024

event_table = Table(
    "event",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("journal", Text, primary_key=True),
    Column("lane", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("device", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("row", LargeBinary, nullable=False),
    Column("happened_ms", BigInteger, nullable=False),  # the edge's wall clock
    Column("received_ms", BigInteger, nullable=False),
    Column("refused", Text),
    Index("ix_event_received", "received_ms"),
)
applied_table = Table(
    "applied_interval",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("journal", Text, primary_key=True),
    Column("lane", Text, primary_key=True),
    Column("intervals", LargeBinary, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
)
quarantine_table = Table(
    "quarantine",
    metadata,
    Column("key", Text, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("gateway", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("lane", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("size", Integer, nullable=False),
    Column("times", Integer, nullable=False),
    Index("ix_quarantine_at", "at_ms"),
)
_decode_intervals = msgspec.json.Decoder(list[Interval]).decode


class LaneKey(NamedTuple):
    """One sequence of numbers."""

    gateway: str
    journal: str
    lane: Lane


class EventRow(NamedTuple):
    """A row of the alarm or event lane, as it is kept."""

    seq: int
    device: str
    name: str
    row: bytes
    happened_ms: int
    refused: str | None = None


def _of(table: Table, key: LaneKey) -> Any:
    c = table.c
    return (c.gateway == key.gateway) & (c.journal == key.journal) & (c.lane == key.lane.value)


def known_seqs(work: Work, key: LaneKey, seqs: Sequence[int]) -> set[int]:
    """Which of these are stored already."""
    found = select(event_table.c.seq).where(_of(event_table, key), event_table.c.seq.in_(seqs))
    return set(work.execute(found).scalars())


def stored_between(
    work: Work, key: LaneKey, low: int, high: int, limit: int
) -> list[tuple[int, str | None]]:
    """Numbers stored in [low, high], each with why it was refused or None; the highest `limit`."""
    c = event_table.c
    found = (
        select(c.seq, c.refused)
        .where(_of(event_table, key), c.seq.between(low, high))
        .order_by(c.seq.desc())
        .limit(limit)
    )
    return [(row.seq, row.refused) for row in work.execute(found)]


def store_events(work: Work, key: LaneKey, rows: Iterable[EventRow], received_ms: int) -> None:
    """Under their identity; the caller has left out what is known."""
    values = [
        {
            "gateway": key.gateway,
            "journal": key.journal,
            "lane": key.lane.value,
            "received_ms": received_ms,
            **row._asdict(),
        }
        for row in rows
    ]
    work.insert_rows(event_table, values)


def applied(work: Work, key: LaneKey) -> list[Interval] | None:
    """What has been applied of a lane; None where nothing is known of it."""
    found = work.execute(select(applied_table.c.intervals).where(_of(applied_table, key))).scalar()
    return None if found is None else _decode_intervals(found)


def keep_applied(work: Work, key: LaneKey, now: Sequence[Interval], *, is_new: bool) -> None:
    """The lane's intervals from now on."""
    values = {"intervals": msgspec.json.encode(now), "updated_ms": work.now_ms}
    if is_new:
        identity = {"gateway": key.gateway, "journal": key.journal, "lane": key.lane.value}
        work.execute(insert(applied_table).values(**identity, **values))
    else:
        work.execute(update(applied_table).where(_of(applied_table, key)).values(values))


def last_heard(work: Work) -> dict[str, int]:
    """When each gateway last sent readings or said what it has."""
    c = applied_table.c
    found = select(c.gateway, func.max(c.updated_ms).label("at_ms")).group_by(c.gateway)
    return {row.gateway: row.at_ms for row in work.execute(found)}


def begin_at(work: Work, key: LaneKey, lowest: int) -> list[Interval]:
    """The journal holds nothing below `lowest`: count that as applied, and return what is."""
    before = applied(work, key)
    if covers(before or (), (1, lowest - 1)):
        return before or []
    now = list(merged([*(before or ()), (1, lowest - 1)]))
    keep_applied(work, key, now, is_new=before is None)
    return now


class Reject(NamedTuple):
    """A message that could not be used. key: its identity, so that a redelivery is the same one."""

    key: str
    gateway: str
    topic: str
    lane: Lane
    reason: str
    payload: bytes


def quarantine(work: Work, reject: Reject) -> bool:
    """Keep it for inspection; False where it is there already (then it is counted)."""
    c = quarantine_table.c
    again = update(quarantine_table).where(c.key == reject.key).values(times=c.times + 1)
    if work.execute(again).rowcount:
        return False
    work.execute(
        insert(quarantine_table).values(
            key=reject.key,
            at_ms=work.now_ms,
            gateway=reject.gateway,
            topic=reject.topic[:512],
            lane=reject.lane.value,
            reason=reject.reason[:500],
            payload=reject.payload[:QUARANTINE_BYTES_MAX],
            size=len(reject.payload),
            times=1,
        )
    )
    return True


def rejected(work: Work, condition: ColumnElement[bool], limit: int = 200) -> list[dict[str, Any]]:
    """What could not be understood and meets the condition, newest first."""
    found = select(quarantine_table).where(condition)
    newest = found.order_by(quarantine_table.c.at_ms.desc()).limit(limit)
    return [dict(row) for row in work.execute(newest).mappings()]


def sweep_events(work: Work, before_ms: int) -> int:
    """Forget identities older than before_ms (at least 30 days), SWEEP_MAX at most; how many.

    A district has a million of them a day: in one transaction they would hold up alarms.
    """
    c = event_table.c
    key = (c.gateway, c.journal, c.lane, c.seq)
    old = select(*key).where(c.received_ms < before_ms).order_by(c.received_ms).limit(SWEEP_MAX)
    return work.execute(delete(event_table).where(tuple_(*key).in_(old))).rowcount


def sweep_quarantine(work: Work, before_ms: int) -> int:
    """Forget rejected messages older than before_ms; how many."""
    return work.execute(
        delete(quarantine_table).where(quarantine_table.c.at_ms < before_ms)
    ).rowcount
