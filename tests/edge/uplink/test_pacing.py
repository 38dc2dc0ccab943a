"""What is said next of data and health."""

import pytest

from edge.uplink.pacing import LIVE_EVERY_MS, LIVE_OPEN_MAX, Pacer, Wish

START_MS = 10_000


@pytest.fixture
def pacer():
    """After a connection with a backlog of 100, answered, its start over."""
    pacer = Pacer()
    pacer.begin(100, START_MS)
    return pacer


def test_nothing_is_said_before_the_cloud_has_answered_the_hello(pacer):
    assert pacer.wish(105, START_MS) is None
    assert pacer.next_ms(105, START_MS) is None


def test_nothing_is_said_before_the_start_that_was_drawn(pacer):
    pacer.applied([])

    assert pacer.wish(100, START_MS - 1) is None
    assert pacer.next_ms(100, 0) == START_MS


def test_the_backlog_is_what_the_cloud_has_not(pacer):
    pacer.applied([(1, 40), (61, 70)])

    assert pacer.wish(100, START_MS) == Wish(41, 60, "backlog")


def test_what_is_new_goes_before_the_backlog(pacer):
    pacer.applied([])
    pacer.wish(105, START_MS)

    assert pacer.wish(105, START_MS + LIVE_EVERY_MS) == Wish(101, 105, "live")


def test_one_message_of_the_backlog_is_under_way_at_a_time(pacer):
    pacer.applied([])
    pacer.said(Wish(1, 100, "backlog"), 50, 7, START_MS)
    pacer.confirmed(7)
    assert pacer.wish(100, START_MS) is None

    pacer.applied([(1, 50)])

    assert pacer.wish(100, START_MS) == Wish(51, 100, "backlog")


def test_a_message_half_applied_is_still_under_way(pacer):
    pacer.applied([])
    pacer.said(Wish(1, 100, "backlog"), 50, 7, START_MS)

    pacer.applied([(1, 49)])

    assert pacer.wish(100, START_MS) is None


def test_what_is_not_acknowledged_is_said_again_later_and_later(pacer):
    pacer.applied([])
    now_ms, said_s = START_MS, []
    for token in range(5):
        wish = None
        while wish is None:
            wish = pacer.wish(100, now_ms)
            now_ms += 0 if wish else 1_000
        assert wish.first == 1
        pacer.said(wish, 50, token, now_ms)
        pacer.confirmed(token)
        said_s.append((now_ms - START_MS) // 1000)

    assert said_s == [0, 10, 30, 70, 130]


def test_nothing_is_said_again_while_the_broker_owes_its_answer(pacer):
    pacer.applied([])
    pacer.said(Wish(1, 100, "backlog"), 50, 7, START_MS)

    assert pacer.wish(100, START_MS + 600_000) is None


def test_only_so_many_live_messages_are_under_way(pacer):
    pacer.applied([(1, 100)])
    now_ms, said = START_MS, 0
    for number in range(1, LIVE_OPEN_MAX + 2):
        pacer.wish(100 + number, now_ms)
        now_ms += LIVE_EVERY_MS
        wish = pacer.wish(100 + number, now_ms)
        if wish is not None:
            pacer.said(wish, wish.last, number, now_ms)
            said += 1

    assert said == LIVE_OPEN_MAX
    pacer.applied([(1, 101)])
    pacer.wish(120, now_ms)
    assert pacer.wish(120, now_ms + LIVE_EVERY_MS) == Wish(105, 120, "live")


def test_a_cloud_that_has_forgotten_is_told_again(pacer):
    pacer.applied([(1, 100)])
    assert pacer.wish(100, START_MS) is None

    pacer.applied([(1, 30)])

    assert pacer.wish(100, START_MS) == Wish(31, 100, "backlog")


def test_what_is_not_applied_in_its_time_is_backlog_and_holds_up_nothing_new(pacer):
    pacer.applied([(1, 100)])
    now_ms = START_MS
    for number in range(1, LIVE_OPEN_MAX + 1):
        pacer.wish(100 + number, now_ms)
        now_ms += LIVE_EVERY_MS
        pacer.said(pacer.wish(100 + number, now_ms), 100 + number, number, now_ms)
        pacer.confirmed(number)

    now_ms += 20_000
    pacer.wish(120, now_ms)
    now_ms += LIVE_EVERY_MS

    live = pacer.wish(120, now_ms)
    assert live == Wish(105, 120, "live")
    pacer.said(live, 120, 9, now_ms)
    assert pacer.wish(120, now_ms) == Wish(101, 104, "backlog")
