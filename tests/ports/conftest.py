"""The stores of readings that their two suites run on."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.timeseries.embedded import DuckSeries
from cloud.timeseries.influx import InfluxSeries
from cloud.timeseries.model import InfluxAddress
from cloud.timeseries.port import TimeSeries
from tests import influx
from tests.needs import require
from tests.ports.readings import KEEPING, Make
from tests.series import MemorySeries


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
