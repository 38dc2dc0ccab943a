"""What every store of readings does: DuckDB, InfluxDB 2, and the one in memory that other tests
use. What becomes of old readings is in test_tiers.py."""

from typing import Any

import pytest

from cloud.timeseries.model import DAY_MS, Wish
from cloud.timeseries.port import TimeSeries
from contract.lanes import Lane
from contract.messages import Gap, RowExtra
from contract.vocabulary import Measurement
from tests.ports.readings import (
    DATA,
    HOUR,
    NOW,
    PLACES,
    Make,
    batch,
    hours,
    keep,
    sheet_of,
    values,
    write,
)


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
