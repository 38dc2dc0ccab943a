"""Whatever a gateway sends: it is counted and kept, and the alarm behind it is raised."""

import json
import zlib
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from sqlalchemy import true

from cloud.alarms.commands import Claim, Close
from cloud.alarms.model import Alarm, Person
from cloud.alarms.service import handle
from cloud.durable import received
from cloud.ingest import fence
from cloud.ingest.mqtt import QUEUE_MAX
from contract.envelope import JSON_DEFLATE, MESSAGE_BYTES_MAX, ROWS_MAX, decode_down, encode
from contract.lanes import Lane
from contract.messages import Ack
from contract.properties import Identity
from contract.topics import down_topic, partition_of, up_topic
from tests.brokers import Hand, Hands, RealBroker
from tests.integration.alarm_path import (
    BUTTON,
    GATEWAY,
    Ingest,
    batch,
    send,
    send_batch,
    source_on,
)
from tests.integration.test_serve import House, ready, sign_in
from tests.waiting import eventually

ALARM, EVENT, DATA, _ = (up_topic(GATEWAY, lane) for lane in Lane)
WRONG_PARTITION = f"anju/1/{(partition_of(GATEWAY) + 1) % 64}/{GATEWAY}/up/alarm"


@pytest.fixture
def ingest(broker: RealBroker, tmp_path: Path) -> Iterator[Ingest]:
    made = Ingest(tmp_path, broker)
    made.connect()
    made.alarms.start()
    made.data.start()
    yield made
    made.close()


@pytest.fixture
def gateway(broker: RealBroker, hands: Hands) -> Hand:
    return hands(broker, GATEWAY).connect().subscribe(down_topic(GATEWAY, "ack"))


def next_ack(gateway: Hand) -> Ack:
    message = gateway.take()
    gateway.ack(message)
    ack = decode_down(bytes(message.payload), getattr(message.properties, "ContentType", None))
    assert isinstance(ack, Ack)
    return ack


def press_and_see(gateway: Hand, ingest: Ingest, seq: int) -> Alarm:
    """A good press is raised whatever came before it."""
    send_batch(gateway, Lane.ALARM, batch("alarm", seq))

    def is_acknowledged() -> bool:
        ack = next_ack(gateway)
        return ack.lane == Lane.ALARM.value and seq in ack.seqs

    eventually(is_acknowledged, what="the acknowledgement of the press")
    [sos] = [each for each in ingest.open_alarms() if each.kind.value == "sos"]
    return sos


def technical(ingest: Ingest) -> list[Alarm]:
    return [each for each in ingest.open_alarms() if each.kind.value == "technical"]


def kept(ingest: Ingest) -> list[dict[str, Any]]:
    return ingest.store.read(lambda work: received.rejected(work, true()))


def written(**changes: object) -> bytes:
    """A press's JSON with other fields."""
    plain = json.loads(encode(batch("alarm", 5)).payload)
    return json.dumps({**plain, **changes}).encode()


def with_row(row: str) -> bytes:
    """A press with this text in the place of its row."""
    device = f'{{"id":"{BUTTON}","rows":[{row}]}}'
    return written(devices=["%"]).replace(b'"%"', device.encode())


def many(lane: str, count: int) -> bytes:
    """A batch of so many devices, deflated."""
    rows = [{"id": f"z2m:0x{n:x}", "rows": [[0, n, "motion", True]]} for n in range(1, count + 1)]
    plain = {**json.loads(written(lane=lane)), "devices": rows}
    return zlib.compress(json.dumps(plain).encode())


BAD_ALARMS = {
    "broken JSON": b'{"t":"batch",',
    "no JSON": bytes(range(256)),
    "nothing": b"",
    "an unknown version": written(v=2),
    "another gateway's": written(gateway="gw-other1"),
    "another lane's": written(lane="event"),
    "two rows": with_row('[0,5,"sos",true],[0,6,"sos",true]'),
    "no row": with_row(""),
    "a negative number": with_row('[0,-5,"sos",true]'),
    "a number above 2^53": with_row('[0,9007199254740992,"sos",true]'),
    "a huge number": with_row(f'[0,{"9" * 5000},"sos",true]'),
    "NaN": with_row('[0,5,"sos",NaN]'),
    "infinity": with_row('[0,5,"sos",1e999]'),
    "deep": b"[" * 100_000,
    "one byte too many": b" " * (MESSAGE_BYTES_MAX + 1),
}


