"""When a row is to be said (again). Pure.

At once, then after 5, 10, 20 s, then every 30 s, until the cloud acknowledges it. Never while the
broker still owes us its confirmation of the last time: TCP has not lost it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

PAUSES_MS: Final = (5_000, 10_000, 20_000, 30_000)


@dataclass(slots=True)
class _Said:
    due_ms: int
    times: int
    token: int | None


class Resend:
    """The rows of one lane on one connection."""

    def __init__(self) -> None:
        self._said: dict[int, _Said] = {}
        self._tokens: set[int] = set()

    def due(self, waiting: Iterable[int], now_ms: int) -> list[int]:
        """Which of the rows that wait are to be said now."""
        numbers = list(waiting)
        for gone in self._said.keys() - set(numbers):
            del self._said[gone]
        return [seq for seq in numbers if self._is_due(seq, now_ms)]

    @property
    def open(self) -> int:
        """Messages that the broker has not confirmed."""
        return len(self._tokens)

    def said(self, seqs: Iterable[int], token: int, now_ms: int) -> None:
        """These have been handed to the broker in one message."""
        for seq in seqs:
            before = self._said.get(seq)
            times = before.times + 1 if before else 1
            pause = PAUSES_MS[min(times, len(PAUSES_MS)) - 1]
            self._said[seq] = _Said(now_ms + pause, times, token)
        self._tokens.add(token)

    def confirmed(self, token: int) -> None:
        """The broker has answered, well or not; the schedule goes on."""
        self._tokens.discard(token)

    def next_ms(self) -> int | None:
        """When the next one that is with nobody is due."""
        free = (s.due_ms for s in self._said.values() if s.token not in self._tokens)
        return min(free, default=None)

    def reset(self) -> None:
        """A new connection: everything is to be said at once."""
        self._said.clear()
        self._tokens.clear()

    def _is_due(self, seq: int, now_ms: int) -> bool:
        said = self._said.get(seq)
        return said is None or (said.token not in self._tokens and said.due_ms <= now_ms)
