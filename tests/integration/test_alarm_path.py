"""The rules of the wire that were measured to lose alarms when broken, through the real ingest."""

import random
import signal
import socket
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select

from cloud.alarms import store as alarms
from cloud.app import Cloud
from cloud.clock import SystemClock
from cloud.durable.received import LaneKey, applied, event_table
from cloud.ingest.mqtt import MqttSource
from cloud.rules import state as rule_state
from contract.envelope import decode_down
from contract.lanes import Lane
from contract.messages import Ack
from contract.topics import down_topic, up_topic
from tests.brokers import Hand, Hands, RealBroker
from tests.integration.alarm_path import (
    GATEWAY,
    INGEST,
    Ingest,
    batch,
    send,
    send_batch,
    source_on,
    take,
)
from tests.integration.test_serve import House, served
from tests.waiting import eventually

PIR, HOME = "z2m:0x00124b0014a00104", "ho-anhe01"
EVENT = up_topic(GATEWAY, Lane.EVENT)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "cloud")
    yield house
    house.close()


@pytest.fixture
def ingest(broker: RealBroker, tmp_path: Path) -> Iterator[Ingest]:
    made = Ingest(tmp_path, broker)
    yield made
    made.close()


@pytest.fixture
def gateway(broker: RealBroker, hands: Hands) -> Hand:
    return hands(broker, GATEWAY).connect().subscribe(down_topic(GATEWAY, "ack"))


def hears_ack(gateway: Hand, lane: str = "alarm") -> Ack:
    while True:
        message = gateway.take()
        gateway.ack(message)
        content_type = getattr(message.properties, "ContentType", None)
        ack = decode_down(bytes(message.payload), content_type)
        if isinstance(ack, Ack) and ack.lane == lane:
            return ack


def break_connection(source: MqttSource) -> None:
    """As when a cable is pulled; it comes back by itself."""
    before = source._connections
    broken = source._client.socket()
    assert isinstance(broken, socket.socket)
    broken.shutdown(socket.SHUT_RDWR)
    eventually(lambda: source.connection > before, what="the reconnection")


def flush(source: MqttSource, gateway: Hand) -> None:
    """Until the broker has read every PUBACK: a later packet of the same connection came through.
    Without it a new connection of the same name would overtake them."""
    source.publish(down_topic(GATEWAY, "ack"), b"flushed", "text/plain")
    while bytes(gateway.take().payload) != b"flushed":
        pass


def payloads(source: MqttSource, until: bytes) -> list[bytes]:
    """What comes up to a marker that was published last."""
    seen: list[bytes] = []

    def has_come() -> bool:
        seen.extend(each.payload for each in source.poll(100))
        return until in seen

    eventually(has_come, what="the marker")
    return seen


def test_an_sos_behind_400_unacknowledged_readings_is_raised_at_once(
    ingest: Ingest, gateway: Hand
) -> None:
    ingest.connect()
    ingest.alarms.start()
    for seq in range(1, 401):
        send_batch(gateway, Lane.DATA, batch("data", seq, "temperature", 20.5))

    send_batch(gateway, Lane.ALARM, batch("alarm", 1))

    assert hears_ack(gateway).seqs == [1]
    assert [alarm.kind.value for alarm in ingest.open_alarms()] == ["sos"]
    key = LaneKey(GATEWAY, "j-1", Lane.DATA)
    assert ingest.store.read(lambda work: applied(work, key)) is None
    ingest.data.start()
    eventually(
        lambda: ingest.store.read(lambda work: applied(work, key)) == [(1, 400)],
        what="the readings, once the pump turns",
    )


def test_messages_settled_in_any_order_are_acknowledged_in_theirs(
    broker: RealBroker, gateway: Hand
) -> None:
    source = source_on(broker)
    for number in range(90):
        send(gateway, EVENT, b"%d" % number)
    tokens = [each.token for each in take(source, 90)]
    random.Random(4).shuffle(tokens)

    for token in tokens:
        source.settle([token])
    send(gateway, EVENT, b"after")

    assert [each.payload for each in take(source, 1)] == [b"after"]
    flush(source, gateway)
    assert source.connection == 1  # rumqttd ends the connection at one that is out of order
    source.stop()
    again = source_on(broker)
    send(gateway, EVENT, b"marker")
    assert payloads(again, b"marker") == [b"after", b"marker"]
    again.stop()


def test_what_stands_behind_an_unsettled_message_comes_again_with_it(
    broker: RealBroker, gateway: Hand
) -> None:
    source = source_on(broker)
    for number in range(5):
        send(gateway, EVENT, b"%d" % number)
    taken = take(source, 5)
    source.settle([taken[0].token, taken[4].token, taken[2].token])
    flush(source, gateway)
    source.stop()

    again = source_on(broker)

    assert [each.payload for each in take(again, 4)] == [b"1", b"2", b"3", b"4"]
    again.stop()


def test_a_late_acknowledgement_after_a_reconnection_acknowledges_nothing(
    broker: RealBroker, gateway: Hand
) -> None:
    source = source_on(broker)
    for payload in (b"a", b"b"):
        send(gateway, EVENT, payload)
    first, second = take(source, 2)
    source.settle([first.token])
    flush(source, gateway)
    break_connection(source)
    send(gateway, EVENT, b"c")
    payloads(source, b"c")

    source.settle([second.token])  # its packet id may belong to c by now

    flush(source, gateway)
    source.stop()
    again = source_on(broker)
    send(gateway, EVENT, b"marker")
    assert {b"b", b"c"} <= set(payloads(again, b"marker"))
    again.stop()


