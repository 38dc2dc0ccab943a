"""Ingest on a real broker, with pumps that a test turns or holds; and messages of any form."""

import functools
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from sqlalchemy import URL

from anju.broker import HOST
from anju.paths import ROOT
from cloud.alarms import store as alarms
from cloud.alarms.model import Alarm
from cloud.clock import SystemClock
from cloud.dictionary import read_dictionary
from cloud.ingest import fence
from cloud.ingest.due import DuePump
from cloud.ingest.following import Follower
from cloud.ingest.intake import Intake
from cloud.ingest.judging import HomeJudge
from cloud.ingest.mqtt import BrokerAddress, MqttSource
from cloud.ingest.pump import IngestPump
from cloud.ingest.source import Delivery
from cloud.ingest.telemetry import Telemetry
from cloud.observe import Counters
from cloud.pumps import Runner
from cloud.registry.registry import Registry
from cloud.registry.seed import load_demo
from cloud.rules.language import read_rule_set
from cloud.storage.engine import open_engine
from cloud.storage.schema import metadata
from cloud.storage.store import Priority, Store
from cloud.timeseries.embedded import DuckSeries
from cloud.timeseries.influx import InfluxSeries
from cloud.timeseries.model import Keeping
from cloud.timeseries.port import TimeSeries
from contract.envelope import encode
from contract.lanes import Lane
from contract.messages import Batch, DeviceRows, Row
from contract.properties import Identity, to_properties
from contract.topics import UP_ALARMS, UP_DATA, up_topic
from tests.brokers import Hand, HasPort
from tests.ground import Ground
from tests.waiting import eventually

CONFIG: Final = ROOT / "config"
GATEWAY: Final = "gw-demo01"
BUTTON: Final = "z2m:0x00124b0014a00101"
INGEST: Final = "anju-ingest-alarms"


def batch(lane: str, seq: int, name: str = "sos", value: object = True, **more: object) -> Batch:
    """One row. more: other fields of the batch, and `device`."""
    device = str(more.pop("device", BUTTON))
    row = Row(0, seq, name, value)  # type: ignore[arg-type]
    fields: dict[str, object] = {
        "gateway": GATEWAY,
        "journal": "j-1",
        "boot": "b-1",
        "lane": lane,
        "t0_ms": 0,
        "sent_ms": 0,
        "devices": [DeviceRows(device, [row])],
    }
    return Batch(**{**fields, **more})  # type: ignore[arg-type]


def send(
    hand: Hand,
    topic: str,
    payload: bytes,
    identity: Identity | None = None,
    content_type: str | None = None,
    extra: Sequence[tuple[str, str]] = (),
) -> None:
    """With QoS 1 and MQTT 5 properties, until the broker has it."""
    properties = Properties(PacketTypes.PUBLISH)
    user = [*(to_properties(identity) if identity else ()), *extra]
    if user:
        properties.UserProperty = user
    if content_type is not None:
        properties.ContentType = content_type
    info = hand.client.publish(topic, payload, qos=1, properties=properties)
    info.wait_for_publish(10)
    assert info.is_published()


def send_batch(hand: Hand, lane: Lane, message: Batch, gateway: str = GATEWAY) -> None:
    """As an edge does."""
    made = encode(message)
    send(hand, up_topic(gateway, lane), made.payload, content_type=made.content_type)


def source_on(broker: HasPort, name: str = INGEST) -> MqttSource:
    """The alarm session of ingest, connected."""
    address = BrokerAddress(HOST, broker.port)
    source = MqttSource(name, UP_ALARMS, address, SystemClock(), Counters())
    source.start()
    eventually(lambda: source.is_connected, what="the broker's answer")
    return source


def take(source: MqttSource, count: int) -> list[Delivery]:
    """So many, in order."""
    taken: list[Delivery] = []

    def enough() -> bool:
        taken.extend(source.poll(count - len(taken)))
        return len(taken) == count

    eventually(enough, what=f"{count} messages")
    return taken


class Ingest:
    """Both connections and their pumps over a store with the demo's registry. A pump turns once
    its runner is started."""

    def __init__(self, folder: Path, broker: HasPort) -> None:
        url = Ground.database() or URL.create("sqlite", database=str(folder / "cloud.db"))
        writing = open_engine(url, writes=True)
        metadata.create_all(writing)
        self.clock, self.counters, self.overtaken = SystemClock(), Counters(), threading.Event()
        self.store = Store(writing, open_engine(url, writes=False), self.clock)
        self.store.write(lambda work: load_demo(work, CONFIG))
        words, rules = read_dictionary(CONFIG / "words"), read_rule_set(CONFIG)
        registry = Registry(self.store.read)
        follower = Follower(registry, rules, words, self.counters)
        judge = HomeJudge(registry, follower, words, self.counters)
        self._intake = Intake(judge, "ep-1")
        address = BrokerAddress(HOST, broker.port)
        source = functools.partial(
            MqttSource, address=address, clock=self.clock, counters=self.counters
        )
        self._new_source = functools.partial(source, INGEST, UP_ALARMS)
        self.alarm_source = self._new_source()
        self.data_source = source("anju-ingest-data", UP_DATA)
        bucket = Ground.bucket()
        self.series: TimeSeries = (
            InfluxSeries(bucket, Keeping())
            if bucket
            else DuckSeries(folder / "readings.duckdb", Keeping())
        )
        self._telemetry = Telemetry(self.series, registry, self.data_source.publish, self.counters)
        self.telemetry = Runner(self._telemetry, self.clock, self.counters)
        generation = self.store.write(fence.claim_all)
        due = DuePump(self.store, follower, self.counters, generation, lambda: None)
        self.rules = Runner(due, self.clock, self.counters)
        self.alarms = self._runner(self.alarm_source, "ingest.alarms", Priority.ALARM, generation)
        self.data = self._runner(self.data_source, "ingest.data", Priority.DATA, generation)

    def stop_alarms(self) -> None:
        """The session stays on the broker."""
        self.alarms.stop()
        self.alarm_source.stop()

    def start_alarms_again(self) -> None:
        """As a new owner of the partitions."""
        generation = self.store.write(fence.claim_all)
        self.alarm_source = self._new_source()
        self.alarms = self._runner(self.alarm_source, "ingest.alarms", Priority.ALARM, generation)
        self.alarm_source.start()
        self.alarms.start()

    def _runner(self, source: MqttSource, name: str, priority: Priority, generation: int) -> Runner:
        pump = IngestPump(
            name,
            source,
            self.store,
            self._intake,
            self._telemetry,
            source.publish,
            self.counters,
            generation=generation,
            priority=priority,
            signal=source.signal,
            overtaken=self.overtaken.set,
        )
        return Runner(pump, self.clock, self.counters)

    def connect(self) -> None:
        """Both, the writer of the store, and the time series."""
        self.store.start()
        self.telemetry.start()
        for source in (self.alarm_source, self.data_source):
            source.start()
        eventually(lambda: self.alarm_source.is_connected and self.data_source.is_connected)

    def close(self) -> None:
        """In the order of app."""
        for runner in (self.alarms, self.data, self.rules, self.telemetry):
            runner.stop()
        self.series.close()
        for source in (self.alarm_source, self.data_source):
            source.stop()
        self.store.stop()

    def open_alarms(self) -> list[Alarm]:
        """As committed."""
        return self.store.read(alarms.open_alarms)

    def count(self, name: str) -> int:
        """Of the counters."""
        return self.counters.snapshot()[0].get(name, 0)
