"""One virtual time, and the clocks that edge and cloud read from it. Nothing here reads a real
clock."""

from typing import Final

from edge.clock import Now

NOON_MS: Final = 1_795_000_000_000  # 2026-11-18
BOOT_MS: Final = 5_000  # what a monotonic clock shows when the first program starts


class Time:
    """Milliseconds since the world began. Only the world moves it."""

    def __init__(self) -> None:
        self.ms = 0


class EdgeClock:
    """The gateway's clocks: monotonic since its boot; a wall clock that may jump."""

    def __init__(self, time: Time) -> None:
        self.jump_ms, self.is_right = 0, True
        self._time, self._boots, self._boot_at_ms = time, 1, time.ms

    def wall_ms(self) -> int:
        return NOON_MS + self._time.ms + self.jump_ms

    def monotonic_ms(self) -> int:
        return BOOT_MS + self._time.ms - self._boot_at_ms

    def now(self) -> Now:
        return Now(self.wall_ms(), self.monotonic_ms())

    def boot_id(self) -> str:
        return f"boot-{self._boots}"

    def is_synced(self) -> bool:
        return self.is_right

    def reboot(self) -> None:
        """After a power cut: another boot, whose monotonic clock begins anew."""
        self._boots += 1
        self._boot_at_ms = self._time.ms


class CloudClock:
    """The server's clocks."""

    def __init__(self, time: Time) -> None:
        self.jump_ms, self._time = 0, time

    def now_ms(self) -> int:
        return NOON_MS + self._time.ms + self.jump_ms

    def monotonic_s(self) -> float:
        return self._time.ms / 1000
