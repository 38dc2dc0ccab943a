"""A broker and a link in memory, as the pumps see the real ones; a clock that tests turn by hand;
a disk that fails when it is told to."""

import sqlite3
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple

from typing_extensions import override

from anju.broker_config import BrokerKind
from contract.receipts import Receipt, ReceiptBook
from edge.clock import Now
from edge.link import Arrived, Confirmed, Joined, LinkEvent, Lost, Outgoing
from edge.pumps import EventSignal

NOON_MS: Final = 1_795_000_000_000  # 2026-11-18
NOBODY: Final = "no matching subscribers"


class HandClock:
    """The gateway's clocks, standing until a test moves them."""

    def __init__(self) -> None:
        self.at_ms, self.wall_at_ms = 100_000, NOON_MS
        self.boot, self.is_right = "boot-1", True

    def wall_ms(self) -> int:
        return self.wall_at_ms

    def monotonic_ms(self) -> int:
        return self.at_ms

    def now(self) -> Now:
        return Now(self.wall_at_ms, self.at_ms)

    def boot_id(self) -> str:
        return self.boot

    def is_synced(self) -> bool:
        return self.is_right

    def pass_ms(self, ms: int) -> None:
        self.at_ms += ms
        self.wall_at_ms += ms


# ---------------------------------------------------------------- broker and link


class _Message(NamedTuple):
    topic: str
    payload: bytes
    is_retained: bool
    content_type: str | None


class FakeBroker:
    """One broker with the one session that matters. It takes what the client says at once, unless
    it is told to be slow or deaf."""

    def __init__(self, kind: BrokerKind = BrokerKind.MOSQUITTO) -> None:
        self.kind = kind
        self.is_up, self.has_session = True, False
        self.confirms = True  # else it owes its PUBACKs
        self.is_deaf = False  # what the client sends is under way and never arrives
        self.has_listeners = True
        self.said: list[Outgoing] = []  # what the client published
        self._link: FakeLink | None = None
        self._flight: deque[tuple[int, _Message]] = deque()
        self._queue: deque[_Message] = deque()
        self._last_mid = 0

    def send(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 1,
        is_retained: bool = False,
        content_type: str | None = None,
    ) -> None:
        """Somebody publishes; the client has subscribed."""
        message = _Message(topic, payload, is_retained, content_type)
        if qos:
            if self.has_session:
                self._queue.append(message)
                self._deliver()
        elif self._link is not None:
            self._link.arrived(message, None, is_dup=False)

    def cut(self) -> None:
        """The connection breaks."""
        link, self._link = self._link, None
        if link is not None:
            link.lost()

    def forget(self) -> None:
        """It restarts without its sessions."""
        self.cut()
        self.has_session, self._last_mid = False, 0
        self._flight.clear()
        self._queue.clear()

    @property
    def unacknowledged(self) -> list[bytes]:
        """What it still has to see acknowledged, in order."""
        return [message.payload for _, message in self._flight]

    # ------------------------------------------------------------ for the link

    def joined(self, link: "FakeLink") -> bool:
        """Whether it still had the session."""
        if self._link is not None:
            self._link.lost()
        self._link, had = link, self.has_session
        self.has_session = True
        return had

    def subscribed(self) -> None:
        """Deliver again what was never acknowledged, then what came meanwhile."""
        again, self._flight = self._flight, deque()
        if self.kind is BrokerKind.RUMQTTD:
            self._last_mid = 0
        for mid, message in again:
            is_dup = self.kind is BrokerKind.MOSQUITTO
            self._hand(message, mid if is_dup else self._next_mid(), is_dup=is_dup)
        self._deliver()

    def acknowledged(self, mid: int) -> None:
        if not self.is_deaf:
            assert self._flight[0][0] == mid, "an acknowledgement out of order"
            self._flight.popleft()

    def left(self, link: "FakeLink") -> None:
        if self._link is link:
            self._link = None

    def _deliver(self) -> None:
        while self._link is not None and self._queue:
            self._hand(self._queue.popleft(), self._next_mid(), is_dup=False)

    def _hand(self, message: _Message, mid: int, *, is_dup: bool) -> None:
        self._flight.append((mid, message))
        assert self._link is not None
        self._link.arrived(message, mid, is_dup=is_dup)

    def _next_mid(self) -> int:
        self._last_mid += 1
        return self._last_mid


