"""How fast commands may come from one account and one source. In memory, on the clock that is
passed in; the limits are far above what hands can do, and for a source above a whole control room.
"""

import threading
from collections import OrderedDict
from typing import Final, NamedTuple

from cloud.clock import Clock
from cloud.identity.errors import TooFast

KEYS_MAX: Final = 20_000  # whoever was quiet longest is forgotten


class Rate(NamedTuple):
    """`burst` at once, then `per_s`."""

    burst: int
    per_s: float


ACCOUNT: Final = Rate(60, 2.0)
SOURCE: Final = Rate(600, 40.0)


class Rates:
    """A bucket a key: it fills with time, each command takes one. Safe from any thread."""

    def __init__(self, clock: Clock, account: Rate = ACCOUNT, source: Rate = SOURCE) -> None:
        self._clock, self._account, self._source = clock, account, source
        self._full_at: OrderedDict[str, float] = OrderedDict()  # when the bucket is full again
        self._lock = threading.Lock()

    def take(self, account_id: str, source: str) -> None:
        """One command. Raises TooFast, and then it is not counted."""
        now_s = self._clock.monotonic_s()
        wanted = ((f"a/{account_id}", self._account), (f"s/{source}", self._source))
        with self._lock:
            waits = [self._wait_s(key, rate, now_s) for key, rate in wanted]
            if max(waits) > 0:
                raise TooFast(max(waits))
            for key, rate in wanted:
                full_at = max(now_s, self._full_at.pop(key, now_s)) + 1 / rate.per_s
                self._full_at[key] = full_at
            while len(self._full_at) > KEYS_MAX:
                self._full_at.popitem(last=False)

    def _wait_s(self, key: str, rate: Rate, now_s: float) -> float:
        """Empty is a bucket that takes the whole burst to fill."""
        missing_s = self._full_at.get(key, now_s) - now_s
        return max(0.0, missing_s - (rate.burst - 1) / rate.per_s)
