"""Readings on their way into a time series and out of it. Pure.

On the way in they stand in columns: at thousands a second an object for each would cost more than
the store does.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from cloud.durable.received import INTERVALS_MAX, LaneKey
from contract.intervals import Interval, holds, merged, of
from contract.lanes import Lane
from contract.messages import Batch, Row, Value
from contract.vocabulary import SPECS, Measurement

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
AHEAD_MS_MAX: Final = DAY_MS  # dated later than this, a reading would outlive every retention
NUMBER_MAX: Final = 1e300
Intervals = tuple[Interval, ...]
_IS_BOOL: Final = {m.value: spec.type == "bool" for m, spec in SPECS.items()}
_IS_TEXT: Final = frozenset(m.value for m, spec in SPECS.items() if spec.type == "string")


class InfluxAddress(Struct, frozen=True):
    """Where InfluxDB is. The token must be allowed to read, write and make buckets."""

    url: str
    org: str
    token: str
    bucket: str = "anju"


class Place(NamedTuple):
    """Where a device stands. device: its uid in the registry."""

    home: str
    device: str


class Span(NamedTuple):
    """Times that a store keeps: [oldest_ms, newest_ms)."""

    oldest_ms: int
    newest_ms: int


class Keeping(NamedTuple):
    """For how many days readings are kept as they came, and for how many their hours."""

    raw_days: int = 90
    hour_days: int = 1827  # five years


class Progress(NamedTuple):
    """How far it has come. Hours before settled_ms are there; before final_ms they are never made
    again; before dropped_ms their readings are gone. All 0 in a new store."""

    settled_ms: int = 0
    final_ms: int = 0
    dropped_ms: int = 0


def floor_hour(ms: int) -> int:
    """The beginning of the hour, in UTC."""
    return ms // HOUR_MS * HOUR_MS


def span_at(now_ms: int, days: int) -> Span:
    """What a tier keeps at this instant; it begins with a whole hour."""
    return Span(floor_hour(now_ms - days * DAY_MS), now_ms + AHEAD_MS_MAX)


class Sheet:
    """Readings that are written together, by column, with what is then applied of each lane.

    value: the number in the vocabulary's unit; true is 1, false 0. refused: how many readings no
    store will ever take, by reason; they count as applied, or one would hold up its home for ever.
    """

    def __init__(self, applied: Callable[[LaneKey], Intervals], span: Span) -> None:
        self._applied, self._span = applied, span
        self.changed: dict[LaneKey, Intervals] = {}
        self.refused: Counter[str] = Counter()
        self.home: list[str] = []
        self.device: list[str] = []
        self.measurement: list[str] = []
        self.at_ms: list[int] = []
        self.seq: list[int] = []
        self.value: list[float] = []

    def __len__(self) -> int:
        return len(self.seq)

    def cover(self, lane: LaneKey, intervals: Collection[Interval]) -> bool:
        """Count these numbers as applied. False, and nothing done, where that would leave more
        holes than are kept."""
        now = merged([*self._known(lane), *intervals])
        if len(now) > INTERVALS_MAX:
            return False
        self.changed[lane] = now
        return True

    def take(self, batch: Batch, place_of: Callable[[str, str], Place | None]) -> bool:
        """What is new in a message. place_of: by gateway and uid, None for strangers, whose
        readings are nobody's. False: too scattered, the older ones must come first."""
        lane = LaneKey(batch.gateway, batch.journal, Lane(batch.lane))
        done = self._known(lane)
        told = {row.seq for device in batch.devices for row in device.rows}
        if not self.cover(lane, [*of(told), *((gap.first, gap.last) for gap in batch.gaps)]):
            return False
        fresh = {seq for seq in told if not holds(done, seq)}
        for device in batch.devices:
            place = place_of(batch.gateway, device.id) if fresh else None
            if place is not None:
                self._add(place, batch.t0_ms, device.rows, fresh)
        return True

    def _known(self, lane: LaneKey) -> Intervals:
        changed = self.changed.get(lane)
        return self._applied(lane) if changed is None else changed

    def _add(self, place: Place, t0_ms: int, rows: Sequence[Row], fresh: set[int]) -> None:
        for row in rows:
            if row.seq not in fresh or _is_repeat(row):
                continue
            fresh.discard(row.seq)
            at_ms = t0_ms + row.dt_ms
            why = why_refused(row.name, row.value, at_ms, self._span)
            if why is not None:
                self.refused[why] += 1
                continue
            self.home.append(place.home)
            self.device.append(place.device)
            self.measurement.append(row.name)
            self.at_ms.append(at_ms)
            self.seq.append(row.seq)
            self.value.append(float(row.value))  # type: ignore[arg-type]  # why_refused has looked


