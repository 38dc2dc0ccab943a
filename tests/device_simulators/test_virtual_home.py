"""What a virtual home shows of what it hears."""

import pytest

from device_simulators.errors import CannotPress
from device_simulators.plan import Words
from device_simulators.virtual_home import (
    LAMP_AFTER,
    LOG_MAX,
    Say,
    State,
    gesture_of,
    heard,
    is_in_use,
    used,
    view,
    written,
)


def say(key, number=0):
    return Say(f"{key}-{number}", "ho-anhe01", key, "好", "Good", 1_000 + number)


def after(home, *keys):
    state = State()
    for number, key in enumerate(keys):
        state = heard(state, home, say(key, number))
    return state


@pytest.mark.parametrize("key", LAMP_AFTER)
def test_each_word_of_the_gateway_has_its_lamp(home, key):
    assert after(home, key).lamp == LAMP_AFTER[key]


def test_the_lamp_follows_an_alarm_from_press_to_end(home):
    story = ["calling", "received", "operator_with_you", "help_is_coming", "closed"]

    lamps = [after(home, *story[: n + 1]).lamp for n in range(len(story))]

    assert lamps == ["calling", "received", "operator", "coming", "off"]


def test_a_second_press_does_not_take_help_is_coming_back(home):
    assert after(home, "help_is_coming", "calling", "received").lamp == "coming"


def test_after_the_end_of_an_alarm_the_next_one_begins_anew(home):
    assert after(home, "help_is_coming", "closed", "calling").lamp == "calling"


def test_words_that_come_twice_are_heard_once(home):
    state = after(home, "closed")

    assert heard(state, home, say("closed")) is state


def test_a_word_without_a_lamp_is_spoken_all_the_same(home):
    state = after(home, "received", "take_your_medicine")

    assert state.lamp == "received"
    assert state.said is not None
    assert state.said.key == "take_your_medicine"


def test_the_end_of_an_alarm_lets_the_buttons_go_but_not_the_door(home):
    state = used(State(), home.device("bath"), is_on=True)
    state = used(state, home.device("door"), is_on=True)

    assert heard(state, home, say("closed")).pressed == {"door"}


def test_the_log_keeps_the_newest_lines_first(home):
    state = State()
    for number in range(LOG_MAX + 1):
        state = written(state, number, Words("行", "line"))

    assert len(state.log) == LOG_MAX
    assert (state.log[0].at_ms, state.log[-1].at_ms) == (LOG_MAX, 1)


def test_a_door_turns_over_and_a_thermometer_cannot_be_pressed(home):
    assert gesture_of(home.device("door"), {"contact": True}) == {"contact": False}
    assert gesture_of(home.device("door"), {"contact": False}) == {"contact": True}
    with pytest.raises(CannotPress, match="Aqara WSDCGQ11LM has nothing to press"):
        gesture_of(home.device("climate"), {})


@pytest.mark.parametrize(
    ("key", "fields", "shown"),
    [
        ("door", {"contact": False}, True),
        ("door", {"battery": 90}, None),
        ("motion", {"occupancy": False}, False),
        ("motion", {"linkquality": 90}, None),
        ("gas", {"gas": True}, True),
        ("leak", {"water_leak": False}, False),
        ("fall", {"fall_status": "fall_alarm"}, None),
        ("bath", {"action": "emergency"}, None),
    ],
)
def test_sensors_are_shown_in_use_as_they_say(home, key, fields, shown):
    assert is_in_use(home.device(key), fields) is shown


def test_the_view_has_every_device_of_the_picture_and_no_thermometer(plan, home):
    shown = view(plan, home, State(), is_online=True, has_siren=False)

    kinds = [device["kind"] for device in shown["devices"]]
    assert sorted(kinds) == sorted(
        [
            "sos-bath",
            "sos-bed",
            "pendant",
            "motion",
            "door",
            "gas",
            "smoke",
            "leak",
            "fall",
            "speaker",
        ]
    )
    assert [d["kind"] for d in shown["devices"] if not d["supported"]] == ["speaker"]
    assert (shown["lamp"], shown["said"], shown["log"]) == ("off", None, [])