class FakeLink:
    """See edge.link.Link. One process's link: after a crash make another one."""

    def __init__(self, broker: FakeBroker, signal: EventSignal | None = None) -> None:
        self._broker, self._signal = broker, signal or EventSignal()
        self._book = ReceiptBook()
        self._events: deque[LinkEvent] = deque()
        self._is_up = False
        self._last_token = 0
        self._owed: list[int] = []

    def tend(self, now_ms: int) -> int | None:
        if self._is_up:
            return None
        if not self._broker.is_up:
            return now_ms + 1_000
        self._is_up = True
        generation = self._book.connected()
        self._add(Joined(generation, self._broker.joined(self)))
        self._broker.subscribed()
        return None

    def take(self, limit: int) -> list[LinkEvent]:
        return [self._events.popleft() for _ in range(min(limit, len(self._events)))]

    def settle(self, receipts: Iterable[Receipt | None]) -> None:
        for receipt in receipts:
            if receipt is not None and self._is_up:
                for mid in self._book.settle(receipt):
                    self._broker.acknowledged(mid)

    def publish(self, out: Outgoing) -> int | None:
        if not self._is_up:
            return None
        self._last_token += 1
        if not self._broker.is_deaf:
            self._broker.said.append(out)
            self._owed.append(self._last_token)
            if self._broker.confirms:
                self.confirm()
        return self._last_token

    def close(self) -> None:
        self._broker.left(self)
        self._is_up = False

    def confirm(self) -> None:
        """The broker's PUBACKs arrive."""
        trouble = None if self._broker.has_listeners else NOBODY
        for token in self._owed:
            self._add(Confirmed(token, trouble))
        self._owed.clear()

    def arrived(self, message: _Message, mid: int | None, *, is_dup: bool) -> None:
        receipt = None if mid is None else self._book.taken(mid)
        self._add(Arrived(receipt, message[0], message[1], message[2], is_dup, message[3]))

    def lost(self) -> None:
        kept = [e for e in self._events if not isinstance(e, Arrived) or e.receipt is None]
        self._events = deque(kept)
        self._is_up = False
        self._owed.clear()
        self._add(Lost(self._book.generation, "cut"))

    def _add(self, event: LinkEvent) -> None:
        self._events.append(event)
        self._signal.set()


# ---------------------------------------------------------------- a disk that can fail


class Disk:
    """What the journal's file lies on. is_full, is_broken: every write fails so; poison: a text
    that no row may hold, a fault of our own."""

    def __init__(self) -> None:
        self.is_full = self.is_broken = False
        self.poison: str | None = None

    def connect(self, path: Path) -> sqlite3.Connection:
        db = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, factory=_Connection
        )
        db.disk = self
        db.execute("PRAGMA journal_mode = WAL")
        return db

    def look(self, sql: str, parameters: Any) -> None:
        """Raises what the disk, or our own fault, has against this statement."""
        if self.poison is not None and sql.startswith("INSERT INTO rows"):
            if any(self.poison in str(each) for each in parameters):
                raise TypeError("a fault of our own")
        if sql != "COMMIT":
            return
        if self.is_broken:
            self.is_broken = False
            raise _error("database disk image is malformed", sqlite3.SQLITE_CORRUPT)
        if self.is_full:
            raise _error("database or disk is full", sqlite3.SQLITE_FULL)


class _Connection(sqlite3.Connection):
    disk: Disk

    @override
    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        if hasattr(self, "disk"):
            self.disk.look(sql, parameters)
        return super().execute(sql, parameters)


def _error(text: str, code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error
