"""The messages of version 1, both directions. Shapes only; bytes are made and read in envelope.py.

Unknown fields are ignored, so a field may be added at any time; a changed meaning needs a new
version.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

VERSION: Final = 1
Seq = Annotated[int, Meta(ge=1, le=2**53 - 1)]
Millis = Annotated[int, Meta(ge=0, le=2**53 - 1)]  # Unix epoch, milliseconds, UTC
Value = bool | int | float | str | None
Interval = tuple[Seq, Seq]  # closed: both ends belong to it


class RowExtra(Struct, omit_defaults=True):
    """What most rows do not need to say.

    q: quality; tq: who dated the row (`device`, `gateway`, `received`); r: came retained; ch:
    channel;
    path: field in the device's message; age_ms: monotonic age when sent, absent where unknown
    (counts as fresh);
    rep: seq of the row that this one repeats (same press, delivered or told twice); cancels: seq
    of the press taken
    back within its window; raw: base64 of bytes that could not be read; topic: where those bytes
    came in.
    """

    q: Literal["ok", "implausible", "test"] = "ok"
    tq: Literal["device", "gateway", "received"] = "received"
    r: bool = False
    ch: str | None = None
    path: str | None = None
    age_ms: Annotated[int, Meta(ge=0)] | None = None
    rep: Seq | None = None
    cancels: Seq | None = None
    raw: str | None = None
    topic: str | None = None


class Row(Struct, array_like=True):
    """One reading: milliseconds after the batch's t0_ms, sequence number in its lane, name, value,
    UCUM unit."""

    dt_ms: int
    seq: Seq
    name: str
    value: Value
    unit: str | None = None
    x: RowExtra | None = None


class DeviceRows(Struct):
    """The rows of one device. id: the edge's uid of it, `<convention>:<address>`, no personal
    data."""

    id: str
    rows: list[Row]


class Gap(Struct, omit_defaults=True):
    """Rows that the edge dropped, closing [first, last]; count of them, and why."""

    first: Seq
    last: Seq
    count: int
    reason: Literal["thinned", "full", "expired"] = "full"


class Batch(Struct, tag_field="t", tag="batch", omit_defaults=True):
    """Readings of one lane of one journal. On the alarm lane: exactly one row.

    run: `live` or `backlog`, ordered within each; clock: whether the gateway's wall clock was
    synchronised.
    """

    gateway: str
    journal: str
    boot: str
    lane: Literal["alarm", "event", "data", "health"]
    t0_ms: Millis
    sent_ms: Millis
    devices: list[DeviceRows]
    v: int = VERSION
    gaps: list[Gap] = []
    run: Literal["live", "backlog"] = "live"
    clock: Literal["synced", "unsynced"] = "synced"


class LaneRange(Struct):
    """What the journal holds of a lane and the cloud has not acknowledged; lowest = highest + 1
    means nothing."""

    lowest: Seq
    highest: Annotated[int, Meta(ge=0, le=2**53 - 1)]


class Hello(Struct, tag_field="t", tag="hello"):
    """First message of a session, on up/health; answered by one Ack a lane."""

    gateway: str
    journal: str
    boot: str
    version: str
    sent_ms: Millis
    lanes: dict[Literal["alarm", "event", "data", "health"], LaneRange]
    v: int = VERSION


class Done(Struct, tag_field="t", tag="done"):
    """The edge has carried out these commands, on up/health."""

    gateway: str
    cmds: list[str]
    v: int = VERSION


class Refusal(Struct):
    """A row that the cloud has stored as evidence but cannot use; the edge stops resending it, and
    keeps it on the alarm and event lanes. Elsewhere the intervals hold its number as well."""

    seq: Seq
    reason: str


class Ack(Struct, tag_field="t", tag="ack", omit_defaults=True):
    """Committed in the cloud's own store. seqs for alarm and event, intervals (all applied so far)
    for data, health."""

    journal: str
    lane: Literal["alarm", "event", "data", "health"]
    cloud_epoch: str
    v: int = VERSION
    seqs: list[Seq] = []
    intervals: list[Interval] = []
    refused: list[Refusal] = []
    hello: bool = False  # answers a Hello: seqs then lists rows from the Hello's lowest on


class Say(Struct, tag_field="t", tag="say"):
    """Tell a resident something. key: such as `operator_with_you` or `gas`; id makes repeats
    harmless."""

    id: str
    home: str
    key: str
    words: dict[Literal["zh", "en"], str]
    sent_ms: Millis
    expires_ms: Millis
    v: int = VERSION


class RegisteredDevice(Struct, omit_defaults=True):
    """What the registry knows of a device behind this gateway."""

    id: str
    home: str
    topic: str
    is_sos: bool = False
    vendor: str = ""
    model: str = ""
    profile: str | None = None


class Config(Struct, tag_field="t", tag="config"):
    """The gateway's devices and homes, retained on down/config; the edge keeps the last one on
    disk."""

    revision: int
    devices: list[RegisteredDevice]
    cancel_window_s: int = 30
    v: int = VERSION


UpMessage = Batch | Hello | Done
DownMessage = Ack | Say | Config
