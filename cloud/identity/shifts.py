"""Operators' shifts. Takes a unit of work, never commits."""

from collections.abc import Sequence

from sqlalchemy import insert, update

from cloud.identity import store
from cloud.identity.errors import OpenAlarms
from cloud.identity.events import ShiftEnded, ShiftStarted
from cloud.identity.model import Shift, shift_table
from cloud.storage.unit import Work


def start_shift(work: Work, account_id: str, audio_ok: bool) -> Shift:
    """Go on shift; who is on one already stays on it. audio_ok: the console could be heard."""
    under_way = store.open_shift(work, account_id)
    if under_way is not None:
        note_audio(work, account_id, audio_ok)
        return Shift(under_way.id, account_id, under_way.started_ms, audio_ok)
    shift = Shift(work.new_id("sh"), account_id, work.now_ms, audio_ok)
    work.execute(
        insert(shift_table).values(
            id=shift.id,
            account_id=account_id,
            started_ms=shift.started_ms,
            ended_ms=None,
            audio_ok=audio_ok,
        )
    )
    work.publish(ShiftStarted(shift.id, account_id))
    return shift


def end_shift(work: Work, account_id: str, open_alarms: Sequence[str]) -> Shift | None:
    """Go off shift; None where there is none.

    open_alarms: what the account has claimed and not closed; with any, raises OpenAlarms, for they
    must be handed over by name first.
    """
    shift = store.open_shift(work, account_id)
    if shift is None:
        return None
    if open_alarms:
        raise OpenAlarms(open_alarms)
    ended = update(shift_table).where(shift_table.c.id == shift.id)
    work.execute(ended.values(ended_ms=work.now_ms))
    work.publish(ShiftEnded(shift.id, account_id))
    return Shift(shift.id, account_id, shift.started_ms, shift.audio_ok, work.now_ms)


def note_audio(work: Work, account_id: str, audio_ok: bool) -> None:
    """What the console says of its sound; written only where it is news."""
    c = shift_table.c
    news = update(shift_table).where(
        c.account_id == account_id, c.ended_ms.is_(None), c.audio_ok != audio_ok
    )
    work.execute(news.values(audio_ok=audio_ok))
