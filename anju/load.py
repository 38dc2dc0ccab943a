"""Readings of many gateways at the cloud's broker, at a steady rate, each with the edge's own
pacing: `python -m anju.load PORT GATEWAYS PER_S FILE`. For proofs.

What the cloud has not acknowledged is said again. FILE says how many readings were made and how
many of them still wait. SIGTERM ends the making, and then it ends when nothing waits.
"""

import queue
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from anju.broker import HOST
from anju.stop import Stop
from cloud.clock import Clock, SystemClock
from cloud.registry.cards import DeviceCard
from cloud.words import Words
from contract.envelope import decode_down, encode
from contract.intervals import Interval, holds
from contract.lanes import Lane
from contract.messages import Ack, Batch, DeviceRows, Hello, LaneRange, Row
from contract.topics import down_topic, up_topic
from edge.uplink.pacing import Pacer, Run

READY: Final = "anju: load"
DEVICES: Final = 4
ROWS_MAX: Final = 500
LOOK_S: Final = 0.02
HELLO_MS: Final = 5_000
NAME: Final = "illuminance"


class Told(msgspec.Struct, frozen=True):
    """What FILE says."""

    made: int
    waiting: int


def home_of(number: int) -> str:
    """The one home of the n-th gateway."""
    return f"ho-load{number:03d}"


def cards_of(number: int) -> list[DeviceCard]:
    """Its devices, as the registry must know them."""
    words = Words("-", "-")
    return [
        DeviceCard(
            uid=f"z2m:0xload{number:03d}{n}",
            gateway_id=_name(number),
            home_id=home_of(number),
            topic=f"load/{n}",
            key=f"load{n}",
            kind="light",
            vendor="-",
            model="-",
            name=words,
            room=words,
            is_sos=False,
        )
        for n in range(DEVICES)
    ]


class Gateway:
    """One of them. Each reading is its own number, so that a lost or doubled one is known."""

    def __init__(self, number: int) -> None:
        self.id = _name(number)
        self.made = 0
        self.kept: dict[int, int] = {}  # number → when
        self._uids = [card.uid for card in cards_of(number)]
        self._pacer = Pacer()
        self._pacer.begin(0, 0)
        self._hello_ms = 0
        self._is_known = False

    def read(self, count: int, now_ms: int) -> None:
        """So many new readings."""
        for _ in range(count):
            self.made += 1
            self.kept[self.made] = now_ms

    def hear(self, ack: Ack) -> None:
        """What the cloud has of the data lane."""
        self._is_known = True
        had: list[Interval] = ack.intervals
        self._pacer.applied(had)
        self.kept = {seq: at_ms for seq, at_ms in self.kept.items() if not holds(had, seq)}

    def confirmed(self, token: int) -> None:
        """The broker has it."""
        self._pacer.confirmed(token)

    def hello(self, now_ms: int) -> Hello | None:
        """Until it is answered."""
        if self._is_known or now_ms < self._hello_ms:
            return None
        self._hello_ms = now_ms + HELLO_MS
        return Hello(self.id, "j-1", "b-1", "load", now_ms, {"data": LaneRange(1, 0)})

    def say(self, client: paho.Client, now_ms: int) -> Iterator[int]:
        """Publish what is due; the tokens."""
        while (wish := self._pacer.wish(self.made, now_ms)) is not None:
            seqs = [seq for seq in range(wish.first, wish.last + 1) if seq in self.kept][:ROWS_MAX]
            if not seqs:
                return
            batch = self._batch(seqs, wish.run, now_ms)
            token = _publish(client, up_topic(self.id, Lane.DATA), batch)
            self._pacer.said(wish, seqs[-1], token, now_ms)
            yield token

    def _batch(self, seqs: Sequence[int], run: Run, now_ms: int) -> Batch:
        rows: list[list[Row]] = [[] for _ in self._uids]
        start_ms = self.kept[seqs[0]]
        for seq in seqs:
            rows[seq % DEVICES].append(Row(self.kept[seq] - start_ms, seq, NAME, seq))
        devices = [
            DeviceRows(uid, told) for uid, told in zip(self._uids, rows, strict=True) if told
        ]
        return Batch(self.id, "j-1", "b-1", "data", start_ms, now_ms, devices, run=run)


class Load:
    """All of them on one connection."""

    def __init__(self, port: int, count: int, per_s: float, file: Path, clock: Clock) -> None:
        self._gateways = {_name(n): Gateway(n) for n in range(count)}
        self._per_s, self._file, self._clock = per_s, file, clock
        self._owed, self._before_ms = 0.0, clock.now_ms()
        self._tokens: dict[int, Gateway] = {}
        self._heard: queue.SimpleQueue[paho.MQTTMessage | int] = queue.SimpleQueue()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, "load", protocol=paho.MQTTv5)
        self._client.max_inflight_messages_set(1_000)
        self._client.on_message = lambda _client, _data, message: self._heard.put(message)
        self._client.on_publish = lambda _client, _data, mid, *_: self._heard.put(mid)
        self._client.connect(HOST, port)
        self._client.subscribe([(down_topic(each, "ack"), 1) for each in self._gateways])
        self._client.loop_start()

    def turn(self, *, is_making: bool) -> None:
        """What is due now."""
        now_ms = self._clock.now_ms()
        self._hear()
        self._owed += self._per_s * (now_ms - self._before_ms) / 1000 if is_making else 0.0
        self._before_ms = now_ms
        each = int(self._owed / len(self._gateways))
        self._owed -= each * len(self._gateways)
        for gateway in self._gateways.values():
            gateway.read(each, now_ms)
            if (hello := gateway.hello(now_ms)) is not None:
                _publish(self._client, up_topic(gateway.id, Lane.HEALTH), hello)
            for token in gateway.say(self._client, now_ms):
                self._tokens[token] = gateway

    @property
    def waiting(self) -> int:
        """Readings that the cloud has not acknowledged."""
        return sum(len(gateway.kept) for gateway in self._gateways.values())

    def tell(self) -> None:
        """Into the file."""
        told = Told(sum(gateway.made for gateway in self._gateways.values()), self.waiting)
        part = self._file.with_suffix(".part")
        part.write_bytes(msgspec.json.encode(told))
        part.replace(self._file)

    def stop(self) -> None:
        """Leave."""
        self._client.disconnect()
        self._client.loop_stop()

    def _hear(self) -> None:
        while not self._heard.empty():
            heard = self._heard.get()
            if isinstance(heard, int):
                if (gateway := self._tokens.pop(heard, None)) is not None:
                    gateway.confirmed(heard)
                continue
            content_type = getattr(heard.properties, "ContentType", None)
            told = decode_down(bytes(heard.payload), content_type)
            if isinstance(told, Ack) and told.lane == Lane.DATA.value:
                self._gateways[heard.topic.split("/")[3]].hear(told)


def _publish(client: paho.Client, topic: str, message: Batch | Hello) -> int:
    encoded = encode(message)
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.ContentType = encoded.content_type
    return client.publish(topic, encoded.payload, 1, properties=properties).mid


def _name(number: int) -> str:
    return f"gw-load{number:03d}"


def main(words: Sequence[str]) -> int:
    """Until SIGTERM, and then until nothing waits."""
    port, count, per_s, file = words
    load = Load(int(port), int(count), float(per_s), Path(file), SystemClock())
    print(READY, flush=True)
    with Stop() as stop:
        while not stop.is_asked() or load.waiting:
            load.turn(is_making=not stop.is_asked())
            load.tell()
            stop.wait(LOOK_S)
    load.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
