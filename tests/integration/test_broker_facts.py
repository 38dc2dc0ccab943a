"""What real brokers do, as far as our design relies on it (ARCHITECTURE, "The wire").

Where the two differ, both ways are written down: a new release that changes one of them shows here.
"""

import pytest
from paho.mqtt.client import MQTTMessage

from anju.broker_config import BrokerKind
from contract.receipts import ReceiptBook
from tests.brokers import Hand, Hands, RealBroker
from tests.waiting import eventually

BACKLOG = 400


def payloads(messages: list[MQTTMessage]) -> list[bytes]:
    return [bytes(message.payload) for message in messages]


def publisher(broker: RealBroker, hands: Hands) -> Hand:
    return hands(broker, "publisher").connect(0)


def test_a_session_with_an_expiry_keeps_what_is_sent_while_it_is_away(broker, hands):
    sender = publisher(broker, hands)
    reader = hands(broker, "edge").connect().subscribe("t/#")
    reader.drop()

    sender.publish("t/sos", b"1")
    sender.publish("t/sos", b"2")

    assert reader.connect().has_session
    assert payloads(reader.take_many(2)) == [b"1", b"2"]


def test_mosquitto_loses_what_is_sent_while_a_session_without_an_expiry_is_away(mosquitto, hands):
    reader = away_without_expiry(mosquitto, hands)

    assert not reader.connect(expiry_s=0).has_session
    assert reader.nothing_comes()


def test_rumqttd_keeps_a_session_whatever_its_expiry(rumqttd, hands):
    reader = away_without_expiry(rumqttd, hands)

    assert reader.connect(expiry_s=0).has_session
    assert len(reader.take_many(4)) == 4


def test_rumqttd_does_not_keep_a_session_that_began_clean(rumqttd, hands):
    reader = hands(rumqttd, "edge").connect(clean=True).subscribe("t/#")
    reader.drop()

    assert not reader.connect().has_session


def away_without_expiry(broker: RealBroker, hands: Hands) -> Hand:
    """A reader that missed four messages."""
    sender = publisher(broker, hands)
    reader = hands(broker, "edge").connect(expiry_s=0).subscribe("t/#")
    reader.drop()
    for number in range(4):
        sender.publish("t/sos", b"%d" % number)
    return reader


def test_mosquitto_keeps_a_session_over_a_kill_once_it_has_saved(mosquitto, hands):
    sender = publisher(mosquitto, hands)
    reader = hands(mosquitto, "edge").connect().subscribe("t/#")
    reader.drop()
    sender.publish("t/sos", b"1")

    mosquitto.restart()
    mosquitto.kill_and_start()

    assert reader.connect().has_session
    assert reader.take().payload == b"1"


def test_rumqttd_keeps_nothing_over_a_restart(rumqttd, hands):
    sender = publisher(rumqttd, hands)
    reader = hands(rumqttd, "edge").connect().subscribe("t/#")
    reader.drop()
    sender.publish("t/sos", b"1")

    rumqttd.restart()

    assert not reader.connect().has_session
    assert reader.nothing_comes()


def test_an_sos_behind_400_unacknowledged_readings_does_not_come_in_their_session(broker, hands):
    sender = publisher(broker, hands)
    reader = hands(broker, "ingest").connect().subscribe("up/#")
    for number in range(BACKLOG):
        sender.publish("up/data", b"%d" % number)
    sender.publish("up/alarm", b"sos")

    held = reader.take_many(reader.receive_max)

    assert {message.topic for message in held} == {"up/data"}
    assert reader.nothing_comes()


def test_an_sos_behind_400_unacknowledged_readings_comes_on_a_second_connection(broker, hands):
    sender = publisher(broker, hands)
    hands(broker, "ingest-data").connect().subscribe("up/data")
    alarms = hands(broker, "ingest-alarm").connect().subscribe("up/alarm")
    for number in range(BACKLOG):
        sender.publish("up/data", b"%d" % number)

    sender.publish("up/alarm", b"sos")

    assert alarms.take().payload == b"sos"


def test_rumqttd_drops_who_acknowledges_out_of_order_and_forgets_the_oldest(rumqttd, hands):
    sender = publisher(rumqttd, hands)
    reader = hands(rumqttd, "edge").connect().subscribe("t/#")
    for number in range(3):
        sender.publish("t/sos", b"%d" % number)
    taken = reader.take_many(3)

    reader.ack(taken[2])
    eventually(lambda: reader.is_gone, what="the end of the connection")

    reader.connect()
    assert payloads(reader.take_many(2)) == [b"1", b"2"]
    assert reader.nothing_comes()  # message 0 was never acknowledged, and is gone


