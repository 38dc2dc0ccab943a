"""A press that the home broker delivers again is known; a press of its own is never taken for one
(docs/decisions/0003)."""

import pytest

from contract.lanes import Lane
from edge.commit import SETS_DUP
from edge.redelivery import LOOK_AT_MAX, Delivery, Redelivery
from tests.edge.dialects.bridge import body
from tests.edge.fakes import FakeLink
from tests.edge.house import BUTTON, House

PRESS, AGAIN = ("sos", None, None), ("sos", 1, None)


def delivery(mid, sha256="p", rows=(("alarm", 1),)):
    return Delivery(mid, BUTTON, sha256, rows)


def killed_before_the_acknowledgement(house: House) -> None:
    """A press is committed; its PUBACK and all after it never arrive."""
    house.home_broker.is_deaf = True
    house.press()
    house.home_broker.is_deaf = False
    house.die()


# ---------------------------------------------------------------- one list against another


@pytest.mark.parametrize(("mid", "is_dup"), [(7, True), (7, False), (1, False)])
def test_the_same_bytes_with_the_old_packet_id_or_counted_anew_are_known(mid, is_dup):
    known = delivery(7)

    assert Redelivery([known]).first_of(delivery(mid), is_dup=is_dup) is known


def test_the_same_bytes_with_another_packet_id_are_new():
    assert Redelivery([delivery(7)]).first_of(delivery(8), is_dup=False) is None


def test_with_dup_only_the_packet_id_counts():
    assert Redelivery([delivery(7)]).first_of(delivery(1), is_dup=True) is None


def test_other_bytes_with_the_same_packet_id_are_new():
    assert Redelivery([delivery(7)]).first_of(delivery(7, "q"), is_dup=False) is None


def test_each_delivery_is_known_once():
    again = Redelivery([delivery(7)])
    again.first_of(delivery(7), is_dup=True)

    assert again.first_of(delivery(7), is_dup=True) is None


def test_what_lies_before_a_redelivered_one_was_acknowledged():
    first, second = delivery(7, "p"), delivery(8, "q")
    again = Redelivery([first, second])
    again.first_of(delivery(8, "q"), is_dup=True)

    assert again.first_of(delivery(7, "p"), is_dup=True) is None


@pytest.mark.parametrize(
    ("mid", "is_dup", "is_known"), [(7, True, True), (7, False, False), (1, False, False)]
)
def test_of_a_broker_that_marks_what_it_delivers_again_the_unmarked_is_new(mid, is_dup, is_known):
    again = Redelivery([delivery(7)], sets_dup=True)

    assert (again.first_of(delivery(mid), is_dup=is_dup) is not None) is is_known


@pytest.mark.parametrize(("others", "is_known"), [(LOOK_AT_MAX - 1, True), (LOOK_AT_MAX, False)])
def test_after_very_many_messages_nothing_is_a_redelivery_any_more(others, is_known):
    again = Redelivery([delivery(7)])
    for number in range(others):
        again.first_of(delivery(100 + number, "other"), is_dup=False)

    assert (again.first_of(delivery(7), is_dup=True) is not None) is is_known


# ---------------------------------------------------------------- the whole of it


def test_a_press_whose_acknowledgement_was_cut_is_marked_when_it_comes_again(either: House):
    killed_before_the_acknowledgement(either)

    either.start()

    assert either.rows() == [PRESS, AGAIN]
    assert either.home_broker.unacknowledged == []
    assert either.health.count("redelivered") == 1


def test_a_real_second_press_at_that_instant_is_a_press_of_its_own(either: House):
    killed_before_the_acknowledgement(either)
    either.press_while_dead()

    either.start()

    assert either.rows() == [PRESS, AGAIN, PRESS]


def test_a_press_after_one_that_was_known_again_is_a_press_of_its_own(either: House):
    killed_before_the_acknowledgement(either)
    either.start()

    either.press()

    assert either.rows() == [PRESS, AGAIN, PRESS]


