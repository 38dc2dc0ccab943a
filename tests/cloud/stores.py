"""A store in a temporary file, with a clock that tests turn by hand."""

import itertools
from collections.abc import Callable
from pathlib import Path

from cloud.storage.bus import Bus
from cloud.storage.engine import open_engine
from cloud.storage.schema import metadata
from cloud.storage.store import Store

NOON_MS = 1_795_000_000_000  # 2026-11-18


class HandClock:
    """Time that stands until a test moves it."""

    def __init__(self, now_ms: int = NOON_MS) -> None:
        self.at_ms = now_ms

    def now_ms(self) -> int:
        return self.at_ms

    def monotonic_s(self) -> float:
        return self.at_ms / 1000

    def pass_s(self, seconds: float) -> None:
        """Let time go by."""
        self.at_ms += int(seconds * 1000)


def counted_ids() -> Callable[[str], str]:
    """`al-1`, `of-2`, …"""
    numbers = itertools.count(1)
    return lambda prefix: f"{prefix}-{next(numbers)}"


def open_store(folder: Path, clock: HandClock, bus: Bus | None = None) -> Store:
    """SQLite with every table that has been imported, writing in the caller's thread."""
    url = f"sqlite:///{folder / 'anju.db'}"
    writing = open_engine(url, writes=True)
    metadata.create_all(writing)
    return Store(writing, open_engine(url, writes=False), clock, bus=bus, ids=counted_ids())
