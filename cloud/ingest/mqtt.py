"""The MQTT source: one connection for alarms and events, one for data and health
(docs/decisions/0004).

MQTT 5, clean_start = 0, sessions that never expire, manual acknowledgement in order of receipt and
only on the connection that received the message. Callbacks only enqueue.
"""

import logging
import socket
import ssl
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.exception import MalformedPacket
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties as PahoProperties
from paho.mqtt.properties import VariableByteIntegers
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions
from typing_extensions import override

from cloud.clock import Clock
from cloud.dictionary import BadConfiguration
from cloud.ingest.source import Delivery
from cloud.observe import Counters
from cloud.pumps import Signal
from contract.errors import UnknownTopic
from contract.lanes import Lane
from contract.properties import ROW_EXPIRY_S
from contract.receipts import Receipt, ReceiptBook
from contract.topics import parse_up

log = logging.getLogger(__name__)
RECEIVE_MAXIMUM: Final = 200
QUEUE_MAX: Final = 10 * RECEIVE_MAXIMUM  # reached by QoS 0 only, which no edge of ours sends
SESSION_NEVER_EXPIRES: Final = 0xFFFFFFFF
# Ingest mostly listens, so a connection to the broker that died silently is noticed by its ping
# alone: after these two. The broker is near; there is no slow line to be patient with.
KEEPALIVE_S: Final = 8
USER_TIMEOUT_MS: Final = 5_000
KICK_S: Final = 5.0


class TlsFiles(NamedTuple):
    """The broker's CA; our certificate and its key, where the broker wants one."""

    ca: Path
    certificate: Path | None = None
    key: Path | None = None


