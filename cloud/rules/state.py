"""What the rules remember of each home and gateway, in the transaction of the facts that changed
it. A row's due_ms is the durable timer of its rules: the owner of its partition looks again then.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

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

from cloud.rules.model import HomeState
from cloud.storage.schema import metadata
from cloud.storage.unit import Work

rule_state_table: Final = Table(
    "rule_state",
    metadata,
    Column("subject", Text, primary_key=True),  # a home's id, or `gateway:<id>`
    Column("partition", Integer, nullable=False),
    Column("due_ms", BigInteger),
    Column("body", LargeBinary, nullable=False),
    Index("ix_rule_state_due", "due_ms"),
)
_decode: Final = msgspec.json.Decoder(HomeState).decode
_encode: Final = msgspec.json.Encoder().encode
GATEWAY: Final = "gateway:"


class Due(NamedTuple):
    """A home or gateway whose rules are to be looked at."""

    subject: str
    partition: int


def load(work: Work, subject: str) -> HomeState | None:
    """None where nothing is remembered yet. Raises msgspec.DecodeError for what no version of ours
    has written."""
    c = rule_state_table.c
    body = work.execute(select(c.body).where(c.subject == subject)).scalar()
    return None if body is None else _decode(body)


def keep(work: Work, subject: str, partition: int, state: HomeState, *, is_new: bool) -> None:
    """From now on."""
    values = {"body": _encode(state), "due_ms": state.due_ms}
    if is_new:
        row = insert(rule_state_table)
        work.execute(row.values(subject=subject, partition=partition, **values))
    else:
        mine = rule_state_table.c.subject == subject
        work.execute(update(rule_state_table).where(mine).values(partition=partition, **values))


def forget(work: Work, subject: str) -> None:
    """Nobody has it in the registry any more."""
    work.execute(delete(rule_state_table).where(rule_state_table.c.subject == subject))


def postpone(work: Work, subject: str, due_ms: int) -> None:
    """Look again then: what was to be done now has failed."""
    mine = rule_state_table.c.subject == subject
    work.execute(update(rule_state_table).where(mine).values(due_ms=due_ms))


def due(work: Work, limit: int) -> Sequence[Due]:
    """Who is due now, longest first."""
    c = rule_state_table.c
    rows = work.execute(
        select(c.subject, c.partition)
        .where(c.due_ms <= work.now_ms)
        .order_by(c.due_ms, c.subject)
        .limit(limit)
    )
    return [Due(row.subject, row.partition) for row in rows]
