"""Real brokers on free ports, and an MQTT 5 client that does exactly what a test says.

Fixtures `mosquitto`, `rumqttd`, `broker` (a test on both) and `hands` (clients). An area's conftest
takes them: `from tests.brokers import broker, hands, mosquitto, rumqttd`.
"""

import queue
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

import pytest
from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from anju.broker import HOST, BrokerProcess, free_port
from anju.broker_config import BrokerKind
from tests.needs import require
from tests.waiting import eventually

WAIT_S: Final = 10.0
SILENCE_S: Final = 0.3  # how long "nothing comes" is looked at; loopback needs a millisecond
FOREVER: Final = 0xFFFFFFFF


class HasPort(Protocol):
    """Anything that listens."""

    port: int


class RealBroker(BrokerProcess):
    """A broker that a test starts, stops, kills and restarts. Its port and folder stay."""

    def restart(self) -> None:
        """In the orderly way."""
        self.stop()
        self.start()

    def forget(self) -> None:
        """Comes back without its sessions, as after a lost disk."""
        self.stop()
        (self.data / "mosquitto.db").unlink(missing_ok=True)
        self.start()

    def kill_and_start(self) -> None:
        """By SIGKILL."""
        self.kill()
        self.start()


def start_broker(kind: BrokerKind, data: Path) -> RealBroker:
    """On a free port; skips the test where the program is missing."""
    if kind is BrokerKind.MOSQUITTO:
        require("mosquitto")
    started = RealBroker(data, free_port(), kind)
    started.start()
    return started


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[RealBroker]:
    started = start_broker(BrokerKind.MOSQUITTO, tmp_path / "mosquitto")
    yield started
    started.stop()


@pytest.fixture
def rumqttd(tmp_path: Path) -> Iterator[RealBroker]:
    started = start_broker(BrokerKind.RUMQTTD, tmp_path / "rumqttd")
    yield started
    started.stop()


@pytest.fixture(params=list(BrokerKind), ids=str)
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RealBroker]:
    started = start_broker(request.param, tmp_path / "broker")
    yield started
    started.stop()


@pytest.fixture
def hands() -> Iterator["Hands"]:
    made = Hands()
    yield made
    made.close()


class Hands:
    """Makes the clients of a test and closes them at its end."""

    def __init__(self) -> None:
        self._made: list[Hand] = []

    def __call__(self, broker: HasPort, name: str) -> "Hand":
        """Not yet connected."""
        hand = Hand(broker.port, name)
        self._made.append(hand)
        return hand

    def close(self) -> None:
        """All of them."""
        for hand in self._made:
            hand.close()


class Hand:
    """A paho client that acknowledges only what it is told to, and never reconnects by itself."""

    def __init__(self, port: int, name: str, receive_max: int = 100) -> None:
        self.port, self.name, self.receive_max = port, name, receive_max
        self.inbox: queue.SimpleQueue[MQTTMessage] = queue.SimpleQueue()
        self.has_session: bool | None = None
        self.is_gone = False
        self._subscribed: set[int] = set()
        self.client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=name,
            protocol=MQTTv5,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        self.client.on_message = lambda _client, _userdata, message: self.inbox.put(message)
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = self._on_disconnect
        self.client.on_subscribe = self._on_subscribe

    def connect(self, expiry_s: int = FOREVER, *, clean: bool = False) -> "Hand":
        """Until CONNACK. Also again, after `drop`."""
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = expiry_s
        properties.ReceiveMaximum = self.receive_max
        self.has_session, self.is_gone = None, False
        self.client._reset_sockets(sockpair_only=True)  # paho's loop_start leaves the old ones open
        self.client.connect(HOST, self.port, 30, clean_start=clean, properties=properties)
        self.client.loop_start()
        eventually(lambda: self.has_session is not None, WAIT_S, f"CONNACK for {self.name}")
        return self

    def subscribe(self, topic: str) -> "Hand":
        """With QoS 1, until SUBACK."""
        _, mid = self.client.subscribe(topic, qos=1)
        assert mid is not None
        eventually(lambda: mid in self._subscribed, WAIT_S, f"SUBACK for {topic}")
        return self

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """With QoS 1, until PUBACK."""
        info = self.client.publish(topic, payload, qos=1, retain=retain)
        info.wait_for_publish(WAIT_S)
        assert info.is_published()

    def take(self, within_s: float = WAIT_S) -> MQTTMessage:
        """The next message."""
        return self.inbox.get(timeout=within_s)

    def take_many(self, count: int) -> list[MQTTMessage]:
        """So many, in order."""
        return [self.take() for _ in range(count)]

    def nothing_comes(self) -> bool:
        """Whether the inbox stays empty."""
        try:
            self.inbox.get(timeout=SILENCE_S)
        except queue.Empty:
            return True
        return False

    def ack(self, message: MQTTMessage) -> None:
        """PUBACK, whatever the connection that it came on."""
        self.client.ack(message.mid, message.qos)

    def drop(self) -> None:
        """The connection breaks, as when a cable is pulled: no DISCONNECT."""
        broken = self.client.socket()
        if isinstance(broken, socket.socket):
            broken.shutdown(socket.SHUT_RDWR)
        eventually(lambda: self.is_gone, WAIT_S, "the end of the connection")
        self.client.loop_stop()

    def close(self) -> None:
        """With a DISCONNECT; the session stays as long as its expiry says."""
        self.client.disconnect()
        self.client.loop_stop()

    def _on_connect(self, _client, _userdata, flags, _reason, _properties) -> None:
        self.has_session = flags.session_present

    def _on_disconnect(self, _client, _userdata, _flags, _reason, _properties) -> None:
        self.is_gone = True

    def _on_subscribe(self, _client, _userdata, mid, _reasons, _properties) -> None:
        self._subscribed.add(mid)
