"""What the rules remember of each home, in the transaction of the facts that changed it."""

import msgspec
from sqlalchemy import Column, Integer, LargeBinary, Table, Text, insert, select, update

from cloud.rules.model import HomeState
from cloud.storage.schema import metadata
from cloud.storage.unit import Work

rule_state_table = Table(
    "rule_state",
    metadata,
    Column("home_id", Text, primary_key=True),
    Column("partition", Integer, nullable=False, index=True),
    Column("body", LargeBinary, nullable=False),
)
_decode = msgspec.json.Decoder(HomeState).decode


def load(work: Work, home_id: str) -> HomeState | None:
    """None where nothing is remembered yet."""
    c = rule_state_table.c
    body = work.execute(select(c.body).where(c.home_id == home_id)).scalar()
    return None if body is None else _decode(body)


def keep(work: Work, home_id: str, partition: int, state: HomeState, *, is_new: bool) -> None:
    """From now on."""
    body = msgspec.json.encode(state)
    if is_new:
        row = insert(rule_state_table)
        work.execute(row.values(home_id=home_id, partition=partition, body=body))
    else:
        row_of_home = rule_state_table.c.home_id == home_id
        work.execute(update(rule_state_table).where(row_of_home).values(body=body))
