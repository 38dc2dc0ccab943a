"""Carries out durable timers. Each in a transaction of its own; one that fails waits and the
others go on."""

import logging
from collections.abc import Callable, Mapping
from typing import Final

from cloud.durable import timers
from cloud.durable.timers import Timer
from cloud.observe import Counters
from cloud.observe.measures import TIMER_LATE
from cloud.pumps import Signal
from cloud.storage.errors import Unavailable
from cloud.storage.store import Priority, Store
from cloud.storage.unit import Work

log = logging.getLogger(__name__)
BATCH_MAX: Final = 200
RETRY_MS_MAX: Final = 60_000
Handler = Callable[[Work, Timer], None]


class TimerPump:
    """Fires what is due, oldest first. handlers: by kind of timer."""

    name = "workers.timers"

    def __init__(
        self, store: Store, handlers: Mapping[str, Handler], signal: Signal, counters: Counters
    ) -> None:
        self.signal = signal
        self._store, self._handlers, self._counters = store, dict(handlers), counters

    def run_once(self, now_ms: int) -> int | None:
        """Everything that is due now; returns when the next one is."""
        due = self._store.read(lambda work: timers.due(work, BATCH_MAX))
        for timer in due:
            self._fire(timer)
        return self._store.read(timers.next_due_ms)

    def _fire(self, timer: Timer) -> None:
        def carry_out(work: Work) -> None:
            if timers.take(work, timer):  # else it was moved or cancelled meanwhile
                self._handlers[timer.kind](work, timer)

        try:
            self._store.write(carry_out, Priority.TIMER)
            self._counters.since(TIMER_LATE, timer.kind, timer.due_ms)
        except Unavailable:
            raise
        except Exception as error:  # one broken timer must not hold up the others
            log.exception("timer %s of %s failed; it is tried again", timer.kind, timer.subject)
            self._counters.add("timers.failed")
            self._postpone(timer, f"{type(error).__name__}: {error}")

    def _postpone(self, timer: Timer, trouble: str) -> None:
        def later(work: Work) -> None:
            wait_ms = min(1000 * 2**timer.attempts, RETRY_MS_MAX)
            timers.postpone(work, timer, work.now_ms + wait_ms, trouble)

        self._store.write(later, Priority.TIMER)
