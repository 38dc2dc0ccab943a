"""When a row is said again."""

from edge.uplink.resend import Resend


def test_a_row_is_said_at_once_then_after_5_10_20_and_every_30_seconds():
    resend, said_s, now_ms = Resend(), [], 0
    for token in range(6):
        while resend.due([1], now_ms) == []:
            now_ms += 1_000
        resend.said([1], token, now_ms)
        resend.confirmed(token)
        said_s.append(now_ms // 1000)

    assert said_s == [0, 5, 15, 35, 65, 95]


def test_a_row_is_not_said_again_while_the_broker_owes_its_answer():
    resend = Resend()
    resend.said([1], 7, 0)
    assert resend.due([1], 600_000) == []
    assert resend.next_ms() is None

    resend.confirmed(7)

    assert resend.due([1], 600_000) == [1]


def test_a_row_that_the_cloud_has_is_not_said_again():
    resend = Resend()
    resend.said([1, 2], 7, 0)
    resend.confirmed(7)

    assert resend.due([2], 5_000) == [2]
    assert resend.next_ms() == 5_000


def test_what_is_with_the_broker_is_counted_until_it_answers():
    resend = Resend()
    resend.said([1], 7, 0)
    resend.said([2, 3], 8, 0)
    resend.due([], 0)
    assert resend.open == 2

    resend.confirmed(7)
    resend.confirmed(7)

    assert resend.open == 1


def test_on_a_new_connection_everything_is_said_at_once():
    resend = Resend()
    resend.said([1], 7, 0)

    resend.reset()

    assert resend.due([1], 0) == [1]
    assert resend.open == 0
