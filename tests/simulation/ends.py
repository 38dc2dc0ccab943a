"""The near ends of the wires: `SimLink` is what the edge's pumps hold, `SimSource` what ingest and
workers hold. Both behave as their MQTT namesakes do, with the world's faults at each call."""

from collections import deque
from collections.abc import Iterable, Sequence
from random import Random
from typing import Final

from cloud.clock import Clock
from cloud.ingest.source import Delivery
from cloud.pumps import Signal
from contract.properties import ROW_EXPIRY_S
from contract.receipts import Receipt, ReceiptBook
from contract.topics import parse_up
from edge.link import Arrived, Confirmed, Joined, LinkEvent, Lost, Outgoing
from edge.pumps import EventSignal
from tests.simulation.broker import (
    Broker,
    Connack,
    Connect,
    Deliver,
    Message,
    Packet,
    Puback,
    Publish,
    Wire,
    expiring,
)
from tests.simulation.faults import Faults, Place

PAUSE_MS: Final = (200, 500, 1_000, 2_000, 5_000)
UNCONFIRMED_MAX: Final = 50
RECONNECT_MS: Final = 1_000


class SimLink:
    """A Link of the edge. settles_early: sabotage, to prove that the verdict sees it."""

    def __init__(
        self,
        client_id: str,
        broker: Broker,
        filters: Sequence[str],
        signal: EventSignal,
        faults: Faults,
        window: int,
        *,
        settles_early: bool = False,
    ) -> None:
        self._client_id, self._broker, self._filters = client_id, broker, tuple(filters)
        self._signal, self._faults, self._window = signal, faults, window
        self._settles_early = settles_early
        self._book = ReceiptBook()
        self._events: deque[LinkEvent] = deque()
        self.wire: Wire | None = None
        self._is_up, self._failures, self._next_ms = False, 0, 0
        self._last_mid = 0
        self._unconfirmed: set[int] = set()

    def tend(self, now_ms: int) -> int | None:
        if self.wire is not None:
            return None
        if now_ms < self._next_ms:
            return self._next_ms
        self._next_ms = now_ms + PAUSE_MS[min(self._failures, len(PAUSE_MS) - 1)]
        self._failures += 1
        self.wire = self._broker.open(self)
        if self.wire is None:
            return self._next_ms
        self._book.connected()
        self._last_mid = 0
        self._unconfirmed.clear()
        self.wire.up(Connect(self._client_id, self._filters, self._window))
        return None

    def take(self, limit: int) -> list[LinkEvent]:
        taken = [self._events.popleft() for _ in range(min(limit, len(self._events)))]
        if self._settles_early:
            self._acknowledge([e.receipt for e in taken if isinstance(e, Arrived)])
        return taken

    def settle(self, receipts: Iterable[Receipt | None]) -> None:
        settled = list(receipts)
        self._faults.call(Place.LINK_SETTLE, lambda: self._acknowledge(settled), self._break)

    def publish(self, out: Outgoing) -> int | None:
        return self._faults.call(Place.LINK_PUBLISH, lambda: self._publish(out), lambda: None)

    def close(self) -> None:
        if self.wire is not None:
            self.wire.cut(None, self.wire.words_under_way)
            self.wire = None

    def _acknowledge(self, receipts: Iterable[Receipt | None]) -> None:
        for receipt in receipts:
            if receipt is not None and self.wire is not None:
                for mid in self._book.settle(receipt):
                    self.wire.up(Puback(mid))

    def _break(self) -> None:
        if self.wire is not None:
            self.wire.cut(0)

    def _publish(self, out: Outgoing) -> int | None:
        if self.wire is None or not self._is_up or len(self._unconfirmed) >= UNCONFIRMED_MAX:
            return None
        self._last_mid += 1
        message = Message(
            out.topic, out.payload, out.qos, out.is_retained, out.content_type, out.properties
        )
        message = expiring(message, self._broker.time, out.expiry_s)
        self.wire.up(Publish(self._last_mid, message))
        if out.qos:
            self._unconfirmed.add(self._last_mid)
        else:
            self._add(Confirmed(self._last_mid, None))
        return self._last_mid

    # ------------------------------------------------------------ what the wire brings

    def received(self, wire: Wire, packet: Packet) -> None:
        if wire is not self.wire:
            return
        match packet:
            case Connack(is_resumed):
                self._is_up, self._failures = True, 0
                self._add(Joined(self._book.generation, is_resumed))
            case Puback(mid, trouble):
                self._unconfirmed.discard(mid)
                self._add(Confirmed(mid, trouble))
            case Deliver(mid, message, is_dup, is_retained):
                receipt = None if mid is None else self._book.taken(mid)
                self._add(
                    Arrived(
                        receipt,
                        message.topic,
                        message.payload,
                        is_retained,
                        is_dup,
                        message.content_type,
                    )
                )
            case _:
                raise AssertionError(f"a broker never sends {packet}")

    def lost(self, wire: Wire) -> None:
        if wire is not self.wire:
            return
        self.wire, self._is_up = None, False
        # What the broker delivers again is not also kept here; QoS 0 comes only once.
        kept = [e for e in self._events if not isinstance(e, Arrived) or e.receipt is None]
        self._events = deque(kept)
        self._add(Lost(self._book.generation, "cut"))

    def _add(self, event: LinkEvent) -> None:
        self._events.append(event)
        self._signal.set()


