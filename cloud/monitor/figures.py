"""What the store says of the work that waits. A handful of indexed queries for each scrape."""

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, select

from cloud.alarms.store import alarm_table
from cloud.durable.outbox import OutboxState, outbox_table
from cloud.durable.received import quarantine_table
from cloud.durable.timers import timer_table
from cloud.identity.store import open_shifts
from cloud.storage.unit import Work


class Figures(NamedTuple):
    """Counts, and ages in seconds; an age is 0 where nothing waits."""

    alarms_open: dict[str, int]  # by handling
    oldest_unclaimed_s: float
    letters: dict[str, int]  # by state
    letter_overdue_s: float
    timers: int
    timer_overdue_s: float
    quarantined: dict[str, int]  # by lane
    shifts_open: int


def read_figures(work: Work) -> Figures:
    """As committed now."""
    alarm, letter, timer, kept = alarm_table.c, outbox_table.c, timer_table.c, quarantine_table.c
    is_open = alarm.is_open.is_(True)
    unclaimed = select(func.min(alarm.raised_at_ms)).where(is_open, alarm.claimed_by.is_(None))
    # Finished letters are swept after 90 days; of those only the dead are worth a count.
    unsent = letter.state.in_([OutboxState.PENDING, OutboxState.DEAD])
    next_letter = select(func.min(letter.next_ms)).where(letter.state == OutboxState.PENDING)
    timers = work.execute(select(func.count(timer.kind))).scalar_one()
    due_ms = work.execute(select(func.min(timer.due_ms))).scalar()
    return Figures(
        alarms_open=_counts(work, alarm.handling, is_open),
        oldest_unclaimed_s=_overdue_s(work, work.execute(unclaimed).scalar()),
        letters=_counts(work, letter.state, unsent),
        letter_overdue_s=_overdue_s(work, work.execute(next_letter).scalar()),
        timers=timers,
        timer_overdue_s=_overdue_s(work, due_ms),
        quarantined=_counts(work, kept.lane),
        shifts_open=len(open_shifts(work)),
    )


def _counts(work: Work, column: ColumnElement[Any], *where: ColumnElement[bool]) -> dict[str, int]:
    counted = select(column.label("word"), func.count().label("times")).group_by(column)
    return {row.word: int(row.times) for row in work.execute(counted.where(*where))}


def _overdue_s(work: Work, due_ms: int | None) -> float:
    return 0.0 if due_ms is None else max(0, work.now_ms - due_ms) / 1000
