"""paho's client, but no message on the home's network can end its connection for ever.

The cloud's source has the same few lines: the two sides never import each other, and the contract
knows no MQTT client.
"""

from paho.mqtt.client import Client
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.exception import MalformedPacket
from paho.mqtt.properties import VariableByteIntegers
from typing_extensions import override


class TolerantClient(Client):
    """Reads a message whose properties paho cannot read as one without properties.

    paho ends the connection over U+FEFF in a property, which is legal, and over NUL, which rumqttd
    lets by; the broker then delivers the same message at each return, and no press comes any more.
    """

    @override
    def _handle_publish(self) -> MQTTErrorCode:
        try:
            return super()._handle_publish()
        except MalformedPacket:
            is_acknowledged = self._in_packet["command"] & 0x06 != 0
            packet = self._in_packet["packet"]
            self._in_packet["packet"] = _without_properties(packet, has_mid=is_acknowledged)
            return super()._handle_publish()


def _without_properties(packet: bytearray, *, has_mid: bool) -> bytearray:
    """A PUBLISH behind its fixed header: topic, packet id above QoS 0, properties, payload."""
    begin = 2 + int.from_bytes(packet[:2], "big") + (2 if has_mid else 0)
    length, width = VariableByteIntegers.decode(packet[begin:])  # type: ignore[no-untyped-call]
    return packet[:begin] + b"\0" + packet[begin + width + length :]
