"""The home's pump: what is taken, when it is committed, what the broker may forget."""

import pytest

from contract.lanes import Lane
from contract.messages import Ack, Say
from edge.errors import JournalBroken
from edge.home import GROUP_MAX, GROUP_MS
from tests.edge.dialects.bridge import IEEE, body
from tests.edge.fakes import NOON_MS
from tests.edge.house import BUTTON, GATEWAY, House, config

PRESS = ("sos", None, None)


def say(number=1, expires_ms=NOON_MS + 600_000):
    return Say(
        f"cmd-{number}",
        "ho-1",
        "help_is_coming",
        {"zh": "好", "en": "Good"},
        NOON_MS,
        expires_ms,
    )


def commands_done(house):
    return [each.cmds for each in house.sent(Lane.HEALTH) if hasattr(each, "cmds")]


# ---------------------------------------------------------------- commit, then settle


def test_a_press_is_committed_at_once_and_then_settled(house):
    house.press()

    assert house.rows() == [PRESS]
    assert house.home_broker.unacknowledged == []


def test_a_reading_waits_for_its_group_and_is_settled_after_it(house):
    house.measures(20.5)

    assert house.rows(Lane.DATA) == []
    assert len(house.home_broker.unacknowledged) == 1

    house.pass_s(GROUP_MS / 1000)

    assert house.rows(Lane.DATA) == [("temperature", None, None)]
    assert house.home_broker.unacknowledged == []


def test_a_press_takes_the_group_with_it(house):
    house.measures(20.5)
    house.press()

    assert house.rows(Lane.DATA) == [("temperature", None, None)]
    assert house.home_broker.unacknowledged == []


def test_a_full_group_does_not_wait(house):
    for number in range(GROUP_MAX):
        house.home_broker.send("zigbee2mqtt/thermo", body({"temperature": 20 + number / 100}))

    house.turn()

    assert len(house.rows(Lane.DATA)) == GROUP_MAX


def test_what_is_ignored_is_settled_in_its_turn(house):
    house.measures(20.5)
    house.home_broker.send("somebody/else", b"hello")
    house.turn()

    assert len(house.home_broker.unacknowledged) == 2

    house.pass_s(GROUP_MS / 1000)

    assert house.home_broker.unacknowledged == []
    assert house.health.count("unknown") == 1


def test_our_own_words_are_not_heard_as_messages(house):
    house.home_broker.send("anju-home/gw-test01/say", b"{}")
    house.turn()

    assert house.health.count("taken") == 0
    assert house.home_broker.unacknowledged == []


# ---------------------------------------------------------------- a journal that cannot write


def test_nothing_is_settled_while_the_journal_cannot_write(house):
    house.disk.is_full = True

    house.press()
    house.pass_s(5)

    assert house.rows() == []
    assert len(house.home_broker.unacknowledged) == 1
    assert "journal" in house.health.snapshot()[1]


def test_what_is_in_hand_is_written_when_the_journal_can_again(house):
    house.disk.is_full = True
    house.press()
    house.measures(20.5)
    house.pass_s(5)

    house.disk.is_full = False
    house.pass_s(1)

    assert house.rows() == [PRESS]
    assert house.rows(Lane.DATA) == [("temperature", None, None)]
    assert house.home_broker.unacknowledged == []
    assert "journal" not in house.health.snapshot()[1]


def test_the_siren_sounds_for_a_call_that_the_journal_cannot_take(house):
    house.disk.is_full = True
    house.press()

    house.pass_s(29)
    assert house.siren == (False, None)

    house.pass_s(1.5)
    assert house.siren == (True, "journal_trouble")


def test_the_siren_does_not_sound_for_a_reading_that_the_journal_cannot_take(house):
    house.disk.is_full = True
    house.measures(20.5)

    house.pass_s(60)

    assert house.siren == (False, None)


def test_the_siren_for_the_journal_ends_when_the_cloud_has_the_call(house):
    house.disk.is_full = True
    house.press()
    house.pass_s(31)
    house.disk.is_full = False
    house.pass_s(1)

    house.acknowledge(1)

    assert house.siren == (False, None)


