"""The feed's messages, both directions. JSON text frames, `t` says which."""

from typing import Any, Literal

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from cloud.durable.feed import Op


class FeedOp(Struct, omit_defaults=True):
    """One change as a client gets it. v: the thing's JSON, absent where it is gone."""

    op: Literal["put", "del"]
    coll: str
    id: str
    rev: int
    v: Raw | UnsetType = UNSET

    @classmethod
    def of(cls, op: Op) -> "FeedOp":
        """Without what says who may see it."""
        return cls(op.op, op.coll, op.id, op.rev, op.v if op.op == "put" else UNSET)


class FeedRow(Struct):
    """One thing of a snapshot."""

    coll: str
    id: str
    rev: int
    v: Raw


class ServerMessage(Struct, tag_field="t", omit_defaults=True):
    """What the server says."""


class Welcome(ServerMessage, tag="welcome"):
    """Who you are here, and what time it is."""

    epoch: str
    seq: int
    beat_s: float
    server_time_ms: int
    build: str
    account: dict[str, Any]


class Snapshot(ServerMessage, tag="snapshot"):
    """Everything, as it stood at seq."""

    seq: int
    rows: list[FeedRow]


class Resume(ServerMessage, tag="resume"):
    """The deltas `from`..`to` follow."""

    from_: int = msgspec.field(name="from")
    to: int


class Delta(ServerMessage, tag="delta"):
    """One number. skip_to: numbers up to it concern others."""

    seq: int
    ts: int
    ops: list[FeedOp]
    skip_to: int | None = None


class State(ServerMessage, tag="state"):
    """Unnumbered, coalesced: figures and last-seen."""

    ops: list[FeedOp]


class Beat(ServerMessage, tag="beat"):
    """Still here."""

    seq: int
    now_ms: int
    skip_to: int | None = None


class Trouble(ServerMessage, tag="error"):
    """A message that made no sense."""

    code: str


class HelloMessage(Struct, tag_field="t", tag="hello"):
    """First. token: for clients without the cookie."""

    token: str | None = None


class Subscribe(Struct, tag_field="t", tag="sub"):
    """What to follow; epoch and since: where the client stands."""

    topics: list[str]
    epoch: str | None = None
    since: int | None = None


class Seen(Struct, tag_field="t", tag="ack"):
    """What the client shows, whether it is looked at, whether it can be heard."""

    seq: int
    visible: bool = False
    audio_ok: bool = False


ClientMessage = HelloMessage | Subscribe | Seen
_encoder = msgspec.json.Encoder()
_decoder: "msgspec.json.Decoder[ClientMessage]" = msgspec.json.Decoder(ClientMessage)


def encode(message: ServerMessage) -> bytes:
    """The frame's text."""
    return _encoder.encode(message)


def decode(text: str | bytes) -> ClientMessage | None:
    """None where it is no message of a client."""
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