class SimSource:
    """A Source of ingest, and the Down of workers. Publications wait for the next connection, as
    paho keeps them, and go again on it where they were not confirmed."""

    def __init__(
        self,
        client_id: str,
        broker: Broker,
        filters: Sequence[str],
        clock: Clock,
        faults: Faults,
        window: int,
    ) -> None:
        self.signal = Signal()
        self.connection = 0
        self._connections = 0
        self._client_id, self._broker, self._filters = client_id, broker, tuple(filters)
        self._clock, self._faults, self._window = clock, faults, window
        self._book = ReceiptBook()
        self._queue: deque[Delivery] = deque()
        self._unconfirmed: dict[int, Message] = {}
        self._last_mid = 0
        self._next_ms = 0
        self.wire: Wire | None = None

    def poll(self, limit: int) -> list[Delivery]:
        return [self._queue.popleft() for _ in range(min(limit, len(self._queue)))]

    def settle(self, tokens: Sequence[Receipt | None]) -> None:
        self._faults.call(Place.SOURCE_SETTLE, lambda: self._acknowledge(tokens), self._break)

    def resume(self, partition: int, position: int) -> None:
        raise AssertionError("a broker has no positions")

    def publish(
        self, topic: str, payload: bytes, content_type: str, *, is_retained: bool = False
    ) -> None:
        message = Message(topic, payload, is_retained=is_retained, content_type=content_type)
        self._faults.call(Place.SOURCE_PUBLISH, lambda: self._publish(message), self._break)

    def abandon(self, random: Random) -> None:
        """The process is gone; some of its last words still leave the machine."""
        if self.wire is not None:
            self.wire.cut(None, random.randint(0, self.wire.words_under_way))
            self.wire = None

    # ------------------------------------------------------------ connecting, as paho does

    def wait_ms(self) -> int | None:
        """Until the next try to connect."""
        return None if self.wire is not None else max(0, self._next_ms - self._broker.time.ms)

    def act(self) -> str:
        """Try to connect."""
        self._next_ms = self._broker.time.ms + RECONNECT_MS
        self.wire = self._broker.open(self)
        if self.wire is not None:
            self.wire.up(Connect(self._client_id, self._filters, self._window))
        return "connects" if self.wire is not None else "finds nobody"

    def received(self, wire: Wire, packet: Packet) -> None:
        if wire is not self.wire:
            return
        match packet:
            case Connack():
                self._connections += 1
                self.connection = self._connections
                for mid, message in self._unconfirmed.items():
                    wire.up(Publish(mid, message))
                self.signal.set()
            case Puback(mid):
                self._unconfirmed.pop(mid, None)
            case Deliver():
                message = packet.message
                receipt = None if packet.mid is None else self._book.taken(packet.mid)
                self._queue.append(self._delivery(message, receipt, packet.expiry_s))
                self.signal.set()
            case _:
                raise AssertionError(f"a broker never sends {packet}")

    def lost(self, wire: Wire) -> None:
        if wire is self.wire:
            self._book.connected()
            self._queue.clear()
            self.wire, self.connection = None, 0

    def _acknowledge(self, tokens: Sequence[Receipt | None]) -> None:
        for receipt in tokens:
            if receipt is not None:
                for mid in self._book.settle(receipt):
                    if self.wire is not None:
                        self.wire.up(Puback(mid))

    def _break(self) -> None:
        if self.wire is not None:
            self.wire.cut(0)

    def _publish(self, message: Message) -> None:
        self._last_mid += 1
        self._unconfirmed[self._last_mid] = message
        if self.wire is not None and self.connection:
            self.wire.up(Publish(self._last_mid, message))

    def _delivery(
        self, message: Message, receipt: Receipt | None, expiry_s: int | None
    ) -> Delivery:
        partition, gateway, lane = parse_up(message.topic)
        return Delivery(
            lane=lane,
            partition=partition,
            position=None,
            gateway=gateway,
            topic=message.topic,
            payload=message.payload,
            content_type=message.content_type,
            properties=message.properties,
            received_ms=self._clock.now_ms(),
            token=receipt,
            waited_s=0 if expiry_s is None else max(0, ROW_EXPIRY_S - expiry_s),
        )
