"""From messages to rows: the same press told twice, what cannot be read, what a row says."""

import base64

import pytest

from contract.lanes import Lane
from contract.messages import RegisteredDevice
from edge.dialects import Hearing
from edge.intake import RAW_BYTES_MAX, Intake
from edge.journal.model import Taken
from edge.link import Arrived
from edge.residents import Residents
from tests.edge.dialects.bridge import body
from tests.edge.house import BUTTON

PRESS, AGAIN = ("sos", None, None), ("sos", 1, None)
LEGACY = f"{BUTTON}/action"


def told_by_json(house):
    house.press()


def told_by_legacy(house):
    house.home_broker.send(LEGACY, b"single")
    house.turn()


@pytest.mark.parametrize("ways", [(told_by_json, told_by_legacy), (told_by_legacy, told_by_json)])
def test_a_press_told_by_json_and_by_the_legacy_topic_is_one(house, ways):
    for way in ways:
        way(house)

    assert house.rows() == [PRESS, AGAIN]
    assert house.health.count("repeats") == 1


def test_the_same_path_twice_is_two_presses_however_soon(house):
    house.press()
    house.press()

    assert house.rows() == [PRESS, PRESS]


def test_two_presses_each_told_twice_in_one_group_are_two(house):
    for topic, payload in [(BUTTON, body({"action": "single"})), (LEGACY, b"single")] * 2:
        house.home_broker.send(topic, payload)
    house.turn()

    assert house.rows() == [PRESS, AGAIN, PRESS, ("sos", 3, None)]


def test_the_second_path_a_long_time_later_is_another_press(house):
    told_by_json(house)
    house.pass_s(3.1)
    told_by_legacy(house)

    assert house.rows() == [PRESS, PRESS]


def test_two_paths_are_still_one_press_over_a_restart(house):
    told_by_json(house)
    house.restart()
    told_by_legacy(house)

    assert house.rows() == [PRESS, AGAIN]


def test_a_group_that_failed_is_not_remembered_as_told(house):
    house.disk.is_full = True
    told_by_json(house)
    told_by_legacy(house)
    house.pass_s(2)
    house.disk.is_full = False
    house.pass_s(1)

    assert house.rows() == [PRESS, AGAIN]


def test_a_press_of_a_redelivered_pair_repeats_the_first_telling(either):
    either.home_broker.is_deaf = True
    told_by_json(either)
    told_by_legacy(either)
    either.home_broker.is_deaf = False

    either.restart()

    assert either.rows() == [PRESS, AGAIN, AGAIN, AGAIN]


def test_a_button_that_sends_nonsense_is_a_call_that_cannot_be_read(house):
    house.home_broker.send(BUTTON, b"\xff\x00nonsense")
    house.turn()

    row = house.journal.view.row(Lane.ALARM, 1)
    assert row is not None
    assert row.entry.name == "unreadable"
    assert base64.b64decode(row.entry.raw or "") == b"\xff\x00nonsense"
    assert row.entry.topic == BUTTON
    assert house.told == []  # nobody is told that help is coming for what may be nothing


def test_nonsense_of_another_device_is_only_kept_for_people_to_look_at(house):
    house.home_broker.send("zigbee2mqtt/thermo", b"nonsense")
    house.turn()
    house.pass_s(1)

    assert house.rows() == []
    assert [each.payload for each in house.journal.view.rejected()] == [b"nonsense"]
    assert house.home_broker.unacknowledged == []


def test_of_very_long_nonsense_the_beginning_travels(house):
    house.home_broker.send(BUTTON, b"x" * (RAW_BYTES_MAX + 1))
    house.turn()

    row = house.journal.view.row(Lane.ALARM, 1)
    assert row is not None
    assert len(base64.b64decode(row.entry.raw or "")) == RAW_BYTES_MAX
    assert house.sent_seqs() == [1]


def test_a_retained_press_never_calls(house):
    house.home_broker.send(BUTTON, body({"action": "single"}), is_retained=True)
    house.turn()

    assert house.rows() == []
    assert house.home_broker.unacknowledged == []


def test_a_row_knows_when_it_was_taken_and_in_whose_boot(house):
    house.press()

    row = house.journal.view.row(Lane.ALARM, 1)
    assert row is not None
    assert row.entry.taken == Taken("boot-1", 100_000, house.clock.wall_at_ms, True)


class Faulty:
    """A hearing that fails."""

    def configure(self, devices):
        pass

    def hear(self, topic, payload, retain):
        raise ZeroDivisionError


@pytest.mark.parametrize(("topic", "notices"), [(BUTTON, 1), (LEGACY, 1), ("zigbee2mqtt/x", 0)])
def test_what_we_fail_to_read_of_a_button_is_told(house, topic, notices):
    intake = Intake(Faulty(), Residents(), house.health, house.journal.view.row)  # type: ignore[arg-type]
    intake.configure(house.home.config.devices, 30)

    read = intake.failed(
        Arrived(None, topic, b"?"), Taken("b", 1, 1, True), ZeroDivisionError("division by zero")
    )

    assert len(read.entries) == notices
    assert read.rejected == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    ("place", "topic"),
    [
        ("tele/cord", "tele/cord/SENSOR"),
        ("cord", "cord/events/rpc"),
        ("cord", "cord/binary_sensor/pull/state"),
        ("application/1/device/a1b2c3d4e5f60718", "application/1/device/a1b2c3d4e5f60718/event/up"),
    ],
)
def test_nonsense_of_a_call_button_of_any_convention_is_a_technical_alarm(house, place, topic):
    button = RegisteredDevice("cord", "ho-1", place, is_sos=True)
    intake = Intake(Hearing(), Residents(), house.health, house.journal.view.row)
    intake.configure([button], 30)

    read = intake.read(Arrived(None, topic, b"\xff"), Taken("b", 1, 1, True))

    assert [(entry.lane, entry.name, entry.device) for entry, _ in read.entries] == [
        (Lane.ALARM, "unreadable", "cord")
    ]
    assert intake.failed(
        Arrived(None, topic, b"?"), Taken("b", 1, 1, True), ValueError("a fault of ours")
    ).entries
