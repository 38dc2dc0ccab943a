"""The day before the demo's first start, in the store of readings that the demo uses."""

from pathlib import Path

import pytest

from anju.history import fill
from anju.paths import config_dir
from cloud.timeseries.embedded import DuckSeries
from cloud.timeseries.model import Keeping
from device_simulators.plan import Plan, read_plan
from edge.profiles import load_hearing

NOW_MS = 1_795_600_000_000
HOME = "ho-anhe01"
DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def plan() -> Plan:
    return read_plan(config_dir() / "demo" / "homes.yaml", 2)


@pytest.fixture
def series(tmp_path: Path) -> DuckSeries:
    return DuckSeries(tmp_path / "readings.duckdb", Keeping())


def yesterday(series: DuckSeries, plan: Plan) -> int:
    return fill(series, plan, load_hearing(config_dir()), 1, NOW_MS)


def test_every_sensor_of_a_home_has_told_of_the_day_before(series, plan):
    count = yesterday(series, plan)

    series.open()
    points = list(series.export(HOME, NOW_MS))
    series.close()
    told = {point.measurement for point in points}
    assert count > len(points) > 500
    assert {"occupancy", "opening", "temperature", "bed_occupancy", "power", "battery"} <= told
    assert all(NOW_MS - DAY_MS < point.at_ms <= NOW_MS for point in points)
    assert {"sos", "fall"}.isdisjoint(told)


def test_a_second_start_adds_nothing(series, plan):
    yesterday(series, plan)

    assert yesterday(series, plan) == 0


def test_a_store_that_is_away_leaves_the_day_out(tmp_path, plan):
    assert yesterday(DuckSeries(tmp_path / "nowhere" / "readings.duckdb", Keeping()), plan) == 0
