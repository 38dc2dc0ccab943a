"""A store with a clock that tests turn by hand: SQLite in a temporary file, or with `pytest --parts
production` a fresh database on a real server."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from sqlalchemy import URL, Engine

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


class Stores:
    """Where the stores of a run are made. databases: makes a fresh one; None: SQLite; opened: by
    the test under way, urls: its databases, by folder."""

    databases: Callable[[], URL] | None = None
    opened: ClassVar[list[Engine]] = []
    urls: ClassVar[dict[Path, URL]] = {}


def fresh_url(folder: Path) -> URL:
    """Of a store with every table that has been imported; in the same folder the same store."""
    if Stores.databases is not None:
        if folder not in Stores.urls:
            Stores.urls[folder] = Stores.databases()
        return Stores.urls[folder]
    url = URL.create("sqlite", database=str(folder / "anju.db"))
    engine = open_engine(url, writes=True)
    metadata.create_all(engine)
    engine.dispose()
    return url


def open_store(folder: Path, clock: HandClock, bus: Bus | None = None) -> Store:
    """With every table that has been imported, writing in the caller's thread."""
    url = fresh_url(folder)
    writing, reading = open_engine(url, writes=True), open_engine(url, writes=False)
    Stores.opened += (writing, reading)
    return Store(writing, reading, clock, bus=bus, ids=counted_ids())
