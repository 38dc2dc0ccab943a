"""Calls for help: every spelling, nothing that only looks like one, and never silence."""

import pytest

from edge.dialects import Hearing
from edge.dialects.telling import WORD_CHARS_MAX
from edge.dialects.zigbee2mqtt import FIELDS_MAX, PAYLOAD_BYTES_MAX
from edge.meaning import Doubles
from edge.profiles import load_hearing
from tests.edge.dialects.bridge import CONFIG, IEEE, body, listed, meant, quiet, registered

BELL = "zigbee2mqtt/bell"


def hear(fields, retain=False, hearing=None):
    return (hearing or Hearing()).hear(BELL, body(fields), retain)


@pytest.fixture
def bell():
    """A hearing that knows one registered call button of no known model."""
    hearing = Hearing()
    hearing.configure([registered(BELL, is_sos=True)])
    return hearing


@pytest.mark.parametrize(
    "fields",
    [
        {"action": "emergency"},
        {"action": "panic"},
        {"action": "sos"},
        {"action": "SOS"},
        {"sos": True},
        {"sos_alarm": True},
    ],
)
def test_every_spelling_of_a_call_is_a_call(fields):
    assert meant(hear(fields)) == {"sos": True}


@pytest.mark.parametrize(
    ("vendor", "model", "action"),
    [
        (vendor, model, action)
        for vendor, model in [
            ("Heiman", "HS1EB/HS1EB-E"),
            ("heiman", "HS1EB-E"),
            ("ORVIBO", "SE21"),
            ("ORVIBO", "SE20-O"),
            ("MultIR", "MIR-SO100"),
        ]
        for action in ("single", "double", "hold")
        if (model, action) != ("MIR-SO100", "hold")
    ],
)
def test_a_press_of_a_button_sold_for_emergencies_is_a_call(vendor, model, action):
    by_registry, by_bridge = load_hearing(CONFIG), load_hearing(CONFIG)
    by_registry.configure([registered(BELL, vendor=vendor, model=model)])
    by_bridge.hear("zigbee2mqtt/bridge/devices", listed("bell", vendor=vendor, model=model), True)

    assert meant(hear({"action": action}, hearing=by_registry)) == {"sos": True}
    assert meant(hear({"action": action}, hearing=by_bridge)) == {"sos": True}


def test_the_profile_that_the_registry_names_goes_before_the_model():
    hearing = load_hearing(CONFIG)
    hearing.configure([registered(BELL, model="another", profile="multir_mir_so100")])

    assert meant(hear({"action": "single"}, hearing=hearing)) == {"sos": True}
    assert meant(hear({"action": "hold"}, hearing=hearing)) == {"sos_cancel": True}
    assert meant(hear({"action": "emergency"}, hearing=hearing)) == {"sos": True}


@pytest.mark.parametrize("action", ["hold", "cancel", "sos_cancel", "disarm", "release", "off"])
def test_nothing_takes_a_call_back_unless_a_profile_names_it(action, bell):
    assert "sos_cancel" not in meant(hear({"action": action}, hearing=bell))
    assert "sos_cancel" not in meant(hear({"sos_cancel": True}, hearing=bell))


@pytest.mark.parametrize("action", ["single", "double", "hold", "pressed", "single_press"])
def test_a_registered_call_button_without_a_profile_calls_by_any_press(action, bell):
    assert meant(hear({"action": action}, hearing=bell)) == {"sos": True}


def test_where_the_bridge_lists_a_word_for_emergencies_other_presses_are_presses(bell):
    exposes = {"property": "action", "type": "enum", "values": ["single", "emergency"]}
    bell.hear("zigbee2mqtt/bridge/devices", listed("bell", exposes), True)

    assert meant(hear({"action": "single"}, hearing=bell)) == {"button": "single"}
    assert meant(hear({"action": "emergency"}, hearing=bell)) == {"sos": True}


