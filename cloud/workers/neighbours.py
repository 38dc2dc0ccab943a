"""Other processes on the same data: who does what only one may do, and what they have changed."""

import logging
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from cloud.observe import Counters
from cloud.pumps import Pump, Signal, due_within
from cloud.registry.registry import Registry
from cloud.storage.lock import Lock

log = logging.getLogger(__name__)
LOOK_MS: Final = 500  # how soon a waiting process takes over
OVERTAKEN_MS: Final = 60_000  # until who was overtaken tries again; two must not take turns
POLL_MS: Final = 1000
REGISTRY_MS: Final = 2000


class Exclusive:
    """A part that one process runs for a store; in the others it waits for that one's end.

    begin: starts the part and leaves its ends on the stack; where it raises, they are called.
    """

    def __init__(
        self, part: str, lock: Lock, begin: Callable[[ExitStack], None], counters: Counters
    ) -> None:
        self.name, self.signal = f"app.{part}", Signal()
        self.is_running = False
        self._part, self._begin, self._lock = part, begin, lock
        self._counters, self._ends = counters, ExitStack()
        self._has_told = self._is_overtaken = False
        self._not_before_ms = 0

    def overtaken(self) -> None:
        """Another process does it, whatever the lock says: end the part here. From any thread."""
        self._is_overtaken = True
        self.signal.set()

    def run_once(self, now_ms: int) -> int | None:
        """Take over as soon as nobody else has it; end the part where somebody else may have it.
        Raises OSError for a folder of no use, Unavailable while the server is away."""
        if self.is_running and not self._lock.is_held():
            log.warning("%s: lost %s; ending it here", self._part, self._lock.name)
            self._end()
        elif self.is_running and self._is_overtaken:
            self._stand_by(now_ms)
        if self.is_running:
            return now_ms + LOOK_MS
        due_ms = due_within(self._not_before_ms, now_ms, OVERTAKEN_MS)
        if due_ms > now_ms:
            return due_ms
        if not self._lock.take():
            self._tell()
            return now_ms + LOOK_MS
        with ExitStack() as ends:
            self._begin(ends)
            self._ends = ends.pop_all()
        self.is_running = True
        log.info("%s: runs here", self._part)
        return now_ms + LOOK_MS

    def stop(self) -> None:
        """End the part, then let another process have it. Not while run_once is under way."""
        self._end()
        self._lock.release()

    def _end(self) -> None:
        self.is_running = False
        self._ends.close()
        self._is_overtaken = False

    def _stand_by(self, now_ms: int) -> None:
        why = f"another process has overtaken it, although {self._lock.name} is held here"
        log.error("%s: %s; standing by for %d s", self._part, why, OVERTAKEN_MS // 1000)
        self._counters.trouble(self.name, why, now_ms)
        self._end()
        self._lock.release()
        self._not_before_ms = now_ms + OVERTAKEN_MS

    def _tell(self) -> None:
        if not self._has_told:
            log.warning(
                "%s: another process holds %s; waiting for its end", self._part, self._lock.name
            )
            self._has_told = True


class Polled:
    """A pump whose work other processes leave in the store as well: it looks once a second."""

    def __init__(self, pump: Pump) -> None:
        self.name, self.signal, self._pump = pump.name, pump.signal, pump

    def run_once(self, now_ms: int) -> int | None:
        """As the pump, and never later than in a second."""
        due_ms = self._pump.run_once(now_ms)
        return now_ms + POLL_MS if due_ms is None else min(due_ms, now_ms + POLL_MS)


class RegistryWatch:
    """Forgets cards that another process has changed."""

    name = "workers.registry"

    def __init__(self, registry: Registry) -> None:
        self.signal = Signal()
        self._registry = registry

    def run_once(self, now_ms: int) -> int | None:
        """One cheap query every two seconds."""
        self._registry.refresh()
        return now_ms + REGISTRY_MS
