"""What every time series does: DuckDB, InfluxDB 2, and the one in memory that other tests use."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cloud.durable.received import LaneKey
from cloud.timeseries.embedded import DuckSeries
from cloud.timeseries.influx import InfluxSeries
from cloud.timeseries.model import (
    DAY_MS,
    Hour,
    InfluxAddress,
    Keeping,
    Place,
    Progress,
    Sheet,
    Span,
    Trace,
    Wish,
    floor_hour,
    span_at,
)
from cloud.timeseries.port import TimeSeries
from cloud.timeseries.tiers import as_drawn, fold_late, turn
from contract.lanes import Lane
from contract.messages import Batch, DeviceRows, Gap, Row, RowExtra
from contract.vocabulary import Measurement
from tests import influx
from tests.needs import require
from tests.series import MemorySeries

NOW = int(time.time() * 1000)  # noqa: TID251 - InfluxDB measures retention by its own clock
HOUR = 3_600_000
KEEPING = Keeping(raw_days=30, hour_days=400)
DATA = LaneKey("gw-1", "j-1", Lane.DATA)
PLACES = {
    "z2m:0x1": Place("ho-1", "z2m:0x1"),
    "z2m:0x2": Place("ho-1", "z2m:0x2"),
    "z2m:0x9": Place("ho-2", "z2m:0x9"),
    'odd, =" \\name\n': Place('ho "odd", =', 'odd, =" name'),
}
Make = Callable[[], TimeSeries]


@pytest.fixture(scope="session")
def influx_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxAddress]:
    require("influxd")
    yield from influx.running(tmp_path_factory.mktemp("influx"))


@pytest.fixture(params=["memory", "duckdb", "influx"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Opens the same store, each time as a new process would."""
    made: list[TimeSeries] = []
    memory = MemorySeries(KEEPING)

    def build() -> TimeSeries:
        if request.param == "memory":
            return memory
        for series in made:
            series.close()
        if request.param == "duckdb":
            return DuckSeries(tmp_path / "readings.duckdb", KEEPING)
        address = request.getfixturevalue("influx_address")
        bucket = f"{address.bucket}-{os.path.basename(tmp_path)}"
        return InfluxSeries(InfluxAddress(address.url, address.org, address.token, bucket), KEEPING)

    def opened() -> TimeSeries:
        series = build()
        series.open()
        made.append(series)
        return series

    yield opened
    for series in made:
        series.close()


@pytest.fixture
def series(make: Make) -> TimeSeries:
    return make()


def batch(*rows: tuple[Any, ...], device: str = "z2m:0x1", gaps: list[Gap] | None = None) -> Batch:
    """rows: ms before now, seq, name, value."""
    told = [Row(-before, seq, name, value) for before, seq, name, value in rows]
    devices = [DeviceRows(device, told)] if told else []
    return Batch("gw-1", "j-1", "b-1", "data", NOW, NOW, devices, gaps=gaps or [])


def sheet_of(series: TimeSeries, *batches: Batch, now_ms: int = NOW) -> Sheet:
    sheet = Sheet(series.applied, span_at(now_ms, series.keeping.raw_days))
    for each in batches:
        sheet.take(each, lambda _gateway, uid: PLACES.get(uid))
    return sheet


def write(series: TimeSeries, *batches: Batch) -> Sheet:
    sheet = sheet_of(series, *batches)
    series.write(sheet)
    return sheet


def keep(series: TimeSeries, now_ms: int = NOW) -> None:
    """As housekeeping does."""
    while turn(series, now_ms):
        pass


def hours(name: Measurement = Measurement.TEMPERATURE, home: str = "ho-1") -> Wish:
    """Four hours up to now, one bucket each."""
    return Wish(home, name, NOW - 4 * HOUR, HOUR, 4)


def values(series: TimeSeries, home: str = "ho-1") -> list[float]:
    return sorted(point.value for point in series.export(home, NOW))


def test_what_was_written_is_there_after_the_store_is_opened_again(make: Make) -> None:
    write(make(), batch((1000, 1, "temperature", 20.5), (0, 2, "temperature", 21)))

    again = make()

    assert values(again) == [20.5, 21.0]
    assert again.applied(DATA) == ((1, 2),)


def test_a_batch_that_comes_again_is_applied_once(series: TimeSeries) -> None:
    write(series, batch((2000, 1, "temperature", 20), (1000, 2, "temperature", 21)))
    write(series, batch((1000, 2, "temperature", 21), (0, 3, "temperature", 22)))

    assert values(series) == [20, 21, 22]
    assert series.applied(DATA) == ((1, 3),)


