"""InfluxDB 2 through its own client, synchronously: an answer means that the points are durable.

A point of ours is its series (home, device, measurement) and its time, event milliseconds × 10⁶ +
seq modulo 10⁶ ns, because points of one series at one time overwrite each other. So a write that
is repeated changes nothing. Applied intervals follow the rows, one point a lane in a bucket that
forgets nothing: whoever dies in between writes the rows again.
"""

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from cloud.durable.received import LaneKey
from cloud.timeseries import flux
from cloud.timeseries.errors import Unavailable
from cloud.timeseries.model import (
    Cell,
    Cells,
    Hour,
    InfluxAddress,
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
from contract.vocabulary import SPECS, Measurement

log = logging.getLogger(__name__)
TIMEOUT_MS: Final = 10_000
PATIENT_MS: Final = 120_000  # for what nobody waits for
DAY_S: Final = 86_400
SPARE_DAYS: Final = 366  # we drop readings; the server then drops what is left of their files
SHARD_DAYS: Final = 28  # of the hours: few files for years
LINES_MAX: Final = 5_000  # of one request, as InfluxData advises
NOTED_NS: Final = 1_000_000_000  # the one time of every note about a lane
PREFIXES_MAX: Final = 200_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_DROPPED: Final = re.compile(r"dropped=(\d+)")
_IN_TAG: Final = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ ", "\n": "_", "\\": "/"})
_IN_FIELD: Final = str.maketrans({'"': r"\"", "\\": r"\\"})
_END: Final = datetime(2262, 1, 1, tzinfo=UTC)  # of what nanoseconds can say
_PROGRESS: Final = f"progress settled_ms={{}}i,final_ms={{}}i,dropped_ms={{}}i {NOTED_NS}"
_decode = msgspec.json.Decoder(Intervals).decode


class InfluxSeries:
    """See TimeSeries."""

    def __init__(self, address: InfluxAddress, keeping: Keeping) -> None:
        self.keeping = keeping
        self._bucket, self._hours = address.bucket, f"{address.bucket}_hours"
        self._notes = f"{address.bucket}_applied"
        self._org = address.org
        self._client = InfluxDBClient(
            address.url, address.token, org=address.org, timeout=TIMEOUT_MS, enable_gzip=True
        )
        self._writing = self._client.write_api(write_options=SYNCHRONOUS)
        self._reading = self._client.query_api()
        self._patient = InfluxDBClient(
            address.url, address.token, org=address.org, timeout=PATIENT_MS
        )
        self._keeping = threading.Lock()  # hours are not made while a home is erased
        self._lanes: dict[LaneKey, Intervals] = {}
        self._prefixes: dict[tuple[str, str, str], str] = {}

    def open(self) -> None:
        """See TimeSeries. Makes the buckets, and gives them the retention of the settings."""
        with _as_ours():
            self._make_bucket(self._bucket, self.keeping.raw_days + SPARE_DAYS, None)
            self._make_bucket(self._hours, self.keeping.hour_days, SHARD_DAYS * DAY_S)
            self._make_bucket(self._notes, 0, None)
        self._lanes = {
            LaneKey(r["gateway"], r["journal"], Lane(r["lane"])): _decode(r["_value"])
            for r in self._noted("applied")
        }

    def applied(self, lane: LaneKey) -> Intervals:
        """See TimeSeries."""
        return self._lanes.get(lane, ())

    def write(self, sheet: Sheet) -> None:
        """See TimeSeries."""
        lines = [
            f"{self._prefix(home, device, measurement)}{value!r} {at_ms * flux.NS + seq % flux.NS}"
            for home, device, measurement, at_ms, seq, value in zip(
                sheet.home, sheet.device, sheet.measurement, sheet.at_ms, sheet.seq, sheet.value,
                strict=True,
            )
        ]  # fmt: skip
        notes = [_note(lane, intervals) for lane, intervals in sheet.changed.items()]
        with _as_ours():
            for at in range(0, len(lines), LINES_MAX):
                refused = self._send(self._bucket, lines[at : at + LINES_MAX])
                if refused:
                    sheet.refused["store"] += refused
            for at in range(0, len(notes), LINES_MAX):
                self._send(self._notes, notes[at : at + LINES_MAX])
        self._lanes.update(sheet.changed)

    def last(self, home: str, now_ms: int) -> list[Point]:
        """See TimeSeries."""
        span = span_at(now_ms, self.keeping.raw_days)
        found = self._query(flux.of_home(self._bucket, home, span) + " |> last()")
        return sorted(_point(record) for record in found)

    def buckets(self, wish: Wish, now_ms: int) -> list[Trace]:
        """See TimeSeries. All figures in one query a tier, each of them counted by the store."""
        hours, readings = wish.parts(now_ms, self.keeping, self.progress().settled_ms)
        cells: Cells = {}
        for span, bucket, question in (
            (hours, self._hours, flux.bucketed_hours),
            (readings, self._bucket, flux.bucketed_readings),
        ):
            if span.oldest_ms < span.newest_ms:
                for key, cell in self._cells(wish, question(bucket, wish, span)):
                    cells[key] = cells[key].then(cell) if key in cells else cell
        return traces_of(cells, wish.buckets)

    def export(self, home: str, now_ms: int) -> Iterator[Point]:
        """See TimeSeries."""
        newest_ms = span_at(now_ms, 0).newest_ms
        span = Span(cut_at(now_ms, self.keeping, self.progress().settled_ms), newest_ms)
        for record in self._stream(flux.of_home(self._bucket, home, span)):
            yield _point(record)

    def export_hours(self, home: str, now_ms: int) -> Iterator[Hour]:
        """See TimeSeries."""
        cut_ms = cut_at(now_ms, self.keeping, self.progress().settled_ms)
        oldest_ms = span_at(now_ms, self.keeping.hour_days).oldest_ms
        if oldest_ms < cut_ms:
            span = Span(oldest_ms, cut_ms)
            for r in self._stream(flux.hours_of_home(self._hours, home, span)):
                figures = [r[name] for name in flux.FIGURES]
                yield Hour(r["device"], r["measurement"], _at_ms(r), *figures)

    def erase(self, home: str) -> None:
        """See TimeSeries."""
        of_home = f'home="{home.translate(_IN_FIELD)}"'
        with self._keeping:
            self._delete(self._bucket, f'_measurement="reading" AND {of_home}', _END)
            self._delete(self._hours, f'_measurement="hour" AND {of_home}', _END)

    def oldest_ms(self) -> int | None:
        """See TimeSeries."""
        found = self._query(flux.oldest(self._bucket))
        return _at_ms(found[0]) if found else None

    def progress(self) -> Progress:
        """See TimeSeries. Asked each time: another process may be the one that makes hours."""
        noted = {r["_field"]: r["_value"] for r in self._noted("progress")}
        return Progress(**noted)

    def note(self, progress: Progress) -> None:
        """See TimeSeries."""
        with _as_ours():
            self._send(self._notes, [_PROGRESS.format(*progress)])

    def fold(self, span: Span, home: str | None = None) -> None:
        """See TimeSeries. Hours overwrite themselves: their time and tags are their identity."""
        if home is None:
            with self._keeping:
                self._fold(self._patient, span, None)
        else:  # readings wait behind it; what it may put back of an erased home goes a minute later
            self._fold(self._client, span, home)

    def drop(self, readings_before_ms: int, hours_before_ms: int) -> None:
        """See TimeSeries. Readings in whole weeks, as their files are; hours by the bucket's own
        retention."""
        end = _EPOCH + readings_before_ms * _MS
        with self._keeping:
            self._delete(self._bucket, '_measurement="reading"', end)

    def close(self) -> None:
        """See TimeSeries."""
        self._client.close()
        self._patient.close()

    # ------------------------------------------------------------ below

    def _make_bucket(self, name: str, days: int, shard_s: int | None) -> None:
        api, keep_s = self._client.buckets_api(), days * DAY_S
        rules = [BucketRetentionRules("expire", keep_s, shard_group_duration_seconds=shard_s)]
        found = api.find_bucket_by_name(name)
        if found is None:
            api.create_bucket(bucket_name=name, org=self._org, retention_rules=rules)
            log.info("InfluxDB: made bucket %s", name)
        elif [rule.every_seconds for rule in found.retention_rules] != [keep_s] and keep_s:
            found.retention_rules = rules
            api.update_bucket(found)
            log.info("InfluxDB: bucket %s keeps %d days from now on", name, days)

    def _send(self, bucket: str, lines: list[str]) -> int:
        """How many of them the store will never take; the others are durable."""
        if not lines:
            return 0
        try:
            self._writing.write(bucket, self._org, "\n".join(lines).encode())
        except ApiException as error:
            if error.status == 422 and "partial write" in str(error.body):
                found = _DROPPED.search(str(error.body))
                return int(found.group(1)) if found else 0
            if error.status not in (400, 413):
                raise
            if len(lines) == 1:
                log.warning("InfluxDB never takes %s: %s", lines[0], error.body)
                return 1
            half = len(lines) // 2  # nothing of it was written: find the one
            return self._send(bucket, lines[:half]) + self._send(bucket, lines[half:])
        return 0

    def _prefix(self, home: str, device: str, measurement: str) -> str:
        key = (home, device, measurement)
        prefix = self._prefixes.get(key)
        if prefix is None:
            if len(self._prefixes) >= PREFIXES_MAX:
                self._prefixes.clear()
            tags = f"device={_tag(device)},home={_tag(home)},measurement={_tag(measurement)}"
            prefix = self._prefixes[key] = f"reading,{tags} v="
        return prefix

    def _fold(self, client: InfluxDBClient, span: Span, home: str | None) -> None:
        query, target = client.query_api().query, (self._org, self._hours)
        with _as_ours():
            tables = query(flux.measurements(self._bucket, span))
            found = {Measurement(r.values["_value"]) for table in tables for r in table.records}
            for each in sorted(found):
                believed = SPECS[each].range
                if believed is None or home is not None:
                    query(flux.make_hours(self._bucket, target, each.value, believed, span, home))
                    continue
                # A filter of values is a hundred times slower: only for homes that need it.
                tables = query(flux.odd_homes(self._bucket, each.value, believed, span))
                odd = sorted({r.values["home"] for table in tables for r in table.records})
                whole = flux.make_hours(self._bucket, target, each.value, None, span, None, odd)
                query(whole)
                for one in odd:
                    query(flux.make_hours(self._bucket, target, each.value, believed, span, one))

    def _delete(self, bucket: str, predicate: str, end: datetime) -> None:
        with _as_ours():
            self._patient.delete_api().delete(_EPOCH, end, predicate, bucket, self._org)

    def _noted(self, kind: str) -> list[dict[str, Any]]:
        return self._query(
            f'from(bucket: "{flux.quoted(self._notes)}") |> range(start: 0)'
            f' |> filter(fn: (r) => r._measurement == "{kind}") |> last()'
        )

    def _cells(self, wish: Wish, question: str) -> Iterator[tuple[tuple[str, int], Cell]]:
        figures: dict[tuple[str, int], dict[str, Any]] = {}
        for record in self._query(question):
            n = max((_at_ms(record) - wish.from_ms) // wish.width_ms, 0)
            figures.setdefault((record["device"], n), {})[record["result"]] = record["_value"]
        for key, told in figures.items():
            yield key, Cell(*(told[name] for name in flux.DRAWN))

    def _query(self, question: str) -> list[dict[str, Any]]:
        with _as_ours():
            return [r.values for table in self._reading.query(question) for r in table.records]

    def _stream(self, question: str) -> Iterator[dict[str, Any]]:
        with _as_ours():
            for record in self._reading.query_stream(question):
                yield record.values


def _point(record: dict[str, Any]) -> Point:
    return Point(record["device"], record["measurement"], _at_ms(record), record["_value"])


def _at_ms(record: dict[str, Any]) -> int:
    return int((record["_time"] - _EPOCH) // _MS)


def _note(lane: LaneKey, intervals: Intervals) -> str:
    told = msgspec.json.encode(intervals).decode().translate(_IN_FIELD)
    tags = f"gateway={_tag(lane.gateway)},journal={_tag(lane.journal)},lane={lane.lane.value}"
    return f'applied,{tags} intervals="{told}" {NOTED_NS}'


def _tag(text: str) -> str:
    return text.translate(_IN_TAG)


@contextmanager
def _as_ours() -> Iterator[None]:
    try:
        yield
    except ApiException as error:
        detail = str(error.body or error.reason)[:300]
        raise Unavailable(f"InfluxDB answers {error.status}: {detail}") from error
    except (InfluxDBError, HTTPError, OSError) as error:
        raise Unavailable(f"InfluxDB cannot be reached: {error}") from error
