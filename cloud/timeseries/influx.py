"""InfluxDB 2 through its own client, synchronously: an answer means that the points are durable.

A point of ours is its series (home, device, measurement) and its time, event milliseconds × 10⁶ +
seq modulo 10⁶ ns, because points of one series at one time overwrite each other. So a write that
is repeated changes nothing. Applied intervals follow the rows, one point a lane in a bucket that
forgets nothing: whoever dies in between writes the rows again.
"""

import logging
import re
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
from cloud.timeseries.errors import Unavailable
from cloud.timeseries.model import (
    InfluxAddress,
    Intervals,
    Point,
    Sheet,
    Span,
    Trace,
    Wish,
    empty_trace,
    span_at,
)
from contract.lanes import Lane

log = logging.getLogger(__name__)
TIMEOUT_MS: Final = 10_000
NS: Final = 1_000_000  # in a millisecond
DAY_S: Final = 86_400
LINES_MAX: Final = 5_000  # of one request, as InfluxData advises
NOTED_NS: Final = 1_000_000_000  # the one time of every note about a lane
PREFIXES_MAX: Final = 200_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_DROPPED: Final = re.compile(r"dropped=(\d+)")
_IN_TAG: Final = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ ", "\n": "_", "\\": "/"})
_IN_FIELD: Final = str.maketrans({'"': r"\"", "\\": r"\\"})
_IN_FLUX: Final = str.maketrans({'"': r"\"", "\\": r"\\", "$": r"\$", "\n": r"\n"})
_AGGREGATES: Final = ("mean", "min", "max", "last", "count")
_decode = msgspec.json.Decoder(Intervals).decode