def test_the_same_batch_twice_in_one_sheet_is_applied_once(series: TimeSeries) -> None:
    told = batch((0, 1, "temperature", 20), (0, 1, "temperature", 20))

    write(series, told, told)

    assert values(series) == [20]


def test_readings_of_one_millisecond_do_not_overwrite_each_other(series: TimeSeries) -> None:
    write(series, batch((0, 7, "temperature", 1), (0, 8, "temperature", 2)))

    assert values(series) == [1, 2]
    assert [point.value for point in series.last("ho-1", NOW)] == [2]


def test_live_readings_may_overtake_a_backlog_and_gaps_close_it(series: TimeSeries) -> None:
    write(series, batch((0, 10, "temperature", 20)))
    write(series, batch((500, 1, "temperature", 19), gaps=[Gap(2, 9, 8, "thinned")]))

    assert values(series) == [19, 20]
    assert series.applied(DATA) == ((1, 10),)


def test_more_holes_than_are_kept_apply_nothing(series: TimeSeries) -> None:
    write(series, batch(*((0, seq, "temperature", 1) for seq in range(2, 130, 2))))
    write(series, batch((0, 200, "temperature", 5)))

    assert 5 not in values(series)
    assert len(series.applied(DATA)) == 64


def test_lanes_and_journals_have_numbers_of_their_own(series: TimeSeries) -> None:
    other = batch((5, 1, "temperature", 2))
    other.journal = "j-2"

    write(series, batch((0, 1, "temperature", 1)), other)

    assert values(series) == [1, 2]
    assert series.applied(DATA._replace(journal="j-2")) == ((1, 1),)
    assert series.applied(DATA._replace(lane=Lane.HEALTH)) == ()


@pytest.mark.parametrize(
    ("name", "value", "before_ms", "why"),
    [
        ("temperature", "warm", 0, "type"),
        ("temperature", True, 0, "type"),
        ("temperature", None, 0, "type"),
        ("temperature", 10**400, 0, "type"),
        ("motion", 1, 0, "type"),
        ("tsunami", 1, 0, "unknown_name"),
        ("temperature", 20, 31 * DAY_MS, "too_old"),
        ("temperature", 20, NOW, "too_old"),
        ("temperature", 20, -2 * DAY_MS, "ahead"),
        ("temperature", 20, -(2**53), "ahead"),
    ],
)
def test_what_can_never_be_taken_is_counted_and_counts_as_applied(
    series: TimeSeries, name: str, value: Any, before_ms: int, why: str
) -> None:
    sheet = write(series, batch((before_ms, 1, name, value), (0, 2, "temperature", 20)))

    assert sheet.refused == {why: 1}
    assert values(series) == [20]
    assert series.applied(DATA) == ((1, 2),)


def test_strangers_and_repeats_are_applied_but_nobodys(series: TimeSeries) -> None:
    repeated = batch((0, 2, "temperature", 20))
    repeated.devices[0].rows[0].x = RowExtra(rep=1)

    write(series, batch((0, 1, "temperature", 20), device="z2m:0xff"), repeated)

    assert values(series) == []
    assert series.applied(DATA) == ((1, 2),)


def test_the_last_value_of_each_measurement_of_each_device(series: TimeSeries) -> None:
    write(series, batch((2000, 1, "temperature", 20), (1000, 2, "motion", False)))
    write(series, batch((3000, 3, "temperature", 19), device="z2m:0x2"))
    write(series, batch((500, 4, "temperature", 22)))

    last = series.last("ho-1", NOW)

    assert [(p.device, p.measurement, NOW - p.at_ms, p.value) for p in last] == [
        ("z2m:0x1", "motion", 1000, 0.0),
        ("z2m:0x1", "temperature", 500, 22.0),
        ("z2m:0x2", "temperature", 3000, 19.0),
    ]


def test_a_bucket_has_mean_extremes_last_and_count(series: TimeSeries) -> None:
    write(
        series,
        batch(
            (HOUR, 1, "temperature", 20), (9000, 2, "temperature", 26), (1, 3, "temperature", 23)
        ),
    )

    [trace] = series.buckets(hours(), NOW)

    assert trace.device == "z2m:0x1"
    bucket = (trace.mean[3], trace.low[3], trace.high[3], trace.last[3], trace.count[3])
    assert bucket == (23, 20, 26, 23, 3)