def test_readings_before_the_press_do_not_hide_it(either: House):
    either.home_broker.is_deaf = True
    for number in range(3):
        either.home_broker.send("zigbee2mqtt/thermo", body({"temperature": 20 + number}))
    killed_before_the_acknowledgement(either)

    either.start()

    assert either.rows() == [PRESS, AGAIN]
    assert [rep for _, rep, _ in either.rows(Lane.DATA)] == [None, None, None, 1, 2, 3]


def test_a_broken_connection_is_like_a_crash(either: House):
    either.home_broker.is_deaf = True
    either.press()
    either.home_broker.is_deaf = False

    either.home_broker.cut()
    either.turn()

    assert either.rows() == [PRESS, AGAIN]


def test_that_the_broker_marks_is_learnt_and_outlives_the_agent(house: House):
    killed_before_the_acknowledgement(house)

    house.start()
    house.restart()

    assert house.journal.view.meta(SETS_DUP) == "1"


def test_a_session_that_nobody_saw_end_does_not_swallow_a_press(house: House):
    killed_before_the_acknowledgement(house)
    house.start()
    killed_before_the_acknowledgement(house)
    house.home_broker.forget()
    unlucky = FakeLink(house.home_broker)  # an agent that dies before it knows of the new session
    unlucky.tend(0)
    unlucky.close()
    house.press_while_dead()

    house.start()

    assert house.rows() == [PRESS, AGAIN, PRESS, PRESS]


def test_a_broker_without_our_session_may_be_another_one(house: House):
    killed_before_the_acknowledgement(house)
    house.start()

    house.home_broker.forget()
    house.turn()

    assert house.journal.view.meta(SETS_DUP) == "0"


def test_a_press_that_comes_a_third_time_repeats_the_first(either: House):
    killed_before_the_acknowledgement(either)
    either.home_broker.is_deaf = True
    either.start()
    either.home_broker.is_deaf = False

    either.restart()

    assert either.rows() == [PRESS, AGAIN, AGAIN]


def test_an_identical_press_after_a_confirmed_publication_is_new_on_a_new_connection(
    either: House,
):
    either.press()
    either.pass_s(2)  # the status has been published and confirmed
    either.die()
    either.press_while_dead()

    either.start()

    assert either.rows() == [PRESS, PRESS]


def test_an_acknowledgement_without_any_proof_may_not_have_arrived(either: House):
    either.home_broker.confirms = False
    either.home_broker.is_deaf = True
    either.press()
    either.pass_s(60)
    either.home_broker.is_deaf = False
    either.die()

    either.start()

    assert either.rows() == [PRESS, AGAIN]


def test_a_broker_that_has_forgotten_us_delivers_nothing_again(either: House):
    killed_before_the_acknowledgement(either)
    either.home_broker.forget()
    either.start()

    either.press()

    assert either.rows() == [PRESS, PRESS]


def test_many_presses_are_known_over_two_crashes(either: House):
    either.home_broker.is_deaf = True
    for _ in range(300):
        either.home_broker.send(BUTTON, body({"action": "single"}))
    either.turn()
    either.restart()
    either.home_broker.is_deaf = False

    either.restart()

    assert [rep for _, rep, _ in either.rows()] == [None] * 300 + [*range(1, 301)] * 2
    assert either.home_broker.unacknowledged == []


def test_a_press_with_qos_0_never_comes_again(house):
    house.press(qos=0)
    house.restart()

    assert house.rows() == [PRESS]


def test_a_redelivered_press_is_said_to_the_cloud_and_not_to_the_home(either: House):
    killed_before_the_acknowledgement(either)
    either.start()

    assert set(either.sent_seqs()) == {1, 2}
    assert [key for key, _, _ in either.told] == ["calling"]


def test_after_an_orderly_end_nothing_can_come_again(either: House):
    either.press()
    either.end()
    either.press_while_dead()

    either.start()

    assert either.rows() == [PRESS, PRESS]


def test_an_orderly_end_waits_until_the_broker_has_seen_the_acknowledgements(house: House):
    house.home_broker.confirms = False
    house.press()
    house.clock.pass_ms(1_000)
    assert not house.home.drain(house.clock.now())

    house.home_link.confirm()

    assert house.home.drain(house.clock.now())
