"""The virtual town on real brokers: what stands on the home broker, and what homes hear from it."""

import json
import queue
from collections.abc import Iterator
from pathlib import Path

import pytest

from device_simulators.errors import BrokerAway, CannotPress, NotInTown
from device_simulators.plan import Plan, read_plan, read_words
from device_simulators.town import Town
from tests.brokers import Hand, Hands, RealBroker
from tests.waiting import eventually

DEMO = Path(__file__).parents[2] / "config" / "demo"
WORDS = read_words(DEMO / "words.yaml")
HOME = "ho-anhe01"


@pytest.fixture(scope="module")
def plan() -> Plan:
    return read_plan(DEMO / "homes.yaml", homes_max=2)


@pytest.fixture
def town(broker: RealBroker, plan: Plan) -> Iterator[Town]:
    made = Town(plan, WORDS)
    made.start("127.0.0.1", broker.port, has_life=False)
    yield made
    made.stop()


@pytest.fixture
def edge(broker: RealBroker, hands: Hands, town: Town) -> Hand:
    """The gateway's place on the home broker, after everything retained has come."""
    hand = hands(broker, "edge").connect().subscribe("zigbee2mqtt/#")
    for _ in range(4 + len(list(town.plan.devices()))):  # of the bridge, and of each device
        take(hand)
    return hand


def take(hand: Hand) -> tuple[str, dict]:
    message = hand.take()
    hand.ack(message)
    return message.topic, json.loads(message.payload)


def speak(edge: Hand, what: str, **body) -> None:
    edge.publish(f"anju-home/gw-demo01/{what}", json.dumps(body).encode())


def say(edge: Hand, key: str, home: str = HOME) -> None:
    speak(
        edge,
        "say",
        id=key,
        home=home,
        device=None,
        key=key,
        zh="好的",
        en="All right",
        at_ms=1_000,
        alarm_seq=None,
    )


def test_who_comes_later_still_learns_of_every_device(broker, hands, town, plan):
    late = hands(broker, "late").connect().subscribe("zigbee2mqtt/bridge/devices")

    topic, devices = take(late)

    assert topic == "zigbee2mqtt/bridge/devices"
    assert len(devices) == 1 + len(list(plan.devices()))


def test_a_press_is_published_once_with_all_that_the_device_tells(edge, town):
    town.press(HOME, "bath")

    topic, body = take(edge)
    assert topic == "zigbee2mqtt/3-2-502/bathroom_sos"
    assert body["action"] == "emergency"
    assert set(body) == {"action", "battery", "linkquality"}
    assert edge.nothing_comes()


def test_a_press_is_not_retained(edge, town, broker, hands):
    town.press(HOME, "bath")
    take(edge)

    late = hands(broker, "late").connect().subscribe("zigbee2mqtt/3-2-502/bathroom_sos")

    assert late.nothing_comes()


def test_i_am_fine_is_the_gesture_that_the_profile_names(edge, town):
    town.fine(HOME)

    topic, body = take(edge)
    assert (topic, body["action"]) == ("zigbee2mqtt/3-2-502/bedside_sos", "hold")


def test_a_home_shows_what_is_pressed_and_what_it_hears(edge, town):
    town.press(HOME, "bath")
    say(edge, "received")

    eventually(lambda: town.view(HOME)["said"])
    view = town.view(HOME)
    assert view["lamp"] == "received"
    assert view["said"] == {"key": "received", "zh": "好的", "en": "All right", "at_ms": 1_000}
    assert [d["key"] for d in view["devices"] if d["is_pressed"]] == ["bath", "speaker"]
    assert [line["en"] for line in view["log"]] == [
        "The home says: All right",
        "Bathroom button pressed",
    ]


def test_words_for_another_home_are_not_heard(edge, town):
    say(edge, "received", home="ho-anhe02")

    eventually(lambda: town.view("ho-anhe02")["said"])
    assert town.view(HOME)["said"] is None


def test_words_that_cannot_be_read_disturb_nothing(edge, town):
    edge.publish("anju-home/gw-demo01/say", b'{"id":')
    speak(edge, "say", id="x")
    say(edge, "received")

    eventually(lambda: town.view(HOME)["said"])


def test_gateway_and_siren_are_shown_as_they_say(edge, town):
    speak(edge, "status", agent="online", journal="j")
    speak(edge, "siren", on=True, why="local_help", since_ms=1)

    eventually(lambda: town.view(HOME)["gateway_online"] and town.view(HOME)["siren"])
    speak(edge, "siren", on=False, why="", since_ms=2)
    eventually(lambda: not town.view(HOME)["siren"])


def test_a_button_whose_property_is_true_for_a_moment_becomes_false_again(broker, hands):
    plan = read_plan(DEMO / "homes.yaml")
    town = Town(plan, WORDS)
    town.start("127.0.0.1", broker.port)
    reader = hands(broker, "edge").connect().subscribe("zigbee2mqtt/8-2-405/bathroom_sos")

    town.press("ho-anhe08", "bath")

    assert take(reader)[1]["sos"] is True
    assert take(reader)[1]["sos"] is False
    town.stop()


def test_what_befalls_a_home_by_command_is_told_by_its_device(broker, hands, plan):
    town = Town(plan, WORDS)
    town.start("127.0.0.1", broker.port)
    edge = hands(broker, "edge").connect().subscribe("zigbee2mqtt/+/+")

    town.befall(HOME, "press")

    topic, body = take(edge)
    while "action" not in body:  # the others live on
        topic, body = take(edge)
    assert topic.startswith("zigbee2mqtt/3-2-502/")
    town.stop()


def test_a_watcher_is_called_at_every_change_until_it_stops(edge, town):
    calls: queue.SimpleQueue[None] = queue.SimpleQueue()
    stop = town.watch(HOME, lambda: calls.put(None))

    town.press(HOME, "door")
    calls.get(timeout=5)
    stop()
    town.press(HOME, "door")

    assert calls.empty()
    assert not any(device["is_pressed"] for device in town.view(HOME)["devices"])


def test_reset_empties_the_page_and_sends_nothing(edge, town):
    town.press(HOME, "bath")
    take(edge)

    town.reset(HOME)

    assert town.view(HOME)["log"] == []
    assert edge.nothing_comes()


def test_a_bridge_that_stops_says_so(edge, town, plan):
    town.stop()

    told = [take(edge) for _ in range(1 + len(list(plan.devices())))]
    assert told[-1] == ("zigbee2mqtt/bridge/state", {"state": "offline"})


def test_a_bridge_whose_connection_breaks_is_reported_by_its_will_and_comes_back(edge, town):
    town._bridge._link._client.socket().shutdown(2)

    told = take(edge)
    assert told == ("zigbee2mqtt/bridge/state", {"state": "offline"})
    assert take(edge) == ("zigbee2mqtt/bridge/state", {"state": "online"})


def test_without_a_broker_a_press_is_refused_as_a_bridge_would_lose_it(plan):
    town = Town(plan, WORDS)

    with pytest.raises(BrokerAway):
        town.press(HOME, "bath")
    with pytest.raises(CannotPress):
        town.press(HOME, "climate")
    with pytest.raises(NotInTown):
        town.press("ho-nowhere", "bath")
    assert town.view(HOME)["log"] == []
