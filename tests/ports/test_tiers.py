"""What becomes of old readings in every store: hours, made so that nothing is lost or doubled."""

from collections.abc import Callable
from typing import Any

import pytest

from cloud.timeseries import tiers
from cloud.timeseries.model import DAY_MS, Hour, Progress, Span, Trace, Wish, floor_hour
from cloud.timeseries.port import TimeSeries
from cloud.timeseries.tiers import as_drawn, fold_late, turn
from contract.messages import Batch
from contract.vocabulary import Measurement
from tests.ports.readings import HOUR, NOW, Make, batch, keep, sheet_of, write

OLD = floor_hour(NOW - 20 * DAY_MS)  # has settled, and is kept as it came
LATER = NOW + 18 * DAY_MS  # and then only its hours are


@pytest.fixture(autouse=True)
def _long_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiers, "STEP_MS", DAY_MS)


def at(hour: float, seq: int, name: str, value: Any, home: int = 1) -> Batch:
    """hour: after OLD."""
    device = "z2m:0x1" if home == 1 else "z2m:0x9"
    return batch((NOW - OLD - int(hour * HOUR), seq, name, value), device=device)


def drawn(
    series: TimeSeries, now_ms: int, name: Measurement = Measurement.TEMPERATURE, *, width: int = 1
) -> list[Trace]:
    """Six hours from OLD, in buckets as wide."""
    wish = Wish("ho-1", name, OLD, width * HOUR, 6 // width)
    assert as_drawn(wish, now_ms, series.keeping) == wish
    return series.buckets(wish, now_ms)


def an_old_day(series: TimeSeries) -> None:
    """In a store that has been kept until the day before."""
    series.note(Progress(*(OLD - DAY_MS,) * 3))
    write(
        series,
        at(0.1, 1, "temperature", 20),
        at(0.9, 2, "temperature", 26),
        at(2.5, 3, "temperature", 23.5),
        at(2.6, 4, "temperature", 6553.5),
        at(4.5, 30, "temperature", -300),
        at(3.1, 5, "motion", True),
        at(3.2, 6, "motion", False),
        at(0.5, 7, "temperature", 9, home=2),
    )


def hours_of(series: TimeSeries, now_ms: int, home: str = "ho-1") -> list[Hour]:
    return sorted(series.export_hours(home, now_ms))


def test_hours_say_of_a_span_what_its_readings_said(series: TimeSeries) -> None:
    an_old_day(series)
    before = [drawn(series, NOW, width=width) for width in (1, 2, 6)]

    keep(series)

    assert [drawn(series, NOW, width=width) for width in (1, 2, 6)] == before
    [trace] = before[0]
    assert trace.mean == [23, None, 23.5, None, None, None]
    assert (trace.low[0], trace.high[0], trace.last[0], trace.count[0]) == (20, 26, 26, 2)
    assert before[2][0].count == [3]


def test_when_the_readings_have_gone_their_hours_are_still_there(make: Make) -> None:
    series = make()
    an_old_day(series)
    before = drawn(series, NOW)

    keep(series, LATER)

    again = make()
    assert list(again.export("ho-1", LATER)) == []
    assert drawn(again, LATER) == before
    temperatures = [hour for hour in hours_of(again, LATER) if hour.measurement == "temperature"]
    assert temperatures == [
        Hour("z2m:0x1", "temperature", OLD, 2, 46, 20, 26, 20, 26),
        Hour("z2m:0x1", "temperature", OLD + 2 * HOUR, 1, 23.5, 23.5, 23.5, 23.5, 23.5),
    ]


def test_a_store_that_is_first_looked_at_late_loses_nothing(series: TimeSeries) -> None:
    an_old_day(series)
    series.note(Progress())
    before = drawn(series, NOW)

    keep(series, LATER)

    assert drawn(series, LATER) == before


def test_an_hour_of_a_state_says_how_it_began_and_ended(series: TimeSeries) -> None:
    an_old_day(series)

    keep(series, LATER)

    [hour] = [hour for hour in hours_of(series, LATER) if hour.measurement == "motion"]
    assert (hour.n, hour.low, hour.high, hour.first, hour.last) == (2, 0, 1, 1, 0)


def test_making_hours_again_changes_nothing(series: TimeSeries) -> None:
    an_old_day(series)
    keep(series)
    before = drawn(series, NOW)

    for _ in range(2):
        series.fold(Span(OLD, OLD + 6 * HOUR))

    assert drawn(series, NOW) == before


def test_readings_wait_until_their_hours_are_there(series: TimeSeries) -> None:
    an_old_day(series)
    for _ in range(3):  # of many steps
        assert turn(series, LATER)

    before = drawn(series, LATER)
    keep(series, LATER)

    assert before[0].count == [2, 0, 1, 0, 0, 0]
    assert drawn(series, LATER) == before


def test_a_late_reading_is_in_its_hour_at_once(series: TimeSeries) -> None:
    an_old_day(series)
    keep(series)

    fold_late(series, write(series, at(0.95, 8, "temperature", 35)), NOW)

    [trace] = drawn(series, NOW)
    assert (trace.count[0], trace.mean[0], trace.last[0]) == (3, 27, 35)
    assert trace.count[2] == 1


def test_a_late_reading_that_was_missed_is_there_when_the_readings_have_gone(
    series: TimeSeries,
) -> None:
    an_old_day(series)
    keep(series)
    write(series, at(0.95, 8, "temperature", 35))  # and the process has died

    keep(series, LATER)

    assert drawn(series, LATER)[0].count[0] == 3


def test_a_reading_of_an_hour_that_is_final_is_refused_and_changes_nothing(
    series: TimeSeries,
) -> None:
    an_old_day(series)
    keep(series, LATER)
    before = drawn(series, LATER)

    sheet = sheet_of(series, at(0.95, 8, "temperature", 35), now_ms=LATER)
    series.write(sheet)
    fold_late(series, sheet, LATER)
    keep(series, LATER)

    assert sheet.refused == {"too_old": 1}
    assert drawn(series, LATER) == before


def test_a_span_may_be_half_hours_and_half_readings(series: TimeSeries) -> None:
    an_old_day(series)
    write(series, batch((HOUR, 9, "temperature", 30)))
    keep(series)

    wish = Wish("ho-1", Measurement.TEMPERATURE, OLD, 24 * HOUR, 21)
    [trace] = series.buckets(wish, NOW)

    assert (trace.count[0], sum(trace.count)) == (3, 4)
    assert trace.last[19:] in ([30, None], [None, 30])


def test_an_hour_is_not_given_out_for_longer_than_hours_are_kept(series: TimeSeries) -> None:
    an_old_day(series)
    keep(series, LATER)
    end = OLD + 401 * DAY_MS

    assert drawn(series, end) == []
    assert hours_of(series, end) == []


def test_a_home_is_erased_with_its_hours_and_another_keeps_them(series: TimeSeries) -> None:
    an_old_day(series)
    keep(series, LATER)

    for _ in range(2):
        series.erase("ho-1")

    assert hours_of(series, LATER) == []
    assert len(hours_of(series, LATER, "ho-2")) == 1


def test_the_account_of_a_home_has_each_reading_once_as_itself_or_in_an_hour(
    series: TimeSeries,
) -> None:
    an_old_day(series)
    write(series, at(5.5, 8, "temperature", 30))
    for now_ms in (NOW, OLD + 30 * DAY_MS + 5 * HOUR, LATER):
        keep(series, now_ms)

        raw = [p for p in series.export("ho-1", now_ms) if -40 < p.value < 100]
        assert len(raw) + sum(hour.n for hour in hours_of(series, now_ms)) == 6


class Dying:
    """A store whose process dies before or after its n-th change of the tiers."""

    def __init__(self, series: TimeSeries, n: int, *, is_done: bool) -> None:
        self._series, self._left, self._is_done = series, n, is_done

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._series, name)
        return self._dying(found) if name in ("note", "fold", "drop") else found

    def _dying(self, change: Callable[..., None]) -> Callable[..., None]:
        def attempt(*args: Any) -> None:
            self._left -= 1
            if self._left or self._is_done:
                change(*args)
            if not self._left:
                raise InterruptedError

        return attempt


@pytest.mark.parametrize("every", [3, 4])  # while hours are made, while that is noted
@pytest.mark.parametrize("is_done", [False, True])
def test_whoever_dies_while_making_hours_loses_and_doubles_nothing(
    series: TimeSeries, every: int, *, is_done: bool
) -> None:
    an_old_day(series)
    before = drawn(series, NOW)

    deaths = 0
    while True:
        try:
            keep(Dying(series, every, is_done=is_done), LATER)
        except InterruptedError:
            deaths += 1
            assert drawn(series, LATER) == before
            continue
        break

    assert deaths > 15
    assert drawn(series, LATER) == before
    assert list(series.export("ho-1", LATER)) == []
