"""DuckDB in a file: rows and applied intervals in one transaction. Held by one process only.

Columns travel as JSON arrays that DuckDB takes apart itself: measured twice as fast as list
parameters. There is no primary key: the intervals keep doubles out, and an index would cost more
than the rows.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import duckdb
import msgspec

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
from contract.lanes import Lane

log = logging.getLogger(__name__)
MEMORY_MB: Final = 256
THREADS: Final = 2
EXPORT_ROWS: Final = 10_000
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS reading (
  home VARCHAR NOT NULL, device VARCHAR NOT NULL, measurement VARCHAR NOT NULL,
  at_ms BIGINT NOT NULL, seq BIGINT NOT NULL, value DOUBLE NOT NULL);
CREATE TABLE IF NOT EXISTS applied (
  gateway VARCHAR NOT NULL, journal VARCHAR NOT NULL, lane VARCHAR NOT NULL,
  intervals VARCHAR NOT NULL);
"""
_TEXTS: Final = "unnest(from_json(${}, '[\"VARCHAR\"]'))"
_WHOLE: Final = "unnest(from_json(${}, '[\"BIGINT\"]'))"
_REAL: Final = "unnest(from_json(${}, '[\"DOUBLE\"]'))"
_COLUMNS: Final = (_TEXTS, _TEXTS, _TEXTS, _WHOLE, _WHOLE, _REAL)
_ADD: Final = "INSERT INTO reading SELECT " + ", ".join(
    column.format(n) for n, column in enumerate(_COLUMNS, 1)
)
_LANES: Final = ", ".join(_TEXTS.format(n) for n in range(1, 5))
_ADD_LANES: Final = f"INSERT INTO applied SELECT {_LANES}"
_MOVE_LANES: Final = f"""
UPDATE applied SET intervals = told.intervals
FROM (SELECT {_LANES}) AS told(gateway, journal, lane, intervals)
WHERE applied.gateway = told.gateway AND applied.journal = told.journal
  AND applied.lane = told.lane"""  # noqa: S608 - nothing of a caller's in it
_LAST: Final = """
SELECT device, measurement, max(at_ms), last(value ORDER BY at_ms, seq) FROM reading
WHERE home = $1 AND at_ms >= $2 AND at_ms < $3
GROUP BY device, measurement ORDER BY device, measurement"""
_BUCKETS: Final = """
SELECT device, (at_ms - $3) // $5 AS bucket, avg(value), min(value), max(value),
       last(value ORDER BY at_ms, seq), count(*)
FROM reading
WHERE home = $1 AND measurement = $2 AND at_ms >= greatest($3, $8) AND at_ms < $4
  AND value BETWEEN $6 AND $7
GROUP BY device, bucket ORDER BY device, bucket"""
_EXPORT: Final = """
SELECT device, measurement, at_ms, value FROM reading
WHERE home = $1 AND at_ms >= $2 AND at_ms < $3"""
_decode = msgspec.json.Decoder(Intervals).decode


