"""Runs in the store: one row an alarm."""

from typing import Final

import msgspec
from sqlalchemy import Boolean, Column, LargeBinary, Table, Text, insert, select, update

from cloud.escalation.model import Run
from cloud.storage.schema import metadata
from cloud.storage.unit import Work

escalation_table: Final = Table(
    "escalation",
    metadata,
    Column("alarm_id", Text, primary_key=True),
    Column("is_running", Boolean, nullable=False, index=True),
    Column("body", LargeBinary, nullable=False),
)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Run).decode


def keep_run(work: Work, run: Run) -> None:
    """Enter it, or how far it has gone."""
    values = {"is_running": run.is_running, "body": _encode(run)}
    row = escalation_table.c.alarm_id == run.alarm_id
    if work.execute(update(escalation_table).where(row).values(values)).rowcount == 0:
        work.execute(insert(escalation_table).values(alarm_id=run.alarm_id, **values))


def find_run(work: Work, alarm_id: str) -> Run | None:
    """The alarm's own run."""
    wanted = select(escalation_table.c.body).where(escalation_table.c.alarm_id == alarm_id)
    body = work.execute(wanted).scalar()
    return None if body is None else _decode(body)


def running(work: Work) -> list[Run]:
    """Of every alarm that waits, longest first."""
    rows = work.execute(
        select(escalation_table.c.body).where(escalation_table.c.is_running.is_(True))
    )
    return sorted((_decode(row.body) for row in rows), key=lambda run: run.started_ms)
