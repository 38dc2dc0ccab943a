"""What every relational store keeps to: SQLite in a file, PostgreSQL."""

import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest
from sqlalchemy import URL, Engine, select, text

from cloud.alarms.store import next_number
from cloud.durable import feed, outbox, timers
from cloud.durable.outbox import Outbox, outbox_table
from cloud.durable.received import EventRow, LaneKey, event_table, known_seqs, store_events
from cloud.durable.timers import Timer, Timers
from cloud.ingest import fence
from cloud.observe import Counters
from cloud.pumps import Signal
from cloud.storage.engine import open_engine
from cloud.storage.errors import Fenced, Unavailable
from cloud.storage.schema import metadata
from cloud.storage.store import Finisher, Priority, Store
from cloud.storage.unit import Work
from contract.lanes import Lane
from tests.cloud.stores import HandClock, counted_ids
from tests.postgres import Databases, databases
from tests.waiting import eventually

__all__ = ["databases"]
TIMERS, OUTBOX = Timers(Signal()), Outbox(Signal())
LANE = LaneKey("gw-1", "journal", Lane.EVENT)


class Backend(Protocol):
    """A kind of store under test."""

    url: URL

    def shut(self, engine: Engine) -> None:
        """From now on it cannot take a large transaction of this writer."""

    def open_again(self, engine: Engine) -> None:
        """Now it can."""

    def give_back(self) -> None:
        """The test is over."""


class SqliteFile:
    """A disk that is full."""

    def __init__(self, folder: Path) -> None:
        self.url = URL.create("sqlite", database=str(folder / "anju.db"))
        engine = open_engine(self.url, writes=True)
        metadata.create_all(engine)
        engine.dispose()

    def shut(self, engine: Engine) -> None:
        self._limit_pages(engine, 1)  # SQLite takes what is there as the lowest limit

    def open_again(self, engine: Engine) -> None:
        self._limit_pages(engine, 1_000_000)

    def give_back(self) -> None:
        """Its folder goes with the test."""

    def _limit_pages(self, engine: Engine, pages: int) -> None:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")


class PostgresDatabase:
    """A server that is being shut down and comes back."""

    def __init__(self, databases: Databases) -> None:
        self._lender, self.url = databases, databases.lend()

    def shut(self, _engine: Engine) -> None:
        self._lender.server.stop()

    def open_again(self, _engine: Engine) -> None:
        self._lender.server.start()

    def give_back(self) -> None:
        self._lender.take_back()


class House:
    """Stores as several processes have them, on one database."""

    def __init__(self, backend: Backend) -> None:
        self.backend, self.clock, self.counters = backend, HandClock(), Counters()
        self._opened: list[Store] = []
        self.engine: Engine

    def open(self, *finishers: Finisher, is_started: bool = False) -> Store:
        url = self.backend.url
        self.engine = open_engine(url, writes=True)
        store = Store(
            self.engine,
            open_engine(url, writes=False),
            self.clock,
            finishers=finishers,
            counters=self.counters,
            ids=counted_ids(),
        )
        if is_started:
            store.start()
        self._opened.append(store)
        return store

    def close(self) -> None:
        for store in self._opened:
            store.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    backend: Backend = (
        SqliteFile(tmp_path)
        if request.param == "sqlite"
        else PostgresDatabase(request.getfixturevalue("databases"))
    )
    house = House(backend)
    yield house
    house.close()
    backend.give_back()


@pytest.fixture
def store(house: House) -> Store:
    return house.open(is_started=True)


def set_timer(subject: str) -> Callable[[Work], None]:
    return lambda work: TIMERS.set(work, "test", subject, work.now_ms)


def post(work: Work, letter: str = "le-1") -> None:
    OUTBOX.post(work, letter, "edge.say", "gw-1", {"say": "hello"}, expires_ms=work.now_ms + 1)


def subjects(store: Store) -> list[str]:
    return [timer.subject for timer in store.read(lambda work: timers.due(work, 1000))]


def at_once(house: House, fn: Callable[[Work], object], times: int, writers: int = 2) -> None:
    """Writers of their own each run fn so often, as processes would."""
    stores = [house.open() for _ in range(writers)]

    def repeat(store: Store) -> None:
        for _ in range(times):
            store.write(fn)

    with ThreadPoolExecutor(writers) as pool:
        for done in [pool.submit(repeat, store) for store in stores]:
            done.result(60)


# ---------------------------------------------------------------- all or nothing


def test_what_fails_half_way_leaves_nothing(store: Store) -> None:
    def write(work: Work) -> None:
        set_timer("a")(work)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        store.write(write)

    assert subjects(store) == []


