"""Time as an input: the only module of the simulators that reads a clock."""

import time
from typing import Protocol


class Clock(Protocol):
    """What time it is."""

    def now_ms(self) -> int:
        """Unix epoch, milliseconds, UTC."""


class SystemClock:
    """The machine's own clock."""

    def now_ms(self) -> int:
        """From the wall."""
        return time.time_ns() // 1_000_000
