"""Alarms in the store: the present state in one row, its history in rows that are only appended."""

from collections.abc import Collection
from hashlib import sha256
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    insert,
    select,
    update,
)

from cloud.alarms.errors import StaleRevision
from cloud.alarms.events import Event
from cloud.alarms.model import Alarm
from cloud.identity.scope import Scope
from cloud.storage.schema import metadata
from cloud.storage.unit import Work

FIRST_HASH: Final = "0" * 64

alarm_table = Table(
    "alarm",
    metadata,
    Column("id", Text, primary_key=True),
    Column("no", Text, nullable=False, unique=True),
    Column("fold_key", Text, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("handling", Text, nullable=False),
    Column("claimed_by", Text),
    Column("area_code", Text, nullable=False),
    Column("home_id", Text, index=True),
    Column("raised_at_ms", BigInteger, nullable=False),
    Column("rev", Integer, nullable=False),
    Column("head", Text, nullable=False),  # hash of the last history row
    Column("body", LargeBinary, nullable=False),
    Index("ix_alarm_open_fold", "is_open", "fold_key"),
    Index("ix_alarm_raised", "raised_at_ms"),
)
history_table = Table(
    "alarm_history",
    metadata,
    Column("alarm_id", Text, primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("before", Text, nullable=False),
    Column("hash", Text, nullable=False),
)
press_table = Table(
    "alarm_press",
    metadata,
    Column("key", Text, primary_key=True),
    Column("alarm_id", Text, nullable=False, index=True),
    Column("n", Integer, nullable=False),  # the history row that tells of it
)
number_table = Table(
    "alarm_number",
    metadata,
    Column("day", Text, primary_key=True),
    Column("last", Integer, nullable=False),
)
_encode = msgspec.json.Encoder(order="deterministic").encode
_decode_alarm = msgspec.json.Decoder(Alarm).decode
_decode_event: "msgspec.json.Decoder[Event]" = msgspec.json.Decoder(Event)


class Kept(NamedTuple):
    """An alarm as the store has it. head: hash of its last history row."""

    alarm: Alarm
    head: str


class HistoryRow(NamedTuple):
    """One thing that happened."""

    n: int
    event: Event


def find(work: Work, alarm_id: str) -> Kept | None:
    """The alarm of this id."""
    c = alarm_table.c
    row = work.execute(select(c.body, c.head).where(c.id == alarm_id)).first()
    return None if row is None else Kept(_decode_alarm(row.body), row.head)


def find_open(work: Work, fold_key: str) -> Kept | None:
    """The open alarm that a detection with this key would join."""
    c = alarm_table.c
    wanted = select(c.body, c.head).where(c.is_open.is_(True), c.fold_key == fold_key)
    row = work.execute(wanted.order_by(c.raised_at_ms.desc(), c.no.desc()).limit(1)).first()
    return None if row is None else Kept(_decode_alarm(row.body), row.head)


def alarm_of_press(work: Work, press_key: str) -> str | None:
    """The alarm whose history has this press."""
    wanted = select(press_table.c.alarm_id).where(press_table.c.key == press_key)
    found: str | None = work.execute(wanted).scalar()
    return found


def open_alarms(work: Work) -> list[Alarm]:
    """Every open alarm of the cell, oldest first: for what happens by itself."""
    c = alarm_table.c
    found = select(c.body).where(c.is_open.is_(True)).order_by(c.raised_at_ms, c.no)
    rows = work.execute(found)
    return [_decode_alarm(row.body) for row in rows]


def find_seen(work: Work, scope: Scope, alarm_id: str) -> Kept | None:
    """As `find`, where the alarm is for the scope's eyes."""
    c = alarm_table.c
    found = select(c.body, c.head).where(c.id == alarm_id, scope.homes(c.home_id, c.area_code))
    row = work.execute(found).first()
    return None if row is None else Kept(_decode_alarm(row.body), row.head)


def open_alarms_seen(work: Work, scope: Scope) -> list[Alarm]:
    """As `open_alarms`, those that are for the scope's eyes."""
    c = alarm_table.c
    found = select(c.body).where(c.is_open.is_(True), scope.homes(c.home_id, c.area_code))
    return [_decode_alarm(row.body) for row in work.execute(found.order_by(c.raised_at_ms, c.no))]


def latest_alarms_seen(work: Work, scope: Scope, limit: int) -> list[Alarm]:
    """Open or closed, newest first."""
    c = alarm_table.c
    found = select(c.body).where(scope.homes(c.home_id, c.area_code))
    rows = work.execute(found.order_by(c.raised_at_ms.desc(), c.no.desc()).limit(limit))
    return [_decode_alarm(row.body) for row in rows]


def open_at(work: Work, homes: Collection[str]) -> list[str]:
    """Ids of open alarms of these homes."""
    c = alarm_table.c
    found = select(c.id).where(c.is_open.is_(True), c.home_id.in_(homes))
    return list(work.execute(found.order_by(c.raised_at_ms, c.no)).scalars())


def claimed_by(work: Work, account_id: str) -> list[str]:
    """Ids of open alarms that somebody has in hand."""
    c = alarm_table.c
    mine = select(c.id).where(c.is_open.is_(True), c.claimed_by == account_id)
    return list(work.execute(mine.order_by(c.raised_at_ms, c.no)).scalars())


def has_unclaimed(work: Work) -> bool:
    """Whether somebody calls and nobody has taken it."""
    c = alarm_table.c
    waiting = select(c.id).where(c.is_open.is_(True), c.claimed_by.is_(None)).limit(1)
    return work.execute(waiting).first() is not None


def next_number(work: Work, day: str) -> int:
    """Counts up for each day, without holes."""
    c = number_table.c
    row = c.day == day
    raised = update(number_table).where(row).values(last=c.last + 1).returning(c.last)
    last = work.execute(raised).scalar()
    if last is None:
        work.execute(insert(number_table).values(day=day, last=1))
        return 1
    return int(last)


def append(work: Work, before: Kept | None, alarm: Alarm, event: Event) -> Kept:
    """One event: its history row chained to the last one, and the alarm's new state."""
    head = before.head if before else FIRST_HASH
    body = _encode(event)
    chained = chain(head, alarm.id, alarm.rev, body)
    work.execute(
        insert(history_table).values(
            alarm_id=alarm.id,
            n=alarm.rev,
            at_ms=event.at_ms,
            type=type(event).__struct_config__.tag,
            body=body,
            before=head,
            hash=chained,
        )
    )
    values: dict[str, Any] = {
        "is_open": alarm.is_open,
        "handling": alarm.handling.value,
        "claimed_by": alarm.claimed_by.id if alarm.claimed_by else None,
        "rev": alarm.rev,
        "head": chained,
        "body": _encode(alarm),
    }
    if before is None:
        fixed = {
            "id": alarm.id,
            "no": alarm.no,
            "fold_key": alarm.fold_key,
            "area_code": alarm.area_code,
            "home_id": alarm.home.id if alarm.home else None,
            "raised_at_ms": alarm.raised_at_ms,
        }
        work.execute(insert(alarm_table).values(**fixed, **values))
    else:
        row = (alarm_table.c.id == alarm.id) & (alarm_table.c.rev == before.alarm.rev)
        if work.execute(update(alarm_table).where(row).values(**values)).rowcount != 1:
            raise StaleRevision(f"alarm {alarm.id} was changed by somebody else; read it again")
    return Kept(alarm, chained)


def note_press(work: Work, press_key: str, alarm_id: str, n: int) -> None:
    """This press is told in that history row."""
    work.execute(insert(press_table).values(key=press_key, alarm_id=alarm_id, n=n))


def history(work: Work, alarm_id: str) -> list[HistoryRow]:
    """Everything that happened, in order."""
    c = history_table.c
    rows = work.execute(select(c.n, c.body).where(c.alarm_id == alarm_id).order_by(c.n))
    return [HistoryRow(row.n, _decode_event.decode(row.body)) for row in rows]


def broken_chains(work: Work, limit: int = 100) -> list[str]:
    """What does not fit: a row changed, removed, or a tail cut; each names its row."""
    problems: list[str] = []
    heads = {row.id: (row.rev, row.head) for row in work.execute(select(alarm_table))}
    seen: dict[str, tuple[int, str]] = {}
    rows = select(history_table).order_by(history_table.c.alarm_id, history_table.c.n)
    for row in work.execute(rows):
        n, head = seen.get(row.alarm_id, (0, FIRST_HASH))
        name = f"alarm {row.alarm_id}, row {row.n}"
        if row.n != n + 1:
            problems.append(f"{name}: row {n + 1} is missing before it")
        elif row.before != head or row.hash != chain(head, row.alarm_id, row.n, row.body):
            problems.append(f"{name}: was changed")
        seen[row.alarm_id] = (row.n, row.hash)
    for alarm_id, (rev, head) in heads.items():
        if seen.get(alarm_id) != (rev, head):
            problems.append(f"alarm {alarm_id}: its history ends before row {rev}")
    return problems[:limit]


def chain(before: str, alarm_id: str, n: int, body: bytes) -> str:
    """SHA-256 over the row before, whose row it is, and what it says."""
    return sha256(f"{before}/{alarm_id}/{n}/".encode() + body).hexdigest()
