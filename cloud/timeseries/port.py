"""The port: what a store of readings does. tests/ports/test_timeseries.py is its contract."""

from collections.abc import Iterator
from typing import Protocol

from cloud.durable.received import LaneKey
from cloud.timeseries.model import Intervals, Point, Sheet, Trace, Wish


class TimeSeries(Protocol):
    """One writer, many readers. Every call but `applied` may raise Unavailable.

    What lies outside `keep_days` is never given out, whenever it is swept away.
    """

    keep_days: int

    def open(self) -> None:
        """Make ready for writing: set up what is missing, learn what is applied. Again after
        Unavailable."""

    def applied(self, lane: LaneKey) -> Intervals:
        """What this store has of a lane, by its own account; nothing before `open`."""

    def write(self, sheet: Sheet) -> None:
        """Readings and applied intervals, durable when it returns; the same sheet twice is one.
        What turns out never to be taken is added to the sheet's `refused`."""

    def last(self, home: str, now_ms: int) -> list[Point]:
        """The newest reading of each measurement of each device."""

    def buckets(self, wish: Wish, now_ms: int) -> list[Trace]:
        """By device, in order of uid; only devices that were heard."""

    def sweep(self, now_ms: int) -> None:
        """Drop what is older than `keep_days`."""

    def erase(self, home: str) -> None:
        """Every reading of a home, for good."""

    def export(self, home: str, now_ms: int) -> Iterator[Point]:
        """Every reading of a home, in no order."""

    def close(self) -> None:
        """Let go of it. Safe to call twice."""
