"""The link over MQTT 5: clean_start = 0, a session that never expires, acknowledgement after
commit.

Each connection has a client of its own. So nothing of an old one can be sent on a new one: no late
acknowledgement with a packet id that now means another message, no alarm with the age of an hour
ago. Callbacks only enqueue.
"""

import logging
import socket
import ssl
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from contract.receipts import Receipt, ReceiptBook
from edge.link import Arrived, Confirmed, Joined, LinkEvent, Lost, Outgoing
from edge.mqtt_client import TolerantClient
from edge.pumps import Signal
from edge.tls import TlsFiles

log = logging.getLogger(__name__)
SESSION_NEVER_EXPIRES: Final = 0xFFFFFFFF
RECEIVE_MAXIMUM: Final = 100
# A line that died silently is noticed after one interval where something was said, else after two:
# within the promised 30 s. Not sooner: at 2 s of delay each way and 30 % loss the first repetition
# is due after 4 s and more, and a connection that is thrown away costs two more round trips.
KEEPALIVE_S: Final = 12
USER_TIMEOUT_MS: Final = KEEPALIVE_S * 1000  # it takes data without an error until then
INFLIGHT_MAX: Final = (
    20  # paho does not read the broker's receive maximum; every broker grants this
)
QUEUED_MAX: Final = 500  # publications that the broker has not confirmed
UNSURE_MAX: Final = (
    10_000  # QoS 0 messages waiting for the journal; a flood beyond is counted and dropped
)
NO_MATCHING_SUBSCRIBERS: Final = 0x10
PAUSE_MS: Final = (200, 500, 1_000, 2_000, 5_000)