def test_every_form_of_broken_alarm_is_kept_and_a_press_behind_them_is_raised(
    ingest: Ingest, gateway: Hand
) -> None:
    for payload in BAD_ALARMS.values():
        send(gateway, ALARM, payload)
    send(gateway, ALARM, zlib.compress(b" " * 200_000_000), content_type=JSON_DEFLATE)
    send(gateway, ALARM, b"\x78\x9c broken", content_type=JSON_DEFLATE)
    send(gateway, ALARM, b"{}", content_type="text/html")

    press_and_see(gateway, ingest, 1)

    assert len(kept(ingest)) == len(BAD_ALARMS) + 3
    [alarm] = technical(ingest)
    assert alarm.presses == len(BAD_ALARMS) + 3
    assert ingest.count("ingest.groups_failed") == 0


def test_addresses_that_are_none_are_counted_and_kept(ingest: Ingest, gateway: Hand) -> None:
    topics = (
        WRONG_PARTITION,
        "anju/1/99/gw-demo01/up/alarm",
        "anju/1/x/gw-demo01/up/event",
        "anju/1/0/%bad/up/alarm",
        "anju/1/0//up/health",
    )
    for topic in topics:
        send(gateway, topic, encode(batch("alarm", 1)).payload, Identity("j-1", Lane.ALARM, 1, 1))

    press_and_see(gateway, ingest, 1)

    eventually(lambda: len(kept(ingest)) == len(topics), what="every one of them")
    assert ingest.count("ingest.unknown_topics") == len(topics)
    assert len(technical(ingest)) == 1


STRANGE_PRESSES = {
    "1970": written(t0_ms=0, sent_ms=0),
    "a time out of all bounds": with_row(f'[{"9" * 30},5,"sos",true]'),
    "a time before all time": with_row('[-9223372036854775808,5,"sos",true]'),
    "an age out of all bounds": with_row('[0,5,"sos",true,null,{"age_ms":%s}]' % ("9" * 30)),
    "an implausible call": with_row('[0,5,"sos",true,null,{"q":"implausible"}]'),
    "fields from the future": written(color="red", boot="b" * 10_000),
    "the highest number": with_row('[0,9007199254740991,"sos",true]'),
}


@pytest.mark.parametrize("payload", STRANGE_PRESSES.values(), ids=STRANGE_PRESSES)
def test_no_clock_and_no_number_keeps_a_press_from_being_raised(
    mosquitto: RealBroker, hands: Hands, tmp_path: Path, payload: bytes
) -> None:
    ingest = Ingest(tmp_path, mosquitto)
    ingest.connect()
    ingest.alarms.start()
    edge = hands(mosquitto, GATEWAY).connect().subscribe(down_topic(GATEWAY, "ack"))

    send(edge, ALARM, payload)

    assert len(next_ack(edge).seqs) == 1
    assert [each.kind.value for each in ingest.open_alarms()] == ["sos"]
    ingest.close()


@pytest.mark.parametrize("has_identity", [True, False])
def test_an_undecodable_alarm_is_one_technical_alarm_however_often_it_comes(
    ingest: Ingest, gateway: Hand, has_identity: bool
) -> None:
    identity = Identity("j-1", Lane.ALARM, 9, 9) if has_identity else None
    for _ in range(4):
        send(gateway, ALARM, b"\xff\x00 broken", identity)

    press_and_see(gateway, ingest, 1)

    [alarm] = technical(ingest)
    assert alarm.presses == 1
    [found] = kept(ingest)
    assert (found["payload"], found["times"]) == (b"\xff\x00 broken", 4)


def test_an_undecodable_alarm_with_an_identity_is_refused_by_its_number(
    ingest: Ingest, gateway: Hand
) -> None:
    send(gateway, ALARM, b"broken", Identity("j-1", Lane.ALARM, 9, 9))

    ack = next_ack(gateway)

    assert (ack.journal, ack.lane, ack.seqs) == ("j-1", "alarm", [])
    assert [refusal.seq for refusal in ack.refused] == [9]


