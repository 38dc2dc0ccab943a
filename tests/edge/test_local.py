"""What the home hears while it waits, and when the siren stands in."""

import pytest

from contract.lanes import Lane
from contract.messages import Refusal
from edge.clock import Now
from edge.local import SIREN_AFTER_MS, UNTRACKED_MAX, Local
from tests.edge.house import GATEWAY, WORDS, House

SILENT = (True, "cloud_silent")
OFF = (False, None)


@pytest.fixture
def local():
    return Local(GATEWAY, WORDS)


def at(ms):
    return Now(1_000_000 + ms, ms)


# ---------------------------------------------------------------- the siren by itself


@pytest.mark.parametrize(
    ("after_ms", "is_on"), [(SIREN_AFTER_MS - 1, False), (SIREN_AFTER_MS, True)]
)
def test_the_siren_sounds_when_a_call_has_waited_long_enough(local, after_ms, is_on):
    local.called(1, 0)

    assert local.turn(at(after_ms)) is is_on
    assert local.siren.on is is_on


def test_a_call_is_due_when_it_becomes_overdue_and_then_no_more(local):
    local.called(1, 0)
    local.called(2, 500)
    assert local.due_ms() == SIREN_AFTER_MS

    local.turn(at(SIREN_AFTER_MS))
    assert local.newly_overdue(at(SIREN_AFTER_MS)) == [1]

    assert local.due_ms() == SIREN_AFTER_MS + 500
    assert local.newly_overdue(at(SIREN_AFTER_MS)) == []


def test_the_siren_goes_on_while_any_call_waits(local):
    local.called(1, 0)
    local.called(2, 0)
    local.turn(at(SIREN_AFTER_MS))

    local.answered(1)
    assert not local.turn(at(SIREN_AFTER_MS))

    local.answered(2)
    assert local.turn(at(SIREN_AFTER_MS))
    assert not local.siren.on


def test_more_calls_than_can_be_counted_ring_all_the_same(local):
    for seq in range(UNTRACKED_MAX + 1):
        local.called(seq, 0)

    assert local.turn(at(SIREN_AFTER_MS))
    assert len(local.newly_overdue(at(SIREN_AFTER_MS))) == UNTRACKED_MAX


# ---------------------------------------------------------------- a press and its words


def test_a_press_is_answered_at_once_and_again_when_the_cloud_has_it(house):
    house.press()
    assert house.told == [("calling", "ho-1", 1)]

    house.acknowledge(1)
    house.acknowledge(1)

    assert house.told == [("calling", "ho-1", 1), ("received", "ho-1", 1)]


def test_what_was_received_is_said_after_a_restart_between_the_answer_and_the_telling(house):
    house.press()
    house.home_broker.is_deaf = True
    house.acknowledge(1)
    house.home_broker.is_deaf = False

    house.restart()
    house.restart()

    assert [key for key, _, _ in house.told].count("received") == 1


def test_what_was_received_is_said_when_the_home_broker_is_back(house):
    house.press()
    house.home_broker.is_up = False
    house.home_broker.cut()
    house.acknowledge(1)
    assert [key for key, _, _ in house.told] == ["calling"]

    house.home_broker.is_up = True
    house.pass_s(2)

    assert [key for key, _, _ in house.told] == ["calling", "received"]


def test_a_word_that_the_home_broker_never_confirmed_is_said_again_with_the_same_id(house):
    house.home_broker.confirms = False
    house.press()

    house.home_broker.cut()
    house.home_broker.confirms = True
    house.turn()
    house.home_broker.cut()
    house.turn()

    assert house.told == [("calling", "ho-1", 1)] * 2


def test_calling_is_not_said_late_of_a_call_that_has_been_answered(house):
    house.home_broker.is_deaf = True
    house.press()
    house.home_broker.is_up = False
    house.home_broker.cut()
    house.home_broker.is_deaf = False
    house.acknowledge(1)

    house.home_broker.is_up = True
    house.pass_s(2)

    assert [key for key, _, _ in house.told] == ["received"]


def test_a_repeated_press_is_answered_once(house):
    house.press()
    house.home_broker.send("zigbee2mqtt/bell/action", b"single")
    house.turn()

    house.acknowledge(1, 2)

    assert [key for key, _, _ in house.told] == ["calling", "received"]


