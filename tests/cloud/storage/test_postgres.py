"""What only a server can do to us: collide, go away, come back, forget."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

import pytest
from sqlalchemy import URL, select, text, true, update

from anju.broker import free_port
from anju.postgres import PostgresProcess
from cloud.alarms.store import next_number, number_table
from cloud.durable import feed, timers
from cloud.durable.received import Reject, quarantine, rejected
from cloud.durable.timers import Timers
from cloud.observe import Counters
from cloud.pumps import Signal
from cloud.storage import migrate, postgres
from cloud.storage.engine import open_engine
from cloud.storage.errors import NotDurable, Unavailable
from cloud.storage.lock import AdvisoryLock
from cloud.storage.store import Store
from cloud.storage.unit import Work
from cloud.workers.neighbours import LOOK_MS, Exclusive
from contract.lanes import Lane
from tests.cloud.stores import HandClock
from tests.postgres import Databases, own_postgres, postgres_url, run
from tests.waiting import eventually

__all__ = ["own_postgres", "postgres_url"]
TIMERS = Timers(Signal())


class Desk:
    """A store on a server."""

    def __init__(self, url: URL) -> None:
        self.counters = Counters()
        writing, reading = open_engine(url, writes=True), open_engine(url, writes=False)
        seal = feed.seal(lambda _entry: None)
        self.store = Store(writing, reading, HandClock(), finishers=[seal], counters=self.counters)

    @property
    def collisions(self) -> int:
        return self.counters.snapshot()[0].get("store.collisions", 0)


@pytest.fixture
def desks(postgres_url: URL) -> Iterator[list[Desk]]:
    """Two processes' stores on one database."""
    made = [Desk(postgres_url) for _ in range(2)]
    made[0].store.write(feed.ensure_counter)
    yield made
    for desk in made:
        desk.store.stop()


def set_timer(work: Work, subject: str) -> None:
    TIMERS.set(work, "test", subject, work.now_ms)


def subjects(store: Store) -> list[str]:
    return sorted(timer.subject for timer in store.read(lambda work: timers.due(work, 1000)))


# ---------------------------------------------------------------- in each other's way


def test_who_decided_on_what_is_no_longer_so_decides_again(desks: list[Desk]) -> None:
    one, other = desks
    seen: list[int] = []

    def decide(work: Work) -> None:
        seen.append(len(timers.due(work, 10)))
        if len(seen) == 1:
            other.store.write(interfere)
        set_timer(work, f"saw {seen[-1]}")

    def interfere(work: Work) -> None:
        set_timer(work, f"other saw {len(timers.due(work, 10))}")

    one.store.write(decide)

    assert subjects(one.store) == ["other saw 0", "saw 1"]
    assert (seen, one.collisions) == ([0, 1], 1)


def test_two_who_wait_for_each_other_both_get_through(desks: list[Desk]) -> None:
    met = threading.Barrier(2, timeout=10)

    def cross(desk: Desk, first: str, second: str) -> None:
        tries: list[None] = []

        def write(work: Work) -> None:
            tries.append(None)
            touch(work, first)
            if len(tries) == 1:
                met.wait()
            touch(work, second)

        desk.store.write(write)

    def touch(work: Work, day: str) -> None:
        row = number_table.c.day == day
        work.execute(update(number_table).where(row).values(last=number_table.c.last + 1))

    for day in ("a", "b"):
        desks[0].store.write(partial(next_number, day=day))
    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(cross, desks[0], "a", "b"), pool.submit(cross, desks[1], "b", "a")]
        for each in done:
            each.result(30)

    every = select(number_table.c.last)
    assert desks[0].store.read(lambda work: work.execute(every).scalars().all()) == [3, 3]
    assert desks[0].collisions + desks[1].collisions >= 1


def test_a_text_that_the_server_would_refuse_is_kept_all_the_same(desks: list[Desk]) -> None:
    reject = Reject("k\0", "gw-1", "t", Lane.ALARM, "undecodable: \0", b"\0")

    desks[0].store.write(lambda work: quarantine(work, reject))
    is_new = desks[1].store.write(lambda work: quarantine(work, reject))

    [kept] = desks[0].store.read(lambda work: rejected(work, true()))
    assert (kept["key"], kept["payload"], kept["times"], is_new) == ("k\ufffd", b"\0", 2, False)


# ---------------------------------------------------------------- how long one may wait


def test_a_session_has_its_limits_and_its_name(postgres_url: URL) -> None:
    engine = open_engine(postgres_url, writes=True)
    with engine.connect() as connection:
        shown = {
            name: connection.execute(text(f"SHOW {name}")).scalar()
            for name in (*postgres.SESSION, "application_name", "transaction_isolation")
        }
    engine.dispose()

    assert shown["idle_in_transaction_session_timeout"] == "3s"
    assert (shown["lock_timeout"], shown["statement_timeout"]) == ("5s", "30s")
    assert shown["application_name"] == "anju-writes"
    assert shown["transaction_isolation"] == "serializable"


