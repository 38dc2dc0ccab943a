"""The pump of the rules' own time: looks again at homes and gateways whose rules wait for it. Runs
where facts are taken in, under the same fence: who owns a partition keeps its homes' rules."""

import logging
from collections.abc import Callable
from typing import Final

from cloud.ingest.fence import advance
from cloud.ingest.following import Follower
from cloud.observe import Counters
from cloud.pumps import Signal
from cloud.rules import state as rule_state
from cloud.rules.state import Due
from cloud.storage.errors import Fenced, Unavailable
from cloud.storage.store import Priority, Store
from cloud.storage.unit import Work

log = logging.getLogger(__name__)
BATCH_MAX: Final = 200
LOOK_MS: Final = 1_000  # facts move dues at any time; to ask is one index look-up
RETRY_MS: Final = 60_000


class DuePump:
    """One transaction a home, so that no alarm waits behind a batch."""

    name = "ingest.rules"

    def __init__(
        self,
        store: Store,
        follower: Follower,
        counters: Counters,
        generation: int,
        overtaken: Callable[[], None],
    ) -> None:
        """overtaken: as of IngestPump."""
        self.signal = Signal()
        self._store, self._follower, self._counters = store, follower, counters
        self._generation, self._overtaken = generation, overtaken

    def run_once(self, now_ms: int) -> int | None:
        """Everything that is due now, longest first."""
        due = self._store.read(lambda work: rule_state.due(work, BATCH_MAX))
        try:
            for each in due:
                self._look(each)
        except Fenced:  # a newer owner keeps these homes' rules
            self._overtaken()
            return now_ms + RETRY_MS
        return now_ms if len(due) == BATCH_MAX else now_ms + LOOK_MS

    def _look(self, due: Due) -> None:
        def look(work: Work) -> None:
            advance(work, due.partition, self._generation)
            self._follower.look_again(work, due)

        def later(work: Work) -> None:
            rule_state.postpone(work, due.subject, work.now_ms + RETRY_MS)

        try:
            self._store.write(look, Priority.TIMER)
        except (Unavailable, Fenced):
            raise
        except Exception as error:  # one home must not hold up the others
            log.exception("the rules of %s failed; they are looked at again", due.subject)
            self._counters.add("rules.failed")
            text = f"{due.subject}: {type(error).__name__}: {error}"
            self._counters.trouble(self.name, text, self._store.read(lambda work: work.now_ms))
            self._store.write(later, Priority.TIMER)
