"""Which tier a question is answered from."""

import pytest

from cloud.timeseries.model import DAY_MS, HOUR_MS, Keeping, Wish, floor_hour
from cloud.timeseries.tiers import SETTLED_MS, as_drawn
from contract.vocabulary import Measurement

NOW = 1_795_000_123_456
KEEPING = Keeping(raw_days=30, hour_days=400)


def wish(days_ago: float, width_ms: int, buckets: int) -> Wish:
    from_ms = NOW - int(days_ago * DAY_MS)
    return Wish("ho-1", Measurement.TEMPERATURE, from_ms, width_ms, buckets)


@pytest.mark.parametrize(
    ("days_ago", "width_ms", "buckets"),
    [(1, 15 * 60_000, 96), (7, 2 * HOUR_MS, 84), (20, 15 * 60_000, 96)],
)
def test_a_short_span_is_answered_as_it_was_asked(
    days_ago: float, width_ms: int, buckets: int
) -> None:
    asked = wish(days_ago, width_ms, buckets)

    assert as_drawn(asked, NOW, KEEPING) == asked


@pytest.mark.parametrize(
    ("days_ago", "width_ms", "buckets"),
    [(20, 5 * HOUR_MS + 1, 96), (200, 15 * 60_000, 96), (365, 6 * HOUR_MS, 1460)],
)
def test_a_long_span_and_one_of_long_ago_are_answered_in_whole_hours(
    days_ago: float, width_ms: int, buckets: int
) -> None:
    asked = wish(days_ago, width_ms, buckets)

    told = as_drawn(asked, NOW, KEEPING)

    assert (told.from_ms % HOUR_MS, told.width_ms % HOUR_MS) == (0, 0)
    assert told.from_ms <= asked.from_ms
    assert told.to_ms >= asked.to_ms
    assert told.to_ms - told.width_ms < asked.to_ms
    assert told.buckets <= asked.buckets + 1


def test_in_whole_hours_readings_begin_where_hours_end() -> None:
    asked = Wish("ho-1", Measurement.TEMPERATURE, floor_hour(NOW) - 20 * DAY_MS, DAY_MS, 20)
    settled_ms = floor_hour(NOW - SETTLED_MS)

    hours, readings = asked.parts(NOW, KEEPING, settled_ms)

    assert (hours.oldest_ms, hours.newest_ms) == (asked.from_ms, settled_ms)
    assert (readings.oldest_ms, readings.newest_ms) == (settled_ms, asked.to_ms)
