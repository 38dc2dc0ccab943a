"""Applied intervals of a sequence, as QUIC acknowledges ranges: closed, merged, ascending."""

from collections.abc import Iterable
from typing import Final

INTERVALS_MAX: Final = 64
Interval = tuple[int, int]


def add(intervals: Iterable[Interval], new: Interval) -> list[Interval]:
    """The set with `new` in it. Touching intervals become one."""
    first, last = new
    merged: list[Interval] = []
    for low, high in sorted(intervals):
        if high + 1 < first or last + 1 < low:
            merged.append((low, high))
        else:
            first, last = min(first, low), max(last, high)
    return sorted([*merged, (first, last)])


def contains(intervals: Iterable[Interval], seq: int) -> bool:
    """Whether seq has been applied."""
    return any(low <= seq <= high for low, high in intervals)


def runs(seqs: Iterable[int]) -> list[Interval]:
    """Numbers as intervals."""
    found: list[Interval] = []
    for seq in sorted(seqs):
        if found and found[-1][1] + 1 >= seq:
            found[-1] = (found[-1][0], max(seq, found[-1][1]))
        else:
            found.append((seq, seq))
    return found
