"""Which press a "never mind" takes back."""

import pytest

from tests.edge.dialects.bridge import body
from tests.edge.house import BUTTON, config

PRESS = ("sos", None, None)


def cancels(house):
    return [cancelled for name, _, cancelled in house.rows() if name == "sos_cancel"]


@pytest.mark.parametrize(("after_s", "seq"), [(30, 1), (30.1, None)])
def test_a_cancel_within_the_window_takes_the_press_back(house, after_s, seq):
    house.press()
    house.pass_s(after_s)

    house.press(action="hold")

    assert cancels(house) == [seq]
    assert ("cancelled" in [key for key, _, _ in house.told]) is (seq is not None)


def test_the_window_is_the_one_that_the_cloud_says(house):
    house.cloud_says(config(window_s=5))
    house.press()
    house.pass_s(6)

    house.press(action="hold")

    assert cancels(house) == [None]


def test_a_cancel_takes_the_latest_press_of_its_home_back(house):
    house.press()
    house.press("zigbee2mqtt/cord")
    house.press("zigbee2mqtt/other")

    house.press(action="hold")

    assert cancels(house) == [2]


def test_a_cancel_never_takes_back_a_press_of_another_home(house):
    house.press()

    house.press("zigbee2mqtt/other", action="hold")

    assert cancels(house) == [None]


def test_a_cancel_of_a_device_in_no_home_takes_nothing_back(house):
    house.press()

    house.home_broker.send("zigbee2mqtt/stranger", body({"action": "emergency_cancel"}))
    house.home_broker.send("zigbee2mqtt/stranger", body({"sos_cancel": True}))
    house.turn()

    assert all(each is None for each in cancels(house))


def test_a_press_and_its_cancel_that_arrive_together_belong_together(house):
    house.home_broker.send(BUTTON, body({"action": "single"}))
    house.home_broker.send(BUTTON, body({"action": "hold"}))
    house.turn()

    assert cancels(house) == [1]


def test_a_cancel_of_a_press_that_waited_for_the_journal_takes_it_back(house):
    house.disk.is_full = True
    house.press()
    house.pass_s(5)
    house.press(action="hold")

    house.disk.is_full = False
    house.pass_s(1)

    assert cancels(house) == [1]


def test_a_cancel_after_a_restart_takes_the_press_back(house):
    house.press()
    house.restart()

    house.press(action="hold")

    assert cancels(house) == [1]


def test_a_cancel_after_another_boot_takes_nothing_back(house):
    house.press()
    house.clock.boot, house.clock.at_ms = "boot-2", 500
    house.restart()

    house.press(action="hold")

    assert cancels(house) == [None]


def test_a_cancel_that_comes_again_cancels_once(either):
    either.press()
    either.home_broker.is_deaf = True
    either.press(action="hold")
    either.home_broker.is_deaf = False
    either.restart()

    assert either.rows() == [PRESS, ("sos_cancel", None, 1), ("sos_cancel", 2, None)]
    assert [key for key, _, _ in either.told].count("cancelled") <= 1


def test_a_press_told_on_two_paths_is_taken_back_as_the_first(house):
    house.press()
    house.home_broker.send("zigbee2mqtt/bell/action", b"single")
    house.turn()

    house.press(action="hold")

    assert cancels(house) == [1]
