"""Intervals against a plain set of numbers."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from contract.intervals import Interval, common, holds, merged, minus, of

spans = st.tuples(st.integers(1, 60), st.integers(0, 10)).map(lambda s: (s[0], s[0] + s[1]))


@given(st.lists(spans, max_size=20))
def test_intervals_hold_exactly_the_numbers_that_were_added(added: list[tuple[int, int]]) -> None:
    held: tuple[Interval, ...] = ()
    numbers: set[int] = set()
    for low, high in added:
        held = merged([*held, (low, high)])
        numbers |= set(range(low, high + 1))

    assert {seq for low, high in held for seq in range(low, high + 1)} == numbers
    assert all(a[1] + 1 < b[0] for a, b in itertools.pairwise(held))
    assert held == of(numbers)
    assert all(holds(held, seq) == (seq in numbers) for seq in range(75))


@given(spans, st.lists(spans, max_size=20))
def test_what_is_left_of_an_interval_is_what_was_not_taken(
    whole: Interval, taken: list[Interval]
) -> None:
    low, high = whole
    gone = {n for first, last in taken for n in range(first, last + 1)}

    left = [n for first, last in minus(whole, taken) for n in range(first, last + 1)]

    assert left == [n for n in range(low, high + 1) if n not in gone]


@given(st.lists(spans, max_size=10), st.lists(spans, max_size=10))
def test_what_is_common_is_what_both_hold(one: list[Interval], other: list[Interval]) -> None:
    shared = common(one, other)

    both = [seq for seq in range(75) if holds(one, seq) and holds(other, seq)]
    assert shared == of(both)
