"""A broker and a link in memory, as the pumps see the real ones; and one gateway on a clock that
tests turn by hand."""

import sqlite3
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

import msgspec
from typing_extensions import override

from anju.broker_config import BrokerKind
from contract.envelope import decode_up, encode
from contract.lanes import Lane
from contract.messages import Ack, Batch, Config, DownMessage, Hello, Row, UpMessage
from contract.receipts import Receipt, ReceiptBook
from contract.topics import down_topic, up_topic
from edge.clock import Now
from edge.dialects import Hearing
from edge.health import Health
from edge.home import HomePump
from edge.intake import Intake
from edge.journal.limits import Keeper, Limits
from edge.journal.store import Journal
from edge.link import Arrived, Confirmed, Joined, LinkEvent, Lost, Outgoing
from edge.local import Local, say_topic, siren_topic
from edge.profiles import load_profiles
from edge.pumps import EventSignal
from edge.residents import Residents
from edge.uplink.pump import UplinkPump
from edge.words import read_words
from tests.edge.dialects.bridge import CONFIG, body, registered

GATEWAY: Final = "gw-test01"
NOON_MS: Final = 1_795_000_000_000  # 2026-11-18
BUTTON: Final = "zigbee2mqtt/bell"
NOBODY: Final = "no matching subscribers"
TURNS_MAX: Final = 200


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


# ---------------------------------------------------------------- a gateway


def config(*, window_s: int = 30) -> Config:
    """Two homes behind one gateway: two buttons and a thermometer in the first, one button in the
    second."""
    button = {"is_sos": True, "vendor": "MultIR", "model": "MIR-SO100"}
    devices = [
        registered(BUTTON, **button),
        registered("zigbee2mqtt/cord", id="z2m:cord", **button),
        registered("zigbee2mqtt/other", id="z2m:other", home="ho-2", **button),
        registered("zigbee2mqtt/thermo", id="z2m:thermo"),
    ]
    return Config(1, devices, window_s)


PROFILES: Final = load_profiles(CONFIG / "profiles")
WORDS: Final = read_words(CONFIG)


