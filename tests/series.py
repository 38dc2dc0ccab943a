"""A time series in memory, for tests and simulation. Passes tests/ports/test_timeseries.py."""

from collections.abc import Iterator
from typing import NamedTuple

from cloud.durable.received import LaneKey
from cloud.timeseries.errors import Unavailable
from cloud.timeseries.model import (
    NUMBER_MAX,
    Intervals,
    Point,
    Sheet,
    Trace,
    Wish,
    empty_trace,
    span_at,
)


class _Kept(NamedTuple):
    home: str
    device: str
    measurement: str
    at_ms: int
    seq: int
    value: float


class MemorySeries:
    """See TimeSeries. is_away: as a server that has been stopped."""

    def __init__(self, keep_days: int = 365) -> None:
        self.keep_days = keep_days
        self.is_away = False
        self.kept: list[_Kept] = []
        self.lanes: dict[LaneKey, Intervals] = {}
        self._lanes: dict[LaneKey, Intervals] = {}  # as far as the process knows

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
        newest = {(k.device, k.measurement): k for k in self._of(home, now_ms)}
        return [_point(newest[key]) for key in sorted(newest)]

    def buckets(self, wish: Wish, now_ms: int) -> list[Trace]:
        cells: dict[str, dict[int, list[float]]] = {}
        low, high = wish.believed or (-NUMBER_MAX, NUMBER_MAX)
        for k in self._of(wish.home, now_ms):
            is_wanted = k.measurement == wish.measurement and low <= k.value <= high
            if is_wanted and wish.from_ms <= k.at_ms < wish.to_ms:
                n = (k.at_ms - wish.from_ms) // wish.width_ms
                cells.setdefault(k.device, {}).setdefault(n, []).append(k.value)
        traces = []
        for device in sorted(cells):
            trace = empty_trace(device, wish.buckets)
            for n, values in cells[device].items():
                trace.mean[n] = sum(values) / len(values)
                trace.low[n], trace.high[n] = min(values), max(values)
                trace.last[n], trace.count[n] = values[-1], len(values)
            traces.append(trace)
        return traces

    def sweep(self, now_ms: int) -> None:
        self._reach()
        oldest_ms = span_at(now_ms, self.keep_days).oldest_ms
        self.kept = [k for k in self.kept if k.at_ms >= oldest_ms]

    def erase(self, home: str) -> None:
        self._reach()
        self.kept = [k for k in self.kept if k.home != home]

    def export(self, home: str, now_ms: int) -> Iterator[Point]:
        yield from map(_point, self._of(home, now_ms))

    def close(self) -> None:
        self._lanes = {}

    def _of(self, home: str, now_ms: int) -> list[_Kept]:
        """In order of time."""
        self._reach()
        span = span_at(now_ms, self.keep_days)
        found = [
            k for k in self.kept if k.home == home and span.oldest_ms <= k.at_ms < span.newest_ms
        ]
        return sorted(found, key=lambda k: (k.at_ms, k.seq))

    def _reach(self) -> None:
        if self.is_away:
            raise Unavailable("a test has stopped it")


def _point(kept: _Kept) -> Point:
    return Point(kept.device, kept.measurement, kept.at_ms, kept.value)