def _is_repeat(row: Row) -> bool:
    return row.x is not None and row.x.rep is not None


def why_refused(name: str, value: Value, at_ms: int, span: Span) -> str | None:
    """A word for why this reading can never be kept; None where it can."""
    if name not in _IS_BOOL:
        return "unknown_name"
    if isinstance(value, bool) is not _IS_BOOL[name] or isinstance(value, str | None):
        return "type"
    if name in _IS_TEXT or not -NUMBER_MAX < value < NUMBER_MAX:
        return "type"
    if not span.oldest_ms <= at_ms < span.newest_ms:
        return "too_old" if at_ms < span.oldest_ms else "ahead"
    return None


# ---------------------------------------------------------------- on the way out


class Point(NamedTuple):
    """One reading as it is kept."""

    device: str
    measurement: str
    at_ms: int
    value: float


class Hour(NamedTuple):
    """The readings of one hour that the vocabulary's range believes. A state has them too: its
    mean is that of its messages, so low, high and last say more."""

    device: str
    measurement: str
    at_ms: int  # its beginning
    n: int  # how many
    total: float
    low: float
    high: float
    first: float
    last: float


class Wish(NamedTuple):
    """One measurement of a home in equal buckets over [from_ms, to_ms)."""

    home: str
    measurement: Measurement
    from_ms: int
    width_ms: int
    buckets: int

    @property
    def to_ms(self) -> int:
        """The end, which is not part of it."""
        return self.from_ms + self.width_ms * self.buckets

    @property
    def believed(self) -> tuple[float, float] | None:
        """Lowest and highest value that is looked at. What lies outside the vocabulary's range is
        kept, but not drawn."""
        return SPECS[self.measurement].range

    def parts(self, now_ms: int, keeping: Keeping, settled_ms: int) -> tuple[Span, Span]:
        """What is read as hours and what as readings; either may be empty. In whole hours, hours
        as far as they are there; else readings only, as long as they are kept."""
        if self.from_ms % HOUR_MS or self.width_ms % HOUR_MS:
            oldest_ms = span_at(now_ms, keeping.raw_days).oldest_ms
            return Span(0, 0), Span(max(self.from_ms, oldest_ms), self.to_ms)
        oldest_ms = span_at(now_ms, keeping.hour_days).oldest_ms
        from_ms = max(self.from_ms, oldest_ms)
        cut_ms = min(max(from_ms, settled_ms), self.to_ms)
        return Span(from_ms, cut_ms), Span(max(cut_ms, from_ms), self.to_ms)


class Trace(Struct):
    """One device's buckets: mean, lowest, highest and last value, null where nothing was heard;
    and how many readings each stands for. A gap stays a gap: nothing is filled in."""

    device: str
    mean: list[float | None]
    low: list[float | None]
    high: list[float | None]
    last: list[float | None]
    count: list[int]


class Cell(NamedTuple):
    """What is in one bucket of a device; two parts of it add up, the later one second."""

    n: int  # how many
    total: float
    low: float
    high: float
    last: float

    def then(self, later: "Cell") -> "Cell":
        """Both together."""
        low, high = min(self.low, later.low), max(self.high, later.high)
        return Cell(self.n + later.n, self.total + later.total, low, high, later.last)


Cells = dict[tuple[str, int], Cell]  # by device and number of the bucket


def traces_of(cells: Cells, buckets: int) -> list[Trace]:
    """By device, in order of uid."""
    traces: dict[str, Trace] = {}
    for (device, at), cell in sorted(cells.items()):
        trace = traces.setdefault(device, _empty_trace(device, buckets))
        trace.mean[at] = cell.total / cell.n
        trace.low[at], trace.high[at] = cell.low, cell.high
        trace.last[at], trace.count[at] = cell.last, cell.n
    return list(traces.values())


def cut_at(now_ms: int, keeping: Keeping, settled_ms: int) -> int:
    """Up to here a whole account of a home has hours, from here on readings."""
    return min(span_at(now_ms, keeping.raw_days).oldest_ms, settled_ms)


def _empty_trace(device: str, buckets: int) -> Trace:

    def nothing() -> list[float | None]:
        return [None] * buckets

    return Trace(device, nothing(), nothing(), nothing(), nothing(), [0] * buckets)
