"""Time as an input: the only module of the cloud that reads a clock."""

import time
from typing import Protocol


class Clock(Protocol):
    """What time it is. Wall time dates things; monotonic time measures waits."""

    def now_ms(self) -> int:
        """Unix epoch, milliseconds, UTC."""

    def monotonic_s(self) -> float:
        """Seconds since some fixed instant; never jumps."""


class SystemClock:
    """The machine's own clocks."""

    def now_ms(self) -> int:
        """Wall time of the machine."""
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        """Seconds since the machine started."""
        return time.monotonic()
