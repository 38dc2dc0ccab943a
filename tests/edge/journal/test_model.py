"""The journal against a simple model of itself, in any order of what may happen."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from typing_extensions import override

from contract.intervals import Interval, covers, merged, of
from contract.lanes import INTERVAL_LANES, ROW_LANES, Lane
from contract.messages import Refusal
from edge.journal.reserve import RESERVE_BYTES
from tests.edge.journal.paper import NOON_MS, GivenUp, Paper

NUMBERS = st.integers(1, 30)
LANES = st.sampled_from(list(Lane))
OF_ROWS = st.sampled_from(ROW_LANES)
OF_INTERVALS = st.sampled_from(INTERVAL_LANES)
INTERVALS = st.lists(st.tuples(NUMBERS, NUMBERS).map(lambda two: (min(two), max(two))), max_size=3)
MUCH = 2**30


class Model(RuleBasedStateMachine):
    """held: number → value of each lane; given: its last number; acked, refused, applied: by the
    cloud."""

    @initialize()
    def begin(self):
        self.folder = Path(tempfile.mkdtemp())
        with (self.folder / "reserve").open("wb") as file:
            file.truncate(RESERVE_BYTES)  # not written for each example
        self.paper = Paper(self.folder)
        self.given = dict.fromkeys(Lane, 0)
        self.held: dict[Lane, dict[int, int]] = {lane: {} for lane in Lane}
        self.acked: dict[Lane, set[int]] = {lane: set() for lane in ROW_LANES}
        self.refused: dict[Lane, set[int]] = {lane: set() for lane in ROW_LANES}
        self.applied: dict[Lane, tuple[Interval, ...]] = dict.fromkeys(INTERVAL_LANES, ())

    @override
    def teardown(self):
        if hasattr(self, "paper"):
            self.paper.journal.close()
            shutil.rmtree(self.folder)

    @rule(lane=LANES, values=st.lists(st.integers(), max_size=4))
    def append(self, lane, values):
        seqs = self.paper.write(lane, *values)

        assert seqs == [self.given[lane] + 1 + n for n in range(len(values))]
        self.held[lane] |= dict(zip(seqs, values, strict=True))
        self.given[lane] += len(values)

    @rule(lane=LANES, seqs=st.lists(NUMBERS, max_size=3))
    def give_up(self, lane, seqs):
        def act(work):
            work.append(self.paper.entry(lane, 0))
            if lane in ROW_LANES:
                work.acknowledge(lane, seqs, NOON_MS)
                work.offer_again()
            else:
                work.acknowledge_intervals(lane, of(seqs))

        try:
            self.paper.give_up(act)
        except GivenUp:
            return
        raise AssertionError("it did not raise")

    @rule(lane=OF_ROWS, seqs=st.lists(NUMBERS, max_size=4))
    def acknowledge(self, lane, seqs):
        with self.paper.journal.writing() as work:
            fresh = work.acknowledge(lane, seqs, NOON_MS)

        new = (self.held[lane].keys() & set(seqs)) - self.acked[lane]
        assert {row.seq for row in fresh} == new
        assert len(fresh) == len(new)
        self.acked[lane] |= new
        self.refused[lane] -= new
        self.given[lane] = max([self.given[lane], *seqs])

    @rule(lane=OF_ROWS, seq=NUMBERS)
    def refuse(self, lane, seq):
        with self.paper.journal.writing() as work:
            work.refuse(lane, [Refusal(seq, "why")], by="epoch-1")

        if seq in self.held[lane] and seq not in self.acked[lane]:
            self.refused[lane].add(seq)
        self.given[lane] = max(self.given[lane], seq)

    @rule()
    def offer_again(self):
        with self.paper.journal.writing() as work:
            work.offer_again()

        self.acked = {lane: set() for lane in ROW_LANES}
        self.refused = {lane: set() for lane in ROW_LANES}

    @rule(lane=OF_INTERVALS, intervals=INTERVALS)
    def apply(self, lane, intervals):
        with self.paper.journal.writing() as work:
            work.acknowledge_intervals(lane, intervals)

        self.applied[lane] = merged(intervals)
        self._remove(lane, [n for first, last in intervals for n in range(first, last + 1)])
        self.given[lane] = max([self.given[lane], *(last for _, last in intervals)])

    @rule(lane=OF_INTERVALS, count=st.integers(1, 3))
    def drop(self, lane, count):
        oldest = sorted(self.held[lane])[:count]
        if oldest:
            with self.paper.journal.writing() as work:
                work.drop(lane, oldest, "full")
            self._remove(lane, oldest)

    @rule(lane=OF_INTERVALS, count=st.integers(1, 3))
    def skip(self, lane, count):
        with self.paper.journal.writing() as work:
            work.skip(lane, count, "full")

        self.given[lane] += count

    @rule()
    def restart(self):
        self.paper.reopen()

    @rule()
    def be_killed(self):
        """What lies on the disk is all that is left."""
        copy = Path(tempfile.mkdtemp())
        shutil.copytree(self.folder, copy, dirs_exist_ok=True)
        self.paper.journal.close()
        shutil.rmtree(self.folder)
        self.folder = self.paper.folder = copy
        self.paper.open()

    def _remove(self, lane, seqs):
        for seq in seqs:
            self.held[lane].pop(seq, None)

    @invariant()
    def the_rows_are_those_of_the_model(self):
        for lane in Lane:
            rows = self.paper.journal.view.rows(lane)
            assert {row.seq: row.entry.value for row in rows} == self.held[lane]

    @invariant()
    def the_numbers_are_those_of_the_model(self):
        lanes = self.paper.journal.view.lanes()
        assert {lane: lanes[lane].highest for lane in Lane} == self.given
        assert self.paper.journal.highest == self.given
        assert {lane: lanes[lane].acked for lane in INTERVAL_LANES} == self.applied

    @invariant()
    def alarms_and_events_wait_until_they_are_answered(self):
        view = self.paper.journal.view
        for lane in ROW_LANES:
            answered = self.acked[lane] | self.refused[lane]
            assert view.waiting(lane) == tuple(sorted(self.held[lane].keys() - answered))
        refused = [(lane, n) for lane in ROW_LANES for n in sorted(self.refused[lane])]
        assert sorted(each[:2] for each in view.refused()) == sorted(refused)

    @invariant()
    def every_number_is_a_row_or_a_gap_or_applied(self):
        for lane in INTERVAL_LANES:
            if self.given[lane]:
                self._look_at_the_stretch(lane, self.given[lane])

    def _look_at_the_stretch(self, lane, last):
        span = self.paper.journal.view.span(lane, 1, last, 10**6, MUCH)
        rows, gaps = of(row.seq for row in span.rows), [gap[:2] for gap in span.gaps]
        assert covers([*rows, *gaps, *self.applied[lane]], (1, last))
        assert not any(covers(gaps, one) for one in (*rows, *self.applied[lane]))


Model.TestCase.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
TestModel = Model.TestCase
