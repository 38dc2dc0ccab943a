"""The way up: alarms first, until the cloud has them; readings live before the backlog."""

import pytest

from contract.lanes import Lane
from contract.messages import Refusal
from edge.uplink.pump import ALARMS_OPEN_MAX, DATA_ROWS_MAX, EVENT_OPEN_MAX, EVENT_ROWS_MAX
from tests.edge.dialects.bridge import body
from tests.edge.house import BUTTON, House, rows_of


def many_readings(house: House, count: int) -> None:
    """Temperatures, each another one."""
    for number in range(count):
        payload = body({"temperature": 20 + number / 1000})
        house.home_broker.send("zigbee2mqtt/thermo", payload)
    house.turn()
    house.pass_s(0.1)


def many_rows(house: House, lane: Lane, count: int) -> None:
    """Copies of a row, written past the pump."""
    row = house.journal.view.rows(lane)[0]
    with house.journal.writing() as work:
        for _ in range(count):
            work.append(row.entry)
    house.turn()


def ages_ms(house: House) -> list[int]:
    """Of the calls, as said."""
    extras = [row.x for batch in house.batches(Lane.ALARM) for row in rows_of(batch)]
    return [extra.age_ms for extra in extras if extra is not None and extra.age_ms is not None]


def away(house: House) -> None:
    house.cloud_broker.is_up = False
    house.cloud_broker.cut()


def back(house: House) -> None:
    house.cloud_broker.is_up = True
    house.cloud_broker.said.clear()
    house.pass_s(1)


# ---------------------------------------------------------------- alarms


def test_a_press_is_said_at_once_and_alone(house):
    house.press()
    house.press()

    assert [len(rows_of(batch)) for batch in house.batches(Lane.ALARM)] == [1, 1]
    assert house.sent_seqs() == [1, 2]


def test_a_press_is_said_again_until_the_cloud_has_it(house):
    house.press()
    said = []
    for _ in range(100):
        said.append(len(house.sent_seqs()))
        house.pass_s(1)

    assert [n for n in range(1, 100) if said[n] > said[n - 1]] == [5, 15, 35, 65, 95]

    house.acknowledge(1)
    house.pass_s(120)
    assert len(house.sent_seqs()) == said[-1]


def test_each_time_it_is_said_with_its_age_then(house):
    house.press()
    house.pass_s(5)

    assert ages_ms(house) == [0, 5_000]


def test_a_press_is_not_said_again_while_the_broker_owes_its_answer(house):
    house.cloud_broker.confirms = False
    house.press()
    house.pass_s(300)
    assert house.sent_seqs() == [1]

    house.cloud_link.confirm()
    house.turn()

    assert house.sent_seqs() == [1, 1]


def test_a_press_that_nobody_listens_to_is_trouble_and_is_said_again(house):
    house.cloud_broker.has_listeners = False
    house.press()
    assert "uplink" in house.health.snapshot()[1]

    house.cloud_broker.has_listeners = True
    house.pass_s(5)

    assert house.sent_seqs() == [1, 1]
    assert "uplink" not in house.health.snapshot()[1]


def test_a_press_in_flight_when_the_connection_breaks_is_said_at_once_on_the_next(house):
    house.cloud_broker.confirms = False
    house.press()
    house.cloud_broker.cut()
    house.cloud_broker.confirms = True

    house.turn()

    assert house.sent_seqs() == [1, 1]


def test_a_press_while_the_cloud_is_away_is_the_first_of_its_lane_when_it_is_back(house):
    away(house)
    many_readings(house, 50)
    house.press()
    house.pass_s(3_600)

    back(house)

    assert house.sent_seqs()[0] == 1
    topics = [out.topic.rpartition("/")[2] for out in house.cloud_broker.said]
    assert topics[:2] == ["health", "alarm"]  # the hello, then the press
    assert ages_ms(house)[0] >= 3_600_000


def test_only_so_many_presses_are_with_the_broker_at_a_time(house):
    house.press()
    house.cloud_broker.confirms = False
    many_rows(house, Lane.ALARM, ALARMS_OPEN_MAX + 10)
    assert len(house.sent_seqs()) == 1 + ALARMS_OPEN_MAX

    house.cloud_broker.confirms = True
    house.cloud_link.confirm()
    house.turn()

    assert house.sent_seqs() == list(range(1, ALARMS_OPEN_MAX + 12))


def test_waiting_presses_are_said_after_a_restart(house):
    away(house)
    house.press()
    house.restart()

    back(house)

    assert house.sent_seqs() == [1]


# ---------------------------------------------------------------- events


