"""The edge's link against what a stranger on the home's network can send."""

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge.link import Arrived, Joined, LinkEvent
from edge.mqtt import Address, MqttLink
from edge.pumps import EventSignal
from tests.brokers import Hand, Hands, RealBroker
from tests.waiting import eventually


@pytest.mark.parametrize("text", ["\ufeff", "a\0b"], ids=["U+FEFF", "NUL"])
def test_properties_that_a_client_library_cannot_read_do_not_end_the_link(
    broker: RealBroker, hands: Hands, text: str
) -> None:
    link = MqttLink("gw-l1nk-home", Address("127.0.0.1", broker.port), ("#",), EventSignal())
    seen: list[LinkEvent] = []

    def look() -> list[LinkEvent]:
        link.tend(0)
        seen.extend(link.take(100))
        return seen

    try:
        eventually(lambda: any(isinstance(event, Joined) for event in look()), what="a connection")
        _send_blindly(hands(broker, "stranger").connect(), text)
        hands(broker, "bridge").connect().publish("t/press", b"good")

        eventually(lambda: "t/press" in [e.topic for e in look() if isinstance(e, Arrived)])
        assert sum(isinstance(event, Joined) for event in seen) == 1
    finally:
        link.close()


def _send_blindly(hand: Hand, text: str) -> None:
    """Without asking whether the broker takes it: Mosquitto refuses NUL."""
    properties = Properties(PacketTypes.PUBLISH)
    properties.UserProperty = ("journal", text)
    hand.client.publish("t/evil", b"{}", 1, properties=properties)
