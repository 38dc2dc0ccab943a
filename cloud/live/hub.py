"""Who listens to the feed, and what each of them gets next. No sockets here: sessions are queues.

Entries arrive in order of their number, whether handed over after a commit or read from the log.
"""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cloud.durable.feed import Entry
from cloud.identity.scope import Scope
from cloud.live.messages import Beat, Delta, FeedOp, encode

QUEUE_MAX: Final = 1000
ACK_LAG_MAX: Final = 500
ACK_SILENCE_MS_MAX: Final = 10_000
ACK_EXPECTED_EVERY_MS: Final = 5_000


@dataclass(slots=True, eq=False)
class Listener:
    """One console or phone. wake is called from the writer's thread when there is something to
    send.

    after: numbers up to it were in its snapshot or resume; last: the highest number that this
    client has been told of; acked, visible, audible: what it says of itself.
    """

    scope: Scope
    wake: Callable[[], None]
    is_console: bool = False
    account_id: str = ""
    after: int = 0
    last: int = 0
    is_following: bool = False
    is_overflowing: bool = False
    queue: deque[bytes] = field(default_factory=deque)
    acked_seq: int = 0
    acked_ms: int = 0
    is_visible: bool = False
    is_audible: bool = False
    sent_seq: int = 0


def _nobody(_entry: Entry, _listeners: int) -> None:
    """Wants to know."""


class Hub:
    """Everybody who listens. Thread-safe; never blocks a writer. given: told of each entry, and how
    many listeners it was given to."""

    def __init__(self, seq: int, given: Callable[[Entry, int], None] = _nobody) -> None:
        self._tell = given
        self._lock = threading.Lock()
        self._listeners: set[Listener] = set()
        self._seq = seq

    @property
    def seq(self) -> int:
        """The last number that has been given out."""
        return self._seq

    def join(self, listener: Listener) -> None:
        """From now on entries are kept for it."""
        with self._lock:
            self._listeners.add(listener)

    def leave(self, listener: Listener) -> None:
        """The connection is gone."""
        with self._lock:
            self._listeners.discard(listener)

    def listeners(self) -> list[Listener]:
        """A copy."""
        with self._lock:
            return list(self._listeners)

    def offer(self, entries: list[Entry]) -> bool:
        """Give entries out. False where a number is missing before them: then nothing is given out
        and the log must be read. Entries that are known already are skipped."""
        given: list[tuple[Entry, int]] = []
        try:
            with self._lock:
                for entry in entries:
                    if entry.seq <= self._seq:
                        continue
                    if entry.seq != self._seq + 1:
                        return False
                    self._seq = entry.seq
                    given.append((entry, self._give(entry)))
            return True
        finally:
            for entry, listeners in given:
                self._tell(entry, listeners)

    def take(self, entry: Entry) -> None:
        """What the writer has just committed; a hole before it is left to the feed's pump."""
        self.offer([entry])

    def _give(self, entry: Entry) -> int:
        """In the writer's thread: listeners who see the same and stand alike share the bytes. How
        many these are."""
        given = 0
        encoded: dict[tuple[tuple[int, ...], bool], bytes] = {}
        for listener in self._listeners:
            if not listener.is_following or entry.seq <= listener.after:
                continue
            seen = tuple(i for i, op in enumerate(entry.ops) if listener.scope.sees(op))
            if not seen:
                continue
            key = (seen, listener.last < entry.seq - 1)
            if key not in encoded:
                encoded[key] = _delta(entry, *key)
            self._queue(listener, entry.seq, encoded[key])
            given += 1
        return given

    def _queue(self, listener: Listener, seq: int, delta: bytes) -> None:
        if listener.is_overflowing:
            return
        if len(listener.queue) >= QUEUE_MAX:
            listener.is_overflowing = True
        else:
            listener.queue.append(delta)
            listener.last = seq
        listener.wake()

    def follow(self, listener: Listener, at: int, told: int) -> bool:
        """From now on it gets every entry above `at`; it has been told of those up to `told`, and
        the rest up to `at` concern others. False where entries above `at` were given out already:
        read them from the log first, else one would be lost between the two."""
        with self._lock:
            if self._seq > at:
                return False
            listener.after, listener.last = at, told
            listener.is_following = True
            return True

    def pause(self, listener: Listener) -> None:
        """It asks anew: what waits for it is void."""
        with self._lock:
            listener.is_following = False
            listener.queue.clear()

    def beat(self, listener: Listener, now_ms: int) -> bytes:
        """The heartbeat; it accounts for numbers that the client may not see."""
        with self._lock:
            if listener.queue:
                return encode(Beat(listener.last, now_ms))
            seq, skip_to = self._seq, None
            if listener.is_following and listener.last < seq:
                skip_to = listener.last = seq
        return encode(Beat(seq, now_ms, skip_to))

    def is_lagging(self, listener: Listener, now_ms: int) -> bool:
        """A client that does not read, or reads and does not say so: close it and let it resume."""
        if listener.is_overflowing:
            return True
        is_behind = listener.sent_seq - listener.acked_seq > ACK_LAG_MAX
        is_silent = now_ms - listener.acked_ms > ACK_SILENCE_MS_MAX + ACK_EXPECTED_EVERY_MS
        return is_behind or is_silent

    def audible_consoles(self, now_ms: int) -> int:
        """Operators' consoles that have just said that they show and can be heard."""
        return sum(
            1
            for each in self.listeners()
            if each.is_console
            and each.is_visible
            and each.is_audible
            and now_ms - each.acked_ms <= ACK_SILENCE_MS_MAX
        )


def _delta(entry: Entry, seen: tuple[int, ...], is_skipping: bool) -> bytes:
    ops = [FeedOp.of(entry.ops[i]) for i in seen]
    return encode(Delta(entry.seq, entry.at_ms, ops, entry.seq - 1 if is_skipping else None))
