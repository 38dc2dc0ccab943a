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
    HOUR_MS,
    NUMBER_MAX,
    Cell,
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
    span_at,
    traces_of,
)
from contract.lanes import Lane
from contract.vocabulary import SPECS

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
CREATE TABLE IF NOT EXISTS hour (
  home VARCHAR NOT NULL, device VARCHAR NOT NULL, measurement VARCHAR NOT NULL,
  at_ms BIGINT NOT NULL, n BIGINT NOT NULL, total DOUBLE NOT NULL, low DOUBLE NOT NULL,
  high DOUBLE NOT NULL, first DOUBLE NOT NULL, last DOUBLE NOT NULL);
CREATE TABLE IF NOT EXISTS progress (
  settled_ms BIGINT NOT NULL, final_ms BIGINT NOT NULL, dropped_ms BIGINT NOT NULL);
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
WITH part AS (
  SELECT device, at_ms, -1 AS seq, n, total, low, high, last FROM hour
  WHERE home = $1 AND measurement = $2 AND at_ms >= $5 AND at_ms < $6
  UNION ALL
  SELECT device, at_ms, seq, 1, value, value, value, value FROM reading
  WHERE home = $1 AND measurement = $2 AND at_ms >= $7 AND at_ms < $8 AND value BETWEEN $9 AND $10)
SELECT device, (at_ms - $3) // $4 AS bucket, sum(n), sum(total), min(low), max(high),
       arg_max(last, (at_ms, seq))
FROM part GROUP BY device, bucket"""
_EXPORT: Final = """
SELECT device, measurement, at_ms, value FROM reading
WHERE home = $1 AND at_ms >= $2 AND at_ms < $3"""
_EXPORT_HOURS: Final = """
SELECT device, measurement, at_ms, n, total, low, high, first, last FROM hour
WHERE home = $1 AND at_ms >= $2 AND at_ms < $3"""
_OF_SPAN: Final = "at_ms >= $1 AND at_ms < $2 AND ($3 IS NULL OR home = $3)"
_UNMAKE_HOURS: Final = f"DELETE FROM hour WHERE {_OF_SPAN}"  # noqa: S608 - as above
_MAKE_HOURS: Final = f"""
INSERT INTO hour
SELECT home, device, measurement, at_ms - at_ms % {HOUR_MS}, count(*), sum(value), min(value),
       max(value), arg_min(value, (at_ms, seq)), arg_max(value, (at_ms, seq))
