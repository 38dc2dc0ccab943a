"""What moves the feed: reading what other processes committed, and noticing that nobody listens."""

from collections.abc import Callable
from typing import Final

from cloud.durable.feed import Entry, entries_after
from cloud.live.hub import Hub
from cloud.pumps import Signal
from cloud.storage.store import Store
from cloud.storage.unit import Work

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
    each turn of the silence, since an alarm may be raised into it; it does each thing once.
    """

    name = "live.consoles"

    def __init__(
        self,
        store: Store,
        hub: Hub,
        is_needed: Callable[[Work], bool],
        tell: Callable[[Work], None],
        grace_ms: int = 10_000,
    ) -> None:
        self.signal = Signal()
        self._store, self._hub, self._is_needed, self._tell = store, hub, is_needed, tell
        self._grace_ms = grace_ms
        self._silent_since_ms: int | None = None

    def run_once(self, now_ms: int) -> int | None:
        """Every two seconds."""
        if self._hub.audible_consoles(now_ms) or not self._store.read(self._is_needed):
            self._silent_since_ms = None
            return now_ms + WATCH_MS
        if self._silent_since_ms is None:
            self._silent_since_ms = now_ms
        if now_ms - self._silent_since_ms >= self._grace_ms:
            self._store.write(self._tell)
        return now_ms + WATCH_MS
