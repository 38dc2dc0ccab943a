"""Two tiers: readings as they came, and hours of them, which are kept longer.

An hour is made twice. First when it has settled, so that long spans need not read every reading;
then once more before its readings go, so that whatever came late is in it. How far that has come
is noted after each step and never before it: a step that is repeated changes nothing.
"""

from typing import Final

from cloud.timeseries.model import (
    DAY_MS,
    HOUR_MS,
    Keeping,
    Progress,
    Sheet,
    Span,
    Wish,
    floor_hour,
    span_at,
)
from cloud.timeseries.port import TimeSeries

SETTLED_MS: Final = 8 * DAY_MS  # homes keep readings for 7 days: what is older comes no more
STEP_MS: Final = 2 * HOUR_MS  # of a district: 14 million readings
WEEK_MS: Final = 7 * DAY_MS
_MONDAY_MS: Final = -3 * DAY_MS  # 1970 began on a Thursday; InfluxDB's shards begin on Mondays


def turn(series: TimeSeries, now_ms: int) -> bool:
    """One step: make some hours, or forget what is older than its tier keeps. False: nothing is
    left to do. Raises Unavailable."""
    done, keeping = series.progress(), series.keeping
    horizon_ms = _floor_week(now_ms - keeping.raw_days * DAY_MS)
    settled_ms = floor_hour(now_ms - SETTLED_MS)
    if done == Progress():
        oldest_ms = series.oldest_ms()  # the first look may come late
        begin_ms = min(horizon_ms, floor_hour(oldest_ms)) if oldest_ms else horizon_ms
        begin_ms -= WEEK_MS  # and what comes late is no older
        series.note(Progress(begin_ms, begin_ms, begin_ms))
    elif done.settled_ms < settled_ms:
        to_ms = min(done.settled_ms + STEP_MS, settled_ms)
        series.fold(Span(done.settled_ms, to_ms))
        series.note(done._replace(settled_ms=to_ms))
    elif done.final_ms < horizon_ms:
        to_ms = min(done.final_ms + STEP_MS, horizon_ms)
        series.fold(Span(done.final_ms, to_ms))
        series.note(done._replace(final_ms=to_ms))
    elif done.dropped_ms < done.final_ms:
        series.drop(done.final_ms, span_at(now_ms, keeping.hour_days).oldest_ms)
        series.note(done._replace(dropped_ms=done.final_ms))
    else:
        return False
    return True


def fold_late(series: TimeSeries, sheet: Sheet, now_ms: int) -> None:
    """Make those hours again in which this sheet has readings although they had settled. Where
    that is lost with the process, the last making has them."""
    settled_ms = now_ms - SETTLED_MS
    if min(sheet.at_ms, default=settled_ms) >= settled_ms:
        return
    final_ms = series.progress().final_ms
    spans: dict[str, Span] = {}
    for home, at_ms in zip(sheet.home, sheet.at_ms, strict=True):
        if final_ms <= at_ms < settled_ms:
            hour = floor_hour(at_ms)
            low, high = spans.get(home, (hour, hour))
            spans[home] = Span(min(low, hour), max(high, hour + HOUR_MS))
    for home, span in spans.items():
        series.fold(span, home)


def as_drawn(wish: Wish, now_ms: int, keeping: Keeping) -> Wish:
    """The wish as it is answered: in whole hours where it begins before the readings do, or with
    buckets of an hour and more before the hours have settled."""
    is_gone = wish.from_ms < span_at(now_ms, keeping.raw_days).oldest_ms
    is_long = wish.from_ms < now_ms - SETTLED_MS and wish.width_ms >= HOUR_MS
    if not (is_gone or is_long):
        return wish
    from_ms, width_ms = floor_hour(wish.from_ms), floor_hour(wish.width_ms + HOUR_MS - 1)
    buckets = -(-(wish.to_ms - from_ms) // width_ms)
    return wish._replace(from_ms=from_ms, width_ms=width_ms, buckets=buckets)


def _floor_week(ms: int) -> int:
    return (ms - _MONDAY_MS) // WEEK_MS * WEEK_MS + _MONDAY_MS
