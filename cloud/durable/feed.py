"""The live feed's log: one gapless number a transaction, taken last, committed with what it tells
(docs/decisions/0008)."""

from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    LargeBinary,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)

from cloud.storage.schema import metadata
from cloud.storage.unit import Work

CELL: Final = "cell"
_NOTE: Final = "feed"

counter_table = Table(
    "feed_counter",
    metadata,
    Column("cell", Text, primary_key=True),
    Column("epoch", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
)
feed_table = Table(
    "feed",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("ops", LargeBinary, nullable=False),
)


class Op(msgspec.Struct, omit_defaults=True):
    """One change of one thing, as every client that may see it gets it.

    v: the thing's JSON, encoded once. area, station: who may see it (area code, station id).
    """

    op: Literal["put", "del"]
    coll: Literal["alarms", "offers", "units"]
    id: str
    rev: int
    v: msgspec.Raw = msgspec.Raw(b"null")
    area: str = ""
    station: str | None = None


class Entry(msgspec.Struct):
    """One number of the feed."""

    seq: int
    at_ms: int
    ops: list[Op]


_encode = msgspec.json.Encoder().encode
_decode_ops = msgspec.json.Decoder(list[Op]).decode


def put(
    work: Work,
    coll: Any,
    thing_id: str,
    rev: int,
    v: bytes,
    *,
    area: str = "",
    station: str | None = None,
) -> None:
    """Tell the feed how a thing stands now. v: its JSON. Several changes of one transaction share
    one number. The same thing may be told to a station and to others in different words."""
    ops: list[Op] = work.notes.setdefault(_NOTE, [])
    told = (coll, thing_id, station)
    ops[:] = [op for op in ops if (op.coll, op.id, op.station) != told]
    ops.append(Op("put", coll, thing_id, rev, msgspec.Raw(v), area, station))


def seal(hand_over: Callable[[Entry], None]) -> Callable[[Work], None]:
    """The finisher that numbers and writes what a transaction told; `hand_over` gets the entry
    after the commit."""

    def finish(work: Work) -> None:
        ops = work.notes.get(_NOTE)
        if not ops:
            return
        row = counter_table.c.cell == CELL
        seq = work.execute(
            update(counter_table)
            .where(row)
            .values(seq=counter_table.c.seq + 1)
            .returning(counter_table.c.seq)
        ).scalar_one()
        work.execute(insert(feed_table).values(seq=seq, at_ms=work.now_ms, ops=_encode(ops)))
        entry = Entry(seq, work.now_ms, ops)
        work.after_commit(lambda: hand_over(entry))

    return finish


def ensure_counter(work: Work) -> None:
    """Make the counter at the first start: a new epoch, so that clients of an older log ask for a
    snapshot."""
    if work.execute(select(counter_table.c.cell)).first() is None:
        work.execute(insert(counter_table).values(cell=CELL, epoch=work.new_id("ep"), seq=0))


def head(work: Work) -> tuple[str, int]:
    """Epoch and last number."""
    row = work.execute(select(counter_table.c.epoch, counter_table.c.seq)).one()
    return row.epoch, row.seq


def oldest(work: Work) -> int | None:
    """The lowest number that is still kept."""
    found = work.execute(select(func.min(feed_table.c.seq))).scalar()
    return None if found is None else int(found)


def entries_after(work: Work, seq: int, limit: int) -> list[Entry]:
    """Entries above seq, in order."""
    rows = work.execute(
        select(feed_table).where(feed_table.c.seq > seq).order_by(feed_table.c.seq).limit(limit)
    )
    return [Entry(row.seq, row.at_ms, _decode_ops(row.ops)) for row in rows]


def sweep_feed(work: Work, before_ms: int) -> int:
    """Forget entries older than before_ms (clients further behind get a snapshot); how many."""
    return work.execute(delete(feed_table).where(feed_table.c.at_ms < before_ms)).rowcount