def test_a_press_in_no_home_is_told_nowhere_not_even_years_later(house):
    house.home_broker.send("zigbee2mqtt/stranger", b'{"action":"emergency"}')
    house.turn()
    house.acknowledge(1)

    assert house.told == []
    assert house.journal.view.is_told(1)


# ---------------------------------------------------------------- the siren of a house


def test_the_siren_sounds_after_half_a_minute_without_an_answer_and_ends_with_it(house):
    house.press()
    house.pass_s(29.9)
    assert house.siren == OFF

    house.pass_s(0.1)
    assert house.siren == SILENT
    assert house.told[1:] == [("local_help", "ho-1", 1)]

    house.acknowledge(1)
    assert house.siren == OFF


def test_an_answer_in_time_keeps_the_siren_quiet(house):
    house.press()
    house.pass_s(20)
    house.acknowledge(1)
    house.pass_s(60)

    assert house.siren == OFF
    assert "local_help" not in [key for key, _, _ in house.told]


def test_a_cancel_ends_the_siren(house):
    house.press()
    house.pass_s(29)
    house.press(action="hold")
    house.pass_s(30)

    assert house.siren == OFF
    assert [key for key, _, _ in house.told] == ["calling", "cancelled"]


def test_a_refusal_ends_the_siren(house):
    house.press()
    house.pass_s(31)

    house.cloud_says(house.ack(Lane.ALARM, refused=[Refusal(1, "what is that?")]))

    assert house.siren == OFF


def test_each_of_two_homes_hears_of_its_own_overdue_call_once(house):
    house.press()
    house.pass_s(10)
    house.press("zigbee2mqtt/other")
    house.pass_s(60)

    told = [each for each in house.told if each[0] == "local_help"]
    assert told == [("local_help", "ho-1", 1), ("local_help", "ho-2", 2)]


def test_the_siren_still_sounds_after_a_restart(house):
    house.press()
    house.pass_s(10)
    house.restart()
    house.pass_s(19)
    assert house.siren == OFF

    house.pass_s(1)

    assert house.siren == SILENT


def test_after_another_boot_the_age_of_a_call_is_taken_from_the_wall_clock(house):
    house.press()
    house.clock.boot, house.clock.at_ms = "boot-2", 1_000
    house.clock.wall_at_ms += 40_000

    house.restart()

    assert house.siren == SILENT


def test_after_another_boot_with_a_wrong_clock_a_call_counts_as_fresh(house):
    house.press()
    house.clock.boot, house.clock.at_ms, house.clock.is_right = "boot-2", 1_000, False
    house.clock.wall_at_ms += 40_000

    house.restart()
    assert house.siren == OFF

    house.pass_s(30)
    assert house.siren == SILENT


def test_a_call_taken_back_rings_no_siren_after_a_restart(house):
    house.press()
    house.press(action="hold")
    house.restart()

    house.pass_s(60)

    assert house.siren == OFF


def test_a_call_that_the_cloud_had_rings_no_siren_when_it_is_offered_again(house):
    house.press()
    house.acknowledge(1)
    house.acknowledge(epoch="e2", lane=Lane.EVENT)
    house.restart()

    house.pass_s(60)

    assert house.journal.view.waiting(Lane.ALARM) == (1,)
    assert house.siren == OFF


def test_the_siren_is_told_again_on_every_connection(house):
    house.press()
    house.pass_s(31)
    house.home_broker.said.clear()

    house.home_broker.cut()
    house.turn()

    assert house.siren == SILENT


def test_a_siren_that_changes_while_the_broker_is_away_is_told_when_it_is_back(house):
    house.press()
    house.home_broker.is_up = False
    house.home_broker.cut()
    house.pass_s(40)
    assert house.siren == OFF

    house.home_broker.is_up = True
    house.pass_s(2)

    assert house.siren == SILENT
    assert ("local_help", "ho-1", 1) in house.told


def test_the_siren_needs_no_cloud_broker(house: House):
    house.cloud_broker.is_up = False
    house.cloud_broker.cut()

    house.press()
    house.pass_s(30)

    assert house.siren == SILENT