def test_what_a_handler_raises_rolls_the_whole_transaction_back(store: Store) -> None:
    def refuse(_work: Work, _event: str) -> None:
        raise ValueError("no")

    def write(work: Work) -> None:
        set_timer("a")(work)
        work.publish("something happened")

    store.bus.on(str, refuse)
    with pytest.raises(ValueError, match="no"):
        store.write(write)

    assert subjects(store) == []


def test_a_handler_writes_in_the_transaction_of_what_happened(store: Store) -> None:
    store.bus.on(str, lambda work, event: set_timer(event)(work))

    store.write(lambda work: work.publish("a"))

    assert subjects(store) == ["a"]


def test_a_mistake_in_a_statement_is_told_as_it_is(store: Store) -> None:
    with pytest.raises(Exception, match="no_such_table") as caught:
        store.write(lambda work: work.execute(text("SELECT * FROM no_such_table")))

    assert not isinstance(caught.value, Unavailable)


def test_what_a_reader_writes_is_rolled_back(store: Store) -> None:
    store.read(set_timer("a"))

    assert subjects(store) == []


def test_a_reader_sees_one_state_however_long_it_looks(house: House) -> None:
    store, other = house.open(), house.open()

    def look(work: Work) -> tuple[int, int]:
        before = len(timers.due(work, 10))
        other.write(set_timer("a"))
        return before, len(timers.due(work, 10))

    assert store.read(look) == (0, 0)
    assert subjects(store) == ["a"]


# ---------------------------------------------------------------- after the commit


def stumble() -> None:
    raise ValueError("the console has gone")


def test_an_effect_finds_its_transaction_committed(house: House) -> None:
    store, other = house.open(is_started=True), house.open()
    seen: list[list[str]] = []

    def write(work: Work) -> None:
        set_timer("a")(work)
        work.after_commit(lambda: seen.append(subjects(other)))

    store.write(write)

    assert seen == [["a"]]


def test_a_failing_effect_neither_undoes_the_commit_nor_stops_the_others(
    house: House, store: Store
) -> None:
    ran: list[str] = []

    def write(work: Work) -> str:
        set_timer("a")(work)
        work.after_commit(stumble)
        work.after_commit(lambda: ran.append("second"))
        return "committed"

    assert store.submit(write).result(10) == "committed"

    assert (ran, subjects(store)) == (["second"], ["a"])
    assert house.counters.snapshot()[1]["store.effects"].times == 1
    assert store.submit(lambda _: "next").result(10) == "next"


def test_what_fails_has_no_effect(store: Store) -> None:
    ran: list[str] = []

    def write(work: Work) -> None:
        work.after_commit(lambda: ran.append("told"))
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        store.write(write)

    assert ran == []


# ---------------------------------------------------------------- who goes first


def test_of_those_who_wait_alarms_go_first(store: Store) -> None:
    is_held, order = threading.Event(), list[str]()
    store.submit(lambda _: is_held.wait(10), Priority.ALARM)

    def wait_for(priority: Priority) -> "Future[None]":
        return store.submit(lambda _: order.append(priority.name), priority)

    waiting = [wait_for(priority) for priority in reversed(Priority)]

    is_held.set()

    for job in waiting:
        job.result(10)
    assert order == [priority.name for priority in Priority]


def test_a_write_that_its_caller_has_given_up_is_left_out_and_the_writer_goes_on(
    store: Store,
) -> None:
    is_held, ran = threading.Event(), list[str]()
    first = store.submit(lambda _: is_held.wait(10))
    given_up = store.submit(lambda _: ran.append("given up"))

    assert given_up.cancel()
    is_held.set()

    assert first.result(10)
    assert store.submit(lambda _: "next").result(10) == "next"
    assert ran == []


# ---------------------------------------------------------------- when it is away


def test_a_store_that_is_away_says_so_and_goes_on_where_it_was(house: House, store: Store) -> None:
    def write(work: Work) -> None:
        payload = "x" * 3_000_000
        TIMERS.set(work, "test", "large", work.now_ms, payload=payload)

    store.write(set_timer("before"))
    engine = house.engine
    house.backend.shut(engine)
    with pytest.raises(Unavailable, match="try again in 1 s"):
        store.write(write)
    house.backend.open_again(engine)

    store.write(write)

    assert sorted(subjects(store)) == ["before", "large"]


# ---------------------------------------------------------------- several writers


def test_a_number_is_given_once_however_many_count(house: House) -> None:
    given: list[int] = []

    def count(work: Work) -> None:
        number = next_number(work, "261118")
        work.after_commit(lambda: given.append(number))

    at_once(house, count, times=25)

    assert sorted(given) == list(range(1, 51))


