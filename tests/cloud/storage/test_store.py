import threading
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from cloud.observe import Counters
from cloud.storage.engine import open_engine
from cloud.storage.store import Priority, Store
from cloud.storage.unit import Work
from tests.cloud.stores import HandClock, open_store


class Room:
    """A store with a writer's thread, and what it counts."""

    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder / 'anju.db'}"
        self.counters = Counters()
        self.store = Store(
            open_engine(url, writes=True),
            open_engine(url, writes=False),
            HandClock(),
            counters=self.counters,
        )

    def troubles(self) -> int:
        """Effects that have failed so far."""
        troubles = self.counters.snapshot()[1]
        return troubles["store.effects"].times if "store.effects" in troubles else 0


@pytest.fixture
def room(tmp_path):
    room = Room(tmp_path)
    room.store.start()
    yield room
    room.store.stop()


def stumble() -> None:
    raise ValueError("the console has gone")


def test_a_failing_effect_neither_undoes_the_commit_nor_stops_the_others(room):
    ran: list[str] = []

    def write(work: Work) -> str:
        work.execute(text("CREATE TABLE note (words TEXT)"))
        work.after_commit(stumble)
        work.after_commit(lambda: ran.append("second"))
        return "committed"

    assert room.store.submit(write).result(10) == "committed"

    assert ran == ["second"]
    assert room.store.read(lambda work: work.execute(text("SELECT * FROM note")).all()) == []
    assert room.troubles() == 1


def test_the_writer_goes_on_after_an_effect_that_failed(room):
    room.store.submit(lambda work: work.after_commit(stumble)).result(10)

    assert room.store.submit(lambda _: "next").result(10) == "next"


def test_a_write_that_its_caller_has_given_up_is_left_out_and_the_writer_goes_on(room):
    is_held, ran = threading.Event(), []
    first = room.store.submit(lambda _: is_held.wait(10))
    given_up = room.store.submit(lambda _: ran.append("given up"))

    assert given_up.cancel()
    is_held.set()

    assert first.result(10)
    assert room.store.submit(lambda _: "next").result(10) == "next"
    assert ran == []


def test_of_those_who_wait_alarms_go_first(room):
    is_held, order = threading.Event(), []
    room.store.submit(lambda _: is_held.wait(10), Priority.ALARM)
    waiting = [
        room.store.submit(lambda _, name=priority.name: order.append(name), priority)
        for priority in reversed(Priority)
    ]

    is_held.set()

    for job in waiting:
        job.result(10)
    assert order == [priority.name for priority in Priority]


def test_what_a_handler_raises_rolls_the_whole_transaction_back(tmp_path):
    store = open_store(tmp_path, HandClock())

    def refuse(_work: Work, _event: str) -> None:
        raise ValueError("no")

    def write(work: Work) -> None:
        work.execute(text("CREATE TABLE note (words TEXT)"))
        work.publish("something happened")

    store.bus.on(str, refuse)
    with pytest.raises(ValueError, match="no"):
        store.write(write)

    tables = text("SELECT count(*) FROM sqlite_master WHERE name = 'note'")
    assert store.read(lambda work: work.execute(tables).scalar_one()) == 0
    store.stop()


def test_a_statement_that_can_never_work_is_not_taken_for_a_store_that_is_away(tmp_path):
    store = open_store(tmp_path, HandClock())

    with pytest.raises(OperationalError, match="no such table"):
        store.write(lambda work: work.execute(text("SELECT * FROM nowhere")))

    store.stop()
