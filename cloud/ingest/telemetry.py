"""Readings on their way into the time series, beside the rules: a bounded queue, a pump, and the
acknowledgements of data and health.

Rules have committed what comes in here. The edge may forget a reading once both sides have it, so
what is acknowledged is what is in both accounts. Where the time series is away, or slower than the
homes, nothing is acknowledged and the homes keep theirs; nobody waits for it here.
"""

import logging
import threading
from collections import deque
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from cloud.durable.received import LaneKey
from cloud.ingest.intake import REFUSED_MAX, Answer
from cloud.ingest.source import Publish
from cloud.observe import Counters
from cloud.pumps import Signal, due_within
from cloud.registry.registry import Registry
from cloud.timeseries.errors import Unavailable
from cloud.timeseries.model import Place, Sheet, span_at
from cloud.timeseries.port import TimeSeries
from cloud.timeseries.tiers import fold_late
from contract.envelope import encode
from contract.intervals import common, merged
from contract.lanes import Lane
from contract.messages import Ack, Batch
from contract.topics import down_topic

log = logging.getLogger(__name__)
QUEUE_ROWS_MAX: Final = 100_000
GROUP_ROWS_MAX: Final = 10_000
ACK_EVERY_MS: Final = 1000  # of one gateway
HELD_ACKS_MAX: Final = 50_000


