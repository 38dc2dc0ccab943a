"""Counts, times, the last trouble of each part, and when each pump last turned; from any thread.

Nothing here is made for a reading or a message: adding and measuring change numbers in place.
"""

import threading
from bisect import bisect_left
from collections import Counter
from typing import Final, NamedTuple

from cloud.clock import Clock, SystemClock
from cloud.observe.measures import Measure

STUCK_AFTER_S: Final = 30.0


class Trouble(NamedTuple):
    """The last failure of a part."""

    at_ms: int
    text: str
    times: int


class Promise(NamedTuple):
    """Something will be done every so often, beginning then."""

    every_s: int
    since_ms: int


class Distribution(NamedTuple):
    """What was measured under one label. counts: of each bucket, the last one without a bound."""

    measure: Measure
    label: str
    counts: tuple[int, ...]
    sum: float


class _Histogram:
    __slots__ = ("counts", "measure", "sum")

    def __init__(self, measure: Measure) -> None:
        self.measure = measure
        self.counts = [0] * (len(measure.bounds) + 1)
        self.sum = 0.0


class Counters:
    """Names have dots; cloud/monitor/exposition.py says what Prometheus calls them."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._histograms: dict[tuple[str, str], _Histogram] = {}
        self._troubles: dict[str, Trouble] = {}
        self._turned: dict[str, int] = {}
        self._beats: dict[str, float] = {}
        self._promises: dict[str, Promise] = {}

    def add(self, name: str, count: int = 1) -> None:
        """That many more of these."""
        with self._lock:
            self._counts[name] += count

    def measure(self, measure: Measure, label: str, value: float) -> None:
        """One more value, in the measure's unit."""
        with self._lock:
            found = self._histograms.get((measure.name, label))
            if found is None:
                found = self._histograms[measure.name, label] = _Histogram(measure)
            found.counts[bisect_left(measure.bounds, value)] += 1
            found.sum += value

    def since(self, measure: Measure, label: str, since_ms: int) -> None:
        """The time since then, by the wall clock; none where that was set back meanwhile."""
        self.measure(measure, label, max(0, self._clock.now_ms() - since_ms) / 1000)

    def distributions(self) -> list[Distribution]:
        """Everything that was measured so far."""
        with self._lock:
            return [
                Distribution(each.measure, label, tuple(each.counts), each.sum)
                for (_, label), each in self._histograms.items()
            ]

    def trouble(self, part: str, text: str, now_ms: int) -> None:
        """A part failed and went on."""
        with self._lock:
            earlier = self._troubles.get(part)
            self._troubles[part] = Trouble(now_ms, text, (earlier.times if earlier else 0) + 1)

    def turned(self, part: str, now_ms: int) -> None:
        """A pump has finished a turn, or a sweep its work."""
        self._turned[part] = now_ms

    def beat(self, pump: str) -> None:
        """This pump is alive, whether or not its turn went well. The first beat is a promise of
        more; monotonic, so that a clock that jumps makes nobody look stuck."""
        with self._lock:
            self._beats[pump] = self._clock.monotonic_s()

    def leaves(self, pump: str) -> None:
        """This pump has ended as it was told."""
        with self._lock:
            self._beats.pop(pump, None)

    def stuck(self) -> list[str]:
        """Pumps that promised to beat and have not for half a minute."""
        now_s = self._clock.monotonic_s()
        with self._lock:
            return [pump for pump, at_s in self._beats.items() if now_s - at_s > STUCK_AFTER_S]

    def promise(self, sweep: str, every_s: int) -> None:
        """From now on `turned` is to be heard of it every so often."""
        with self._lock:
            self._promises[sweep] = Promise(every_s, self._clock.now_ms())

    def promises(self) -> dict[str, Promise]:
        """What housekeeping has to do in this process; nothing where another one does it."""
        with self._lock:
            return dict(self._promises)

    def snapshot(self) -> tuple[dict[str, int], dict[str, Trouble], dict[str, int]]:
        """Counts, last troubles, last turns."""
        with self._lock:
            return dict(self._counts), dict(self._troubles), dict(self._turned)
