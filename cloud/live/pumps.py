"""What moves the feed: reading what other processes committed, and noticing that nobody listens."""

import logging
from collections.abc import Callable
from typing import Final

from cloud.durable.feed import Entry, entries_after
from cloud.live.hub import Hub
from cloud.observe import Counters
from cloud.pumps import Signal
from cloud.storage.store import Store
from cloud.storage.unit import Work

log = logging.getLogger(__name__)
SILENT: Final = "no console is shown and can be heard, though somebody is on shift or a call waits"
READ_MAX: Final = 500
POLL_MS: Final = 1000
WATCH_MS: Final = 2000


class FeedPump:
    """Gives out what the log has and the hub does not."""

    name = "live.feed"

    def __init__(self, store: Store, hub: Hub) -> None:
        self.signal = Signal()
        self._store, self._hub = store, hub

    def run_once(self, now_ms: int) -> int | None:
        """Read behind the hub's last number until nothing is left."""
        entries: list[Entry] = self._store.read(
            lambda work: entries_after(work, self._hub.seq, READ_MAX)
        )
        self._hub.offer(entries)
        return now_ms if len(entries) == READ_MAX else now_ms + POLL_MS


class ConsoleWatch:
    """Alarms the supervisor when no console shows and sounds while somebody must be heard.

    is_needed: whether an alarm is unclaimed or a shift is open; tell: what to do about it, asked at
    each turn of the silence, since an alarm may be raised into it; it does each thing once. The
    silence itself is a trouble of this pump, so that it is seen where no alarm waits to tell it.
    """

    name = "live.consoles"

    def __init__(
        self,
        store: Store,
        hub: Hub,
        is_needed: Callable[[Work], bool],
        tell: Callable[[Work], None],
        counters: Counters,
        grace_ms: int = 10_000,
    ) -> None:
        self.signal = Signal()
        self._store, self._hub, self._is_needed, self._tell = store, hub, is_needed, tell
        self._counters, self._grace_ms = counters, grace_ms
        self._silent_since_ms: int | None = None
        self._has_told = False

    def run_once(self, now_ms: int) -> int | None:
        """Every two seconds."""
        if self._hub.audible_consoles(now_ms) or not self._store.read(self._is_needed):
            self._silent_since_ms, self._has_told = None, False
            return now_ms + WATCH_MS
        if self._silent_since_ms is None:
            self._silent_since_ms = now_ms
        if now_ms - self._silent_since_ms >= self._grace_ms:
            self._say_so(now_ms)
            self._store.write(self._tell)
        return now_ms + WATCH_MS

    def _say_so(self, now_ms: int) -> None:
        if not self._has_told:
            log.error("%s; an alarm would ring nowhere", SILENT)
            self._counters.trouble(self.name, SILENT, now_ms)
            self._has_told = True