def rows(cloud: Cloud, lane: str) -> int:
    c = event_table.c
    found = select(func.count()).where(c.lane == lane)
    return cloud.store.read(lambda work: int(work.execute(found).scalar_one()))


def presses(cloud: Cloud) -> list[int]:
    return cloud.store.read(lambda work: [each.presses for each in alarms.open_alarms(work)])


def first_ack(process: "subprocess.Popen[str]", gateway: Hand) -> None:
    """The child ingests."""
    assert process.poll() is None
    send_batch(gateway, Lane.ALARM, batch("alarm", 1))
    assert hears_ack(gateway).seqs == [1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=str)
def test_what_is_sent_while_ingest_is_away_is_all_there_afterwards(
    broker: RealBroker, gateway: Hand, house: House, number: signal.Signals
) -> None:
    house.furnished(broker).stop()
    with served("--config", str(house.file(broker))) as process:
        first_ack(process, gateway)
        process.send_signal(number)
        process.wait(20)
        for seq in range(2, 31):
            send_batch(gateway, Lane.ALARM, batch("alarm", seq))
            send_batch(gateway, Lane.EVENT, batch("event", seq, "button", "single"))
            send_batch(gateway, Lane.DATA, batch("data", seq, "temperature", 20.5))

        cloud = house(broker)

        eventually(lambda: rows(cloud, "alarm") == 30, what="all presses")
        eventually(lambda: rows(cloud, "event") == 29, what="all events")
        key = LaneKey(GATEWAY, "j-1", Lane.DATA)
        eventually(
            lambda: cloud.store.read(lambda work: applied(work, key)) == [(2, 30)],
            what="all readings",
        )
        assert presses(cloud) == [30]


def test_a_second_process_takes_over_from_one_that_was_killed_and_no_press_is_lost_or_doubled(
    broker: RealBroker, gateway: Hand, house: House, tmp_path: Path
) -> None:
    house.furnished(broker).stop()
    with served("--config", str(house.file(broker))) as process:
        first_ack(process, gateway)
        second = house(broker)
        assert second.is_ready()["ingest"] is False

        def press_on() -> None:
            for seq in range(2, 61):
                send_batch(gateway, Lane.ALARM, batch("alarm", seq))
                if seq == 30:
                    process.kill()

        pressing = threading.Thread(target=press_on)
        pressing.start()
        pressing.join()

        eventually(lambda: rows(second, "alarm") == 60, what="all presses")
        assert second.is_ready()["ingest"] is True
        assert presses(second) == [60]


def test_a_press_while_another_writer_holds_the_store_arrives_after_it(
    broker: RealBroker, gateway: Hand, house: House
) -> None:
    cloud = house.furnished(broker)
    other = sqlite3.connect(cloud.settings.database, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(3.0, lambda: other.execute("ROLLBACK"))
    release.start()

    send_batch(gateway, Lane.ALARM, batch("alarm", 1))

    assert hears_ack(gateway).seqs == [1]
    assert presses(cloud) == [1]
    release.join()
    other.close()


def test_the_session_that_ingest_leaves_behind_is_the_one_that_it_comes_back_to(
    broker: RealBroker, hands: Hands, house: House
) -> None:
    house.furnished(broker).stop()

    probe = hands(broker, INGEST).connect()

    assert probe.has_session


def test_gas_a_fall_and_a_silent_home_each_ring_beside_the_press(
    ingest: Ingest, hands: Hands, broker: RealBroker
) -> None:
    sender, clock = hands(broker, "sender").connect(), SystemClock()
    now_ms = clock.now_ms()
    ingest.connect()
    ingest.alarms.start()
    ingest.data.start()
    long_ago = now_ms - 12 * 3_600_000 - 60_000
    send_batch(sender, Lane.DATA, batch("data", 1, "motion", t0_ms=long_ago, device=PIR))
    send_batch(sender, Lane.DATA, batch("data", 2, "motion", False, t0_ms=now_ms, device=PIR))
    send_batch(sender, Lane.ALARM, batch("alarm", 1, "gas", t0_ms=now_ms, device=PIR))
    send_batch(sender, Lane.ALARM, batch("alarm", 2, "fall", t0_ms=now_ms, device=PIR))
    send_batch(sender, Lane.ALARM, batch("alarm", 3, "sos", t0_ms=now_ms))

    eventually(lambda: len(ingest.open_alarms()) == 3, what="three alarms")
    key = LaneKey(GATEWAY, "j-1", Lane.DATA)
    both = [(1, 2)]
    eventually(lambda: ingest.store.read(lambda w: applied(w, key)) == both, what="the readings")

    assert {alarm.kind.value for alarm in ingest.open_alarms()} == {"gas", "fall", "sos"}
    state = ingest.store.read(lambda work: rule_state.load(work, HOME))
    assert state is not None
    assert state.activity_ms > long_ago  # the press is a sign of life: nobody lies there
    silent = replace(state, activity_ms=long_ago, begin_ms=long_ago, due_ms=now_ms)
    waits = replace(state.rules["no_activity"], due_ms=now_ms)
    silent = replace(silent, rules={**state.rules, "no_activity": waits})
    ingest.store.write(lambda work: rule_state.keep(work, HOME, 0, silent, is_new=False))

    ingest.rules.start()

    eventually(lambda: len(ingest.open_alarms()) == 4, what="the alarm of the silent home")
    last = next(each for each in ingest.open_alarms() if each.kind.value == "inactivity")
    assert (last.severity.value, last.home and last.home.id) == ("medium", HOME)
