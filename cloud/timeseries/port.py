"""The port: what a store of readings does. tests/ports/test_timeseries.py is its contract."""

from collections.abc import Iterator
from typing import Protocol

from cloud.durable.received import LaneKey
from cloud.timeseries.model import (
    Hour,
    Intervals,
    Keeping,
    Point,
    Progress,
    Sheet,
    Span,
    Trace,
    Wish,
)


class TimeSeries(Protocol):
    """One writer, many readers. Every call but `applied` may raise Unavailable.

    What is older than `keeping` says is never given out, whenever it is dropped.
    """

    keeping: Keeping

    def open(self) -> None:
        """Make ready for writing: set up what is missing, learn what is applied. Again after
        Unavailable."""

    def applied(self, lane: LaneKey) -> Intervals:
        """What this store has of a lane, by its own account; nothing before `open`."""

    def write(self, sheet: Sheet) -> None:
        """Readings and applied intervals, durable when it returns; the same sheet twice is one.
        What turns out never to be taken is added to the sheet's `refused`."""

    def last(self, home: str, now_ms: int) -> list[Point]:
        """The newest reading of each measurement of each device, of those kept as they came."""

    def buckets(self, wish: Wish, now_ms: int) -> list[Trace]:
        """By device, in order of uid; only devices that were heard. See Wish.parts for which tier
        it reads."""

    def export(self, home: str, now_ms: int) -> Iterator[Point]:
        """Every reading of a home that is kept as it came, in no order."""

    def export_hours(self, home: str, now_ms: int) -> Iterator[Hour]:
        """Every hour of a home before those readings, in no order."""

    def erase(self, home: str) -> None:
        """Every reading and hour of a home, for good; may be repeated."""

    def close(self) -> None:
        """Let go of it. Safe to call twice."""

    # What cloud/timeseries/tiers.py makes the tiers with; durable when it returns.

    def oldest_ms(self) -> int | None:
        """When the oldest reading is of."""

    def progress(self) -> Progress:
        """What `note` was told last."""

    def note(self, progress: Progress) -> None:
        """Remember how far the hours have come."""

    def fold(self, span: Span, home: str | None = None) -> None:
        """Make the hours of a span of whole hours from its readings, over what is there; of one
        home, or of all. Gaps make none."""

    def drop(self, readings_before_ms: int, hours_before_ms: int) -> None:
        """Forget what is older."""