def test_a_message_in_hand_that_comes_again_is_taken_once(either: House):
    either.disk.is_full = True
    either.press()

    either.home_broker.cut()
    either.turn()
    either.disk.is_full = False
    either.pass_s(1)

    assert either.rows() == [PRESS]
    assert either.home_broker.unacknowledged == []


def test_a_message_in_hand_stays_there_where_the_broker_has_forgotten_it(either: House):
    either.disk.is_full = True
    either.press()

    either.home_broker.forget()
    either.turn()
    either.disk.is_full = False
    either.pass_s(1)

    assert either.rows() == [PRESS]


def test_a_second_press_while_the_first_is_in_hand_is_a_second_press(either: House):
    either.disk.is_full = True
    either.press()
    either.home_broker.cut()
    either.press()

    either.disk.is_full = False
    either.pass_s(1)

    assert either.rows() == [PRESS, PRESS]


def test_a_press_that_was_in_hand_over_a_cut_is_known_after_a_crash(either: House):
    either.disk.is_full = True
    either.press()
    either.home_broker.cut()
    either.turn()
    either.disk.is_full, either.home_broker.is_deaf = False, True
    either.pass_s(1)

    either.home_broker.is_deaf = False
    either.restart()

    assert either.rows() == [PRESS, ("sos", 1, None)]


def test_a_reconnection_while_the_journal_cannot_write_holds_up_no_call(house):
    house.disk.is_full = True
    house.home_broker.forget()
    house.turn()
    house.press()

    house.pass_s(31)

    assert house.siren == (True, "journal_trouble")


# ---------------------------------------------------------------- faults of our own


def test_a_message_that_cannot_be_written_is_put_aside_alone(house):
    house.disk.poison = "z2m:thermo"
    house.home_broker.send("zigbee2mqtt/thermo", body({"temperature": 20.5}))
    house.home_broker.send(BUTTON, body({"action": "single"}))

    house.turn()

    assert house.rows() == [PRESS]
    assert house.rows(Lane.DATA) == []
    assert [each.topic for each in house.journal.view.rejected()] == ["zigbee2mqtt/thermo"]
    assert house.home_broker.unacknowledged == []


def test_a_call_that_cannot_be_written_becomes_one_that_cannot_be_read(house):
    house.disk.poison = "sos"

    house.press()

    [(name, _, _)] = house.rows()
    assert name == "unreadable"
    assert house.journal.view.rows(Lane.ALARM)[0].entry.device == "z2m:0x00124b00aa11bb22"
    assert house.home_broker.unacknowledged == []


def test_a_call_that_not_even_its_notice_can_name_is_told_by_the_gateway_itself(house):
    house.disk.poison = IEEE

    house.press()

    row = house.journal.view.row(Lane.ALARM, 1)
    assert row is not None
    assert (row.entry.name, row.entry.device) == ("unreadable", f"edge:{GATEWAY}")
    assert house.home_broker.unacknowledged == []


def test_a_message_that_can_be_written_in_no_way_holds_up_no_press(house):
    house.disk.poison = "unreadable"
    house.home_broker.send(BUTTON, b"nonsense")
    house.turn()
    house.disk.poison = None

    house.press()

    assert house.rows() == [PRESS]
    assert house.home_broker.unacknowledged == []


def test_a_message_of_the_cloud_that_cannot_be_followed_spoils_no_press(house):
    house.home.deliver(Ack(journal=house.journal.id, lane="nowhere", cloud_epoch="e1"))  # type: ignore[arg-type]

    house.press()

    assert house.rows() == [PRESS]
    assert not house.home._inbox


class Deaf:
    """A hearing with a fault."""

    def configure(self, devices):
        pass

    def hear(self, topic, payload, retain):
        raise KeyError(topic)


def test_a_button_that_we_fail_to_hear_is_told_as_unreadable_and_others_are_put_aside(house):
    house.hearing = Deaf()
    house.restart()

    house.press()
    house.measures(20.5)
    house.pass_s(1)

    assert [name for name, _, _ in house.rows()] == ["unreadable"]
    assert len(house.journal.view.rejected()) == 2
    assert house.home_broker.unacknowledged == []


