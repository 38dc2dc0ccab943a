"""No message, however odd, makes the hearing raise; what it gives can always be sent."""

import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from edge.dialects import Hearing
from edge.dialects.telling import EMERGENCIES
from edge.profiles import load_catalogue, load_profiles
from tests.edge.dialects.bridge import CONFIG, IEEE, listed, registered

NAMES = ("bell", "door", "room/bell", "stranger", "bridge", "")
SIDES = ("", "/action", "/availability", "/set", "/contact", "/a/b", "/state", "/devices", "/info")
FIELDS = (
    "action sos sos_alarm smoke gas contact battery temperature temperature_l1 fall_status status "
    "last_seen test illuminance illuminance_lux voltage occupancy presence vibration state"
).split()

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([*EMERGENCIES, "single", "hold", "falling", "ON", "1e5", "-", "٣", "\ud800"])
)


def _objects(value):
    return st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=9), value, max_size=5)


values = st.recursive(scalars, lambda v: st.lists(v, max_size=3) | _objects(v), max_leaves=8)
topics = st.text(max_size=40) | st.builds(
    "{}/{}{}".format,
    st.sampled_from(["zigbee2mqtt", "zb", "zb/bridge"]),
    st.sampled_from(NAMES),
    st.sampled_from(SIDES),
)


def _exposes(value):
    keys = ("property", "type", "unit", "value_on", "value_off", "values", "endpoint", "features")
    expose = st.dictionaries(st.sampled_from(keys), value | st.sampled_from(FIELDS), max_size=6)
    return st.lists(expose, max_size=4)


devices = st.lists(
    st.fixed_dictionaries(
        {
            "ieee_address": st.just(IEEE) | values,
            "friendly_name": st.sampled_from(NAMES) | values,
            "definition": st.fixed_dictionaries({"exposes": _exposes(values), "model": values}),
        }
    ),
    max_size=3,
)
payloads = (
    st.binary(max_size=60)
    | values.map(lambda value: json.dumps(value).encode())
    | _objects(values).map(lambda value: json.dumps(value).encode())
)


PROFILES = load_profiles(CONFIG / "profiles")
CATALOGUE = load_catalogue(CONFIG / "zigbee_models.json")


def make():
    hearing = Hearing(PROFILES, CATALOGUE)
    hearing.configure(
        [
            registered("zigbee2mqtt/bell", is_sos=True, profile="multir_mir_so100"),
            registered("zigbee2mqtt/door", id="z2m:door", vendor="TERNCY", model="TERNCY-DC01"),
        ]
    )
    hearing.hear("zb/bridge/devices", listed("bell", ieee="0x1"), True)
    return hearing


@given(topics, payloads, st.booleans())
def test_whatever_comes_is_heard_without_an_error_and_can_be_sent(topic, payload, retain):
    heard = make().hear(topic, payload, retain)

    assert msgspec.json.encode(heard)
    assert all(reading.device for reading in heard.readings)
    assert heard.convention is not None or heard.readings == ()


@given(devices, _objects(values))
def test_whatever_a_bridge_lists_is_taken_without_an_error(listing, fields):
    hearing = make()

    hearing.hear("zigbee2mqtt/bridge/devices", json.dumps(listing).encode(), True)

    for name in NAMES:
        heard = hearing.hear(f"zigbee2mqtt/{name}", json.dumps(fields).encode(), False)
        assert msgspec.json.encode(heard)


@given(st.binary(max_size=200), st.booleans())
def test_a_registered_call_button_is_never_silent(payload, retain):
    heard = make().hear("zigbee2mqtt/bell", payload, retain)

    is_object = isinstance(_json(payload), dict)
    assert heard.unreadable is not None or is_object or payload == b""


def _json(payload):
    try:
        return msgspec.json.decode(payload)
    except (ValueError, RecursionError):
        return None
