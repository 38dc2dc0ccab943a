"""What people ask of the time series: kept in the relational store with the deed that asks, and
tried again until it is done, however long the series is away."""

import logging
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Integer,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)

from cloud.storage.schema import metadata
from cloud.storage.store import Priority, Store
from cloud.storage.unit import Work
from cloud.timeseries.errors import SeriesError

log = logging.getLogger(__name__)
AGAIN_MS: Final = 60_000
KEPT_MS: Final = 90 * 24 * 3_600_000


class Kind(StrEnum):
    """What is asked for."""

    ERASE = "erase"  # every reading of a home
    COPY = "copy"  # everything into a new file


PASSES: Final = {Kind.ERASE: 2, Kind.COPY: 1}  # erased again, for what was on its way meanwhile

request_table = Table(
    "series_request",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),  # a home; a file
    Column("asked_ms", BigInteger, nullable=False),
    Column("passes", Integer, nullable=False),  # how often it has been carried out
    Column("done_ms", BigInteger),
    Column("trouble", Text),
)


class Request(NamedTuple):
    """A row. done_ms None: not yet, and trouble may say why."""

    id: str
    kind: Kind
    subject: str
    asked_ms: int
    passes: int
    done_ms: int | None
    trouble: str | None


def erase_home_readings(work: Work, home_id: str) -> str:
    """Ask for every reading and hour of a home to be erased; the request's id. Whoever asks writes
    it into the audit. What the home's devices say afterwards is kept."""
    return _ask(work, Kind.ERASE, home_id)


def copy_readings(work: Work, file: str) -> str:
    """Ask for a copy of a file of readings that a running process holds; the request's id."""
    return _ask(work, Kind.COPY, file)


def request(work: Work, request_id: str) -> Request | None:
    """How far it is."""
    return next(iter(_found(work, request_table.c.id == request_id)), None)


def withdraw(work: Work, request_id: str) -> None:
    """Nobody waits for it any more; harmless where it is done."""
    c = request_table.c
    work.execute(delete(request_table).where(c.id == request_id, c.done_ms.is_(None)))


def carry_out(store: Store, do: Mapping[Kind, Callable[[str], None]], now_ms: int) -> int:
    """Everything that is asked for and due, each once; how many are done now. Raises the first
    failure when each had its turn."""
    requests = store.read(lambda work: _found(work, request_table.c.done_ms.is_(None)))
    failures: list[Exception] = []
    done = 0
    for each in requests:
        if each.kind not in do or (each.passes and now_ms - each.asked_ms < AGAIN_MS):
            continue
        try:
            do[each.kind](each.subject)
        except (SeriesError, OSError) as error:  # it stays asked for, and holds up no other
            log.warning("%s of %s: %s; it is tried again", each.kind, each.subject, error)
            failures.append(error)
            store.write(_told(each, str(error)), Priority.HOUSEKEEPING)
        else:
            done += store.write(_carried(each), Priority.HOUSEKEEPING)
    if failures:
        raise failures[0]
    return done


def sweep_requests(work: Work) -> int:
    """Forget what was done long ago; how many."""
    old = request_table.c.done_ms < work.now_ms - KEPT_MS
    return work.execute(delete(request_table).where(old)).rowcount


def _ask(work: Work, kind: Kind, subject: str) -> str:
    request_id = work.new_id("sr")
    values = {"id": request_id, "kind": kind.value, "subject": subject}
    work.execute(insert(request_table).values(**values, asked_ms=work.now_ms, passes=0))
    return request_id


def _found(work: Work, which: ColumnElement[bool]) -> list[Request]:
    """In the order in which they were asked."""
    c = request_table.c
    chosen = select(request_table).where(which)
    rows = work.execute(chosen.order_by(c.asked_ms, c.id))
    return [
        Request(r.id, Kind(r.kind), r.subject, r.asked_ms, r.passes, r.done_ms, r.trouble)
        for r in rows
    ]


def _carried(each: Request) -> Callable[[Work], int]:
    passes = each.passes + 1
    is_done = passes >= PASSES[each.kind]

    def note(work: Work) -> int:
        values = {"passes": passes, "done_ms": work.now_ms if is_done else None, "trouble": None}
        work.execute(update(request_table).where(request_table.c.id == each.id).values(values))
        return int(is_done)

    return note


def _told(each: Request, trouble: str) -> Callable[[Work], None]:
    row = request_table.c.id == each.id

    def note(work: Work) -> None:
        work.execute(update(request_table).where(row).values(trouble=trouble[:500]))

    return note
