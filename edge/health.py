"""What the edge knows of its own health: counts, troubles, the beat of each pump, and the status it
publishes."""

import threading
from bisect import bisect_left
from collections import Counter, OrderedDict
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

import msgspec

from edge.clock import Now

STUCK_AFTER_MS: Final = 30_000
STATUS_EVERY_MS: Final = 500  # at most two a second
UNKNOWN_TOPICS_MAX: Final = 50
BASIC_COUNTS: Final = ("taken", "journalled", "unknown", "unreadable", "ignored", "repeats")


# Upper ends in seconds: from a group commit to the cloud's return after an outage.
HOP_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 10.0, 30.0, 300.0)


class Hop(NamedTuple):
    """How long calls took on one hop. counts: of each of HOP_S, and above."""

    counts: tuple[int, ...]
    sum_s: float


class Trouble(NamedTuple):
    """The last failure of a part; `times` of them since the start."""

    at_ms: int
    text: str
    times: int


class Status(msgspec.Struct, kw_only=True):
    """Retained on anju-home/<gateway>/status, for doctors and checks."""

    agent: Literal["online", "offline"]
    journal: str
    boot: str
    counts: dict[str, int]
    waiting: dict[str, int]
    uplink: Literal["up", "down"]
    home_broker: Literal["up", "down"]
    last_unknown_topic: str | None
    troubles: dict[str, str]


class Health:
    """Counts by name, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter(dict.fromkeys(BASIC_COUNTS, 0))
        self._troubles: dict[str, Trouble] = {}
        self._turned_ms: dict[str, int] = {}
        self._unknown: OrderedDict[str, int] = OrderedDict()
        self._is_up: dict[str, bool] = {}
        self._hops: dict[str, Hop] = {}

    def add(self, name: str, count: int = 1) -> None:
        """That many more of these."""
        if count:
            with self._lock:
                self._counts[name] += count

    def count(self, name: str) -> int:
        """How many of these so far."""
        with self._lock:
            return self._counts[name]

    def took(self, hop: str, ms: int) -> None:
        """A call has done this hop."""
        with self._lock:
            before = self._hops.get(hop) or Hop((0,) * (len(HOP_S) + 1), 0.0)
            counts = list(before.counts)
            counts[bisect_left(HOP_S, ms / 1000)] += 1
            self._hops[hop] = Hop(tuple(counts), before.sum_s + ms / 1000)

    def hops(self) -> dict[str, Hop]:
        """All of them so far."""
        with self._lock:
            return dict(self._hops)

    def trouble(self, part: str, text: str, now: Now) -> None:
        """A part failed and goes on; stays in the status until `well`."""
        with self._lock:
            earlier = self._troubles.get(part)
            self._troubles[part] = Trouble(now.wall_ms, text, (earlier.times if earlier else 0) + 1)

    def well(self, part: str) -> None:
        """The part works again."""
        with self._lock:
            self._troubles.pop(part, None)

    def unknown_topic(self, topic: str) -> None:
        """No dialect knows it. The last fifty topics are kept, each with its count."""
        with self._lock:
            self._counts["unknown"] += 1
            self._unknown[topic] = self._unknown.pop(topic, 0) + 1
            if len(self._unknown) > UNKNOWN_TOPICS_MAX:
                self._unknown.popitem(last=False)

    def unknown_topics(self) -> dict[str, int]:
        """Oldest first."""
        with self._lock:
            return dict(self._unknown)

    def link(self, name: str, is_up: bool) -> None:
        """A connection came up or went down."""
        with self._lock:
            self._is_up[name] = is_up

    def is_up(self, name: str) -> bool:
        """False for a link that has never been up."""
        with self._lock:
            return self._is_up.get(name, False)

    def expects(self, pump: str, now: Now) -> None:
        """This pump is to turn from now on."""
        self.turned(pump, now)

    def turned(self, pump: str, now: Now) -> None:
        """A pump has finished a turn."""
        with self._lock:
            self._turned_ms[pump] = now.monotonic_ms

    def leaves(self, pump: str) -> None:
        """This pump has ended as it was told."""
        with self._lock:
            self._turned_ms.pop(pump, None)

    def stuck(self, now: Now) -> tuple[str, ...]:
        """Pumps that have not turned for half a minute."""
        with self._lock:
            beats = dict(self._turned_ms)
        return tuple(p for p, at in beats.items() if now.monotonic_ms - at > STUCK_AFTER_MS)

    def snapshot(self) -> tuple[dict[str, int], dict[str, Trouble]]:
        """Counts and standing troubles."""
        with self._lock:
            return dict(self._counts), dict(self._troubles)

    def status(self, journal: str, boot: str, waiting: Mapping[str, int]) -> Status:
        """What to publish now."""
        counts, troubles = self.snapshot()
        unknown = self.unknown_topics()
        return Status(
            agent="online",
            journal=journal,
            boot=boot,
            counts=counts,
            waiting=dict(waiting),
            uplink="up" if self.is_up("cloud") else "down",
            home_broker="up" if self.is_up("home") else "down",
            last_unknown_topic=next(reversed(unknown), None),
            troubles={part: f"{t.text} (×{t.times})" for part, t in troubles.items()},
        )