def test_rejected_bytes_are_shown_to_the_operator(
    broker: RealBroker, gateway: Hand, tmp_path: Path
) -> None:
    house = House(tmp_path / "cloud")
    cloud = house.furnished(broker)
    eventually(lambda: ready(cloud), what="the cloud")
    send(gateway, ALARM, b"\xff broken", Identity("j-1", Lane.ALARM, 9, 9))
    eventually(lambda: any(refusal.seq == 9 for refusal in next_ack(gateway).refused))

    with sign_in(cloud) as page:
        [shown] = page.get("/api/rejected").json()["rejected"]
        [alarm] = page.get("/api/alarms").json()["alarms"]

    assert b64decode(shown["payload"]) == b"\xff broken"
    assert alarm["kind"] == "technical"
    house.close()


def test_broken_bytes_with_the_number_of_a_press_do_not_stand_in_for_it(
    ingest: Ingest, gateway: Hand
) -> None:
    send(gateway, ALARM, b"broken", Identity("j-1", Lane.ALARM, 1, 1))
    next_ack(gateway)

    sos = press_and_see(gateway, ingest, 1)

    assert sos.presses == 1
    assert len(technical(ingest)) == 1


def test_broken_bytes_with_the_number_of_a_press_that_was_taken_stop_nothing(
    ingest: Ingest, gateway: Hand
) -> None:
    press_and_see(gateway, ingest, 1)
    send(gateway, ALARM, b"broken", Identity("j-1", Lane.ALARM, 1, 1))

    sos = press_and_see(gateway, ingest, 2)

    assert sos.presses == 2
    assert len(technical(ingest)) == 1
    assert ingest.count("ingest.groups_failed") == 0


@pytest.mark.parametrize("text", ["\ufeff", "a\0b"], ids=["U+FEFF", "NUL"])
def test_properties_that_a_client_library_cannot_read_do_not_end_ingest(
    ingest: Ingest, broker: RealBroker, gateway: Hand, hands: Hands, text: str
) -> None:
    evil = hands(broker, "gw-evil01").connect()
    made = encode(batch("alarm", 1))
    _send_blindly(evil, ALARM, made.payload, text)

    sos = press_and_see(gateway, ingest, 2)

    assert sos.presses in (1, 2)  # Mosquitto refuses NUL; what passes is read
    assert ingest.alarm_source.connection == 1


def _send_blindly(hand: Hand, topic: str, payload: bytes, text: str) -> None:
    """Without waiting: a broker may end the connection over it."""
    properties = Properties(PacketTypes.PUBLISH)
    properties.UserProperty = ("journal", text)
    hand.client.publish(topic, payload, qos=1, properties=properties)
    eventually(lambda: hand.is_gone or not hand.client._out_messages, what="the broker's verdict")


@pytest.mark.parametrize("value", ["pressed", 1, None], ids=str)
def test_a_call_of_the_wrong_type_is_a_technical_alarm_not_silence(
    mosquitto: RealBroker, hands: Hands, tmp_path: Path, value: object
) -> None:
    ingest = Ingest(tmp_path, mosquitto)
    ingest.connect()
    ingest.alarms.start()
    edge = hands(mosquitto, GATEWAY).connect().subscribe(down_topic(GATEWAY, "ack"))

    send_batch(edge, Lane.ALARM, batch("alarm", 5, value=value))

    assert [refusal.seq for refusal in next_ack(edge).refused] == [5]
    assert len(technical(ingest)) == 1
    ingest.close()


def test_names_that_are_no_words_are_refused_and_the_alarm_lane_says_so(
    ingest: Ingest, gateway: Hand
) -> None:
    send_batch(gateway, Lane.EVENT, batch("event", 1, "tsunami"))
    send_batch(gateway, Lane.ALARM, batch("alarm", 1, "tsunami"))
    send_batch(gateway, Lane.DATA, batch("data", 1, "tsunami", 4))

    press_and_see(gateway, ingest, 2)

    [alarm] = technical(ingest)
    assert alarm.presses == 1


