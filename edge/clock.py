"""Time as an input: the only module of the edge that reads a clock."""

import ctypes
import time
import uuid
from pathlib import Path
from typing import Final, NamedTuple, Protocol

BOOT_ID_FILE: Final = Path("/proc/sys/kernel/random/boot_id")
SYNC_CHECK_MS: Final = 10_000
TIME_ERROR: Final = 5  # adjtimex(2): the clock is not synchronised
TIMEX_BYTES: Final = 512  # struct timex is smaller everywhere


class Now(NamedTuple):
    """One instant on both clocks. Wall time dates things; monotonic time measures waits."""

    wall_ms: int
    monotonic_ms: int


class Clock(Protocol):
    """What time it is."""

    def wall_ms(self) -> int:
        """Unix epoch, milliseconds, UTC; may jump."""

    def monotonic_ms(self) -> int:
        """Milliseconds since the boot that `boot_id` names, sleep counted; never jumps."""

    def now(self) -> Now:
        """Both clocks, read together."""

    def boot_id(self) -> str:
        """Ages can be computed between readings of the same boot only."""

    def is_synced(self) -> bool:
        """Whether the wall clock is kept right by somebody."""


class SystemClock:
    """The machine's own clocks."""

    def __init__(self) -> None:
        self._boot_id = _boot_id()
        self._clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
        self._adjtimex = _adjtimex()
        self._synced, self._synced_at_ms = False, -SYNC_CHECK_MS

    def wall_ms(self) -> int:
        """See Clock."""
        return time.time_ns() // 1_000_000

    def monotonic_ms(self) -> int:
        """See Clock."""
        return time.clock_gettime_ns(self._clock) // 1_000_000

    def now(self) -> Now:
        """See Clock."""
        return Now(self.wall_ms(), self.monotonic_ms())

    def boot_id(self) -> str:
        """See Clock."""
        return self._boot_id

    def is_synced(self) -> bool:
        """See Clock."""
        now_ms = self.monotonic_ms()
        if now_ms - self._synced_at_ms >= SYNC_CHECK_MS:
            self._synced, self._synced_at_ms = self._adjtimex(), now_ms
        return self._synced


def _boot_id() -> str:
    """The kernel's; where it has none, one for this process, so that no age is computed across
    processes."""
    try:
        return BOOT_ID_FILE.read_text(encoding="ascii").strip()
    except OSError:
        return str(uuid.uuid4())


class _adjtimex:  # noqa: N801 - reads like the call that it is
    """Asks the kernel whether something disciplines the clock; changes nothing."""

    def __init__(self) -> None:
        self._call = getattr(ctypes.CDLL(None), "adjtimex", None)

    def __call__(self) -> bool:
        if self._call is None:
            return False
        state = int(self._call(ctypes.create_string_buffer(TIMEX_BYTES)))
        return 0 <= state < TIME_ERROR
