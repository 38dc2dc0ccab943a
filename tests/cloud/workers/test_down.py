"""What goes down to gateways: configurations again after every connection."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from anju.paths import ROOT
from cloud.pumps import Signal
from cloud.registry.entries import GatewayEntry
from cloud.registry.registry import Registry
from cloud.registry.seed import load_demo
from cloud.registry.service import Edit
from cloud.storage.store import Store
from cloud.storage.unit import Work
from cloud.words import Words
from cloud.workers.down import LOOK_MS, PAUSE_MS, ConfigPump
from contract.envelope import decode_down
from contract.messages import Config
from contract.topics import down_topic
from tests.cloud.stores import HandClock, open_store


class Published(NamedTuple):
    """One message."""

    topic: str
    payload: bytes
    content_type: str
    is_retained: bool


class FakeDown:
    """A connection that a test makes and breaks."""

    def __init__(self) -> None:
        self.signal, self.connection = Signal(), 0
        self.sent: list[Published] = []

    def publish(
        self, topic: str, payload: bytes, content_type: str, *, is_retained: bool = False
    ) -> None:
        self.sent.append(Published(topic, payload, content_type, is_retained))


class Bench(NamedTuple):
    """A pump over the demo's registry."""

    store: Store
    down: FakeDown
    pump: ConfigPump


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    store, down = open_store(tmp_path, HandClock()), FakeDown()
    registry = Registry(store.read)
    registry.listen(store.bus)
    store.write(lambda work: load_demo(work, ROOT / "config"))
    yield Bench(store, down, ConfigPump(store, registry, down))
    store.stop()


def _rename_the_gateway(work: Work) -> None:
    with Edit(work) as edit:
        edit.gateway(GatewayEntry("gw-demo01", "440310002902", Words("网关", "Gateway")))


def test_a_configuration_is_retained_and_told_once_on_a_connection(bench: Bench) -> None:
    bench.down.connection = 1

    assert bench.pump.run_once(0) == PAUSE_MS
    assert bench.pump.run_once(PAUSE_MS) == PAUSE_MS + LOOK_MS

    [sent] = bench.down.sent
    assert (sent.topic, sent.is_retained) == (down_topic("gw-demo01", "config"), True)
    assert isinstance(decode_down(sent.payload, sent.content_type), Config)


def test_without_a_connection_nothing_is_published_and_after_it_everything(bench: Bench) -> None:
    assert bench.pump.run_once(0) is None
    assert bench.down.sent == []

    for number in (1, 2):
        bench.down.connection = number
        bench.pump.run_once(0)

    assert len(bench.down.sent) == 2


def test_what_changes_is_told_again(bench: Bench) -> None:
    bench.down.connection = 1
    bench.pump.run_once(0)
    before = decode_down(bench.down.sent[0].payload, bench.down.sent[0].content_type)

    bench.store.write(_rename_the_gateway)
    bench.pump.run_once(1)

    after = decode_down(bench.down.sent[1].payload, bench.down.sent[1].content_type)
    assert isinstance(before, Config)
    assert isinstance(after, Config)
    assert after.revision > before.revision
