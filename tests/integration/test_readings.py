"""Readings from a gateway's bytes to the page, through a real broker and a real time series."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from anju.influx import InfluxProcess
from contract.lanes import Lane
from contract.messages import Ack, Batch, DeviceRows, Row
from tests import influx
from tests.brokers import Hands, RealBroker
from tests.integration.test_serve import GATEWAY, HOME, Edge, House, sign_in
from tests.needs import require
from tests.waiting import eventually

CLIMATE = "z2m:0x00124b0014a00106"


@pytest.fixture
def real_influx(tmp_path: Path) -> Iterator[InfluxProcess]:
    require("influxd")
    yield from influx.own(tmp_path / "influx")


@pytest.fixture(params=["duckdb", "influx"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    address = None
    if request.param == "influx":
        address = request.getfixturevalue("real_influx").address()
    house = House(tmp_path / "cloud", address)
    yield house
    house.close()


def say(edge: Edge, *seqs: int) -> None:
    """One message of temperatures that are their own numbers, one a second up to now."""
    now_ms = int(time.time() * 1000)
    rows = [Row((seq - seqs[-1]) * 10, seq, "temperature", seq / 100) for seq in seqs]
    devices = [DeviceRows(CLIMATE, rows)]
    edge.send(Lane.DATA, Batch(GATEWAY, "j-1", "b-1", "data", now_ms, now_ms, devices))


def acknowledged(edge: Edge, upto: int) -> bool:
    """Whether the cloud says that the edge may forget everything up to here; waits for it."""
    while True:
        ack = edge.hears(Ack)
        if ack.lane == "data" and ack.intervals == [(1, upto)]:
            return True


def temperatures(page: Any) -> dict[str, Any]:
    """Of the home's last 24 hours, in one bucket."""
    asked = f"/api/homes/{HOME}/readings?measurement=temperature&buckets=1"
    answer = page.get(asked)
    assert answer.status_code == 200, answer.text
    return {trace["device"]: trace for trace in answer.json()["traces"]}


def test_readings_are_acknowledged_and_seen_by_the_operator(
    mosquitto: RealBroker, hands: Hands, house: House
) -> None:
    cloud = house.furnished(mosquitto)
    edge = Edge(hands(mosquitto, GATEWAY))

    say(edge, *range(1, 21))

    assert acknowledged(edge, 20)
    time.sleep(0.002)  # the newest reading is of this very millisecond
    with sign_in(cloud) as page:
        trace = temperatures(page)[CLIMATE]
    assert (trace["count"], trace["low"], trace["high"]) == ([20], [0.01], [0.2])


def test_what_was_acknowledged_is_there_after_a_restart_and_is_not_taken_twice(
    mosquitto: RealBroker, hands: Hands, house: House
) -> None:
    house.furnished(mosquitto).stop()
    edge = Edge(hands(mosquitto, GATEWAY))
    first = house(mosquitto)
    say(edge, *range(1, 11))
    assert acknowledged(edge, 10)
    first.stop()

    second = house(mosquitto)
    say(edge, *range(1, 21))

    assert acknowledged(edge, 20)
    time.sleep(0.002)
    with sign_in(second) as page:
        assert temperatures(page)[CLIMATE]["count"] == [20]


def test_with_influx_stopped_alarms_go_on_and_readings_are_complete_afterwards(
    mosquitto: RealBroker, hands: Hands, tmp_path: Path, real_influx: InfluxProcess
) -> None:
    house = House(tmp_path / "cloud", real_influx.address())
    try:
        cloud = house.furnished(mosquitto)
        edge = Edge(hands(mosquitto, GATEWAY))
        say(edge, *range(1, 11))
        assert acknowledged(edge, 10)

        real_influx.kill()
        say(edge, *range(11, 21))
        edge.press(1)

        told = edge.hears(Ack)
        assert (told.lane, told.seqs) == ("alarm", [1])
        eventually(lambda: "timeseries" in cloud.counters.snapshot()[1], what="the trouble told")
        assert all(cloud.is_ready().values())

        real_influx.start()
        assert acknowledged(edge, 20)
        time.sleep(0.002)
        with sign_in(cloud) as page:
            assert temperatures(page)[CLIMATE]["count"] == [20]
    finally:
        house.close()


def test_an_influx_that_comes_late_is_waited_for(
    mosquitto: RealBroker, hands: Hands, tmp_path: Path, real_influx: InfluxProcess
) -> None:
    real_influx.stop()
    house = House(tmp_path / "cloud", real_influx.address())
    try:
        house.furnished(mosquitto)
        edge = Edge(hands(mosquitto, GATEWAY))
        say(edge, 1, 2)
        edge.press(1)
        assert edge.hears(Ack).lane == "alarm"

        real_influx.start()

        assert acknowledged(edge, 2)
    finally:
        house.close()
