"""Sets of sequence numbers as sorted, disjoint, closed intervals, as QUIC acknowledges ranges.

Both ends of the wire count with them: what the cloud has applied, what the edge still holds. Pure.
"""

from collections.abc import Iterable

Interval = tuple[int, int]


def merged(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """The same numbers, sorted, touching intervals joined; empty ones (first > last) go."""
    result: list[Interval] = []
    for first, last in sorted(i for i in intervals if i[0] <= i[1]):
        if result and first <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(result[-1][1], last))
        else:
            result.append((first, last))
    return tuple(result)


def minus(interval: Interval, taken: Iterable[Interval]) -> tuple[Interval, ...]:
    """What is left of one interval."""
    first, last = interval
    left: list[Interval] = []
    for start, end in merged(taken):
        if start > last:
            break
        if start > first:
            left.append((first, start - 1))
        first = max(first, end + 1)
    if first <= last:
        left.append((first, last))
    return tuple(left)


def of(numbers: Iterable[int]) -> tuple[Interval, ...]:
    """The intervals that hold exactly these numbers."""
    return merged((n, n) for n in numbers)


def holds(intervals: Iterable[Interval], number: int) -> bool:
    """Whether this number is in the set; cheaper than `covers`, for one."""
    return any(first <= number <= last for first, last in intervals)


def covers(intervals: Iterable[Interval], wanted: Interval) -> bool:
    """Whether every number of `wanted` is in the set."""
    return not minus(wanted, intervals)


def highest(intervals: Iterable[Interval]) -> int:
    """The largest number, 0 for an empty set."""
    return max((last for _, last in intervals), default=0)


def common(one: Iterable[Interval], other: Iterable[Interval]) -> tuple[Interval, ...]:
    """The numbers that are in both."""
    held = merged(other)
    return merged((max(first, start), min(last, end)) for first, last in one for start, end in held)