def test_who_is_frozen_in_a_transaction_loses_it_and_the_next_one_goes_on(
    desks: list[Desk],
) -> None:
    frozen, other = desks
    has_row, is_thawed = threading.Event(), threading.Event()

    def freeze(work: Work) -> None:
        set_timer(work, "frozen")
        feed.put(work, "alarms", "frozen", 1, b"{}")
        work.execute(update(feed.counter_table).values(seq=feed.counter_table.c.seq))
        has_row.set()
        is_thawed.wait(20)

    def go_on(work: Work) -> None:
        set_timer(work, "other")
        feed.put(work, "alarms", "other", 1, b"{}")

    with ThreadPoolExecutor(1) as pool:
        lost: Future[None] = pool.submit(frozen.store.write, freeze)
        has_row.wait(10)
        other.store.write(go_on)
        is_thawed.set()
        with pytest.raises(Unavailable):
            lost.result(10)

    assert subjects(other.store) == ["other"]
    assert other.store.read(feed.head)[1] == 1


# ---------------------------------------------------------------- away and back


def test_what_was_confirmed_is_there_after_every_kill_of_the_server(
    own_postgres: PostgresProcess,
) -> None:
    migrate.upgrade(own_postgres.url())
    desk = Desk(own_postgres.url())
    desk.store.write(feed.ensure_counter)
    confirmed: list[str] = []
    is_over = threading.Event()

    def pump() -> None:
        """As our pumps do: the same again until it is confirmed."""
        number = 0
        while not is_over.is_set():
            try:
                desk.store.write(partial(step, subject=str(number)))
            except Unavailable:
                is_over.wait(0.02)
            else:
                confirmed.append(str(number))
                number += 1

    def step(work: Work, subject: str) -> None:
        set_timer(work, subject)
        feed.put(work, "alarms", subject, 1, b"{}")

    def await_more(number: int) -> None:
        wanted = len(confirmed) + number
        eventually(lambda: len(confirmed) >= wanted, 30)

    writer = threading.Thread(target=pump)
    writer.start()
    for _ in range(3):
        await_more(20)
        own_postgres.kill()
        own_postgres.start()
    await_more(20)
    is_over.set()
    writer.join()

    entries = desk.store.read(lambda work: feed.entries_after(work, 0, 100_000))
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    assert set(confirmed) <= {entry.ops[0].id for entry in entries}
    every = select(timers.timer_table.c.subject)
    kept = desk.store.read(lambda work: work.execute(every).scalars().all())
    assert set(kept) == {entry.ops[0].id for entry in entries}
    desk.store.stop()


def test_the_first_write_after_a_restart_is_no_error(own_postgres: PostgresProcess) -> None:
    migrate.upgrade(own_postgres.url())
    desk = Desk(own_postgres.url())
    desk.store.write(lambda work: set_timer(work, "before"))
    assert subjects(desk.store) == ["before"]

    own_postgres.stop()
    with pytest.raises(Unavailable):
        subjects(desk.store)
    own_postgres.start()

    desk.store.write(lambda work: set_timer(work, "after"))
    assert subjects(desk.store) == ["after", "before"]
    desk.store.stop()


def test_a_part_whose_lock_went_with_the_server_ends_and_begins_again(
    own_postgres: PostgresProcess,
) -> None:
    begun: list[str] = []

    def begin(ends: ExitStack) -> None:
        begun.append("begun")
        ends.callback(lambda: begun.append("ended"))

    alone = Exclusive("ingest", AdvisoryLock(own_postgres.url(), "ingest"), begin, Counters())
    assert alone.run_once(0) == LOOK_MS

    own_postgres.stop()
    with pytest.raises(Unavailable):
        alone.run_once(1)
    assert (begun, alone.is_running) == (["begun", "ended"], False)
    own_postgres.start()
    alone.run_once(2)

    assert (begun, alone.is_running) == (["begun", "ended", "begun"], True)
    alone.stop()


def test_a_lock_belongs_to_one_session_and_goes_with_it(postgres_url: URL) -> None:
    one, other = (AdvisoryLock(postgres_url, "workers") for _ in range(2))
    assert one.take()
    assert one.take()
    assert not other.take()

    run(
        postgres_url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name ="
        " 'anju-lock-workers' AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory'"
        " AND granted)",
    )

    assert not one.is_held()
    assert other.take()
    assert not one.take()
    one.release()
    other.release()
    assert one.take()
    one.release()


def test_a_server_that_comes_later_is_waited_for(
    own_postgres: PostgresProcess, caplog: pytest.LogCaptureFixture
) -> None:
    own_postgres.stop()
    looks: list[None] = []

    def is_wanted() -> bool:
        if not looks:
            own_postgres.start()
        looks.append(None)
        return True

    postgres.await_server(own_postgres.url(), is_wanted)

    assert looks
    assert "waiting for the database postgresql://anju@127.0.0.1" in caplog.text


def test_nobody_waits_for_a_server_that_is_not_wanted_any_more() -> None:
    url = URL.create("postgresql", "anju", host="127.0.0.1", port=free_port(), database="anju")

    with pytest.raises(Unavailable):
        postgres.await_server(url, lambda: False)


def test_a_server_that_may_forget_what_it_confirmed_is_refused(postgres_url: URL) -> None:
    run(postgres_url, f"ALTER DATABASE {postgres_url.database} SET synchronous_commit = off")

    with pytest.raises(NotDurable, match="set synchronous_commit = on"):
        postgres.await_server(postgres_url, lambda: True)

    run(postgres_url, f"ALTER DATABASE {postgres_url.database} RESET synchronous_commit")


def test_two_processes_may_bring_it_up_to_date_at_once(databases: Databases) -> None:
    url = databases.bare()

    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(migrate.upgrade, url) for _ in range(3)]:
            done.result(30)

    assert migrate.check(url) == []