def test_events_travel_many_in_a_message_and_few_messages_at_a_time(house):
    house.home_broker.send("zigbee2mqtt/x", body({"action": "toggle", "linkquality": 9}))
    house.turn()
    house.pass_s(0.1)
    if not house.rows(Lane.EVENT):
        pytest.fail("this device's button is no event any more; take another")
    house.cloud_broker.confirms = False

    many_rows(house, Lane.EVENT, EVENT_ROWS_MAX * (EVENT_OPEN_MAX + 1))

    sizes = [len(rows_of(batch)) for batch in house.batches(Lane.EVENT)]
    assert sizes == [1] + [EVENT_ROWS_MAX] * EVENT_OPEN_MAX


# ---------------------------------------------------------------- the session


def test_a_session_begins_with_a_hello_that_says_what_waits(house):
    house.press()
    house.press()
    house.acknowledge(1)
    house.cloud_broker.cut()
    house.turn()

    lanes = house.hellos()[-1].lanes
    assert (lanes["alarm"].lowest, lanes["alarm"].highest) == (2, 2)
    assert (lanes["event"].lowest, lanes["event"].highest) == (1, 0)


def test_a_hello_is_said_again_until_it_is_answered(house):
    house.pass_s(61)
    assert len(house.hellos()) == 3

    house.answer_hello()
    house.pass_s(120)

    assert len(house.hellos()) == 3


def test_no_reading_is_said_before_the_hello_is_answered(house):
    many_readings(house, 3)
    house.pass_s(20)
    assert house.batches(Lane.DATA) == []

    house.answer_hello()
    house.pass_s(1)

    assert house.sent_seqs(Lane.DATA) == [1, 2, 3]


def test_a_late_answer_of_the_session_before_does_not_begin_this_one(house):
    many_readings(house, 3)

    house.cloud_says(house.ack(Lane.DATA, intervals=[(1, 1)]))

    assert house.batches(Lane.DATA) == []


def test_a_journal_that_was_set_aside_begins_a_new_session(house):
    house.answer_hello()
    house.disk.is_broken = True
    house.press()

    assert house.hellos()[-1].journal == "jr-2"
    assert {(b.journal, *[r.seq for r in rows_of(b)]) for b in house.batches(Lane.ALARM)} == {
        ("jr-2", 1),
        ("jr-2", 2),
    }


# ---------------------------------------------------------------- another cloud


def test_another_epoch_offers_alarms_again_once(house):
    house.answer_hello("e1")
    house.press()
    house.acknowledge(1, epoch="e1")
    house.cloud_broker.said.clear()

    house.answer_hello("e2")
    assert house.sent_seqs() == [1]

    house.acknowledge(1, epoch="e2")
    house.pass_s(120)
    assert house.sent_seqs() == [1]


def test_what_the_other_cloud_has_is_not_said_again_by_its_four_answers(house):
    house.answer_hello("e1")
    house.press()
    house.press()
    house.acknowledge(1, 2, epoch="e1")

    house.home.deliver(house.ack(Lane.ALARM, "e2", seqs=[1], hello=True))
    for lane in (Lane.EVENT, Lane.DATA, Lane.HEALTH):
        house.home.deliver(house.ack(lane, "e2", hello=True))
    house.turn()

    assert house.journal.view.waiting(Lane.ALARM) == (2,)


def test_a_cloud_that_remembers_fewer_readings_is_offered_alarms_again(house):
    house.answer_hello()
    many_readings(house, 3)
    house.pass_s(2)
    house.cloud_says(house.ack(Lane.DATA, intervals=[(1, 3)]))
    house.press()
    house.acknowledge(1)
    house.cloud_broker.cut()
    house.turn()

    house.answer_hello(data=[(1, 1)])
    house.pass_s(1)

    assert house.journal.view.waiting(Lane.ALARM) == (1,)
    assert house.sent_seqs()[-1] == 1
    assert [(g.first, g.last) for b in house.batches(Lane.DATA) for g in b.gaps] == [(2, 3)]


def test_a_refused_row_is_not_said_again_in_this_version_and_to_this_cloud(house):
    house.press()
    house.cloud_says(house.ack(Lane.ALARM, refused=[Refusal(1, "what?")]))
    house.cloud_broker.said.clear()

    house.pass_s(120)
    house.restart()
    house.pass_s(120)

    assert house.sent_seqs() == []
    assert house.journal.view.refused() == [(Lane.ALARM, 1, "what?")]


def test_a_refused_row_is_said_again_by_another_version(house):
    house.press()
    house.cloud_says(house.ack(Lane.ALARM, refused=[Refusal(1, "what?")]))
    house.cloud_broker.said.clear()

    house.version = "2"
    house.restart()

    assert house.sent_seqs() == [1]