class DuckSeries:
    """See TimeSeries."""

    def __init__(
        self, path: Path, keep_days: int, *, memory_mb: int = MEMORY_MB, threads: int = THREADS
    ) -> None:
        self.keep_days = keep_days
        self._path = path
        self._config: Final[dict[str, str | bool | int | float | list[str]]] = {
            "memory_limit": f"{memory_mb}MB",
            "threads": str(threads),
            "autoinstall_known_extensions": "false",  # it must never ask the network for anything
        }
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._lanes: dict[LaneKey, Intervals] = {}
        self._lock = threading.Lock()  # opening, closing, and the one writer at a time

    def open(self) -> None:
        """See TimeSeries. Also after a failure that DuckDB takes back only by being opened anew."""
        with self._lock, _as_ours():
            self._let_go()
            connection = duckdb.connect(str(self._path), config=self._config)
            connection.execute(_TABLES)
            rows = connection.execute("SELECT gateway, journal, lane, intervals FROM applied")
            self._lanes = {
                LaneKey(gateway, journal, Lane(lane)): _decode(intervals)
                for gateway, journal, lane, intervals in rows.fetchall()
            }
            self._connection = connection

    def applied(self, lane: LaneKey) -> Intervals:
        """See TimeSeries."""
        return self._lanes.get(lane, ())

    def write(self, sheet: Sheet) -> None:
        """See TimeSeries."""
        columns = (
            sheet.home, sheet.device, sheet.measurement, sheet.at_ms, sheet.seq, sheet.value
        )  # fmt: skip
        with self._lock, self._cursor() as cursor:
            cursor.execute("BEGIN")
            if sheet:
                cursor.execute(_ADD, [_json(column) for column in columns])
            known = {lane for lane in sheet.changed if lane in self._lanes}
            for statement, lanes in (
                (_MOVE_LANES, known),
                (_ADD_LANES, sheet.changed.keys() - known),
            ):
                if lanes:
                    told = [(*lane, _json(sheet.changed[lane])) for lane in lanes]
                    cursor.execute(statement, [_json(column) for column in zip(*told, strict=True)])
            cursor.execute("COMMIT")
            self._lanes.update(sheet.changed)

    def last(self, home: str, now_ms: int) -> list[Point]:
        """See TimeSeries."""
        with self._cursor() as cursor:
            rows = cursor.execute(_LAST, [home, *span_at(now_ms, self.keep_days)]).fetchall()
        return [Point(*row) for row in rows]

    def buckets(self, wish: Wish, now_ms: int) -> list[Trace]:
        """See TimeSeries."""
        kept = span_at(now_ms, self.keep_days)
        asked = [wish.home, wish.measurement.value, wish.from_ms, wish.to_ms, wish.width_ms]
        believed = wish.believed or (-NUMBER_MAX, NUMBER_MAX)
        with self._cursor() as cursor:
            found = cursor.execute(_BUCKETS, [*asked, *believed, kept.oldest_ms]).fetchall()
        traces: dict[str, Trace] = {}
        for device, n, mean, low, high, last, count in found:
            trace = traces.setdefault(device, empty_trace(device, wish.buckets))
            trace.mean[n], trace.low[n], trace.high[n] = mean, low, high
            trace.last[n], trace.count[n] = last, count
        return list(traces.values())

    def sweep(self, now_ms: int) -> None:
        """See TimeSeries."""
        oldest_ms = span_at(now_ms, self.keep_days).oldest_ms
        with self._lock, self._cursor() as cursor:
            cursor.execute("DELETE FROM reading WHERE at_ms < $1", [oldest_ms])

    def erase(self, home: str) -> None:
        """See TimeSeries."""
        with self._lock, self._cursor() as cursor:
            cursor.execute("DELETE FROM reading WHERE home = $1", [home])
            cursor.execute("CHECKPOINT")

    def export(self, home: str, now_ms: int) -> Iterator[Point]:
        """See TimeSeries."""
        with self._cursor() as cursor:
            cursor.execute(_EXPORT, [home, *span_at(now_ms, self.keep_days)])
            while rows := cursor.fetchmany(EXPORT_ROWS):
                yield from (Point(*row) for row in rows)

    def close(self) -> None:
        """See TimeSeries."""
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        if self._connection is None:
            raise Unavailable(f"{self._path} is not open in this process")
        with _as_ours(), self._connection.cursor() as cursor:
            yield cursor


def _json(column: Any) -> str:
    return msgspec.json.encode(column).decode()


@contextmanager
def _as_ours() -> Iterator[None]:
    try:
        yield
    except (
        duckdb.IOException,  # disk full, file held by another process
        duckdb.FatalException,  # invalidated: must be opened anew
        duckdb.InternalException,
        duckdb.ConnectionException,
        duckdb.OutOfMemoryException,
        duckdb.TransactionException,
    ) as error:
        raise Unavailable(str(error)) from error