def test_a_gap_stays_a_gap(series: TimeSeries) -> None:
    write(series, batch((4 * HOUR, 1, "temperature", 20), (HOUR + 1, 2, "temperature", 21)))

    [trace] = series.buckets(hours(), NOW)

    assert trace.mean == [20, None, 21, None]
    assert trace.count == [1, 0, 1, 0]


def test_buckets_hold_their_beginning_and_not_their_end(series: TimeSeries) -> None:
    write(
        series,
        batch(
            (4 * HOUR + 1, 1, "temperature", 1),
            (4 * HOUR, 2, "temperature", 2),
            (0, 3, "temperature", 3),
        ),
    )

    [trace] = series.buckets(hours(), NOW)

    assert trace.last == [2, None, None, None]


def test_states_are_one_and_nought(series: TimeSeries) -> None:
    write(series, batch((2 * HOUR, 1, "motion", True), (HOUR, 2, "motion", False)))

    [trace] = series.buckets(hours(Measurement.MOTION), NOW)

    assert trace.last == [None, None, 1, 0]


def test_an_implausible_reading_is_kept_but_not_drawn(series: TimeSeries) -> None:
    write(series, batch((1, 1, "temperature", 6553.5), (2, 2, "temperature", 20)))

    [trace] = series.buckets(hours(), NOW)

    assert trace.high[3] == 20
    assert values(series) == [20, 6553.5]


def test_a_home_sees_its_own_readings_only(series: TimeSeries) -> None:
    write(series, batch((1, 1, "temperature", 20)))
    write(series, batch((1, 2, "temperature", 9), device="z2m:0x9"))

    assert [trace.device for trace in series.buckets(hours(home="ho-2"), NOW)] == ["z2m:0x9"]
    assert series.buckets(hours(home="ho-3"), NOW) == []
    assert values(series, "ho-2") == [9]


def test_a_home_is_erased_alone_and_can_be_heard_again(series: TimeSeries) -> None:
    write(series, batch((1, 1, "temperature", 20)))
    write(series, batch((1, 2, "temperature", 9), device="z2m:0x9"))

    series.erase("ho-1")

    assert (values(series), values(series, "ho-2")) == ([], [9])
    assert series.applied(DATA) == ((1, 2),)
    write(series, batch((0, 3, "temperature", 21)))
    assert values(series) == [21]


def test_what_is_older_than_retention_is_not_given_out_any_more(series: TimeSeries) -> None:
    write(series, batch((29 * DAY_MS, 1, "temperature", 20), (0, 2, "temperature", 21)))

    later = NOW + 2 * DAY_MS
    wish = Wish("ho-1", Measurement.TEMPERATURE, NOW - 30 * DAY_MS, 31 * DAY_MS, 1)

    assert [t.low for t in series.buckets(wish, later)] == [[21]]
    keep(series, later)
    assert [t.low for t in series.buckets(wish, later)] == [[21]]
    assert [p.value for p in series.export("ho-1", later)] == [21]


def test_names_may_hold_whatever_a_wire_can_carry(series: TimeSeries) -> None:
    odd = 'odd, =" \\name\n'
    write(series, batch((1, 1, "temperature", 20), device=odd))

    home = PLACES[odd].home

    assert values(series, home) == [20]
    assert [t.device for t in series.buckets(hours(home=home), NOW)] == [PLACES[odd].device]
    series.erase(home)
    assert values(series, home) == []


def test_numbers_are_kept_to_the_last_bit(series: TimeSeries) -> None:
    told = [0.1 + 0.2, -1e-12, 1e22, 3.0]

    write(series, batch(*((n, n + 1, "energy", value) for n, value in enumerate(told))))

    assert values(series) == sorted(told)


def test_what_is_covered_without_rows_is_applied(make: Make) -> None:
    first = make()
    sheet = sheet_of(first)
    sheet.cover(DATA, [(1, 41)])
    first.write(sheet)
    write(first, batch((0, 42, "temperature", 20)))

    assert make().applied(DATA) == ((1, 42),)


# ---------------------------------------------------------------- hours, kept longer


OLD = floor_hour(NOW - 20 * DAY_MS)  # has settled, and is kept as it came
LATER = NOW + 18 * DAY_MS  # and then only its hours are


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

    assert deaths > 100
    assert drawn(series, LATER) == before
    assert list(series.export("ho-1", LATER)) == []
