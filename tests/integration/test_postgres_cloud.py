"""Several processes of the platform on one PostgreSQL; none of them ends because it is away."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx2 import Client
from sqlalchemy import URL, select

from anju.broker import HOST, free_port
from anju.paths import ROOT
from anju.postgres import PostgresProcess
from cloud.app import CannotStart, Cloud
from cloud.durable.timers import timer_table
from cloud.ingest.fence import partition_table
from cloud.ingest.mqtt import BrokerAddress
from cloud.registry.seed import load_demo
from cloud.settings import (
    ALL_ROLES,
    CloudSettings,
    HttpSettings,
    MonitorSettings,
    Role,
    SeriesSettings,
)
from cloud.storage.unit import Work
from cloud.timeseries.model import InfluxAddress
from tests.postgres import own_postgres
from tests.waiting import eventually

__all__ = ["own_postgres"]
NO_INFLUX = InfluxAddress("http://127.0.0.1:1", "anju", "none")  # away, and waited for
BOTH = frozenset({Role.INGEST, Role.WORKERS})


class Cell:
    """Processes of one installation, each with a folder of its own as on machines of their own.
    Their broker is away."""

    def __init__(self, folder: Path, url: URL) -> None:
        self._folder, self._url = folder, url
        self._broker = BrokerAddress(HOST, free_port())
        self.clouds: list[Cloud] = []

    def start(self, roles: frozenset[Role] = BOTH) -> Cloud:
        cloud = self.new(roles)
        cloud.start()
        return cloud

    def new(self, roles: frozenset[Role]) -> Cloud:
        cloud = Cloud(
            CloudSettings(
                data_dir=self._folder / str(len(self.clouds)),
                config_dir=ROOT / "config",
                pages_dir=self._folder / "pages",
                broker=self._broker,
                http=HttpSettings(port=0),
                monitor=MonitorSettings(port=0),
                roles=roles,
                server=self._url,
                timeseries=SeriesSettings(influx=NO_INFLUX),
            )
        )
        self.clouds.append(cloud)
        return cloud


@pytest.fixture
def cell(tmp_path: Path, own_postgres: PostgresProcess) -> Iterator[Cell]:
    cell = Cell(tmp_path, own_postgres.url())
    yield cell
    for cloud in cell.clouds:
        cloud.stop()


def generation(work: Work) -> int:
    return int(work.execute(select(partition_table.c.generation).limit(1)).scalar_one())


def ports_of(cloud: Cloud) -> list[int]:
    """Of the pages and of the monitor, as soon as both listen."""
    ports = [getattr(cloud, name, 0) for name in ("port", "monitor_port")]
    return ports if all(ports) else []


def runs(cloud: Cloud) -> list[str]:
    return [part for part in ("ingest", "workers") if cloud.is_ready()[part]]


def test_a_second_machine_waits_and_takes_over_with_a_generation_of_its_own(cell: Cell) -> None:
    first, second = cell.start(), cell.start()
    assert (runs(first), runs(second)) == (["ingest", "workers"], [])

    first.stop()

    eventually(lambda: runs(second) == ["ingest", "workers"])
    assert second.store.read(generation) == 2


def test_a_server_that_was_killed_is_back_with_everything_and_so_are_the_parts(
    cell: Cell, own_postgres: PostgresProcess
) -> None:
    cloud = cell.start()
    cloud.store.write(lambda work: load_demo(work, ROOT / "config"))

    own_postgres.kill()
    eventually(lambda: not any(cloud.is_ready().values()))
    own_postgres.start()

    eventually(lambda: runs(cloud) == ["ingest", "workers"] and cloud.is_ready()["store"])
    assert cloud.store.read(generation) == 2
    assert cloud.registry.home_card("ho-anhe01") is not None
    assert cloud.store.read(lambda work: work.execute(select(timer_table)).all()) == []


def test_who_is_not_wanted_any_more_stops_waiting_for_the_server(
    cell: Cell, own_postgres: PostgresProcess
) -> None:
    cloud = cell.start(frozenset())
    own_postgres.stop()

    with pytest.raises(CannotStart, match="refused"):
        Cloud(cloud.settings).start(is_wanted=lambda: False)


@pytest.mark.timeout(60)
def test_while_the_server_is_waited_for_pages_and_monitor_tell_health_and_why(
    cell: Cell, own_postgres: PostgresProcess
) -> None:
    own_postgres.stop()
    cloud = cell.new(ALL_ROLES)
    start = threading.Thread(target=cloud.start, daemon=True)
    start.start()
    for port in eventually(lambda: ports_of(cloud)):
        with Client(base_url=f"http://{HOST}:{port}") as anybody:
            assert anybody.get("/health/live").json() == {"ok": True}
            ready = anybody.get("/health/ready")
            assert (ready.status_code, ready.json()["parts"]["store"]) == (503, False)
            assert "database server" in ready.json()["to_do"]["store"]
    with Client(base_url=cloud.url) as anybody:
        page = anybody.get("/console")
        assert (page.status_code, page.headers["retry-after"]) == (503, "1")
        assert page.json()["error"]["code"] == "unavailable"

    own_postgres.start()

    start.join(30)
    with Client(base_url=cloud.url) as anybody:  # on the same socket, with its broker still away
        ready = anybody.get("/health/ready").json()
        assert ready["to_do"].keys() == {"alarms", "data", "down"}
        assert anybody.get("/api/session").status_code == 401
        eventually(lambda: "timeseries" in anybody.get("/health/ready").json()["troubles"])
