"""Timers, letters and sweeps, against a real store on a clock that stands still."""

from pathlib import Path

import pytest

from cloud.durable import outbox
from cloud.durable.outbox import Delivered, Letter, Outbox, Outcome, Refused, Retry, Sent
from cloud.durable.received import SWEEP_MAX, EventRow, LaneKey, store_events, stored_between
from cloud.durable.timers import Timer, Timers
from cloud.observe import Counters
from cloud.pumps import Signal
from cloud.storage.store import Store
from cloud.storage.unit import Work
from cloud.workers.housekeeping import SWEEPS, Housekeeping
from cloud.workers.outbox import OutboxPump
from cloud.workers.timers import TimerPump
from contract.lanes import Lane
from tests.cloud.stores import HandClock, open_store


class Room:
    """A store, its timers and its outbox."""

    def __init__(self, folder: Path) -> None:
        self.clock = HandClock()
        self.store: Store = open_store(folder, self.clock)
        self.fired: list[Timer] = []
        self.failing = False
        self.timers, self.outbox = Timers(Signal()), Outbox(Signal())
        self.pump = TimerPump(self.store, {"knock": self._knock}, Signal(), Counters())

    def _knock(self, _work: Work, timer: Timer) -> None:
        if self.failing:
            raise ValueError("nobody opens")
        self.fired.append(timer)

    def set(self, subject: str, in_s: float) -> None:
        due_ms = self.clock.now_ms() + int(in_s * 1000)
        self.store.write(lambda w: self.timers.set(w, "knock", subject, due_ms, payload={"x": 1}))

    def turn(self) -> int | None:
        return self.pump.run_once(self.clock.now_ms())


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def test_a_timer_fires_once_when_it_is_over(room: Room) -> None:
    room.set("al-1", 30)
    assert room.turn() == room.clock.now_ms() + 30_000

    room.clock.pass_s(30)
    room.turn()
    room.turn()

    assert [(timer.subject, timer.payload) for timer in room.fired] == [("al-1", {"x": 1})]


def test_a_timer_that_is_set_again_moves(room: Room) -> None:
    room.set("al-1", 30)
    room.set("al-1", 60)
    room.clock.pass_s(31)

    room.turn()

    assert room.fired == []


def test_a_cancelled_timer_never_fires(room: Room) -> None:
    room.set("al-1", 1)
    room.store.write(lambda work: room.timers.cancel(work, "knock", "al-1"))
    room.clock.pass_s(2)

    assert room.turn() is None
    assert room.fired == []


def test_a_timer_whose_handler_fails_comes_again_and_holds_up_nobody(room: Room) -> None:
    room.set("al-1", 1)
    room.clock.pass_s(1)
    room.failing = True
    room.turn()
    room.failing = False
    room.set("al-2", 0)
    room.turn()
    assert [timer.subject for timer in room.fired] == ["al-2"]

    room.clock.pass_s(2)
    room.turn()

    assert [timer.subject for timer in room.fired] == ["al-2", "al-1"]


class Post:
    """An outbox with one carrier that does what the test says."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.carried: list[str] = []
        self.answer: Outcome | None = Delivered()
        self.pump = OutboxPump(room.store, {"note": self._carry}, Signal(), Counters())

    def _carry(self, letter: Letter) -> Outcome:
        self.carried.append(letter.id)
        if self.answer is None:
            raise OSError("line cut")
        return self.answer

    def write(self, letter_id: str, kind: str = "note", lives_s: int = 600) -> None:
        expires_ms = self.room.clock.now_ms() + lives_s * 1000
        self.room.store.write(
            lambda w: self.room.outbox.post(w, letter_id, kind, "x", {}, expires_ms=expires_ms)
        )

    def turn_after(self, seconds: float) -> None:
        self.room.clock.pass_s(seconds)
        self.pump.run_once(self.room.clock.now_ms())


@pytest.fixture
def post(room: Room) -> Post:
    return Post(room)


def test_a_letter_asked_for_twice_is_carried_once(post: Post) -> None:
    post.write("l-1")
    post.write("l-1")

    post.turn_after(0)
    post.turn_after(60)

    assert post.carried == ["l-1"]


@pytest.mark.parametrize("answer", [Sent(), None], ids=["unconfirmed", "line cut"])
def test_an_unconfirmed_letter_goes_again_after_5_10_20_then_every_30_s(
    post: Post, answer: Outcome | None
) -> None:
    post.answer = answer
    post.write("l-1")
    post.turn_after(0)
    for pause_s in (5, 10, 20, 30, 30):
        before = len(post.carried)
        post.turn_after(pause_s - 1)
        assert len(post.carried) == before
        post.turn_after(1)
        assert len(post.carried) == before + 1


def test_a_confirmed_letter_rests(post: Post) -> None:
    post.answer = Sent()
    post.write("l-1")
    post.turn_after(0)
    post.room.store.write(lambda work: outbox.finish_letters(work, ["l-1"]))

    post.turn_after(60)

    assert post.carried == ["l-1"]


def test_a_letter_may_be_put_off_by_its_carrier(post: Post) -> None:
    post.answer = Retry(90, "busy")
    post.write("l-1")
    post.turn_after(0)
    post.turn_after(60)
    assert len(post.carried) == 1

    post.turn_after(30)
    assert len(post.carried) == 2


@pytest.mark.parametrize("kind", ["note", "pigeon"])
def test_a_refused_letter_is_kept_but_not_tried_again(post: Post, kind: str) -> None:
    post.answer = Refused("no such number")
    post.write("l-1", kind)

    post.turn_after(0)
    post.turn_after(600)

    assert len(post.carried) <= 1
    assert post.room.store.read(outbox.next_letter_ms) is None


def test_a_letter_whose_time_is_over_is_not_carried(post: Post) -> None:
    post.write("l-1", lives_s=10)

    post.turn_after(11)

    assert post.carried == []


@pytest.mark.parametrize("name", sorted(SWEEPS))
def test_every_sweep_runs_on_an_empty_store(room: Room, name: str) -> None:
    assert Housekeeping(room.store, room.clock, Counters()).sweep(name) == 0


def test_a_million_old_events_are_swept_in_pieces_that_hold_up_no_alarm(room: Room) -> None:
    key = LaneKey("gw-demo01", "j-1", Lane.EVENT)
    rows = [EventRow(n, "d", "button", b"{}", 0) for n in range(1, SWEEP_MAX + 3)]
    kept = EventRow(SWEEP_MAX + 3, "d", "button", b"{}", 0)
    room.store.write(lambda work: store_events(work, key, rows, work.now_ms))
    room.clock.pass_s(91 * 86_400)
    room.store.write(lambda work: store_events(work, key, [kept], work.now_ms))

    first = room.store.write(SWEEPS["events"].run)
    rest = Housekeeping(room.store, room.clock, Counters()).sweep("events")

    assert (first, rest) == (SWEEP_MAX, 2)
    left = room.store.read(lambda work: stored_between(work, key, 1, 2**53, 10))
    assert left == [(kept.seq, None)]


def test_finished_letters_are_forgotten_after_their_time(post: Post) -> None:
    post.write("l-1")
    post.turn_after(0)
    post.room.clock.pass_s(91 * 86_400)

    assert Housekeeping(post.room.store, post.room.clock, Counters()).sweep("outbox") == 1
