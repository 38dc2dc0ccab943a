"""Shelly's second generation: components, notifications, events. Messages are ours, made from its
documentation."""

import pytest

from contract.lanes import Quality
from contract.messages import RegisteredDevice
from contract.vocabulary import Measurement
from edge.dialects import Hearing
from edge.dialects.profile import Profiles
from edge.meaning import NOT_KNOWN
from edge.profiles import made_profile
from tests.edge.dialects.bridge import body, by_channel, meant, quiet

RPC = "hall/events/rpc"


def hear(on, says, retain=False, fields=None, **device):
    own = [] if fields is None else [made_profile("own", "Shelly", "own", fields)]
    hearing = Hearing(Profiles(own))
    if fields is not None or device:
        named = {"id": "shelly:hall", "home": "ho-1", "topic": "hall", "profile": "own", **device}
        hearing.configure([RegisteredDevice(**named)])
    return hearing.hear(on, says if isinstance(says, bytes) else body(says), retain)


def notify(method="NotifyStatus", ts=1767319445.5, **params):
    return {"src": "hall", "dst": "hall/events", "method": method, "params": {"ts": ts, **params}}


def event(component, word, **more):
    events = [{"component": component, "id": 0, "event": word, "ts": 1767319446, **more}]
    return notify("NotifyEvent", events=events)


@pytest.mark.parametrize(
    ("component", "status", "name", "value"),
    [
        ("smoke:0", {"alarm": True, "mute": False}, "smoke", True),
        ("flood:0", {"alarm": False, "mute": False}, "water_leak", False),
        ("temperature:0", {"tC": 21.4, "tF": 70.5}, "temperature", 21.4),
        ("humidity:0", {"rh": 44.1}, "humidity", 44.1),
        ("illuminance:0", {"lux": 120, "illumination": "bright"}, "illuminance", 120),
        ("devicepower:0", {"battery": {"percent": 80}}, "battery", 80),
        ("occupancy:0", {"value": True}, "occupancy", True),
        ("presencezone:200", {"state": False}, "occupancy", False),
        ("switch:0", {"apower": 60.5, "output": True}, "power", 60.5),
        ("pm1:0", {"aenergy": {"total": 1500}}, "energy", 1.5),
        ("em:0", {"total_act_power": 800.5}, "power", 800.5),
        ("switch:0", {"temperature": {"tC": 40.1}}, "device_temperature", 40.1),
        ("wifi", {"rssi": -60}, "rssi", -60),
    ],
)
def test_a_component_says_the_same_in_its_topic_and_in_a_notification(
    component, status, name, value
):
    in_topic = hear(f"hall/status/{component}", {"id": 0, **status})
    notified = hear(RPC, notify(**{component: {"id": 0, **status}}))

    assert meant(in_topic)[name] == meant(notified)[name] == value
    assert in_topic.readings[0].time_ms is None
    assert (notified.readings[0].time_ms, notified.readings[0].time_quality) == (
        1767319445500,
        "device",
    )


@pytest.mark.parametrize(
    ("component", "status"),
    [
        ("temperature:0", {"tC": None, "errors": ["read"]}),
        ("devicepower:0", {"battery": {"percent": 0}, "external": {"present": True}}),
        ("input:0", {"state": True}),
        ("input:0", {"state": None}),
        ("bthomesensor:204", {"value": True}),
        ("sys", {"uptime": 1}),
    ],
)
def test_what_is_no_reading_is_none(component, status):
    heard = hear(f"hall/status/{component}", {"id": 0, **status})

    assert heard.convention == "shelly_gen2"
    assert heard.readings == ()


def test_components_of_one_kind_are_told_apart():
    heard = hear(RPC, notify(**{"temperature:100": {"tC": 20}, "temperature:101": {"tC": 22}}))

    assert by_channel(heard, Measurement.TEMPERATURE) == {"100": 20, "101": 22}