FROM reading LEFT JOIN believed USING (measurement)
WHERE {_OF_SPAN} AND (believed.low IS NULL OR value BETWEEN believed.low AND believed.high)
GROUP BY ALL"""  # noqa: S608 - as above
_BELIEVED: Final = "CREATE OR REPLACE TEMP TABLE believed AS SELECT " + ", ".join(
    f"{column.format(n)} AS {name}"
    for n, (column, name) in enumerate(
        ((_TEXTS, "measurement"), (_REAL, "low"), (_REAL, "high")), 1
    )
)
_decode = msgspec.json.Decoder(Intervals).decode


class DuckSeries:
    """See TimeSeries."""

    def __init__(
        self, path: Path, keeping: Keeping, *, memory_mb: int = MEMORY_MB, threads: int = THREADS
    ) -> None:
        self.keeping = keeping
        self._path = path
        self._config: Final[dict[str, str | bool | int | float | list[str]]] = {
            "memory_limit": f"{memory_mb}MB",
            "threads": str(threads),
            "autoinstall_known_extensions": "false",  # it must never ask the network for anything
        }
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._lanes: dict[LaneKey, Intervals] = {}
        self._copying = threading.Lock()
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
        with self._transaction() as cursor:
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
        self._lanes.update(sheet.changed)

    def last(self, home: str, now_ms: int) -> list[Point]:
        """See TimeSeries."""
        with self._cursor() as cursor:
            rows = cursor.execute(_LAST, [home, *span_at(now_ms, self.keeping.raw_days)]).fetchall()
        return [Point(*row) for row in rows]

    def buckets(self, wish: Wish, now_ms: int) -> list[Trace]:
        """See TimeSeries."""
        hours, readings = wish.parts(now_ms, self.keeping, self.progress().settled_ms)
        asked = [wish.home, wish.measurement.value, wish.from_ms, wish.width_ms]
        believed = wish.believed or (-NUMBER_MAX, NUMBER_MAX)
        with self._cursor() as cursor:
            found = cursor.execute(_BUCKETS, [*asked, *hours, *readings, *believed]).fetchall()
        cells = {(device, n): Cell(*cell) for device, n, *cell in found}
        return traces_of(cells, wish.buckets)

    def export(self, home: str, now_ms: int) -> Iterator[Point]:
        """See TimeSeries."""
        cut_ms = cut_at(now_ms, self.keeping, self.progress().settled_ms)
        newest_ms = span_at(now_ms, self.keeping.raw_days).newest_ms
        for row in self._rows(_EXPORT, [home, cut_ms, newest_ms]):
            yield Point(*row)

    def export_hours(self, home: str, now_ms: int) -> Iterator[Hour]:
        """See TimeSeries."""
        cut_ms = cut_at(now_ms, self.keeping, self.progress().settled_ms)
        oldest_ms = span_at(now_ms, self.keeping.hour_days).oldest_ms
        for row in self._rows(_EXPORT_HOURS, [home, oldest_ms, cut_ms]):
            yield Hour(*row)

    def erase(self, home: str) -> None:
        """See TimeSeries."""
        with self._transaction() as cursor:
            cursor.execute("DELETE FROM reading WHERE home = $1", [home])
            cursor.execute("DELETE FROM hour WHERE home = $1", [home])
        with self._lock, self._cursor() as cursor:
            cursor.execute("CHECKPOINT")

    def oldest_ms(self) -> int | None:
        """See TimeSeries."""
        with self._cursor() as cursor:
            found = cursor.execute("SELECT min(at_ms) FROM reading").fetchone()
        return found[0] if found else None

    def progress(self) -> Progress:
        """See TimeSeries."""
        with self._cursor() as cursor:
            found = cursor.execute("SELECT * FROM progress").fetchone()
        return Progress(*found) if found else Progress()

    def note(self, progress: Progress) -> None:
        """See TimeSeries."""
        with self._transaction() as cursor:
            cursor.execute("DELETE FROM progress")
            cursor.execute("INSERT INTO progress VALUES ($1, $2, $3)", list(progress))

    def fold(self, span: Span, home: str | None = None) -> None:
        """See TimeSeries."""
        ranges = [(m.value, *spec.range) for m, spec in SPECS.items() if spec.range is not None]
        with self._transaction() as cursor:
            cursor.execute(_BELIEVED, [_json(column) for column in zip(*ranges, strict=True)])
            cursor.execute(_UNMAKE_HOURS, [*span, home])
            cursor.execute(_MAKE_HOURS, [*span, home])

    def drop(self, readings_before_ms: int, hours_before_ms: int) -> None:
        """See TimeSeries."""
        with self._transaction() as cursor:
            cursor.execute("DELETE FROM reading WHERE at_ms < $1", [readings_before_ms])
            cursor.execute("DELETE FROM hour WHERE at_ms < $1", [hours_before_ms])

    def copy(self, to: Path) -> None:
        """All of it as it is at this instant, in a new file of that name; writing goes on. Raises
        Unavailable."""
        part = to.with_name(f"{to.name}.part")
        part.unlink(missing_ok=True)
        own = _quoted(self._path.stem, '"')
        with self._copying, self._cursor() as cursor:
            cursor.execute(f"ATTACH {_quoted(str(part))} AS copy")
            try:
                cursor.execute(f"COPY FROM DATABASE {own} TO copy")
            finally:
                cursor.execute("DETACH copy")
        part.chmod(0o600)
        part.replace(to)

    def close(self) -> None:
        """See TimeSeries."""
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _rows(self, sql: str, asked: list[Any]) -> Iterator[tuple[Any, ...]]:
        with self._cursor() as cursor:
            cursor.execute(sql, asked)
            while rows := cursor.fetchmany(EXPORT_ROWS):
                yield from rows

    @contextmanager
    def _transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._lock, self._cursor() as cursor:
            cursor.execute("BEGIN")
            yield cursor
            cursor.execute("COMMIT")

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        if self._connection is None:
            raise Unavailable(f"{self._path} is not open in this process")
        with _as_ours(), self._connection.cursor() as cursor:
            yield cursor


def _quoted(text: str, mark: str = "'") -> str:
    return f"{mark}{text.replace(mark, mark * 2)}{mark}"


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