class InfluxSeries:
    """See TimeSeries."""

    def __init__(self, address: InfluxAddress, keep_days: int) -> None:
        self.keep_days = keep_days
        self._bucket, self._notes = address.bucket, f"{address.bucket}_applied"
        self._org = address.org
        self._client = InfluxDBClient(
            address.url, address.token, org=address.org, timeout=TIMEOUT_MS, enable_gzip=True
        )
        self._writing = self._client.write_api(write_options=SYNCHRONOUS)
        self._reading = self._client.query_api()
        self._lanes: dict[LaneKey, Intervals] = {}
        self._prefixes: dict[tuple[str, str, str], str] = {}

    def open(self) -> None:
        """See TimeSeries. Makes both buckets, and gives ours the retention of the settings."""
        with _as_ours():
            self._make_bucket(self._bucket, self.keep_days * DAY_S)
            self._make_bucket(self._notes, 0)
            found = self._reading.query(
                f'from(bucket: "{_flux(self._notes)}") |> range(start: 0)'
                ' |> filter(fn: (r) => r._measurement == "applied") |> last()'
            )
            self._lanes = {
                LaneKey(r["gateway"], r["journal"], Lane(r["lane"])): _decode(r["_value"])
                for table in found
                for r in table.records
            }

    def applied(self, lane: LaneKey) -> Intervals:
        """See TimeSeries."""
        return self._lanes.get(lane, ())

    def write(self, sheet: Sheet) -> None:
        """See TimeSeries."""
        lines = [
            f"{self._prefix(home, device, measurement)}{value!r} {at_ms * NS + seq % NS}"
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
        found = self._query(self._of_home(home, span_at(now_ms, self.keep_days)) + " |> last()")
        return sorted(_point(record) for record in found)

    def buckets(self, wish: Wish, now_ms: int) -> list[Trace]:
        """See TimeSeries. All aggregates in one query, each of them counted by the store."""
        kept = span_at(now_ms, self.keep_days)
        within = Span(max(wish.from_ms, kept.oldest_ms), wish.to_ms)
        if within.oldest_ms >= within.newest_ms:
            return []
        chosen = (
            f"data = {self._of_home(wish.home, within)}"
            f' |> filter(fn: (r) => r.measurement == "{wish.measurement.value}")'
            f"{_in_range(wish.believed)}\n"
        )
        every, offset = f"{wish.width_ms}ms", f"{wish.from_ms % wish.width_ms}ms"
        yields = "\n".join(
            f"data |> aggregateWindow(every: {every}, offset: {offset}, fn: {name},"
            f' createEmpty: false, timeSrc: "_start") |> yield(name: "{name}")'
            for name in _AGGREGATES
        )
        traces: dict[str, Trace] = {}
        for record in self._query(chosen + yields):
            trace = traces.setdefault(record["device"], empty_trace(record["device"], wish.buckets))
            n = (_at_ms(record) - wish.from_ms) // wish.width_ms
            _column(trace, record["result"])[max(n, 0)] = record["_value"]
        return [traces[device] for device in sorted(traces)]

    def sweep(self, now_ms: int) -> None:
        """See TimeSeries. The bucket's own retention does it."""

    def erase(self, home: str) -> None:
        """See TimeSeries."""
        predicate = f'_measurement="reading" AND home="{home.translate(_IN_FIELD)}"'
        end = datetime(2262, 1, 1, tzinfo=UTC)  # of what nanoseconds can say
        with _as_ours():
            self._client.delete_api().delete(_EPOCH, end, predicate, self._bucket, self._org)

    def export(self, home: str, now_ms: int) -> Iterator[Point]:
        """See TimeSeries."""
        query = self._of_home(home, span_at(now_ms, self.keep_days))
        with _as_ours():
            for record in self._reading.query_stream(query):
                yield _point(record.values)

    def close(self) -> None:
        """See TimeSeries."""
        self._client.close()

    # ------------------------------------------------------------ below

    def _make_bucket(self, name: str, keep_s: int) -> None:
        api = self._client.buckets_api()
        rules = [BucketRetentionRules(type="expire", every_seconds=keep_s)]
        found = api.find_bucket_by_name(name)
        if found is None:
            api.create_bucket(bucket_name=name, org=self._org, retention_rules=rules)
            log.info("InfluxDB: made bucket %s", name)
        elif [rule.every_seconds for rule in found.retention_rules] != [keep_s] and keep_s:
            found.retention_rules = rules
            api.update_bucket(found)
            log.info("InfluxDB: bucket %s keeps %d days from now on", name, keep_s // DAY_S)

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

    def _of_home(self, home: str, within: Span) -> str:
        return (
            f'from(bucket: "{_flux(self._bucket)}")'
            f" |> range(start: time(v: {within.oldest_ms * NS}), stop: time(v:"
            f" {within.newest_ms * NS}))"
            ' |> filter(fn: (r) => r._measurement == "reading" and r._field == "v"'
            f' and r.home == "{_flux(home)}")'
        )

    def _query(self, flux: str) -> list[dict[str, Any]]:
        with _as_ours():
            return [r.values for table in self._reading.query(flux) for r in table.records]


def _in_range(believed: tuple[float, float] | None) -> str:
    if believed is None:
        return ""
    low, high = map(float, believed)
    return f" |> filter(fn: (r) => r._value >= {low!r} and r._value <= {high!r})"


def _column(trace: Trace, aggregate: str) -> list[Any]:
    columns: dict[str, list[Any]] = {
        "mean": trace.mean,
        "min": trace.low,
        "max": trace.high,
        "last": trace.last,
        "count": trace.count,
    }
    return columns[aggregate]


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


def _flux(text: str) -> str:
    return text.translate(_IN_FLUX)


@contextmanager
def _as_ours() -> Iterator[None]:
    try:
        yield
    except ApiException as error:
        detail = str(error.body or error.reason)[:300]
        raise Unavailable(f"InfluxDB answers {error.status}: {detail}") from error
    except (InfluxDBError, HTTPError, OSError) as error:
        raise Unavailable(f"InfluxDB cannot be reached: {error}") from error
