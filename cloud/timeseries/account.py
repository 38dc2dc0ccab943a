"""The whole account of a home's readings, for who takes it away: CSV or one JSON object a line."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import chain, islice
from typing import Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from cloud.timeseries.model import HOUR_MS, Hour, Point
from cloud.timeseries.port import TimeSeries
from contract.vocabulary import SPECS, Measurement

CHUNK_ROWS: Final = 2_000
_encode = msgspec.json.Encoder().encode


class Form(StrEnum):
    """How it is written."""

    CSV = "csv"
    NDJSON = "ndjson"


MEDIA_TYPE: Final[Mapping[Form, str]] = {
    Form.CSV: "text/csv; charset=utf-8",
    Form.NDJSON: "application/x-ndjson",
}


class Row(Struct, frozen=True):
    """One reading, or one hour: then seconds is 3600, value the mean of what was heard, and the
    others say more. A state is 1 or 0."""

    device: str
    measurement: str
    unit: str | None
    at_ms: int
    seconds: int
    value: float
    readings: int
    low: float | UnsetType = UNSET
    high: float | UnsetType = UNSET
    first: float | UnsetType = UNSET
    last: float | UnsetType = UNSET


def account_of(series: TimeSeries, home: str, now_ms: int) -> Iterator[Row]:
    """Everything that is kept of a home, the older part in hours. Raises Unavailable."""
    hours = map(_hour, series.export_hours(home, now_ms))
    return chain(hours, map(_reading, series.export(home, now_ms)))


def written(rows: Iterable[Row], form: Form) -> Iterator[bytes]:
    """In pieces of many rows."""
    pieces = iter(rows)
    text = _TEXT[form]
    yield _HEAD[form]
    while piece := list(islice(pieces, CHUNK_ROWS)):
        yield text(piece)


def _hour(hour: Hour) -> Row:
    mean = hour.total / hour.n
    whose = (hour.device, hour.measurement, _unit(hour.measurement), hour.at_ms)
    return Row(*whose, HOUR_MS // 1000, mean, hour.n, hour.low, hour.high, hour.first, hour.last)


def _reading(point: Point) -> Row:
    unit = _unit(point.measurement)
    return Row(point.device, point.measurement, unit, point.at_ms, 0, point.value, 1)


def _unit(measurement: str) -> str | None:
    return SPECS[Measurement(measurement)].unit


def _csv(rows: Iterable[Row]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(map(_cells, rows))
    return text.getvalue().encode()


def _cells(row: Row) -> list[object]:
    values = [getattr(row, name) for name in Row.__struct_fields__]
    return ["" if value in (None, UNSET) else value for value in values]


def _ndjson(rows: Iterable[Row]) -> bytes:
    return b"".join(_encode(row) + b"\n" for row in rows)


_TEXT: Final[Mapping[Form, Callable[[Iterable[Row]], bytes]]] = {
    Form.CSV: _csv,
    Form.NDJSON: _ndjson,
}
_HEAD: Final = {Form.CSV: (",".join(Row.__struct_fields__) + "\r\n").encode(), Form.NDJSON: b""}
