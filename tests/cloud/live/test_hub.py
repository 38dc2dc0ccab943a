"""What each listener gets: in order, without holes, the same bytes for those who see the same."""

import msgspec

from cloud.durable.feed import Entry, Op
from cloud.identity.scope import Scope
from cloud.live.hub import QUEUE_MAX, Hub, Listener

HERE, THERE = "440310002902", "440310001901"


def entry(seq: int, *areas: str) -> Entry:
    raw = msgspec.Raw(b'{"id":"al"}')
    return Entry(seq, 1000 + seq, [Op("put", "alarms", f"al-{a}", seq, raw, a) for a in areas])


def listener(hub: Hub, *areas: str, at: int = 0) -> Listener:
    made = Listener(Scope(frozenset(areas), None, frozenset({"alarms"})), lambda: None)
    hub.join(made)
    assert hub.follow(made, at, at)
    return made


def told(of: Listener) -> list[dict[str, object]]:
    return [msgspec.json.decode(frame) for frame in of.queue]


def test_everybody_who_sees_the_same_gets_the_same_bytes() -> None:
    hub = Hub(0)
    first, second = listener(hub, HERE), listener(hub, HERE)

    hub.offer([entry(1, HERE)])

    assert first.queue[0] is second.queue[0]


def test_who_has_missed_a_number_of_others_is_told_to_skip_it_and_nobody_else() -> None:
    hub = Hub(0)
    here, everywhere = listener(hub, HERE), listener(hub, HERE, THERE)

    hub.offer([entry(1, THERE), entry(2, HERE)])

    assert [(d["seq"], d.get("skip_to")) for d in told(here)] == [(2, 1)]
    assert [(d["seq"], d.get("skip_to")) for d in told(everywhere)] == [(1, None), (2, None)]


def test_a_listener_gets_only_the_changes_that_it_may_see() -> None:
    hub = Hub(0)
    here = listener(hub, HERE)

    hub.offer([entry(1, HERE, THERE)])

    [delta] = told(here)
    assert [op["id"] for op in delta["ops"]] == [f"al-{HERE}"]  # type: ignore[attr-defined]


def test_a_number_is_given_out_once_and_never_after_a_hole() -> None:
    hub = Hub(0)
    here = listener(hub, HERE)

    assert hub.offer([entry(1, HERE)])
    assert hub.offer([entry(1, HERE)])
    assert not hub.offer([entry(3, HERE)])

    assert [delta["seq"] for delta in told(here)] == [1]


def test_following_waits_until_nothing_newer_was_given_out() -> None:
    hub = Hub(0)
    late = Listener(Scope(frozenset({HERE}), None, frozenset({"alarms"})), lambda: None)
    hub.join(late)
    hub.offer([entry(1, HERE)])

    assert not hub.follow(late, 0, 0)
    assert hub.follow(late, 1, 1)


def test_what_was_in_the_snapshot_is_not_told_again() -> None:
    hub = Hub(0)
    here = listener(hub, HERE, at=2)

    hub.offer([entry(1, HERE), entry(2, HERE), entry(3, HERE)])

    assert [(d["seq"], d.get("skip_to")) for d in told(here)] == [(3, None)]


def test_a_beat_accounts_for_numbers_of_others_but_not_for_what_still_waits() -> None:
    hub = Hub(0)
    here = listener(hub, HERE)
    hub.offer([entry(1, THERE)])

    skipping = msgspec.json.decode(hub.beat(here, 5))
    plain = msgspec.json.decode(hub.beat(here, 6))
    hub.offer([entry(2, HERE), entry(3, THERE)])
    waiting = msgspec.json.decode(hub.beat(here, 7))

    assert skipping == {"t": "beat", "seq": 1, "now_ms": 5, "skip_to": 1}
    assert plain == {"t": "beat", "seq": 1, "now_ms": 6}
    assert waiting == {"t": "beat", "seq": 2, "now_ms": 7}


def test_a_listener_that_does_not_read_is_cut_at_its_limit_and_no_other() -> None:
    hub = Hub(0)
    stuck, well = listener(hub, HERE), listener(hub, HERE)

    for seq in range(1, QUEUE_MAX + 2):
        hub.offer([entry(seq, HERE)])
        well.queue.clear()

    assert len(stuck.queue) == QUEUE_MAX
    assert hub.is_lagging(stuck, 0)
    assert not well.is_overflowing
