"""What holds for every dialect: found by being there, never an error, never silence of a call
button; and no dialect takes what is another's."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.messages import RegisteredDevice
from edge.dialects import DIALECTS, Hearing
from edge.dialects.telling import READINGS_MAX
from edge.profiles import load_catalogue, load_profiles
from tests.edge.dialects.bridge import CONFIG, body

PROFILES = load_profiles(CONFIG / "profiles")
CATALOGUE = load_catalogue(CONFIG / "zigbee_models.json")
EUI = "a1b2c3d4e5f60718"
CONVENTIONS = {"zigbee2mqtt", "esphome", "tasmota", "shelly_gen2", "chirpstack_v4"}
# One topic of each convention on which a call may come, and its device's place in the registry.
CALLS = {
    "zigbee2mqtt": "zigbee2mqtt/cord",
    "esphome": "cord/binary_sensor/pull/state",
    "tasmota": "tele/cord/SENSOR",
    "shelly_gen2": "cord/events/rpc",
    "chirpstack_v4": f"application/1/device/{EUI}/event/up",
}
TOPICS = [
    *CALLS.values(),
    *("zigbee2mqtt/cord/action", "zigbee2mqtt/bridge/devices", "stat/cord/RESULT", "tele/cord/LWT"),
    *("stat/cord/BUTTON1", "tasmota/discovery/AABBCC112233/config", "cord/status", "cord/online"),
    *("cord/status/smoke:0", "cord/status/bthomesensor:204", "cord/status/rpc", "tele/cord/STATE"),
    *("homeassistant/binary_sensor/cord/pull/config", "cord/sensor/t/state", "cord/event/e/state"),
    *(f"application/1/device/{EUI}/event/status", "x/event/up", "a//event/up", "/events/rpc"),
]
KEYS = (
    "method params ts events component event id smoke:0 flood:0 temperature:0 input:0 alarm tC"
    " value battery percent external present sys unixtime last_updated_ts deviceInfo devEui object"
    " data fPort fCnt time rxInfo rssi batteryLevel location latitude deviceProfileName temperature"
    " sos Alarm unit StatusSNS ZbReceived 0x1A2B Device Name LinkQuality Time Epoch Switch1 Button1"
    " Action Temperature TempUnit ENERGY Power Wifi Signal t onln dslp stat_t avty_t dev ids"
    " dev_cla unit_of_meas val_tpl pl_on ~ event_type action"
).split()
WORDS = [
    *("NotifyEvent", "NotifyStatus", "single_push", "ON", "SINGLE", "alarm_test", "nan", EUI),
    *("safety", "temperature", "°C", "C", "cord/binary_sensor/pull/state", "cord/status", "~"),
    *("AQUCAwQ=", "2026-01-01T00:00:00Z", "9999-99-99", "R312A", "WS303", "\ud800", "1e999"),
]

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(WORDS)
    | st.text(max_size=12)
)


def _objects(value):
    return st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=6), value, max_size=6)


values = st.recursive(
    scalars, lambda value: st.lists(value, max_size=3) | _objects(value), max_leaves=12
)
payloads = (
    st.binary(max_size=80)
    | _objects(values).map(lambda value: json.dumps(value).encode())
    | values.map(lambda value: json.dumps(value).encode())
    | st.sampled_from(WORDS).map(lambda word: word.encode(errors="replace"))
)


def registered(convention, **more):
    return RegisteredDevice(
        **{"id": f"{convention}-cord", "home": "ho-1", "topic": CALLS[convention], **more}
    )


def listening():
    hearing = Hearing(PROFILES, CATALOGUE)
    hearing.configure([registered(each, is_sos=True) for each in CONVENTIONS])
    return hearing


def test_a_dialect_is_found_by_being_there():
    assert set(DIALECTS) == CONVENTIONS


@given(st.sampled_from(TOPICS) | st.text(max_size=30), payloads, st.booleans())
def test_whatever_comes_is_heard_without_an_error_and_can_be_sent(topic, payload, retain):
    heard = listening().hear(topic, payload, retain)

    assert msgspec.json.encode(heard)
    assert all(reading.device for reading in heard.readings)
    assert heard.convention is not None or heard.readings == ()


@given(st.lists(st.tuples(st.sampled_from(TOPICS), payloads), max_size=6))
def test_whatever_came_before_what_follows_is_heard_without_an_error(messages):
    hearing = listening()

    for topic, payload in messages:
        assert msgspec.json.encode(hearing.hear(topic, payload, False))


@pytest.mark.parametrize("convention", sorted(CONVENTIONS))
@given(payload=st.binary(max_size=60))
def test_a_registered_call_button_is_never_silent(convention, payload):
    heard = listening().hear(CALLS[convention], payload, False)

    is_told = heard.unreadable is not None and heard.unreadable.device == f"{convention}-cord"
    assert is_told or _is_plain(payload) or heard.readings


def _is_plain(payload):
    """Empty, an object, or a word that says that nothing is measured."""
    try:
        word = payload.decode().strip().casefold()
        return word in ("", "on", "off", "nan", "none") or isinstance(json.loads(word), dict)
    except ValueError:
        return False


@pytest.mark.parametrize("convention", sorted(CONVENTIONS))
def test_a_large_or_deep_message_is_refused_and_the_next_one_heard(convention):
    hearing, topic = listening(), CALLS[convention]

    for payload in (b'{"a":' * 5_000, b"[" * 100_000, b" " * (3 * 1024 * 1024)):
        assert hearing.hear(topic, payload, False).readings == ()

    assert hearing.hear("zigbee2mqtt/x", body({"sos": True}), False).readings


def test_so_many_readings_of_one_message_are_taken_and_no_more():
    sensors = {f"DS18B20-{n}": {"Temperature": 20} for n in range(READINGS_MAX)}
    hearing = listening()

    within = hearing.hear("tele/hall/SENSOR", body(sensors), False)
    beyond = hearing.hear("tele/hall/SENSOR", body({"A": {"Humidity": 4}, **sensors}), False)

    assert (len(within.readings), within.ignored) == (READINGS_MAX, ())
    assert len(beyond.readings) == READINGS_MAX


@pytest.mark.parametrize("convention", sorted(CONVENTIONS))
def test_a_topic_is_taken_by_its_own_dialect(convention):
    heard = listening().hear(CALLS[convention], b"\xff", False)

    assert heard.convention == convention


@pytest.mark.parametrize("name", ["bath/state", "bath/status", "a/b", "events/rpc", "online"])
def test_a_zigbee_device_may_have_nearly_any_name(name):
    heard = listening().hear(f"zigbee2mqtt/{name}", body({"occupancy": True}), False)

    is_shelly = name == "events/rpc"  # this form is Shelly's alone
    assert heard.convention == ("shelly_gen2" if is_shelly else "zigbee2mqtt")
