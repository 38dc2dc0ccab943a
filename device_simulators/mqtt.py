"""The simulators' MQTT client: paho, MQTT 5. It reconnects by itself and hands on what it hears."""

import logging
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any, Final

from paho.mqtt.client import Client, MQTTMessage, MQTTMessageInfo, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from device_simulators.errors import BrokerAway
from device_simulators.zigbee2mqtt import Message

log = logging.getLogger(__name__)
KEEPALIVE_S: Final = 30
RECONNECT_S_MAX: Final = 5
STOP_S: Final = 5.0


class Link:
    """A connection to the home broker.

    on_up: called in paho's thread at every connection; publishes from there without waiting.
    """

    def __init__(
        self,
        name: str,
        *,
        will: Message | None = None,
        topics: Iterable[str] = (),
        on_up: Callable[[], None] = lambda: None,
        on_message: Callable[[str, bytes], None] = lambda _topic, _payload: None,
        session_s: int = 0,
    ) -> None:
        self._topics, self._on_up, self._on_message = tuple(topics), on_up, on_message
        self._session_s = session_s
        self._up = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTv5)
        self._client.reconnect_delay_set(1, RECONNECT_S_MAX)
        self._client.on_connect = self._connected
        self._client.on_disconnect = self._disconnected
        self._client.on_message = self._heard
        self._client.on_socket_open = send_at_once
        if will is not None:
            self._client.will_set(will.topic, will.payload, will.qos, will.retain)

    def start(self, host: str, port: int) -> None:
        """Begin connecting; a broker that is not there yet is waited for."""
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = self._session_s
        self._client.connect_async(
            host, port, KEEPALIVE_S, clean_start=self._session_s == 0, properties=properties
        )
        self._client.loop_start()

    def stop(self, last: Iterable[Message] = ()) -> None:
        """Publish the last words, then disconnect in the orderly way."""
        if self.is_up:
            for info in [self._publish(message) for message in last]:
                info.wait_for_publish(STOP_S)
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def is_up(self) -> bool:
        """Whether the broker has accepted us and has not gone since."""
        return self._up.is_set()

    def wait_until_up(self, timeout_s: float) -> bool:
        """False when the broker has not answered in that time."""
        return self._up.wait(timeout_s)

    def publish(self, message: Message) -> MQTTMessageInfo:
        """Hand it to the network; the answer can be waited on. Raises BrokerAway."""
        if not self.is_up:
            raise BrokerAway("the home broker is not connected")
        return self._publish(message)

    def _publish(self, message: Message) -> MQTTMessageInfo:
        return self._client.publish(
            message.topic, message.payload, qos=message.qos, retain=message.retain
        )

    def _connected(self, client: Client, _userdata: Any, _flags: Any, reason: Any, _: Any) -> None:
        if reason.is_failure:
            log.warning("the home broker refuses us: %s", reason)
            return
        for topic in self._topics:
            client.subscribe(topic, qos=1)
        self._up.set()
        self._on_up()

    def _disconnected(self, *_: Any) -> None:
        self._up.clear()

    def _heard(self, _client: Client, _userdata: Any, message: MQTTMessage) -> None:
        self._on_message(message.topic, bytes(message.payload))


def send_at_once(_client: Client, _userdata: Any, sock: Any) -> None:
    """A press must not wait for TCP's delayed acknowledgement."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def was_taken(info: MQTTMessageInfo, timeout_s: float) -> bool:
    """Whether the broker acknowledged within that time. False too where the connection broke."""
    try:
        info.wait_for_publish(timeout_s)
    except (RuntimeError, ValueError):
        return False
    return info.is_published() and info.rc is MQTTErrorCode.MQTT_ERR_SUCCESS
