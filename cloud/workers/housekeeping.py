"""Periodic sweeps. APScheduler says when; each job is one small transaction and has its own
heartbeat."""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, NamedTuple

from apscheduler.schedulers.background import BackgroundScheduler

from cloud.clock import Clock
from cloud.durable.feed import sweep_feed
from cloud.durable.outbox import sweep_outbox
from cloud.durable.received import sweep_events, sweep_quarantine
from cloud.fleet.codes import sweep_codes
from cloud.identity.answers import sweep_answers
from cloud.identity.pacing import sweep_attempts
from cloud.identity.sessions import sweep_sessions
from cloud.observe import Counters
from cloud.registry.removals import sweep_removals
from cloud.storage.store import Priority, Store
from cloud.storage.unit import Work
from cloud.timeseries.requests import sweep_requests

log = logging.getLogger(__name__)
FIRST_S: Final = 600
DAY_MS: Final = 24 * 3_600_000
FEED_KEPT_MS: Final = 2 * DAY_MS
OUTBOX_KEPT_MS: Final = 90 * DAY_MS
EVENTS_KEPT_MS: Final = 90 * DAY_MS  # at least 30 days, or an old press could come in twice
QUARANTINE_KEPT_MS: Final = 90 * DAY_MS


class Sweep(NamedTuple):
    """Something old is forgotten every so often; the function says how many."""

    every_s: int
    run: Callable[[Work], int]


SWEEPS: Final[Mapping[str, Sweep]] = {
    "sessions": Sweep(300, sweep_sessions),
    "attempts": Sweep(3600, sweep_attempts),
    "answers": Sweep(3600, sweep_answers),
    "codes": Sweep(3600, sweep_codes),
    "removals": Sweep(86_400, sweep_removals),
    "requests": Sweep(86_400, sweep_requests),
    "feed": Sweep(3600, lambda work: sweep_feed(work, work.now_ms - FEED_KEPT_MS)),
    "outbox": Sweep(3600, lambda work: sweep_outbox(work, work.now_ms - OUTBOX_KEPT_MS)),
    "events": Sweep(86_400, lambda work: sweep_events(work, work.now_ms - EVENTS_KEPT_MS)),
    "quarantine": Sweep(
        86_400, lambda work: sweep_quarantine(work, work.now_ms - QUARANTINE_KEPT_MS)
    ),
}


class Chore(NamedTuple):
    """As a sweep, of something beside the store. run: takes the time, makes its transactions
    itself, and is called again while it says that it has done something."""

    every_s: int
    run: Callable[[int], int]


class Housekeeping:
    """Runs the sweeps and chores in APScheduler's threads."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        counters: Counters,
        chores: Mapping[str, Chore] = MappingProxyType({}),
    ) -> None:
        self._store, self._clock, self._counters = store, clock, counters
        self._jobs: dict[str, Sweep | Chore] = {**SWEEPS, **chores}
        self._is_stopping = False
        self._scheduler = BackgroundScheduler(timezone="UTC")

    def start(self) -> None:
        """Begin. A start is quick, and what is restarted every day is swept all the same: the first
        sweeps come after ten minutes, or their interval where that is shorter."""
        now_s = self._clock.now_ms() / 1000
        for name, sweep in self._jobs.items():
            self._counters.promise(f"sweep.{name}", sweep.every_s)
            self._scheduler.add_job(
                self.sweep,
                "interval",
                seconds=sweep.every_s,
                next_run_time=datetime.fromtimestamp(now_s + min(sweep.every_s, FIRST_S), UTC),
                args=[name],
                id=name,
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None,
            )
        self._scheduler.start()

    def stop(self) -> None:
        """Finish the sweep under way."""
        self._is_stopping = True
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)

    def sweep(self, name: str) -> int:
        """One sweep now; how many things were forgotten."""
        now_ms = self._clock.now_ms()
        try:
            count = self._finish(self._jobs[name], now_ms)
        except Exception as error:
            self._counters.trouble(f"sweep.{name}", str(error), now_ms)
            raise
        self._counters.turned(f"sweep.{name}", now_ms)
        self._counters.add(f"swept.{name}", count)
        return count

    def _finish(self, job: Sweep | Chore, now_ms: int) -> int:
        """In transactions as long as the job makes them, and alarms in between."""
        total = 0
        while not self._is_stopping:
            if isinstance(job, Chore):
                count = job.run(now_ms)
            else:
                count = self._store.write(job.run, Priority.HOUSEKEEPING)
            if not count:
                break
            total += count
        return total
