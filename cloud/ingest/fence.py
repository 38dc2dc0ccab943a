"""The fence: whoever commits for a partition proves in SQL, in the same transaction, that nobody
newer owns it (docs/decisions/0005)."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import BigInteger, Column, Integer, Table, func, insert, select, update

from cloud.storage.errors import Fenced
from cloud.storage.schema import metadata
from cloud.storage.unit import Work
from contract.topics import PARTITIONS

NO_POSITION: Final = -1
partition_table = Table(
    "partition",
    metadata,
    Column("p", Integer, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),
    Column("generation", BigInteger, nullable=False),
)


def claim_all(work: Work) -> int:
    """Take all partitions with a generation above every earlier one, and return it."""
    c = partition_table.c
    known = set(work.execute(select(c.p)).scalars())
    generation = (
        int(work.execute(select(func.coalesce(func.max(c.generation), 0))).scalar_one()) + 1
    )
    missing = [
        {"p": p, "position": NO_POSITION, "generation": generation}
        for p in range(PARTITIONS)
        if p not in known
    ]
    if missing:
        work.execute(insert(partition_table), missing)
    work.execute(update(partition_table).values(generation=generation))
    return generation


def advance(
    work: Work,
    partition: int,
    generation: int,
    *,
    expected: int = NO_POSITION,
    position: int | None = None,
) -> None:
    """Raises Fenced, so that everything rolls back, where a newer generation owns the partition
    or somebody else has moved its position."""
    c = partition_table.c
    mine = (c.p == partition) & (c.position == expected) & (c.generation <= generation)
    moved = update(partition_table).where(mine)
    values = {"position": expected if position is None else position, "generation": generation}
    if work.execute(moved.values(values)).rowcount != 1:
        raise Fenced(f"partition {partition} no longer belongs to generation {generation}")


def advance_each(work: Work, partitions: Iterable[int], generation: int) -> None:
    """Every partition that a group touches, in order, so that two owners cannot lock each other."""
    for partition in sorted(set(partitions)):
        advance(work, partition, generation)