@pytest.mark.parametrize(
    "fields",
    [
        {"system_mode": "emergency_heating"},
        {"mode": "emergency"},
        {"warning": {"mode": "emergency", "action": "sos"}},
        {"action": "fall"},
        {"action": "recall_1"},
        {"action": "arm_all_zones"},
        {"pressure_tend": "fall"},
        {"action_code": "sos", "action_zone": 1},
        {"message": "published {'action':'emergency'}"},
    ],
)
def test_a_word_that_only_looks_like_a_call_is_none(fields):
    heard = hear(fields)

    assert {"sos", "fall"}.isdisjoint(meant(heard))
    assert meant(heard) in ({}, {"button": fields.get("action")})


@pytest.mark.parametrize("action", ["", None, "none"])
def test_the_empty_action_after_a_press_is_no_event(action, bell):
    heard = hear({"action": action, "battery": 80}, hearing=bell)

    assert meant(heard) == {"battery": 80}
    assert heard.unreadable is None


def test_a_call_that_is_over_is_quiet():
    heard = hear({"sos": False, "battery_low": False})

    assert meant(heard) == {"battery_low": False}
    assert quiet(heard) == {"sos": False}


def test_a_retained_press_is_an_old_one_but_its_states_hold():
    heard = hear({"action": "emergency", "battery": 70, "contact": True}, retain=True)

    assert meant(heard) == {"battery": 70, "opening": False}
    assert all(reading.retained for reading in heard.readings)
    assert quiet(heard) == {"sos": True}


def test_one_press_told_three_times_is_one_press():
    hearing, doubles = Hearing(), Doubles()
    told = [
        (BELL, body({"action": "emergency"})),
        (BELL, body({"action": ""})),
        (f"{BELL}/action", b"emergency"),
    ]

    firsts = []
    for n, (topic, payload) in enumerate(told):
        for reading in hearing.hear(topic, payload, False).readings:
            firsts.append(doubles.repeat_of(reading, topic, n * 100))
            doubles.remember(reading, topic, n * 100, n)

    assert firsts == [None, 0]


def test_two_presses_are_two_presses():
    doubles = Doubles()
    first = hear({"action": "emergency"}).readings[0]
    doubles.remember(first, BELL, 0, 1)

    assert doubles.repeat_of(hear({"action": "emergency"}).readings[0], BELL, 400) is None


@pytest.mark.parametrize(
    "payload",
    [
        b"{",
        b"\xff\xfe",
        b"emergency",
        b"[]",
        b"null",
        b'{"action": NaN}',
        b"[" * 50_000,
        b" " * PAYLOAD_BYTES_MAX + b"{}",
        body({f"field{n}": n for n in range(FIELDS_MAX + 1)}),
        body({"action": 5}),
        body({"action": {"sos": True}}),
        body({"action": "s" * (WORD_CHARS_MAX + 1)}),
        body({"sos": "perhaps"}),
        body({"sos_alarm": 7}),
    ],
)
def test_what_cannot_be_read_of_a_registered_device_is_told(payload, bell):
    heard = bell.hear(BELL, payload, False)

    assert heard.unreadable.device == f"z2m:{IEEE}"
    assert heard.unreadable.reason
    assert heard.readings == ()


def test_what_cannot_be_read_of_a_stranger_is_counted():
    heard = Hearing().hear(BELL, b"{", False)

    assert (heard.convention, heard.unreadable, heard.ignored) == (
        "zigbee2mqtt",
        None,
        ("unreadable",),
    )


def test_so_many_fields_and_so_long_an_action_are_still_read(bell):
    most = {f"field{n}": n for n in range(FIELDS_MAX - 1)} | {"action": "emergency"}

    assert meant(hear(most, hearing=bell)) == {"sos": True}
    assert meant(hear({"action": "s" * WORD_CHARS_MAX}, hearing=bell)) == {
        "button": "s" * WORD_CHARS_MAX
    }


def test_an_action_topic_that_is_no_text_is_told(bell):
    assert bell.hear(f"{BELL}/action", b"\xff", False).unreadable is not None


def test_what_else_a_message_says_is_kept_beside_what_cannot_be_read(bell):
    heard = hear({"sos": "perhaps", "battery": 55}, hearing=bell)

    assert meant(heard) == {"battery": 55}
    assert heard.unreadable is not None


def test_the_empty_message_that_clears_a_retained_one_is_no_word_of_the_device(bell):
    heard = bell.hear(BELL, b"", False)

    assert (heard.unreadable, heard.readings, heard.ignored) == (None, (), ("empty",))