def test_mosquitto_bears_acknowledgements_out_of_order(mosquitto, hands):
    sender = publisher(mosquitto, hands)
    reader = hands(mosquitto, "edge").connect().subscribe("t/#")
    for number in range(3):
        sender.publish("t/sos", b"%d" % number)
    taken = reader.take_many(3)

    reader.ack(taken[2])
    sender.publish("t/sos", b"3")
    reader.take()
    reader.drop()

    assert payloads(reader.connect().take_many(3)) == [b"0", b"1", b"3"]


def late_acknowledgement(broker: RealBroker, hands: Hands, reader: Hand) -> MQTTMessage:
    """A message is taken, its session is lost, and a new message comes with the same packet id."""
    reader.connect().subscribe("t/#")
    publisher(broker, hands).publish("t/sos", b"old")
    old = reader.take()
    reader.drop()
    broker.forget()
    reader.connect().subscribe("t/#")
    publisher(broker, hands).publish("t/sos", b"new")
    assert reader.take().mid == old.mid
    return old


def test_a_late_acknowledgement_takes_another_message_with_the_same_packet_id(broker, hands):
    reader = hands(broker, "edge")
    old = late_acknowledgement(broker, hands, reader)

    reader.ack(old)  # what paho does when told to, whatever the connection
    publisher(broker, hands).publish("t/sos", b"next")
    assert reader.take().payload == b"next"
    reader.drop()

    assert payloads(reader.connect().take_many(1)) == [b"next"]
    assert reader.nothing_comes()  # "new" was never acknowledged by us, and is gone


def test_the_receipt_book_keeps_a_late_acknowledgement_from_taking_another_message(broker, hands):
    reader, book = hands(broker, "edge"), ReceiptBook()
    book.connected()
    receipt = book.taken(late_acknowledgement(broker, hands, reader).mid)
    book.connected()

    assert book.settle(receipt) == []

    reader.drop()
    assert reader.connect().take().payload == b"new"


@pytest.mark.parametrize("acknowledged", [0, 1])
def test_mosquitto_delivers_again_with_the_same_packet_id_and_dup(mosquitto, hands, acknowledged):
    first, again = delivered_twice(mosquitto, hands, acknowledged)

    assert [message.mid for message in again] == [message.mid for message in first]
    assert all(message.dup for message in again)
    assert payloads(again) == payloads(first)


@pytest.mark.parametrize("acknowledged", [0, 1])
def test_rumqttd_delivers_again_with_packet_ids_from_1_and_no_dup(rumqttd, hands, acknowledged):
    first, again = delivered_twice(rumqttd, hands, acknowledged)

    assert [message.mid for message in again] == [1, 2, 3]
    assert [message.mid for message in first] == [mid + acknowledged for mid in (1, 2, 3)]
    assert not any(message.dup for message in again)
    assert payloads(again) == payloads(first)


def delivered_twice(
    broker: RealBroker, hands: Hands, acknowledged: int
) -> tuple[list[MQTTMessage], list[MQTTMessage]]:
    """Three messages that were not acknowledged, at their first delivery and at their second."""
    sender = publisher(broker, hands)
    reader = hands(broker, "edge").connect().subscribe("t/#")
    for number in range(acknowledged + 3):
        sender.publish("t/sos", b"%d" % number)
    taken = reader.take_many(acknowledged + 3)
    for message in taken[:acknowledged]:
        reader.ack(message)
    sender.publish("t/sos", b"after")  # its coming shows that the acknowledgements have arrived
    reader.take()
    reader.drop()

    again = reader.connect().take_many(4)

    assert reader.has_session
    return taken[acknowledged:], again[:3]


def test_rumqttd_counts_packet_ids_to_its_in_flight_limit_and_begins_anew(rumqttd, hands):
    sender = publisher(rumqttd, hands)
    reader = hands(rumqttd, "edge").connect().subscribe("t/#")
    packet_ids = []
    for _ in range(102):
        sender.publish("t/sos", b"x")
        message = reader.take()
        packet_ids.append(message.mid)
        reader.ack(message)

    assert packet_ids == [*range(1, 101), 1, 2]


@pytest.mark.parametrize("size", [2_000_000])
def test_a_large_device_list_passes_and_is_kept_for_who_comes_later(broker, hands, size):
    publisher(broker, hands).publish("zigbee2mqtt/bridge/devices", b"x" * size, retain=True)

    late = hands(broker, "edge").connect().subscribe("#").take()

    assert len(late.payload) == size
    assert late.retain


def test_a_will_is_published_when_a_connection_breaks(broker, hands):
    reader = hands(broker, "edge").connect().subscribe("zigbee2mqtt/bridge/state")
    bridge = hands(broker, "bridge")
    bridge.client.will_set("zigbee2mqtt/bridge/state", b'{"state":"offline"}', 1, retain=True)
    bridge.connect(0).drop()

    assert reader.take().payload == b'{"state":"offline"}'


def test_the_brokers_are_the_two_that_we_name():
    assert [str(kind) for kind in BrokerKind] == ["mosquitto", "rumqttd"]
