"""The store: transactions in, committed results out. One writer thread takes them by priority,
alarms first."""

import heapq
import itertools
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from enum import IntEnum
from typing import Any, TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from cloud.clock import Clock
from cloud.observe import Counters
from cloud.observe.measures import COMMIT
from cloud.storage.bus import Bus
from cloud.storage.errors import Unavailable
from cloud.storage.faults import translated, tries_of
from cloud.storage.ids import IdSource, system_ids
from cloud.storage.unit import Work

T = TypeVar("T")
Finisher = Callable[[Work], None]


class Priority(IntEnum):
    """Who goes first when several wait."""

    ALARM = 0
    PERSON = 1  # somebody has clicked and waits
    TIMER = 2
    DATA = 3
    HOUSEKEEPING = 4


class _Job:
    __slots__ = ("fn", "future", "priority")

    def __init__(self, fn: Callable[[Work], Any], priority: Priority) -> None:
        self.fn, self.priority = fn, priority
        self.future: Future[Any] = Future()


class Store:
    """Transactions over one database.

    Without `start()` a write runs in the caller's thread (simulation, tests, commands); after it,
    in the writer's.
    Finishers run last in each transaction, in order (the feed takes its number there).
    """

    def __init__(
        self,
        writing: Engine,
        reading: Engine,
        clock: Clock,
        *,
        bus: Bus | None = None,
        ids: IdSource = system_ids,
        finishers: Sequence[Finisher] = (),
        counters: Counters | None = None,
    ) -> None:
        self.bus = bus or Bus()
        self._counters = counters or Counters()
        self._writing, self._reading, self._clock, self._ids = writing, reading, clock, ids
        self._finishers = tuple(finishers)
        self._jobs: list[tuple[int, int, _Job]] = []
        self._order = itertools.count()
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_stopping = False

    def start(self) -> None:
        """Open the writer's thread."""
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish what waits, then close every connection."""
        with self._wake:
            self._is_stopping = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(30)
        self._writing.dispose()
        self._reading.dispose()

    def write(self, fn: Callable[[Work], T], priority: Priority = Priority.PERSON) -> T:
        """Run fn in one transaction and return its result once that is durable.

        Where several processes write, fn runs again from its beginning when another one was in the
        way; it changes nothing but through its Work. Raises whatever fn raises (rolled back), or
        Unavailable where the store cannot write now: then it may or may not be committed.
        """
        return self.submit(fn, priority).result()

    def submit(self, fn: Callable[[Work], T], priority: Priority = Priority.PERSON) -> "Future[T]":
        """As `write`, without waiting."""
        job = _Job(fn, priority)
        if self._thread is None:
            self._perform(job)
            return job.future
        with self._wake:
            if self._is_stopping:
                raise Unavailable("it is being stopped")
            heapq.heappush(self._jobs, (priority, next(self._order), job))
            self._wake.notify()
        return job.future

    def read(self, fn: Callable[[Work], T]) -> T:
        """Run fn on a consistent view of what is committed; what it writes is rolled back.

        Raises whatever fn raises, or Unavailable where the store cannot be read now.
        """
        try:
            with self._reading.connect() as connection:
                work = Work(connection, self._clock.now_ms(), self._ids, self.bus.publish)
                try:
                    return fn(work)
                finally:
                    connection.rollback()
        except SQLAlchemyError as error:
            raise translated(error) from error.__cause__

    @property
    def waiting(self) -> int:
        """Transactions that wait for the writer."""
        return len(self._jobs)

    def _run(self) -> None:
        while (job := self._next()) is not None:
            self._perform(job)

    def _next(self) -> _Job | None:
        with self._wake:
            while not self._jobs:
                if self._is_stopping:
                    return None
                self._wake.wait()
            return heapq.heappop(self._jobs)[2]

    def _perform(self, job: _Job) -> None:
        if not job.future.set_running_or_notify_cancel():
            return  # nobody waits for it any more, and it had not begun
        begun_s = self._clock.monotonic_s()
        try:
            result, work = self._insist(job.fn)
        except BaseException as error:  # noqa: BLE001 - belongs to the caller, who waits for it
            job.future.set_exception(translated(error))
            return
        took_s = self._clock.monotonic_s() - begun_s
        self._counters.measure(COMMIT, job.priority.name.lower(), took_s)
        for trouble in work.run_effects():
            self._counters.trouble("store.effects", str(trouble), work.now_ms)
        job.future.set_result(result)

    def _insist(self, fn: Callable[[Work], T]) -> tuple[T, Work]:
        """Again as a whole where another process was in the way."""
        tried = 1
        while True:
            try:
                return self._transact(fn)
            except Exception as error:
                if tried >= tries_of(error):
                    raise
            tried += 1
            self._counters.add("store.collisions")

    def _transact(self, fn: Callable[[Work], T]) -> tuple[T, Work]:
        with self._writing.begin() as connection:
            work = Work(connection, self._clock.now_ms(), self._ids, self.bus.publish)
            result = fn(work)
            for finish in self._finishers:
                finish(work)
        return result, work
