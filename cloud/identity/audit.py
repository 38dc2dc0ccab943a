"""The audit: who did or read what, on what, when, from where. Rows are only appended, each chained
to the one before, so that a changed, removed or cut row is found and named. Never commits.

The chain's head is also kept apart and told by `anju db check`: written down outside, it shows a
store that was rewritten as a whole.
"""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Integer,
    LargeBinary,
    Row,
    Table,
    Text,
    insert,
    select,
    update,
)

from cloud.storage.schema import metadata
from cloud.storage.unit import Work

FIRST_HASH: Final = "0" * 64
HEAD: Final = 1
BATCH: Final = 1000

audit_table: Final = Table(
    "audit",
    metadata,
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False, index=True),
    Column("who", Text, nullable=False, index=True),  # an account's id; `cli`, `system`
    Column("what", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("area", Text, nullable=False),  # of the account: which auditors may read it
    Column("source", Text, nullable=False),  # the address it came from
    Column("data", LargeBinary, nullable=False),  # JSON
    Column("before", Text, nullable=False),
    Column("hash", Text, nullable=False),
)
head_table: Final = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # the one row has id 1
    Column("n", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
)
_encode = msgspec.json.Encoder(order="deterministic").encode


class Deed(Struct, frozen=True):
    """What is to be written down. data: facts that say more, never names or health."""

    who: str
    what: str
    target: str = ""
    area: str = ""
    source: str = ""
    data: dict[str, Any] = {}


class Entry(NamedTuple):
    """A row as auditors read it."""

    n: int
    at_ms: int
    deed: Deed
    hash: str


class Head(NamedTuple):
    """The last row's number and hash; 0 and zeros before the first."""

    n: int
    hash: str


def write_down(work: Work, deed: Deed) -> None:
    """Append, in the transaction of the deed itself: neither stands without the other."""
    before = _advance(work)
    body = _encode(deed.data)
    texts = (deed.who, deed.what, deed.target, deed.area, deed.source)
    chained = chain(before.hash, before.n, work.now_ms, texts, body)
    work.execute(
        insert(audit_table).values(
            n=before.n,
            at_ms=work.now_ms,
            who=deed.who,
            what=deed.what,
            target=deed.target,
            area=deed.area,
            source=deed.source,
            data=body,
            before=before.hash,
            hash=chained,
        )
    )
    work.execute(update(head_table).where(head_table.c.id == HEAD).values(hash=chained))


def head(work: Work) -> Head:
    """What to write down outside."""
    row = work.execute(select(head_table.c.n, head_table.c.hash)).first()
    return Head(0, FIRST_HASH) if row is None else Head(row.n, row.hash)


def entries(
    work: Work, condition: ColumnElement[bool], before: int | None, limit: int
) -> list[Entry]:
    """Rows that meet the condition, newest first. before: only those with a lower number."""
    c = audit_table.c
    found = select(audit_table).where(condition)
    if before is not None:
        found = found.where(c.n < before)
    return [_entry(row) for row in work.execute(found.order_by(c.n.desc()).limit(limit))]


def broken(work: Work, anchor: Head | None = None, limit: int = 100, after: int = 0) -> list[str]:
    """What does not fit, each with its row. anchor: a head that was written down outside; after:
    rows up to this one are taken as they are."""
    problems: list[str] = []
    last = _row_hash(work, after)
    seen_anchor = anchor is None or anchor.n == 0
    for row in _rows(work, after):
        problems += _faults(row, last)
        last = Head(row.n, row.hash)
        if anchor is not None and row.n == anchor.n:
            seen_anchor = row.hash == anchor.hash
    kept = head(work)
    if last != kept:
        problems.append(f"audit, row {kept.n}: the rows end at {last.n}, so the tail was cut")
    if anchor is not None and not seen_anchor:
        problems.append(f"audit, row {anchor.n}: is not the one that was written down outside")
    return problems[:limit]


def chain(before: str, n: int, at_ms: int, texts: tuple[str, ...], body: bytes) -> str:
    """SHA-256 over the row before and everything that this one says."""
    said = _encode([before, n, at_ms, *texts])
    return sha256(said + body).hexdigest()


def _advance(work: Work) -> Head:
    """This row's number, and the hash before it. The update locks: writers come one by one."""
    c = head_table.c
    next_n = update(head_table).where(c.id == HEAD).values(n=c.n + 1)
    row = work.execute(next_n.returning(c.n, c.hash)).first()
    if row is None:
        work.execute(insert(head_table).values(id=HEAD, n=1, hash=FIRST_HASH))
        return Head(1, FIRST_HASH)
    return Head(row.n, row.hash)


def _row_hash(work: Work, n: int) -> Head:
    found = select(audit_table.c.hash).where(audit_table.c.n == n)
    return Head(n, work.execute(found).scalar() or FIRST_HASH)


def _rows(work: Work, after: int) -> Iterator[Row[Any]]:
    c = audit_table.c
    while True:
        some = select(audit_table).where(c.n > after).order_by(c.n).limit(BATCH)
        rows = work.execute(some).all()
        yield from rows
        if len(rows) < BATCH:
            return
        after = rows[-1].n


def _faults(row: Row[Any], last: Head) -> list[str]:
    if row.n != last.n + 1:
        return [f"audit, row {row.n}: row {last.n + 1} is missing before it"]
    texts = (row.who, row.what, row.target, row.area, row.source)
    is_own = row.hash == chain(row.before, row.n, row.at_ms, texts, row.data)
    if row.before != last.hash or not is_own:
        return [f"audit, row {row.n}: was changed"]
    return []


def _entry(row: Row[Any]) -> Entry:
    data = msgspec.json.decode(row.data)
    deed = Deed(row.who, row.what, row.target, row.area, row.source, data)
    return Entry(row.n, row.at_ms, deed, row.hash)