def test_a_refused_row_is_said_again_to_another_cloud(house):
    house.press()
    house.cloud_says(house.ack(Lane.ALARM, refused=[Refusal(1, "what?")]))
    house.cloud_broker.said.clear()

    house.acknowledge(epoch="e2", lane=Lane.EVENT)

    assert house.sent_seqs() == [1]


# ---------------------------------------------------------------- readings


def test_new_readings_do_not_wait_for_the_backlog_which_goes_one_message_at_a_time(house):
    away(house)
    many_readings(house, DATA_ROWS_MAX + 100)
    back(house)
    many_readings(house, 2)
    house.answer_hello()
    house.pass_s(3)

    runs = [(b.run, len(rows_of(b))) for b in house.batches(Lane.DATA)]
    assert runs[0] == ("backlog", DATA_ROWS_MAX)  # its turn: nothing new was due at that instant
    assert runs[1] == ("live", 2)
    assert len(runs) == 2

    house.cloud_says(house.ack(Lane.DATA, intervals=[(1, DATA_ROWS_MAX)]))

    assert (house.batches(Lane.DATA)[-1].run, len(rows_of(house.batches(Lane.DATA)[-1]))) == (
        "backlog",
        100,
    )


def test_readings_that_were_dropped_travel_as_a_gap(house):
    away(house)
    many_readings(house, 10)
    with house.journal.writing() as work:
        work.drop(Lane.DATA, [3, 4, 5], "full")
    back(house)

    house.answer_hello()

    [batch] = house.batches(Lane.DATA)
    assert [(gap.first, gap.last, gap.count, gap.reason) for gap in batch.gaps] == [
        (3, 5, 3, "full")
    ]
    assert [row.seq for row in rows_of(batch)] == [1, 2, 6, 7, 8, 9, 10]


def test_readings_that_the_cloud_has_leave_the_journal(house):
    house.answer_hello()
    many_readings(house, 5)
    house.pass_s(2)

    house.cloud_says(house.ack(Lane.DATA, intervals=[(1, 4)]))

    assert [row.seq for row in house.journal.view.rows(Lane.DATA)] == [5]


def test_readings_that_the_cloud_refuses_leave_the_journal_and_are_counted(house):
    house.answer_hello()
    many_readings(house, 5)
    house.pass_s(2)
    refused = [Refusal(seq, "undecodable: what?") for seq in (1, 2, 3, 4)]

    house.cloud_says(house.ack(Lane.DATA, intervals=[(1, 4)], refused=refused))
    house.cloud_broker.said.clear()
    house.pass_s(300)

    assert [row.seq for row in house.journal.view.rows(Lane.DATA)] == [5]
    assert all(row.seq == 5 for batch in house.batches(Lane.DATA) for row in rows_of(batch))
    assert house.health.count("refused_data") == 4


def test_a_cloud_that_has_forgotten_stalls_readings_only_until_the_journal_knows(house):
    house.answer_hello()
    many_readings(house, 5)
    house.pass_s(2)
    house.cloud_says(house.ack(Lane.DATA, intervals=[(1, 5)]))
    house.cloud_broker.cut()
    house.turn()

    for lane in (Lane.DATA, Lane.HEALTH):
        house.uplink._acknowledged(house.ack(lane, hello=True))
    due_ms = house.uplink.run_once(house.clock.now())
    assert due_ms is None or due_ms > house.clock.at_ms

    house.answer_hello()
    house.pass_s(1)

    assert [(g.first, g.last) for b in house.batches(Lane.DATA) for g in b.gaps] == [(1, 5)]


# ---------------------------------------------------------------- what cannot be read


def test_nonsense_from_the_cloud_is_counted_and_settled(house):
    house.cloud_broker.send("anju/1/0/gw-test01/down/ack", b"nonsense")
    house.turn()

    assert house.health.count("down_unreadable") == 1
    assert house.cloud_broker.unacknowledged == []


def test_an_answer_for_another_journal_acknowledges_nothing(house):
    house.press()
    answer = house.ack(Lane.ALARM, seqs=[1])
    answer.journal = "jr-other"

    house.cloud_says(answer)

    assert house.journal.view.waiting(Lane.ALARM) == (1,)


def test_a_press_with_the_cloud_away_all_along_is_kept(house):
    away(house)
    house.home_broker.send(BUTTON, body({"action": "single"}))
    house.turn()
    house.pass_s(7_200)

    assert house.journal.view.waiting(Lane.ALARM) == (1,)