def test_ten_thousand_devices_do_not_keep_a_press_waiting(ingest: Ingest, gateway: Hand) -> None:
    for lane, topic in (("data", DATA), ("event", EVENT)):
        send(gateway, topic, many(lane, 2 * ROWS_MAX), content_type=JSON_DEFLATE)
        send(gateway, topic, many(lane, ROWS_MAX), content_type=JSON_DEFLATE)

    press_and_see(gateway, ingest, 1)

    eventually(lambda: len(kept(ingest)) == 2, what="those above the limit")
    eventually(lambda: ingest.count("ingest.unregistered") == 2 * ROWS_MAX, what="the others")
    assert technical(ingest) == []


def test_a_message_that_fails_inside_does_not_take_the_others_of_its_group_with_it(
    ingest: Ingest, gateway: Hand
) -> None:
    twice = written(
        lane="event", devices=[{"id": "z", "rows": [[0, 7, "button", "single"]] * 2}]
    )  # two rows of one number break the store's own rule
    ingest.stop_alarms()
    send_batch(gateway, Lane.EVENT, batch("event", 1, "button", "single"))
    send(gateway, EVENT, twice)
    send_batch(gateway, Lane.EVENT, batch("event", 2, "button", "single"))
    send_batch(gateway, Lane.ALARM, batch("alarm", 1))
    ingest.start_alarms_again()

    acks: set[tuple[str, int]] = set()

    def all_taken() -> bool:
        ack = next_ack(gateway)
        acks.update((ack.lane, seq) for seq in ack.seqs)
        return len(acks) == 3

    eventually(all_taken, what="the good ones")
    assert acks == {("event", 1), ("event", 2), ("alarm", 1)}
    assert ingest.count("ingest.quarantined") == 1
    eventually(lambda: len(kept(ingest)) == 1)


def test_a_device_calls_through_its_own_gateway_and_through_a_strangers(
    ingest: Ingest, broker: RealBroker, gateway: Hand, hands: Hands
) -> None:
    other = hands(broker, "gw-other1").connect()
    for _ in range(2):
        send_batch(other, Lane.ALARM, batch("alarm", 1, gateway="gw-other1"), "gw-other1")

    sos = press_and_see(gateway, ingest, 1)

    assert sos.presses == 1
    eventually(lambda: [each.presses for each in technical(ingest)] == [1])
    assert technical(ingest)[0].home is None


def test_a_call_of_an_unregistered_device_is_one_technical_alarm(
    ingest: Ingest, gateway: Hand
) -> None:
    for _ in range(3):
        send_batch(gateway, Lane.ALARM, batch("alarm", 1, device="z2m:0xdead"))

    press_and_see(gateway, ingest, 2)

    [alarm] = technical(ingest)
    assert alarm.presses == 1


def test_a_replayed_press_never_opens_a_case_again(ingest: Ingest, gateway: Hand) -> None:
    sos = press_and_see(gateway, ingest, 1)
    lin = Person("ac-1", "林", "Lin")
    ingest.store.write(lambda work: handle(work, sos.id, Claim(lin)))
    ingest.store.write(lambda work: handle(work, sos.id, Close(lin, "test")))
    ingest.store.write(lambda work: received.sweep_events(work, 2**53))  # a month goes by

    send_batch(gateway, Lane.ALARM, batch("alarm", 1))

    assert next_ack(gateway).seqs == [1]
    assert ingest.open_alarms() == []


def test_an_owner_of_an_older_generation_commits_nothing_and_loses_nothing(
    ingest: Ingest, gateway: Hand
) -> None:
    press_and_see(gateway, ingest, 1)
    ingest.store.write(fence.claim_all)  # somebody else has taken over
    send_batch(gateway, Lane.ALARM, batch("alarm", 2))
    eventually(ingest.overtaken.is_set, what="its asking to be ended")
    assert [each.presses for each in ingest.open_alarms()] == [1]
    ingest.stop_alarms()

    ingest.start_alarms_again()

    eventually(lambda: [each.presses for each in ingest.open_alarms()] == [2])


def test_messages_of_qos_0_do_not_fill_the_memory(mosquitto: RealBroker, hands: Hands) -> None:
    source = source_on(mosquitto)
    flood = hands(mosquitto, "gw-flood1").connect()
    for _ in range(QUEUE_MAX + 500):
        flood.client.publish(EVENT, b"x", qos=0)
    send(flood, EVENT, b"after")

    eventually(lambda: source._queue and source._queue[-1].payload == b"after", what="the last")
    assert len(source._queue) == QUEUE_MAX + 1
    source.stop()
