"""Applied intervals against a plain set of numbers."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from cloud.ingest import intervals

spans = st.tuples(st.integers(1, 60), st.integers(0, 10)).map(lambda s: (s[0], s[0] + s[1]))


@given(st.lists(spans, max_size=20))
def test_intervals_hold_exactly_the_numbers_that_were_added(added: list[tuple[int, int]]) -> None:
    held: list[tuple[int, int]] = []
    numbers: set[int] = set()
    for low, high in added:
        held = intervals.add(held, (low, high))
        numbers |= set(range(low, high + 1))

    assert {seq for low, high in held for seq in range(low, high + 1)} == numbers
    assert all(a[1] + 1 < b[0] for a, b in itertools.pairwise(held))
    assert held == intervals.runs(numbers)
    assert all(intervals.contains(held, seq) == (seq in numbers) for seq in range(75))
