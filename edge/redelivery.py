"""Recognises a message that the home broker delivers again after a crash (docs/decisions/0003).
Pure.

A broker that still has our session begins with what we never acknowledged, in order. Mosquitto
gives such a message its old packet id and sets DUP; rumqttd counts packet ids from 1 again and sets
nothing, so there its place in the order is the sign.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

Rows = tuple[tuple[str, int], ...]
LOOK_AT_MAX: Final = 10_000  # messages after which nothing can be a redelivery any more


@dataclass(slots=True, eq=False)
class Delivery:
    """A QoS 1 message from its arrival until it is certainly acknowledged. rows: (lane, seq) of
    what it became; None while it is in hand."""

    mid: int
    topic: str
    sha256: str
    rows: Rows | None = None


class Redelivery:
    """One connection's memory of the one before. unsettled: in order of delivery.

    sets_dup: this broker has marked a redelivery before, so what it does not mark is new. Without
    that a press with the bytes of an old one could be taken for it, where the broker had lost our
    session and we died before it said so.
    """

    def __init__(self, unsettled: Sequence[Delivery], *, sets_dup: bool = False) -> None:
        self._unsettled, self._sets_dup = list(unsettled), sets_dup
        self._seen = 0

    def first_of(self, new: Delivery, *, is_dup: bool) -> Delivery | None:
        """The delivery that this one is again; None where it is new. Call it for every QoS 1
        message."""
        if not self._unsettled or (self._sets_dup and not is_dup):
            return None
        self._seen += 1
        if self._seen > LOOK_AT_MAX:
            self._unsettled.clear()
            return None
        is_counted_anew = new.mid == self._seen
        for index, known in enumerate(self._unsettled):
            if (known.topic, known.sha256) != (new.topic, new.sha256):
                continue
            if known.mid == new.mid or (is_counted_anew and not is_dup):
                del self._unsettled[: index + 1]  # order holds: what lay before was acknowledged
                return known
        return None
