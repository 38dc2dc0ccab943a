"""Metrics and health on an address of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx2 import Client

from cloud.live.hub import Hub
from cloud.monitor.exposition import Exposition, Links
from cloud.monitor.listener import MonitorListener
from cloud.observe import Counters
from cloud.observe.readiness import readiness
from tests.cloud.stores import HandClock, open_store

HOST = "127.0.0.1"


class Process:
    """As much of one as the listener knows."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.parts = HandClock(), {"store": True}
        self.counters = Counters(self.clock)
        self.store = open_store(folder, self.clock)
        self.listener = MonitorListener(
            HOST, 0, lambda: readiness(self.parts, self.counters, self.clock.now_ms())
        )
        self.http = Client(base_url=f"http://{HOST}:{self.listener.port}")

    def joined(self) -> None:
        links = Links(frozenset({"ingest"}), self.parts, {})
        page = Exposition(self.counters, self.store, Hub(0), self.clock, lambda: links)
        self.listener.show(page)

    def end(self) -> None:
        self.http.close()
        self.listener.stop()
        self.store.stop()


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    process = Process(tmp_path)
    yield process
    process.end()


def test_metrics_come_in_the_format_that_prometheus_reads(process: Process) -> None:
    process.joined()

    answer = process.http.get("/metrics")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'anju_role{role="ingest"} 1.0' in answer.text


def test_health_is_there_before_the_store_is_and_metrics_are_not(process: Process) -> None:
    assert process.http.get("/health/live").json() == {"ok": True}
    assert process.http.get("/metrics").status_code == 404


def test_a_part_that_is_away_is_503_and_says_what_to_do(process: Process) -> None:
    process.parts["alarms"] = False

    answer = process.http.get("/health/ready")

    assert answer.status_code == 503
    assert "broker" in answer.json()["to_do"]["alarms"]
    process.parts["alarms"] = True
    assert process.http.get("/health/ready").status_code == 200


def test_anything_else_is_not_there(process: Process) -> None:
    process.joined()

    assert process.http.get("/api/alarms").status_code == 404
    assert process.http.post("/metrics").status_code == 501
