"""What only InfluxDB can do to us: refuse points of a batch, die, be set up by others."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from anju.influx import InfluxProcess
from cloud.durable.received import LaneKey
from cloud.timeseries.errors import Unavailable
from cloud.timeseries.influx import SPARE_DAYS, InfluxSeries
from cloud.timeseries.model import (
    DAY_MS,
    HOUR_MS,
    InfluxAddress,
    Keeping,
    Place,
    Progress,
    Sheet,
    Span,
    Wish,
    span_at,
)
from contract.lanes import Lane
from contract.messages import Batch, DeviceRows, Row
from contract.vocabulary import Measurement
from tests import influx
from tests.needs import require

NOW = int(time.time() * 1000)  # noqa: TID251 - InfluxDB measures retention by its own clock
LANE = LaneKey("gw-1", "j-1", Lane.DATA)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxProcess]:
    require("influxd")
    yield from influx.own(tmp_path_factory.mktemp("influx"))


@pytest.fixture
def address(server: InfluxProcess, tmp_path: Path) -> InfluxAddress:
    return server.address(tmp_path.name)


@pytest.fixture
def series(address: InfluxAddress) -> Iterator[InfluxSeries]:
    series = InfluxSeries(address, Keeping(30))
    series.open()
    yield series
    series.close()


def sheet_of(series: InfluxSeries, *seqs: int, device: str = "z2m:0x1") -> Sheet:
    rows = [Row(-seq, seq, "temperature", float(seq)) for seq in seqs]
    batch = Batch("gw-1", "j-1", "b-1", "data", NOW, NOW, [DeviceRows(device, rows)])
    sheet = Sheet(series.applied, span_at(NOW, series.keeping.raw_days))
    sheet.take(batch, lambda _gateway, uid: Place("ho-1", uid))
    return sheet


def values(series: InfluxSeries) -> list[float]:
    return sorted(point.value for point in series.export("ho-1", NOW))


def test_points_of_another_type_are_refused_and_counted_and_the_others_kept(
    series: InfluxSeries, address: InfluxAddress
) -> None:
    series._writing.write(
        address.bucket,
        address.org,
        f'reading,device=z2m:0x1,home=ho-1,measurement=temperature v="text" {NOW * 10**6 - 5}',
    )
    sheet = sheet_of(series, 1)
    other = sheet_of(series, 2, device="z2m:0x2")
    sheet.device += other.device
    for name in ("home", "measurement", "at_ms", "seq", "value"):
        getattr(sheet, name).extend(getattr(other, name))

    series.write(sheet)

    assert sheet.refused == {"store": 2}  # the bucket's field has a type in the whole shard
    assert series.applied(LANE) == ((1, 1),)


def test_points_older_than_the_buckets_retention_are_counted_and_the_others_kept(
    series: InfluxSeries,
) -> None:
    sheet = sheet_of(series, 1, 2)
    sheet.at_ms[0] = NOW - (40 + SPARE_DAYS) * DAY_MS

    series.write(sheet)

    assert sheet.refused == {"store": 1}
    assert values(series) == [2]


def test_one_line_that_cannot_be_read_costs_no_other(series: InfluxSeries) -> None:
    sheet = sheet_of(series, *range(1, 8))
    sheet.value[3] = float("nan")  # the port's own sieve would have kept it out

    series.write(sheet)

    assert sheet.refused == {"store": 1}
    assert values(series) == [1, 2, 3, 5, 6, 7]


def test_the_bucket_gets_the_retention_of_the_settings_also_later(
    series: InfluxSeries, address: InfluxAddress
) -> None:
    def kept_days() -> int:
        found = series._client.buckets_api().find_bucket_by_name(address.bucket)
        return int(found.retention_rules[0].every_seconds) // 86_400

    assert kept_days() == 30 + SPARE_DAYS

    longer = InfluxSeries(address, Keeping(60))
    longer.open()
    longer.close()

    assert kept_days() == 60 + SPARE_DAYS


def test_what_was_acknowledged_outlives_a_kill_and_what_was_not_is_written_again(
    server: InfluxProcess, address: InfluxAddress, series: InfluxSeries
) -> None:
    series.write(sheet_of(series, *range(1, 501)))
    server.kill()

    with pytest.raises(Unavailable):
        series.write(sheet_of(series, *range(501, 601)))

    server.start()
    again = InfluxSeries(address, Keeping(30))
    again.open()
    assert again.applied(LANE) == ((1, 500),)
    again.write(sheet_of(again, *range(1, 601)))
    assert values(again) == [float(n) for n in range(1, 601)]
    again.close()


def test_a_write_whose_answer_was_lost_is_repeated_without_doubles(series: InfluxSeries) -> None:
    sheet = sheet_of(series, 1, 2, 3)

    series.write(sheet)
    series.write(sheet)

    assert values(series) == [1, 2, 3]


def test_a_wrong_token_is_an_absence_that_says_why(address: InfluxAddress) -> None:
    series = InfluxSeries(
        InfluxAddress(address.url, address.org, "wrong", address.bucket), Keeping(30)
    )

    with pytest.raises(Unavailable, match="401"):
        series.open()
    with pytest.raises(Unavailable):
        series.buckets(Wish("ho-1", Measurement.MOTION, NOW - DAY_MS, 1000, 10), NOW)
    series.close()


def test_hours_that_were_made_outlive_a_kill(
    server: InfluxProcess, address: InfluxAddress, series: InfluxSeries
) -> None:
    hour_ms = NOW // HOUR_MS * HOUR_MS
    span = Span(hour_ms - HOUR_MS, hour_ms + HOUR_MS)
    series.write(sheet_of(series, *range(1, 51)))

    series.fold(span)
    series.note(Progress(span.newest_ms, span.oldest_ms, span.oldest_ms))
    server.kill()
    with pytest.raises(Unavailable):
        series.erase("ho-1")
    server.start()

    again = InfluxSeries(address, Keeping(30))
    wish = Wish("ho-1", Measurement.TEMPERATURE, span.oldest_ms, HOUR_MS, 2)
    again.drop(span.newest_ms, 0)
    assert values(again) == []
    assert sum(again.buckets(wish, NOW)[0].count) == 50
    again.close()