@pytest.mark.parametrize(
    ("word", "press"),
    [("single_push", "single"), ("double_push", "double"), ("triple_push", "triple"),
     ("long_push", "long")],
)  # fmt: skip
def test_a_push_is_a_button_and_its_edges_are_none(word, press):
    heard = hear(RPC, event("input:0", word))

    assert meant(heard) == {"button": press}
    assert heard.readings[0].time_ms == 1767319446000
    for edge in ("btn_down", "btn_up"):
        assert hear(RPC, event("input:0", edge)).readings == ()


@pytest.mark.parametrize(
    "fields",
    [{"input:0": "sos"}, {"input:0": {"long_push": "sos"}}, {"input:0": {"long": "sos"}}],
)
def test_a_profile_says_what_a_push_is(fields):
    assert meant(hear(RPC, event("input:0", "long_push"), fields=fields)) == {"sos": True}


def test_of_a_call_button_that_nobody_describes_each_push_is_a_call():
    button = {"profile": None, "is_sos": True}

    assert meant(hear(RPC, event("input:0", "single_push"), **button)) == {"sos": True}
    assert hear(RPC, event("input:0", "btn_down"), **button).readings == ()
    assert quiet(hear("hall/status/input:0", {"state": False}, **button)) == {"sos": False}


@pytest.mark.parametrize(
    ("meaning", "raw", "name", "value"),
    [
        ("opening", True, "opening", True),
        ("temperature Cel", 21.5, "temperature", 21.5),
        ({"false": {"opening": True}}, False, "opening", True),
    ],
)
def test_a_profile_says_what_a_bluetooth_sensor_measures(meaning, raw, name, value):
    status = {"id": 204, "value": raw, "last_updated_ts": 1767319440}

    heard = hear("hall/status/bthomesensor:204", status, fields={"bthomesensor:204": meaning})

    assert meant(heard) == {name: value}
    assert heard.readings[0].time_ms == 1767319440000


@pytest.mark.parametrize(
    ("word", "value", "quality"),
    [
        ("alarm", True, Quality.OK),
        ("alarm_off", False, Quality.OK),
        ("alarm_test", True, Quality.TEST),
    ],
)
def test_the_test_button_of_a_smoke_alarm_is_no_fire(word, value, quality):
    reading = hear(RPC, event("smoke:0", word)).readings[0]

    assert (reading.measurement, reading.value, reading.quality) == (
        Measurement.SMOKE,
        value,
        quality,
    )


def test_a_clock_that_was_never_set_dates_nothing():
    unset = notify("NotifyFullStatus", sys={"unixtime": None}, **{"humidity:0": {"rh": 40}})
    young = notify(ts=12.5, **{"humidity:0": {"rh": 40}})

    assert hear(RPC, unset).readings[0].time_ms is None
    assert hear(RPC, young).readings[0].time_ms is None


def test_a_device_says_that_it_is_there_and_its_broker_that_it_is_not():
    assert meant(hear("hall/online", b"true", retain=True)) == {"online": True}
    assert meant(hear("hall/online", b"false")) == {"online": False}
    assert hear("hall/online", b"yes") is NOT_KNOWN


@pytest.mark.parametrize("topic", ["hall", "hall/status/smoke:0", "hall/events/rpc"])
def test_a_device_is_registered_by_its_prefix_or_any_of_its_topics(topic):
    heard = hear("hall/status/smoke:0", {"alarm": True}, id="kitchen", topic=topic)

    assert heard.readings[0].device == "kitchen"
    assert hear("hall/status/smoke:0", {"alarm": True}).readings[0].device == "shelly:hall"


@pytest.mark.parametrize(
    "payload", [b"{", b"\xff", b"[]", b'{"method": "Shelly.Update"}', b'{"alarm": "perhaps"}']
)
def test_what_cannot_be_read_is_told_of_a_known_device(payload):
    topic = "hall/status/smoke:0" if b"alarm" in payload else RPC

    assert hear(topic, payload, is_sos=True).unreadable is not None
    assert hear(topic, payload).unreadable is None


def test_status_topics_of_other_software_are_left_alone():
    assert hear("garden/status/pump", {"on": True}) is NOT_KNOWN