class House:
    """The two pumps of one gateway, as edge.agent composes them, between two brokers in memory."""

    def __init__(self, folder: Path, kind: BrokerKind = BrokerKind.MOSQUITTO) -> None:
        self.clock, self.disk = HandClock(), Disk()
        self.home_broker, self.cloud_broker = FakeBroker(kind), FakeBroker()
        folder.mkdir()
        self._folder, self.version, self._journals = folder, "1", 0
        self.hearing: Any = None  # another one than the real, where a test says so
        self.start()
        self.cloud_says(config())

    def start(self) -> None:
        """As a new process."""
        home_signal, cloud_signal = EventSignal(), EventSignal()
        self.health, residents = Health(), Residents()
        self.journal = Journal(
            self._folder, self.clock, f"edge:{GATEWAY}", self.disk.connect, self._new_id
        )
        self.home_link = FakeLink(self.home_broker, home_signal)
        self.cloud_link = FakeLink(self.cloud_broker, cloud_signal)
        hearing = self.hearing or Hearing(PROFILES)
        self.home = HomePump(
            gateway=GATEWAY,
            link=self.home_link,
            signal=home_signal,
            journal=self.journal,
            intake=Intake(hearing, residents, self.health, self.journal.view.row),
            residents=residents,
            local=Local(GATEWAY, WORDS),
            keeper=Keeper(self.journal, Limits(), self.clock.boot, self.clock.is_synced),
            clock=self.clock,
            health=self.health,
            uplink_signal=cloud_signal,
            version=self.version,
        )
        self.uplink = UplinkPump(
            gateway=GATEWAY,
            version=self.version,
            link=self.cloud_link,
            signal=cloud_signal,
            journal=self.journal,
            clock=self.clock,
            health=self.health,
            hand_over=self.home.deliver,
            done=self.home.done,
            random=Random(1),
            start_within_ms=0,
        )
        self.turn()

    def die(self) -> None:
        """By SIGKILL: nothing is finished, nothing is said."""
        for broker, link in (
            (self.home_broker, self.home_link),
            (self.cloud_broker, self.cloud_link),
        ):
            broker.left(link)
        self.journal.close()

    def end(self) -> None:
        """In the orderly way."""
        for pump in (self.uplink, self.home):
            for _ in range(TURNS_MAX):
                if pump.drain(self.clock.now()):
                    break
                self.clock.pass_ms(20)
            pump.close()

    def restart(self) -> None:
        """Killed, and started again."""
        self.die()
        self.start()

    def _new_id(self) -> str:
        self._journals += 1
        return f"jr-{self._journals}"

    # ------------------------------------------------------------ time

    def turn(self) -> None:
        """Both pumps, until nothing is due at this instant."""
        for _ in range(TURNS_MAX):
            now = self.clock.now()
            due = [self.home.run_once(now), self.uplink.run_once(now)]
            if not self._has_news() and all(d is None or d > self.clock.at_ms for d in due):
                return
        raise AssertionError("the pumps do not come to rest")

    def _has_news(self) -> bool:
        return bool(self.home_link._events or self.cloud_link._events or self.home._inbox)

    def pass_s(self, seconds: float) -> None:
        """Time goes by; whatever falls due happens at its instant."""
        until_ms = self.clock.at_ms + int(seconds * 1000)
        while True:
            now = self.clock.now()
            due = [self.home.run_once(now), self.uplink.run_once(now)]
            next_ms = min([until_ms, *(d for d in due if d is not None)])
            if now.monotonic_ms >= until_ms:
                self.turn()
                return
            self.clock.pass_ms(max(1, next_ms - now.monotonic_ms))

    # ------------------------------------------------------------ devices

    def press(self, topic: str = BUTTON, action: str = "single", qos: int = 1) -> None:
        """A button's message; the pumps take it at once."""
        self.home_broker.send(topic, body({"action": action}), qos=qos)
        self.turn()

    def press_while_dead(self) -> None:
        """Nobody takes it yet."""
        self.home_broker.send(BUTTON, body({"action": "single"}))

    def measures(self, value: float, qos: int = 1) -> None:
        """A temperature. It waits for its group."""
        self.home_broker.send("zigbee2mqtt/thermo", body({"temperature": value}), qos=qos)
        self.turn()

    # ------------------------------------------------------------ the cloud

    def cloud_says(self, message: DownMessage) -> None:
        encoded, what = encode(message), "config" if isinstance(message, Config) else "ack"
        self.cloud_broker.send(
            down_topic(GATEWAY, what), encoded.payload, content_type=encoded.content_type
        )
        self.turn()

    def acknowledge(self, *seqs: int, lane: Lane = Lane.ALARM, epoch: str = "e1", **more: Any):
        """The cloud has these rows."""
        self.cloud_says(self.ack(lane, epoch, seqs=list(seqs), **more))

    def ack(self, lane: Lane, epoch: str = "e1", **more: Any) -> Ack:
        return Ack(journal=self.journal.id, lane=lane.value, cloud_epoch=epoch, **more)

    def answer_hello(self, epoch: str = "e1", **intervals: list[tuple[int, int]]) -> None:
        """One answer a lane, all at once."""
        for lane in Lane:
            answer = encode(
                self.ack(lane, epoch, intervals=intervals.get(lane.value, []), hello=True)
            )
            self.cloud_broker.send(
                down_topic(GATEWAY, "ack"), answer.payload, content_type=answer.content_type
            )
        self.turn()

    # ------------------------------------------------------------ what was said

    def rows(self, lane: Lane = Lane.ALARM) -> list[Any]:
        """Name, rep, cancels of the journal's rows."""
        return [
            (row.entry.name, row.entry.rep, row.entry.cancels)
            for row in self.journal.view.rows(lane)
        ]

    @property
    def told(self) -> list[tuple[str, str, int | None]]:
        """What was said in the home: key, home, number of the call."""
        said = [o for o in self.home_broker.said if o.topic == say_topic(GATEWAY)]
        words = (msgspec.json.decode(each.payload) for each in said)
        return [(w["key"], w["home"], w["alarm_seq"]) for w in words]

    @property
    def siren(self) -> tuple[bool, str | None]:
        """As it last was told."""
        said = [o for o in self.home_broker.said if o.topic == siren_topic(GATEWAY)]
        state = msgspec.json.decode(said[-1].payload)
        return state["on"], state["why"]

    def sent(self, lane: Lane) -> list[UpMessage]:
        """What the cloud's broker was given on a lane."""
        topic = up_topic(GATEWAY, lane)
        return [
            decode_up(out.payload, out.content_type)
            for out in self.cloud_broker.said
            if out.topic == topic
        ]

    def batches(self, lane: Lane) -> list[Batch]:
        return [each for each in self.sent(lane) if isinstance(each, Batch)]

    def hellos(self) -> list[Hello]:
        return [each for each in self.sent(Lane.HEALTH) if isinstance(each, Hello)]

    def sent_seqs(self, lane: Lane = Lane.ALARM) -> list[int]:
        """Numbers of the rows, as often as they were said."""
        return [row.seq for batch in self.batches(lane) for row in rows_of(batch)]


def rows_of(batch: Batch) -> list[Row]:
    return [row for device in batch.devices for row in device.rows]