class Telemetry:
    """See above. A pump; `offer` and `greet` are called from the threads of ingest."""

    name = "telemetry"

    def __init__(
        self, series: TimeSeries, registry: Registry, publish: Publish, counters: Counters
    ) -> None:
        self.signal = Signal()
        self._series, self._registry = series, registry
        self._publish, self._counters = publish, counters
        self._lock = threading.Lock()
        self._queue: deque[Answer] = deque()
        self._rows = 0  # in the queue
        self._group: list[Answer] = []  # being written; tried again as it is
        self._held: dict[LaneKey, Ack] = {}
        self._sent_ms: dict[str, int] = {}
        self._is_open = self._has_told = False
        self._again_ms = 0

    def offer(self, answer: Answer) -> None:
        """What the rules have of a data or health message. Never blocks: a full queue leaves the
        readings with the edge."""
        size = _size(answer)
        with self._lock:
            has_room = self._rows + size <= QUEUE_ROWS_MAX
            if has_room:
                self._queue.append(answer)
                self._rows += size
        if has_room:
            self.signal.set()
        else:
            self._counters.add("telemetry.left_with_the_edge", size)

    def greet(self, answer: Answer) -> Ack:
        """The answer to a Hello, at once, by what is known of the time series now. Where the
        journal holds nothing, that counts as applied."""
        lane = _lane(answer.gateway, answer.ack)
        self.offer(answer)
        had = merged([*self._series.applied(lane), answer.nothing])
        return replace(answer.ack, intervals=list(common(answer.ack.intervals, had)))

    def run_once(self, now_ms: int) -> int | None:
        """One group, then the acknowledgements that are due."""
        due_ms = self._turn(now_ms)
        flush_ms = self._flush(now_ms)
        return min((due for due in (due_ms, flush_ms) if due is not None), default=None)

    # ------------------------------------------------------------ writing

    def _turn(self, now_ms: int) -> int | None:
        if not self._group:
            self._group = self._next_group()
        wait_ms = due_within(self._again_ms, now_ms, 60_000)
        if wait_ms > now_ms:
            return wait_ms
        if self._is_open and not self._group:
            return None
        try:
            self._reach()
            if self._group:
                self._write(now_ms)
        except Unavailable as error:
            self._is_open = False
            self._again_ms = now_ms + int(error.retry_after_s * 1000)
            self._tell_away(error, now_ms)
            return self._again_ms
        return now_ms if self._queue else None

    def _reach(self) -> None:
        if not self._is_open:
            self._series.open()
            self._is_open = True
            if self._has_told:
                log.info("the time series is back")
                self._has_told = False

    def _tell_away(self, error: Unavailable, now_ms: int) -> None:
        self._counters.trouble("timeseries", str(error), now_ms)
        if not self._has_told:
            log.warning("%s; rules go on, homes keep their readings meanwhile", error)
            self._has_told = True

    def _next_group(self) -> list[Answer]:
        group: list[Answer] = []
        rows = 0
        with self._lock:
            while self._queue and (not group or rows + _size(self._queue[0]) <= GROUP_ROWS_MAX):
                rows += _size(self._queue[0])
                group.append(self._queue.popleft())
            self._rows -= rows
        return group

    def _write(self, now_ms: int) -> None:
        try:
            self._write_all(self._group, now_ms)
        except Unavailable:
            raise
        except Exception:  # one bad message must not stop the good ones: find it
            log.exception("%d messages failed together; each is tried alone", len(self._group))
            while self._group:
                self._write_alone(self._group[0], now_ms)
                self._group.pop(0)
        self._group = []

    def _write_alone(self, answer: Answer, now_ms: int) -> None:
        try:
            self._write_all([answer], now_ms)
        except Unavailable:
            raise
        except Exception as error:
            log.exception("readings of %s stay with the edge", answer.gateway)
            self._counters.add("telemetry.left_with_the_edge", _size(answer))
            self._counters.trouble(self.name, str(error), now_ms)

    def _write_all(self, group: Sequence[Answer], now_ms: int) -> None:
        sheet = Sheet(self._series.applied, span_at(now_ms, self._series.keeping.raw_days))
        for answer in group:
            if answer.batch is not None:
                sheet.take(answer.batch, self._place_of)
            elif answer.nothing[1]:
                sheet.cover(_lane(answer.gateway, answer.ack), [answer.nothing])
        if sheet.changed:
            self._series.write(sheet)
            fold_late(self._series, sheet, now_ms)
            self._counters.add("telemetry.readings", len(sheet))
            self._count_refused(sheet, now_ms)
        for answer in group:
            if not answer.ack.hello:
                self._hold(answer)

    def _count_refused(self, sheet: Sheet, now_ms: int) -> None:
        for reason, count in sheet.refused.items():
            self._counters.add(f"telemetry.refused.{reason}", count)
        of_store = sheet.refused["store"]
        if of_store:  # our own sieve let them through: somebody else writes there, or a bug of ours
            self._counters.trouble("timeseries", f"it refused {of_store} readings", now_ms)

    def _place_of(self, gateway: str, uid: str) -> Place | None:
        device = self._registry.device_of(gateway, uid)
        if device is None or device.home_id is None:
            return None
        return Place(device.home_id, device.uid)

    # ------------------------------------------------------------ acknowledging

    def _hold(self, answer: Answer) -> None:
        lane, ack = _lane(answer.gateway, answer.ack), answer.ack
        both = common(ack.intervals, self._series.applied(lane))
        held = self._held.get(lane)
        refused = [*(held.refused if held else ()), *ack.refused][:REFUSED_MAX]
        if held is not None or len(self._held) < HELD_ACKS_MAX:
            self._held[lane] = replace(ack, intervals=list(both), refused=refused)

    def _flush(self, now_ms: int) -> int | None:
        next_ms: int | None = None
        for lane in list(self._held):
            due_ms = self._sent_ms.get(lane.gateway, 0) + ACK_EVERY_MS
            due_ms = due_within(due_ms, now_ms, ACK_EVERY_MS)
            if due_ms <= now_ms:
                encoded = encode(self._held.pop(lane))
                topic = down_topic(lane.gateway, "ack")
                self._publish(topic, encoded.payload, encoded.content_type)
                self._sent_ms[lane.gateway] = now_ms
            else:
                next_ms = due_ms if next_ms is None else min(next_ms, due_ms)
        return next_ms


def _lane(gateway: str, ack: Ack) -> LaneKey:
    return LaneKey(gateway, ack.journal, Lane(ack.lane))


def _size(answer: Answer) -> int:
    """Rows, and something for the message itself."""
    batch: Batch | None = answer.batch
    return 1 + sum(len(device.rows) for device in batch.devices) if batch else 1
