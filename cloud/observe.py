"""What the platform knows of its own health: counts, the last trouble of each part, when each pump
last turned."""

import threading
from collections import Counter
from typing import NamedTuple


class Trouble(NamedTuple):
    """The last failure of a part."""

    at_ms: int
    text: str
    times: int


class Counters:
    """Counts by name, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._troubles: dict[str, Trouble] = {}
        self._turned: dict[str, int] = {}

    def add(self, name: str, count: int = 1) -> None:
        """One more of these."""
        with self._lock:
            self._counts[name] += count

    def trouble(self, part: str, text: str, now_ms: int) -> None:
        """A part failed and went on."""
        with self._lock:
            earlier = self._troubles.get(part)
            self._troubles[part] = Trouble(now_ms, text, (earlier.times if earlier else 0) + 1)

    def turned(self, part: str, now_ms: int) -> None:
        """A pump has finished a turn."""
        self._turned[part] = now_ms

    def snapshot(self) -> tuple[dict[str, int], dict[str, Trouble], dict[str, int]]:
        """Counts, last troubles, last turns."""
        with self._lock:
            return dict(self._counts), dict(self._troubles), dict(self._turned)
