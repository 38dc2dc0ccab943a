"""A time series in memory, for tests and simulation. Passes tests/ports/test_timeseries.py."""

from collections.abc import Iterator
from typing import NamedTuple

from cloud.durable.received import LaneKey
from cloud.timeseries.errors import Unavailable
from cloud.timeseries.model import (
    NUMBER_MAX,
    Cell,
    Cells,
    Hour,
    Intervals,
    Keeping,
    Point,
    Progress,
    Sheet,
    Span,
    Trace,
    Wish,
    cut_at,
    floor_hour,
    span_at,
    traces_of,
)
from contract.vocabulary import SPECS, Measurement


class _Kept(NamedTuple):
    home: str
    device: str
    measurement: str
    at_ms: int
    seq: int
    value: float


class MemorySeries:
    """See TimeSeries. is_away: as a server that has been stopped."""

    def __init__(self, keeping: Keeping | None = None) -> None:
        self.keeping = keeping or Keeping()
        self.is_away = False
        self.kept: list[_Kept] = []
        self.hours: dict[tuple[str, str, str, int], Hour] = {}
        self.lanes: dict[LaneKey, Intervals] = {}
        self._lanes: dict[LaneKey, Intervals] = {}  # as far as the process knows
        self._progress = Progress()

    def open(self) -> None:
        self._reach()
        self._lanes = dict(self.lanes)

    def applied(self, lane: LaneKey) -> Intervals:
        return self._lanes.get(lane, ())

    def write(self, sheet: Sheet) -> None:
        self._reach()
        columns = (
            sheet.home, sheet.device, sheet.measurement, sheet.at_ms, sheet.seq, sheet.value
        )  # fmt: skip
        self.kept += [_Kept(*row) for row in zip(*columns, strict=True)]
        self.lanes.update(sheet.changed)
        self._lanes.update(sheet.changed)

    def last(self, home: str, now_ms: int) -> list[Point]:
        span = span_at(now_ms, self.keeping.raw_days)
        newest = {(k.device, k.measurement): k for k in self._within(home, span)}
        return [_point(newest[key]) for key in sorted(newest)]

    def buckets(self, wish: Wish, now_ms: int) -> list[Trace]:
        self._reach()
        hours, readings = wish.parts(now_ms, self.keeping, self._progress.settled_ms)
        parts = [
            (hour.device, hour.at_ms, 0, Cell(hour.n, hour.total, hour.low, hour.high, hour.last))
            for (home, *_), hour in self.hours.items()
            if (home, hour.measurement) == (wish.home, wish.measurement)
            and hours.oldest_ms <= hour.at_ms < hours.newest_ms
        ] + [
            (k.device, k.at_ms, k.seq, Cell(1, k.value, k.value, k.value, k.value))
            for k in self.kept
            if (k.home, k.measurement) == (wish.home, wish.measurement)
            and readings.oldest_ms <= k.at_ms < readings.newest_ms
            and _is_believed(k)
        ]
        cells: Cells = {}
        for device, at_ms, _, cell in sorted(parts, key=lambda part: part[:3]):
            key = (device, (at_ms - wish.from_ms) // wish.width_ms)
            cells[key] = cells[key].then(cell) if key in cells else cell
        return traces_of(cells, wish.buckets)

    def export(self, home: str, now_ms: int) -> Iterator[Point]:
        cut_ms = cut_at(now_ms, self.keeping, self._progress.settled_ms)
        newest_ms = span_at(now_ms, 0).newest_ms
        yield from map(_point, self._within(home, Span(cut_ms, newest_ms)))

    def export_hours(self, home: str, now_ms: int) -> Iterator[Hour]:
        self._reach()
        cut_ms = cut_at(now_ms, self.keeping, self._progress.settled_ms)
        oldest_ms = span_at(now_ms, self.keeping.hour_days).oldest_ms
        for (whose, *_), hour in self.hours.items():
            if whose == home and oldest_ms <= hour.at_ms < cut_ms:
                yield hour

    def erase(self, home: str) -> None:
        self._reach()
        self.kept = [k for k in self.kept if k.home != home]
        self.hours = {key: hour for key, hour in self.hours.items() if key[0] != home}

    def oldest_ms(self) -> int | None:
        self._reach()
        return min((k.at_ms for k in self.kept), default=None)

    def progress(self) -> Progress:
        self._reach()
        return self._progress

    def note(self, progress: Progress) -> None:
        self._reach()
        self._progress = progress

    def fold(self, span: Span, home: str | None = None) -> None:
        self._reach()
        cells: dict[tuple[str, str, str, int], list[float]] = {}
        for k in sorted(self.kept, key=lambda k: (k.at_ms, k.seq)):
            is_meant = home in (None, k.home) and span.oldest_ms <= k.at_ms < span.newest_ms
            if is_meant and _is_believed(k):
                key = (k.home, k.device, k.measurement, floor_hour(k.at_ms))
                cells.setdefault(key, []).append(k.value)
        for key, v in cells.items():
            self.hours[key] = Hour(*key[1:], len(v), sum(v), min(v), max(v), v[0], v[-1])

    def drop(self, readings_before_ms: int, hours_before_ms: int) -> None:
        self._reach()
        self.kept = [k for k in self.kept if k.at_ms >= readings_before_ms]
        self.hours = {key: h for key, h in self.hours.items() if h.at_ms >= hours_before_ms}

    def close(self) -> None:
        self._lanes = {}

    def _within(self, home: str, span: Span) -> list[_Kept]:
        """In order of time."""
        self._reach()
        found = [
            k for k in self.kept if k.home == home and span.oldest_ms <= k.at_ms < span.newest_ms
        ]
        return sorted(found, key=lambda k: (k.at_ms, k.seq))

    def _reach(self) -> None:
        if self.is_away:
            raise Unavailable("a test has stopped it")


def _point(kept: _Kept) -> Point:
    return Point(kept.device, kept.measurement, kept.at_ms, kept.value)


def _is_believed(kept: _Kept) -> bool:
    low, high = SPECS[Measurement(kept.measurement)].range or (-NUMBER_MAX, NUMBER_MAX)
    return low <= kept.value <= high