# ---------------------------------------------------------------- a damaged journal


def test_a_damaged_journal_is_set_aside_and_what_is_in_hand_goes_into_the_new_one(house):
    house.disk.is_broken = True

    house.press()

    assert house.journal.id == "jr-2"
    assert house.rows() == [("journal_trouble", None, None), PRESS]
    assert house.home_broker.unacknowledged == []


def test_damage_that_only_a_reader_met_sets_the_journal_aside_within_a_second(house):
    house.press()
    house.acknowledge(1)
    with house.journal.writing() as work:
        work._db.execute("UPDATE rows SET value = '{'")
    with pytest.raises(JournalBroken):
        house.rows()

    house.pass_s(1)

    assert house.journal.id == "jr-2"
    assert [row[0] for row in house.rows()] == ["journal_trouble"]


def test_calls_of_a_journal_that_was_set_aside_ring_no_siren_for_ever(house):
    house.press()
    house.disk.is_broken = True
    house.measures(20.5)
    house.pass_s(1)

    house.acknowledge(1)
    house.pass_s(60)

    assert house.siren == (False, None)


def test_an_answer_for_a_journal_that_was_set_aside_changes_nothing(house):
    old = house.journal.id
    house.disk.is_broken = True
    house.press()

    refused = [{"seq": 2, "reason": "?"}]
    house.cloud_says(Ack(old, "alarm", "e1", refused=refused))  # type: ignore[arg-type]
    house.pass_s(31)

    assert house.siren == (True, "cloud_silent")


# ---------------------------------------------------------------- what the cloud asks for


def test_a_command_is_carried_out_once_however_often_it_comes_and_reported_each_time(house):
    house.cloud_says(say())
    house.cloud_says(say())
    house.restart()
    house.cloud_says(say())

    assert [key for key, _, _ in house.told] == ["help_is_coming"]
    assert commands_done(house) == [["cmd-1"]] * 3


def test_a_command_that_nobody_at_home_can_hear_is_not_done(house):
    house.home_broker.has_listeners = False
    house.cloud_says(say())
    assert commands_done(house) == []

    house.home_broker.has_listeners = True
    house.cloud_says(say())

    assert commands_done(house) == [["cmd-1"]]


def test_a_command_is_done_only_when_the_home_broker_has_it(house):
    house.home_broker.confirms = False
    house.cloud_says(say())
    house.cloud_says(say())

    assert commands_done(house) == []

    house.home_link.confirm()
    house.turn()

    assert commands_done(house) == [["cmd-1"]]
    assert len(house.told) == 1


def test_a_command_lost_with_the_connection_is_carried_out_when_it_comes_again(house):
    house.home_broker.confirms = False
    house.cloud_says(say())
    house.home_broker.cut()
    house.home_broker.confirms = True
    house.turn()

    house.cloud_says(say())

    assert commands_done(house) == [["cmd-1"]]


def test_a_command_that_is_too_late_is_reported_and_not_said(house):
    house.cloud_says(say(expires_ms=NOON_MS - 1))

    assert house.told == []
    assert commands_done(house) == [["cmd-1"]]


def test_the_configuration_is_kept_over_restarts(house):
    house.cloud_says(config(window_s=7))

    house.restart()

    assert house.home.config is not None
    assert house.home.config.cancel_window_s == 7
    house.press()
    assert house.told == [("calling", "ho-1", 1)]


def test_a_stored_configuration_that_cannot_be_read_keeps_no_agent_from_starting(house):
    with house.journal.writing() as work:
        work.set_meta("config", '{"from": "another version"}')

    house.restart()
    assert house.home.config is None

    house.cloud_says(config())
    house.press()
    assert house.told == [("calling", "ho-1", 1)]


def test_an_orderly_end_is_seen_in_the_status(house):
    house.home.close()

    assert house.home_broker.said[-1].payload == b'{"agent":"offline"}'
    house.start()
