"""Readings to write, and how to ask for them again; for the suites of stores of readings."""

import time
from collections.abc import Callable
from typing import Any

from cloud.durable.received import LaneKey
from cloud.timeseries.model import Keeping, Place, Sheet, Wish, span_at
from cloud.timeseries.port import TimeSeries
from cloud.timeseries.tiers import turn
from contract.lanes import Lane
from contract.messages import Batch, DeviceRows, Gap, Row
from contract.vocabulary import Measurement

NOW = int(time.time() * 1000)  # noqa: TID251 - InfluxDB measures retention by its own clock
HOUR = 3_600_000
KEEPING = Keeping(raw_days=30, hour_days=400)
DATA = LaneKey("gw-1", "j-1", Lane.DATA)
PLACES = {
    "z2m:0x1": Place("ho-1", "z2m:0x1"),
    "z2m:0x2": Place("ho-1", "z2m:0x2"),
    "z2m:0x9": Place("ho-2", "z2m:0x9"),
    'odd, =" \\name\n': Place('ho "odd", =', 'odd, =" name'),
}
Make = Callable[[], TimeSeries]


def batch(*rows: tuple[Any, ...], device: str = "z2m:0x1", gaps: list[Gap] | None = None) -> Batch:
    """rows: ms before now, seq, name, value."""
    told = [Row(-before, seq, name, value) for before, seq, name, value in rows]
    devices = [DeviceRows(device, told)] if told else []
    return Batch("gw-1", "j-1", "b-1", "data", NOW, NOW, devices, gaps=gaps or [])


def sheet_of(series: TimeSeries, *batches: Batch, now_ms: int = NOW) -> Sheet:
    sheet = Sheet(series.applied, span_at(now_ms, series.keeping.raw_days))
    for each in batches:
        sheet.take(each, lambda _gateway, uid: PLACES.get(uid))
    return sheet


def write(series: TimeSeries, *batches: Batch) -> Sheet:
    sheet = sheet_of(series, *batches)
    series.write(sheet)
    return sheet


def keep(series: TimeSeries, now_ms: int = NOW) -> None:
    """As housekeeping does."""
    while turn(series, now_ms):
        pass


def hours(name: Measurement = Measurement.TEMPERATURE, home: str = "ho-1") -> Wish:
    """Four hours up to now, one bucket each."""
    return Wish(home, name, NOW - 4 * HOUR, HOUR, 4)


def values(series: TimeSeries, home: str = "ho-1") -> list[float]:
    return sorted(point.value for point in series.export(home, NOW))
