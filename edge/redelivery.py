"""Recognises a message that the home broker delivers again after a crash (docs/decisions/0003).
Pure.

A broker that still has our session begins with what we never acknowledged, in order. Mosquitto
gives such a message its old packet id and sets DUP; rumqttd counts packet ids from 1 again and sets
nothing, so there its place in the order is the sign.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

Rows = tuple[tuple[str, int], ...]
LOOK_AT_MAX: Final = 10_000  # messages after which nothing can be a redelivery any more


class Known(NamedTuple):
    """A delivery that became rows and was never seen acknowledged. rows: (lane, seq) of each."""

    mid: int
    topic: str
    sha256: str
    rows: Rows


class Redelivery:
    """One connection's memory of the one before. unsettled: in order of delivery."""

    def __init__(self, unsettled: Sequence[Known]) -> None:
        self._unsettled = list(unsettled)
        self._seen = 0

    def rows_of(self, mid: int, topic: str, sha256: str, *, is_dup: bool) -> Rows | None:
        """The rows that this message has become already; None where it is new. Call it for every
        QoS 1 message."""
        if not self._unsettled:
            return None
        self._seen += 1
        if self._seen > LOOK_AT_MAX:
            self._unsettled.clear()
            return None
        is_counted_anew = mid == self._seen
        for index, known in enumerate(self._unsettled):
            if (known.topic, known.sha256) != (topic, sha256):
                continue
            if known.mid == mid or (is_counted_anew and not is_dup):
                del self._unsettled[: index + 1]  # order holds: what lay before was acknowledged
                return known.rows
        return None