class BrokerAddress(NamedTuple):
    """Where the cloud's broker listens. tls: None for a connection in the clear."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    tls: TlsFiles | None = None


class MqttSource:
    """One persistent session on the broker, and its publisher. Without filters: only that.

    The signal is set by every message and every new connection.
    """

    def __init__(
        self,
        client_id: str,
        filters: Sequence[str],
        address: BrokerAddress,
        clock: Clock,
        counters: Counters,
    ) -> None:
        """Raises BadConfiguration where a TLS file cannot be used."""
        self.signal = Signal()
        self.connection = 0  # its number while there is one, 0 while there is none
        self._connections = 0
        self._has_told = False  # that nobody answers; once for each absence
        self._name, self._filters, self._address = client_id, tuple(filters), address
        self._clock, self._counters = clock, counters
        self._lock = threading.Lock()
        self._book = ReceiptBook()
        self._queue: deque[Delivery] = deque()
        client = _client(client_id, address)
        client.reconnect_delay_set(1, 5)
        client.max_inflight_messages_set(1000)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        self._client = client

    def start(self) -> None:
        """Connect, now or as soon as the broker is there."""
        properties = PahoProperties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = SESSION_NEVER_EXPIRES
        properties.ReceiveMaximum = RECEIVE_MAXIMUM
        self._client.connect_async(
            self._address.host,
            self._address.port,
            keepalive=KEEPALIVE_S,
            clean_start=False,
            properties=properties,
        )
        self._client.loop_start()

    def stop(self) -> None:
        """Leave the session on the broker; it keeps what comes meanwhile."""
        self._client.disconnect()
        self._client.loop_stop()

    def poll(self, limit: int) -> list[Delivery]:
        """See Source."""
        with self._lock:
            return [self._queue.popleft() for _ in range(min(limit, len(self._queue)))]

    def settle(self, tokens: Sequence[Receipt | None]) -> None:
        """See Source. A message of QoS 0 has no receipt: None."""
        with self._lock:
            for receipt in tokens:
                if receipt is not None:
                    for mid in self._book.settle(receipt):
                        self._client.ack(mid, 1)

    def resume(self, partition: int, position: int) -> None:
        """A broker has no positions."""

    @property
    def waiting(self) -> int:
        """Messages that have come and are not taken yet."""
        return len(self._queue)

    @property
    def is_connected(self) -> bool:
        """Whether the broker has answered and not gone since."""
        return self.connection > 0

    def publish(
        self, topic: str, payload: bytes, content_type: str, *, is_retained: bool = False
    ) -> None:
        """QoS 1, without waiting; what is lost here is asked for again by the edge."""
        properties = PahoProperties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ContentType = content_type
        self._client.publish(topic, payload, qos=1, retain=is_retained, properties=properties)

    # ------------------------------------------------------------ paho's thread

    def _on_connect(
        self, client: paho.Client, _data: Any, flags: paho.ConnectFlags, reason: ReasonCode, _p: Any
    ) -> None:
        if reason.is_failure:
            log.warning("%s: the broker refuses: %s", self._name, reason)
            return
        log.info("%s: connected, session present: %s", self._name, flags.session_present)
        if self._filters:
            client.subscribe([(each, SubscribeOptions(qos=1)) for each in self._filters])
        self._connections += 1
        self.connection = self._connections
        self._has_told = False
        self.signal.set()

    def _on_connect_fail(self, _client: paho.Client, _data: Any) -> None:
        if not self._has_told:
            host, port = self._address.host, self._address.port
            log.warning("%s: no broker answers on %s:%d; trying on", self._name, host, port)
            self._has_told = True

    def _on_disconnect(
        self, _client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _p: Any
    ) -> None:
        with self._lock:
            self._book.connected()  # what is open belongs to a connection that is gone
            self._queue.clear()  # the broker delivers it again
        self.connection = 0
        level = logging.WARNING if reason.is_failure else logging.INFO
        log.log(level, "%s: the connection has ended: %s", self._name, reason)

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        with self._lock:
            if message.qos == 0 and len(self._queue) >= QUEUE_MAX:
                self._counters.add("ingest.overflowed")
                return
            receipt = self._book.taken(message.mid) if message.qos else None
            self._queue.append(self._delivery(message, receipt))
        self.signal.set()

    def _delivery(self, message: paho.MQTTMessage, receipt: Receipt | None) -> Delivery:
        topic, fault = message.topic, None
        try:
            partition, gateway, lane = parse_up(topic)
        except UnknownTopic as error:
            fault = str(error)
            partition, gateway, lane = 0, "", _lane_of_last_word(topic)
            self._counters.add("ingest.unknown_topics")
        properties = message.properties
        expiry = getattr(properties, "MessageExpiryInterval", None)
        return Delivery(
            lane=lane,
            partition=partition,
            position=None,
            gateway=gateway,
            topic=topic,
            payload=bytes(message.payload),
            content_type=getattr(properties, "ContentType", None),
            properties=tuple(getattr(properties, "UserProperty", ())),
            received_ms=self._clock.now_ms(),
            token=receipt,
            fault=fault,
            waited_s=0 if expiry is None else max(0, ROW_EXPIRY_S - int(expiry)),
        )


def kick(address: BrokerAddress, client_id: str) -> None:
    """End a client's live connection and session, by taking them over for a moment.

    On the listener for services only, where a client id is free. Raises OSError where the broker
    does not answer.
    """
    client, is_done = _client(client_id, address), threading.Event()
    refused: list[str] = []

    def connected(_client: Any, _data: Any, _flags: Any, reason: ReasonCode, _p: Any) -> None:
        if reason.is_failure:
            refused.append(str(reason))
        is_done.set()

    client.on_connect = connected
    client.connect(address.host, address.port, clean_start=True)  # and no expiry: nothing stays
    client.loop_start()
    is_in_time = is_done.wait(KICK_S)
    client.disconnect()
    client.loop_stop()
    if refused or not is_in_time:
        raise OSError(f"the broker did not let us take over {client_id}: {refused or 'no answer'}")


def _client(client_id: str, address: BrokerAddress) -> "_Client":
    client = _Client(CallbackAPIVersion.VERSION2, client_id, protocol=paho.MQTTv5, manual_ack=True)
    if address.username is not None:
        client.username_pw_set(address.username, address.password)
    if address.tls is not None:
        client.tls_set_context(_tls_context(address.tls))
    client.on_socket_open = _tune
    return client


def _tls_context(files: TlsFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks the certificate and the host's name
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(files.ca)
        if files.certificate is not None:
            context.load_cert_chain(files.certificate, files.key)
    except OSError as error:  # also ssl.SSLError
        named = ", ".join(str(each) for each in files if each is not None)
        raise BadConfiguration(f"[broker] of {named} one cannot be used: {error}") from error
    return context


class _Client(paho.Client):
    """Reads a message whose properties paho cannot read as one without properties.

    paho ends the connection over U+FEFF in a property, which is legal, and over NUL, which rumqttd
    lets by; the broker then delivers the same message at each return, and no alarm comes any more.
    """

    @override
    def _handle_publish(self) -> MQTTErrorCode:
        try:
            return super()._handle_publish()
        except MalformedPacket:
            is_acknowledged = self._in_packet["command"] & 0x06 != 0
            packet = self._in_packet["packet"]
            self._in_packet["packet"] = _without_properties(packet, is_acknowledged)
            return super()._handle_publish()


def _without_properties(packet: bytearray, has_mid: bool) -> bytearray:
    """A PUBLISH behind its fixed header: topic, packet id above QoS 0, properties, payload."""
    begin = 2 + int.from_bytes(packet[:2], "big") + (2 if has_mid else 0)
    length, width = VariableByteIntegers.decode(packet[begin:])  # type: ignore[no-untyped-call]
    return packet[:begin] + b"\0" + packet[begin + width + length :]


def _lane_of_last_word(topic: str) -> Lane:
    word = topic.rpartition("/")[2]
    return Lane(word) if word in Lane.__members__.values() else Lane.HEALTH


def _tune(_client: Any, _data: Any, sock: Any) -> None:
    """Without TCP_NODELAY a small packet waits up to 40 ms for the other side's acknowledgement."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
