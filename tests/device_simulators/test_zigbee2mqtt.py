"""The bridge speaks as Zigbee2MQTT 2 does."""

import json

import pytest

from device_simulators.models import MODELS
from device_simulators.zigbee2mqtt import (
    announcement,
    bridge_devices,
    farewell,
    initial_state,
    spoken,
    will,
)


def body(message):
    return json.loads(message.payload)


@pytest.fixture
def announced(plan):
    states = {device.ieee: initial_state(device) for device in plan.devices()}
    return announcement(plan, states)


def test_a_bridge_announces_itself_before_its_devices_speak(announced):
    topics = [message.topic for message in announced]

    assert topics[:4] == [
        "zigbee2mqtt/bridge/state",
        "zigbee2mqtt/bridge/info",
        "zigbee2mqtt/bridge/devices",
        "zigbee2mqtt/bridge/groups",
    ]
    assert body(announced[0]) == {"state": "online"}


def test_what_describes_the_network_is_retained_and_what_devices_say_is_not(announced, plan):
    names = {f"zigbee2mqtt/{device.friendly_name}" for device in plan.devices()}

    assert all(message.retain is (message.topic not in names) for message in announced)


def test_devices_and_availability_travel_with_qos_1(announced):
    assert all(m.qos == 1 for m in announced if "/bridge/" not in m.topic)


def test_availability_is_told_for_every_device(announced, plan):
    online = [m.topic for m in announced if m.topic.endswith("/availability")]

    assert online == [f"zigbee2mqtt/{d.friendly_name}/availability" for d in plan.devices()]


def test_the_device_list_begins_with_the_coordinator(plan):
    devices = bridge_devices(plan.coordinator, plan.devices())

    assert (devices[0]["type"], devices[0]["definition"]) == ("Coordinator", None)
    assert len(devices) == 1 + len(list(plan.devices()))


@pytest.mark.parametrize("model", MODELS)
def test_every_property_that_a_model_says_is_in_its_exposes(model):
    spec = MODELS[model]
    exposed = {expose["property"] for expose in spec.exposes}
    said = {"linkquality", *spec.initial, *(spec.press or {}), *(spec.cancel or {})}
    said |= {name for after in spec.after for name in after.fields}

    assert said - {"linkquality"} <= exposed
    assert {expose["access"] for expose in spec.exposes} == {1}


@pytest.mark.parametrize("model", MODELS)
def test_every_value_of_a_gesture_is_one_that_the_exposes_list(model):
    spec = MODELS[model]
    values = {e["property"]: e["values"] for e in spec.exposes if e["type"] == "enum"}

    for gesture in (spec.press, spec.cancel):
        action = (gesture or {}).get("action")
        assert action is None or action in values["action"]


def test_a_contact_that_is_open_has_the_value_that_means_open():
    (contact,) = (e for e in MODELS["MCCGQ11LM"].exposes if e["property"] == "contact")

    assert (contact["value_on"], contact["value_off"]) == (False, True)


def test_a_press_tells_all_properties_once_and_keeps_no_action(home):
    device = home.device("bath")

    kept, messages = spoken("zigbee2mqtt", device, initial_state(device), {"action": "emergency"})

    assert [message.topic for message in messages] == ["zigbee2mqtt/3-2-502/bathroom_sos"]
    assert body(messages[0]) == {"action": "emergency", "battery": 100, "linkquality": 120}
    assert "action" not in kept


def test_an_old_bridge_tells_a_press_three_times(home):
    device = home.device("bath")

    _, messages = spoken(
        "zigbee2mqtt", device, initial_state(device), {"action": "emergency"}, legacy=True
    )

    assert [m.topic.removeprefix("zigbee2mqtt/3-2-502/") for m in messages] == [
        "bathroom_sos",
        "bathroom_sos",
        "bathroom_sos/action",
    ]
    assert body(messages[1])["action"] == ""
    assert messages[2].payload == b"emergency"


def test_what_a_device_said_stays_in_its_next_message(home):
    device = home.device("door")

    kept, _ = spoken("zigbee2mqtt", device, initial_state(device), {"contact": False})
    _, (message,) = spoken("zigbee2mqtt", device, kept, {"battery": 91})

    assert (body(message)["contact"], body(message)["battery"]) == (False, 91)


def test_a_bridge_that_stops_takes_its_devices_offline_and_says_so_last(plan):
    messages = farewell(plan)

    assert messages[-1] == will("zigbee2mqtt")
    assert {body(message)["state"] for message in messages} == {"offline"}
    assert all(message.retain for message in messages)
