"""A broker in memory: sessions with QoS 1, packet ids, redelivery in order, retained messages,
message expiry; and wires that carry packets late, in order, until they are cut.

Two manners, as measured (docs/decisions/0003): Mosquitto delivers again with the old packet id and
DUP; rumqttd counts packet ids from 1 again, sets nothing, and keeps nothing over a restart.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Final, Literal, NamedTuple, Protocol

from tests.simulation.clock import Time

Manner = Literal["mosquitto", "rumqttd"]
NO_SUBSCRIBER: Final = "no matching subscribers"
MID_MAX: Final = 65_535


class Message(NamedTuple):
    """A publication. expires_ms: on the virtual clock."""

    topic: str
    payload: bytes
    qos: int = 1
    is_retained: bool = False
    content_type: str | None = None
    properties: tuple[tuple[str, str], ...] = ()
    expires_ms: int | None = None


class Connect(NamedTuple):
    client_id: str
    filters: tuple[str, ...]
    window: int


class Publish(NamedTuple):
    mid: int
    message: Message


class Puback(NamedTuple):
    mid: int
    trouble: str | None = None


class Connack(NamedTuple):
    is_resumed: bool


class Deliver(NamedTuple):
    mid: int | None
    message: Message
    is_dup: bool
    is_retained: bool
    expiry_s: int | None


Packet = Connect | Publish | Puback | Connack | Deliver


class Client(Protocol):
    """The near end of a wire."""

    def received(self, wire: "Wire", packet: Packet) -> None: ...

    def lost(self, wire: "Wire") -> None: ...


@dataclass(eq=False)
class Session:
    """What a broker keeps of one client."""

    client_id: str
    filters: tuple[str, ...] = ()
    window: int = 20
    last_mid: int = 0
    queue: deque[Message] = field(default_factory=deque)
    flight: deque[tuple[int, Message]] = field(default_factory=deque)
    wire: "Wire | None" = None


class Wire:
    """One connection. Packets arrive in order, each after a drawn time, until it is cut."""

    def __init__(self, broker: "Broker", client: Client, late_ms: int) -> None:
        self.session: Session | None = None
        self.is_cut = False
        self._broker, self._client, self._late_ms = broker, client, late_ms
        self._up: deque[tuple[int, Packet]] = deque()
        self._down: deque[tuple[int, Packet]] = deque()
        self._notice_ms: int | None = None

    def up(self, packet: Packet) -> None:
        """From the client. On a wire that is cut it vanishes without an error."""
        if not self.is_cut:
            self._up.append((self._arrival_ms(self._up), packet))

    def down(self, packet: Packet) -> None:
        """From the broker."""
        if not self.is_cut:
            self._down.append((self._arrival_ms(self._down), packet))

    def cut(self, notice_ms: int | None, arriving: int = 0) -> None:
        """The broker notices at once, the client after notice_ms; None: there is no client any
        more. The first `arriving` packets of its last words still arrive."""
        if self.is_cut:
            return
        for _, packet in list(self._up)[:arriving]:
            self._broker.received(self, packet)
        self.is_cut = True
        self._up.clear()
        self._down.clear()
        if self.session is not None and self.session.wire is self:
            self.session.wire = None
        if notice_ms is None:
            self._broker.wires.remove(self)
        else:
            self._notice_ms = self._broker.time.ms + notice_ms

    @property
    def words_under_way(self) -> int:
        """Packets of the client that have not arrived."""
        return len(self._up)

    def wait_ms(self) -> int | None:
        """Until something is to be carried."""
        dues = [queue[0][0] for queue in (self._up, self._down) if queue]
        if self._notice_ms is not None:
            dues.append(self._notice_ms)
        return min(dues) - self._broker.time.ms if dues else None

    def act(self) -> str:
        """Carry the packet that is due, or tell the client that the connection is gone."""
        if self._notice_ms is not None:
            self._broker.wires.remove(self)
            self._client.lost(self)
            return "lost"
        first_up = self._up[0][0] if self._up else None
        first_down = self._down[0][0] if self._down else None
        if first_down is None or (first_up is not None and first_up <= first_down):
            packet = self._up.popleft()[1]
            self._broker.received(self, packet)
        else:
            packet = self._down.popleft()[1]
            self._client.received(self, packet)
        return f"{type(packet).__name__} {getattr(packet, 'mid', '')}"

    def _arrival_ms(self, queue: deque[tuple[int, Packet]]) -> int:
        late_ms = self._broker.random.randint(0, self._late_ms)
        at_ms = self._broker.time.ms + late_ms
        return max(at_ms, queue[-1][0]) if queue else at_ms


class Broker:
    """See above. heard: sees every publication, and counts as a subscriber where it says so."""

    def __init__(self, name: str, time: Time, random: Random, manner: Manner, late_ms: int) -> None:
        self.name, self.time, self.random, self.manner = name, time, random, manner
        self.late_ms, self.is_up = late_ms, True
        self.wires: list[Wire] = []
        self.sessions: dict[str, Session] = {}
        self.troubles: list[str] = []  # what a client must never do
        self.heard: Callable[[Message], bool] = lambda _message: False
        self._retained: dict[str, Message] = {}

    @property
    def is_at_rest(self) -> bool:
        """It is there, and holds nothing that somebody is still to get."""
        held = (session.queue or session.flight for session in self.sessions.values())
        return self.is_up and not any(held)

    def open(self, client: Client) -> Wire | None:
        """A connection; None: nobody answers."""
        if not self.is_up:
            return None
        wire = Wire(self, client, self.late_ms)
        self.wires.append(wire)
        return wire

    def publish(self, message: Message) -> bool:
        """Take it; whether somebody has subscribed to it."""
        if message.is_retained:
            self._retained[message.topic] = message
        has_reader = self.heard(message)
        for session in self.sessions.values():
            if any(matches(each, message.topic) for each in session.filters):
                has_reader = True
                self._enqueue(session, message._replace(is_retained=False))
        return has_reader

    def stop(self, notices: Iterable[int], *, is_killed: bool) -> list[Message]:
        """Every wire is cut; a killed one forgets. Returns what sessions held and will never be
        delivered. notices: how soon each client sees it."""
        self.is_up = False
        for wire, notice_ms in zip(list(self.wires), notices, strict=False):
            wire.cut(notice_ms)
        lost: list[Message] = []
        if is_killed or self.manner == "rumqttd":
            for session in self.sessions.values():
                lost += [*(message for _, message in session.flight), *session.queue]
            self.sessions.clear()
            self._retained.clear()
        return lost

    def start(self) -> None:
        """Again after a stop."""
        self.is_up = True

    # ------------------------------------------------------------ what clients say

    def received(self, wire: Wire, packet: Packet) -> None:
        """From a client."""
        match packet:
            case Connect():
                self._connect(wire, packet)
            case Publish(mid, message):
                has_reader = self.publish(message)
                if message.qos:
                    wire.down(Puback(mid, None if has_reader else NO_SUBSCRIBER))
            case Puback(mid):
                self._acknowledged(wire, mid)
            case _:
                raise AssertionError(f"a client never sends {packet}")

    def _connect(self, wire: Wire, packet: Connect) -> None:
        session = self.sessions.get(packet.client_id)
        wire.down(Connack(session is not None))
        if session is None:
            session = self.sessions[packet.client_id] = Session(packet.client_id)
        if session.wire is not None:
            session.wire.cut(0)
        session.wire, wire.session = wire, session
        session.window = packet.window
        self._deliver_again(session)
        self._fill(session)
        session.filters = packet.filters
        for topic, message in self._retained.items():
            if any(matches(each, topic) for each in packet.filters):
                self._enqueue(session, message)

    def _deliver_again(self, session: Session) -> None:
        again, session.flight = session.flight, deque()
        if self.manner == "rumqttd":
            session.last_mid = 0
        for mid, message in again:
            is_dup = self.manner == "mosquitto"
            self._send(session, message, mid if is_dup else self._next_mid(session), is_dup=is_dup)

    def _acknowledged(self, wire: Wire, mid: int) -> None:
        session = wire.session
        assert session is not None
        if not session.flight or session.flight[0][0] != mid:
            self.troubles.append(f"{self.name}: {session.client_id} acknowledged {mid} out of turn")
        session.flight = deque(each for each in session.flight if each[0] != mid)
        self._fill(session)

    # ------------------------------------------------------------ what clients get

    def _enqueue(self, session: Session, message: Message) -> None:
        if message.qos == 0:
            if session.wire is not None:
                session.wire.down(Deliver(None, message, False, message.is_retained, None))
            return
        session.queue.append(message)
        self._fill(session)

    def _fill(self, session: Session) -> None:
        while session.wire is not None and session.queue and len(session.flight) < session.window:
            message = session.queue.popleft()
            if message.expires_ms is None or message.expires_ms > self.time.ms:
                self._send(session, message, self._next_mid(session), is_dup=False)

    def _send(self, session: Session, message: Message, mid: int, *, is_dup: bool) -> None:
        session.flight.append((mid, message))
        left_s = None
        if message.expires_ms is not None:
            left_s = max(0, message.expires_ms - self.time.ms) // 1000
        assert session.wire is not None
        session.wire.down(Deliver(mid, message, is_dup, message.is_retained, left_s))

    def _next_mid(self, session: Session) -> int:
        session.last_mid = session.last_mid % MID_MAX + 1
        return session.last_mid


def matches(pattern: str, topic: str) -> bool:
    """MQTT's filters."""
    if pattern == "#":
        return not topic.startswith("$")
    wanted, given = pattern.split("/"), topic.split("/")
    return len(wanted) == len(given) and all(
        want in ("+", have) for want, have in zip(wanted, given, strict=True)
    )


def expiring(message: Message, time: Time, expiry_s: int | None) -> Message:
    """With its time of expiry, counted from now."""
    return message if expiry_s is None else message._replace(expires_ms=time.ms + expiry_s * 1000)