def test_a_timer_is_carried_out_by_one_of_those_who_see_it(house: House) -> None:
    store, taken = house.open(), list[Timer]()
    for number in range(20):
        store.write(set_timer(str(number)))
    due = store.read(lambda work: timers.due(work, 100))

    def take_all(work: Work) -> None:
        mine = [timer for timer in due if timers.take(work, timer)]
        work.after_commit(lambda: taken.extend(mine))

    at_once(house, take_all, times=1, writers=3)

    assert sorted(taken) == sorted(due)


def test_what_is_due_at_once_has_an_order_all_the_same(store: Store) -> None:
    for subject in ("b", "c", "a", "b"):
        store.write(set_timer(subject))
    for letter in ("le-2", "le-1"):
        store.write(partial(post, letter=letter))

    assert subjects(store) == ["a", "b", "c"]
    letters = store.read(lambda work: outbox.due_letters(work, 10))
    assert [letter.id for letter in letters] == ["le-1", "le-2"]


def test_a_letter_that_two_post_is_posted_once(house: House) -> None:
    at_once(house, post, times=5, writers=3)

    [letter] = house.open().read(lambda work: outbox.due_letters(work, 10))
    assert letter.payload == {"say": "hello"}


def test_who_was_overtaken_commits_nothing(house: House) -> None:
    store = house.open()
    old = store.write(fence.claim_all)
    new = house.open().write(fence.claim_all)

    def write(work: Work) -> None:
        set_timer("late")(work)
        fence.advance_each(work, [7, 3], old)

    with pytest.raises(Fenced):
        store.write(write)

    store.write(lambda work: fence.advance_each(work, [7, 3], new))
    assert subjects(store) == []


def test_many_rows_at_once_are_the_rows_that_were_given(store: Store) -> None:
    rows = [
        EventRow(seq, "z2m:1", "motion", b'{"\\u00e9\0"}\xff', 5, None if seq % 2 else "早\t\\N")
        for seq in range(1, 301)
    ]

    store.write(lambda work: store_events(work, LANE, rows, 7))

    assert store.read(lambda work: known_seqs(work, LANE, [1, 300, 301])) == {1, 300}
    kept = store.read(lambda work: work.execute(select(event_table).order_by("seq")).all())
    assert [(row.seq, row.row, row.refused, row.received_ms) for row in kept] == [
        (row.seq, row.row, row.refused, 7) for row in rows
    ]


def test_a_row_that_is_there_already_fails_the_whole_transaction(store: Store) -> None:
    rows = [EventRow(seq, "z2m:1", "motion", b"", 5) for seq in range(3)]
    store.write(lambda work: store_events(work, LANE, rows[2:], 7))

    def write(work: Work) -> None:
        set_timer("a")(work)
        store_events(work, LANE, rows, 7)

    with pytest.raises(Exception, match=r"(?i)unique"):
        store.write(write)

    assert subjects(store) == []


def test_states_of_letters_are_words(store: Store) -> None:
    store.write(post)

    state = select(outbox_table.c.state)
    assert store.read(lambda work: work.execute(state).scalar_one()) == "pending"


# ---------------------------------------------------------------- the feed


class Writer:
    """A process that writes the feed."""

    def __init__(self, url: URL, log: Path) -> None:
        self.log = log
        words = [url.render_as_string(hide_password=False), log.name]
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.ports.feed_writer", *words], stdout=out
            )

    def heard(self) -> list[tuple[int, str]]:
        """Number and thing of what it saw committed; its last line may be cut."""
        lines = self.log.read_text().split("\n")[:-1]
        return [(int(line.split()[0]), line.split()[1]) for line in lines]

    def await_more(self, number: int) -> None:
        wanted = len(self.heard()) + number
        eventually(lambda: len(self.heard()) >= wanted, 90)  # collisions are not fair

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.mark.timeout(400)
def test_the_feed_has_no_hole_however_many_write_it_and_are_killed(
    house: House, tmp_path: Path
) -> None:
    house.open().write(feed.ensure_counter)
    writers = [Writer(house.backend.url, tmp_path / f"writer-{n}") for n in range(4)]
    dice = random.Random(7)

    for writer in writers:
        writer.await_more(dice.randrange(3, 20))
        writer.kill()

    store = house.open()
    entries = store.read(lambda work: feed.entries_after(work, 0, 100_000))
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    assert store.read(feed.head)[1] == len(entries)
    told = {(entry.seq, entry.ops[0].id) for entry in entries}
    assert {each for writer in writers for each in writer.heard()} <= told
    every = select(timers.timer_table.c.subject)
    kept = store.read(lambda work: work.execute(every).scalars().all())
    assert sorted(kept) == sorted(thing for _, thing in told)