class Address(NamedTuple):
    """Where a broker listens. tls: None for a connection in the clear."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    tls: TlsFiles | None = None


class MqttLink:
    """See Link. signal: set when there is something to take. will: published by the broker where we
    vanish."""

    def __init__(
        self,
        client_id: str,
        address: Address,
        filters: Sequence[str],
        signal: Signal,
        will: Outgoing | None = None,
    ) -> None:
        self.overflowed = 0
        self._client_id, self._address, self._filters = client_id, address, tuple(filters)
        self._signal, self._will = signal, will
        self._lock = threading.Lock()
        self._book = ReceiptBook()
        self._events: deque[LinkEvent] = deque()
        self._client: paho.Client | None = None
        self._is_up, self._failures, self._next_ms = False, 0, 0

    def tend(self, now_ms: int) -> int | None:
        """See Link."""
        if self._client is not None:
            return None
        if now_ms < self._next_ms:
            return self._next_ms
        self._next_ms = now_ms + PAUSE_MS[min(self._failures, len(PAUSE_MS) - 1)]
        self._failures += 1
        self._open()
        return None if self._has_client() else self._next_ms

    def take(self, limit: int) -> list[LinkEvent]:
        """See Link."""
        with self._lock:
            return [self._events.popleft() for _ in range(min(limit, len(self._events)))]

    def settle(self, receipts: Iterable[Receipt | None]) -> None:
        """See Link."""
        with self._lock:
            client = self._client
            for receipt in receipts:
                if receipt is not None and client is not None:
                    for mid in self._book.settle(receipt):
                        client.ack(mid, 1)

    def publish(self, out: Outgoing) -> int | None:
        """See Link."""
        client = self._client
        if client is None or not self._is_up:
            return None
        sent = client.publish(
            out.topic, out.payload, out.qos, out.is_retained, _publish_properties(out)
        )
        if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            return None
        return _token(client.user_data_get(), sent.mid)

    def close(self) -> None:
        """See Link."""
        client, self._client = self._client, None
        if client is not None:
            client.disconnect()
            client.loop_stop()

    def _has_client(self) -> bool:
        return self._client is not None

    # ------------------------------------------------------------ connections

    def _open(self) -> None:
        with self._lock:
            generation = self._book.connected()
        client = TolerantClient(
            CallbackAPIVersion.VERSION2,
            self._client_id,
            userdata=generation,
            protocol=paho.MQTTv5,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        client.max_inflight_messages_set(INFLIGHT_MAX)
        client.max_queued_messages_set(QUEUED_MAX)
        if self._address.username is not None:
            client.username_pw_set(self._address.username, self._address.password)
        if self._will is not None:
            will = self._will
            client.will_set(will.topic, will.payload, will.qos, will.is_retained)
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_message, client.on_publish = self._on_message, self._on_publish
        client.on_socket_open = _tune
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = SESSION_NEVER_EXPIRES
        properties.ReceiveMaximum = RECEIVE_MAXIMUM
        try:
            if self._address.tls is not None:
                client.tls_set_context(self._address.tls.context())
            client.connect(
                self._address.host,
                self._address.port,
                KEEPALIVE_S,
                clean_start=False,
                properties=properties,
            )
        except OSError as error:
            level = logging.WARNING if isinstance(error, ssl.SSLError) else logging.INFO
            where = self._address[:2]
            log.log(level, "%s: no broker at %s:%d yet: %s", self._client_id, *where, error)
            return
        self._client = client
        client.loop_start()

    def _on_connect(
        self, client: paho.Client, generation: int, flags: Any, reason: ReasonCode, _p: Any
    ) -> None:
        if reason.is_failure:  # the broker closes the connection, on_disconnect follows
            log.warning("%s: the broker refuses: %s", self._client_id, reason)
            return
        client.subscribe([(each, SubscribeOptions(qos=1)) for each in self._filters])
        self._is_up, self._failures = True, 0
        self._add(generation, Joined(generation, bool(flags.session_present)))

    def _on_disconnect(
        self, client: paho.Client, generation: int, _flags: Any, reason: ReasonCode, _p: Any
    ) -> None:
        with self._lock:
            if generation != self._book.generation:
                return
            self._is_up = False
            if self._client is client:
                self._client = None
            # What the broker delivers again is not also kept here; QoS 0 comes only once.
            kept = [e for e in self._events if not isinstance(e, Arrived) or e.receipt is None]
            self._events = deque(kept)
            self._events.append(Lost(generation, str(reason)))
        self._signal.set()

    def _on_message(self, _client: paho.Client, generation: int, message: Any) -> None:
        with self._lock:
            if generation != self._book.generation:
                return
            if message.qos == 0 and len(self._events) >= UNSURE_MAX:
                self.overflowed += 1
                return
            self._events.append(
                Arrived(
                    self._book.taken(message.mid) if message.qos else None,
                    _topic(message),
                    bytes(message.payload),
                    bool(message.retain),
                    bool(message.dup),
                    getattr(message.properties, "ContentType", None),
                )
            )
        self._signal.set()

    def _on_publish(
        self, _client: paho.Client, generation: int, mid: int, reason: ReasonCode, _p: Any
    ) -> None:
        # "No matching subscribers" is a success in MQTT 5, but then nobody has it.
        is_taken = not reason.is_failure and reason.value != NO_MATCHING_SUBSCRIBERS
        trouble = None if is_taken else str(reason)
        self._add(generation, Confirmed(_token(generation, mid), trouble))

    def _add(self, generation: int, event: LinkEvent) -> None:
        with self._lock:
            if generation == self._book.generation:
                self._events.append(event)
        self._signal.set()


def _token(generation: int, mid: int) -> int:
    """Packet ids begin anew with each connection; a token names one publication."""
    return generation << 16 | mid


def _topic(message: Any) -> str:
    """Empty where the broker passed on what is no UTF-8: an error in a callback would end the
    client's thread."""
    try:
        return str(message.topic)
    except UnicodeDecodeError:
        return ""


def _publish_properties(out: Outgoing) -> Properties:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    if out.content_type is not None:
        properties.ContentType = out.content_type
    if out.properties:
        properties.UserProperty = list(out.properties)
    if out.expiry_s is not None:
        properties.MessageExpiryInterval = out.expiry_s
    return properties


def _tune(_client: Any, _data: Any, sock: Any) -> None:
    """Without TCP_NODELAY a small packet waits up to 40 ms for the other side's acknowledgement."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
