"""How large and how old the journal may grow, and what goes first: never an alarm or event that the
cloud has not.

Thin samples to one a quarter of an hour, then drop the oldest samples, then diagnostics, then
states. One call does one small step, so that no press waits behind housekeeping.
"""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from contract.lanes import INTERVAL_LANES, ROW_LANES, Lane
from edge.clock import Now
from edge.journal.model import Row, Taken
from edge.journal.store import Journal
from edge.journal.writing import Why

STEP_ROWS: Final = 2_000
THIN_TO_MS: Final = 15 * 60_000
THIN_AFTER_MS: Final = 60 * 60_000  # the last hour stays whole: it may be on its way
KEEP_ACKNOWLEDGED_MS: Final = 30 * 86_400_000
COMMANDS_KEPT_MS: Final = 7 * 86_400_000
AIM: Final = 0.9  # of the limit: enough room that the next step is not due at once
THINNED_TO: Final = "thinned_to"


class Limits(NamedTuple):
    """At most this much, at most this old."""

    bytes_max: int = 200 * 1024 * 1024
    age_ms_max: int = 7 * 86_400_000


def age_ms(taken: Taken, now: Now, boot: str, is_synced: bool) -> int | None:
    """None where it cannot be known: another boot, and one of the wall clocks was wrong."""
    if taken.boot == boot:
        return max(0, now.monotonic_ms - taken.monotonic_ms)
    return max(0, now.wall_ms - taken.wall_ms) if taken.is_synced and is_synced else None


class Quarter(NamedTuple):
    """A quarter of an hour of one series."""

    boot: str
    number: int
    series: tuple[object, ...]


def quarter_of(row: Row) -> Quarter:
    """Where a sample belongs."""
    entry = row.entry
    series = (entry.device, entry.name, entry.channel, entry.quality)
    return Quarter(entry.taken.boot, entry.taken.monotonic_ms // THIN_TO_MS, series)


def to_thin(rows: Iterable[Row], before: Iterable[Quarter] = ()) -> list[int]:
    """Numbers of the samples that are not the first of their quarter. before: those that have their
    first already."""
    seen, surplus = set(before), []
    for row in rows:
        quarter = quarter_of(row)
        if quarter in seen:
            surplus.append(row.seq)
        seen.add(quarter)
    return surplus


class Keeper:
    """Keeps the journal within its limits, step by step."""

    def __init__(
        self, journal: Journal, limits: Limits, boot: str, is_synced: Callable[[], bool]
    ) -> None:
        self._journal, self._limits, self._boot, self._is_synced = journal, limits, boot, is_synced
        self._is_shrinking = False
        self._begun: set[Quarter] = set()  # where the last step of thinning ended

    def step(self, now: Now) -> bool:
        """One small piece of work. True when more is to be done."""
        return self._expire(now) or self._remove_acknowledged(now) or self._shrink(now)

    def make_room(self) -> bool:
        """The disk is full: give up the oldest readings. False when nothing but alarms and events
        is left. Raises JournalUnavailable."""
        return self._drop_oldest("full")

    def forget_commands(self, now: Now) -> None:
        """Once in a while."""
        with self._journal.writing() as work:
            work.forget_commands(now.wall_ms - COMMANDS_KEPT_MS)

    def _expire(self, now: Now) -> bool:
        for lane in INTERVAL_LANES:
            rows = self._oldest("WHERE lane = ?", (lane.value,))
            old = [row.seq for row in rows if self._is_older(row, now, self._limits.age_ms_max)]
            if old:
                self._drop(lane, old, "expired")
                return True
        return False

    def _remove_acknowledged(self, now: Now) -> bool:
        before_ms = now.wall_ms - KEEP_ACKNOWLEDGED_MS
        for lane in ROW_LANES:
            rows = self._oldest("WHERE lane = ? AND acked_ms < ?", (lane.value, before_ms))
            old = [row.seq for row in rows if self._may_go(row, now)]
            if old:
                with self._journal.writing() as work:
                    work.remove_acknowledged(lane, old)
                return True
        return False

    def _shrink(self, now: Now) -> bool:
        used, limit = self._journal.used_bytes(), self._limits.bytes_max
        if used > limit:
            self._is_shrinking = True
        elif used < limit * AIM:
            self._is_shrinking = False
        return self._is_shrinking and (self._thin(now) or self._drop_oldest("full"))

    def _thin(self, now: Now) -> bool:
        after = int(self._journal.view.meta(THINNED_TO) or 0)
        rows = self._oldest("WHERE lane = ? AND is_sample AND seq > ?", (Lane.DATA.value, after))
        rows = [row for row in rows if self._may_thin(row, now)]
        if not rows:
            return False
        surplus = to_thin(rows, self._begun)
        with self._journal.writing() as work:
            work.set_meta(THINNED_TO, str(rows[-1].seq))
            if surplus:
                work.drop(Lane.DATA, surplus, "thinned")
        quarters, last = {quarter_of(row) for row in rows}, quarter_of(rows[-1])
        self._begun = {q for q in self._begun | quarters if q[:2] == last[:2]}
        return True

    def _drop_oldest(self, why: Why) -> bool:
        classes = (
            (Lane.DATA, "WHERE lane = ? AND is_sample"),
            (Lane.HEALTH, "WHERE lane = ?"),
            (Lane.DATA, "WHERE lane = ?"),
        )
        for lane, where in classes:
            rows = self._oldest(where, (lane.value,))
            if rows:
                self._drop(lane, [row.seq for row in rows], why)
                return True
        return False

    def _drop(self, lane: Lane, seqs: list[int], why: Why) -> None:
        with self._journal.writing() as work:
            work.drop(lane, seqs, why)

    def _oldest(self, where: str, parameters: tuple[object, ...]) -> list[Row]:
        return self._journal.view.oldest(where, parameters, STEP_ROWS)

    def _is_older(self, row: Row, now: Now, limit_ms: int) -> bool:
        age = age_ms(row.entry.taken, now, self._boot, self._is_synced())
        return age is not None and age > limit_ms

    def _may_go(self, row: Row, now: Now) -> bool:
        """Its receipt is old by the wall clock; a jump of that clock alone must not cost a row."""
        age = age_ms(row.entry.taken, now, self._boot, self._is_synced())
        return self._is_synced() if age is None else age > KEEP_ACKNOWLEDGED_MS

    def _may_thin(self, row: Row, now: Now) -> bool:
        age = age_ms(row.entry.taken, now, self._boot, self._is_synced())
        return age is None or age > THIN_AFTER_MS
