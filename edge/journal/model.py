"""What the journal keeps: rows of four lanes, with all that is needed to say them to the cloud at
any later time."""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import msgspec

from contract.intervals import Interval
from contract.lanes import Lane, Notice, Quality
from contract.vocabulary import Measurement

Value = bool | int | float | str | None
PRESSES: Final = (Measurement.SOS.value, Measurement.FALL.value)  # a resident may be lying there


class Taken(NamedTuple):
    """When a row was taken: on the monotonic clock of that boot, and by the wall clock as it
    stood."""

    boot: str
    monotonic_ms: int
    wall_ms: int
    is_synced: bool


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A row before it has a number.

    time_ms: only where the device or its network dated it. path: field in the message; topic: where
    it came in. rep: seq of the row that this one repeats; cancels: seq of the press that it takes
    back; raw: base64.
    """

    lane: Lane
    device: str
    name: str
    value: Value
    taken: Taken
    unit: str | None = None
    quality: Quality = Quality.OK
    time_ms: int | None = None
    time_quality: Literal["device", "gateway", "received"] = "received"
    channel: str | None = None
    path: str | None = None
    topic: str | None = None
    raw: str | None = None
    is_retained: bool = False
    is_sample: bool = False
    rep: int | None = None
    cancels: int | None = None

    @property
    def calls_for_help(self) -> bool:
        """A first telling that something is wrong now: what the resident is answered, and a siren
        stands in for."""
        return (
            self.lane is Lane.ALARM
            and self.value is True
            and self.rep is None
            and self.name not in (*Notice, Measurement.SOS_CANCEL)
        )


class Row(msgspec.Struct, frozen=True):
    """An entry and its number in its lane."""

    seq: int
    entry: Entry


class Origin(NamedTuple):
    """The MQTT message that rows came from, as its broker names it. mid 0: QoS 0, never delivered
    again."""

    mid: int
    topic: str
    sha256: str


class Span(NamedTuple):
    """A stretch of a lane, as it stands: rows still held, and holes that nobody will ever send."""

    first: int
    last: int
    rows: Sequence[Row]
    gaps: "Sequence[Hole]"


class Hole(NamedTuple):
    """Numbers that were given and are held no more, although the cloud never had them."""

    first: int
    last: int
    reason: Literal["thinned", "full", "expired"]


class Waiting(NamedTuple):
    """What a lane has not been acknowledged: numbers given so far, and what the cloud is known to
    have of them."""

    highest: int
    acked: tuple[Interval, ...]
