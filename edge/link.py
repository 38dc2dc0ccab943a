"""A connection to a broker as the pumps see it: the port. `mqtt.py` speaks MQTT 5; simulation has
its own.

Events come in order. A message that is never settled comes again; what is published is confirmed
or not, and a connection that is lost takes everything unconfirmed with it.
"""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from contract.receipts import Receipt


class Joined(NamedTuple):
    """The broker has accepted us. is_resumed: it still had our session, so it delivers again what
    we never settled."""

    generation: int
    is_resumed: bool


class Lost(NamedTuple):
    """The connection is gone."""

    generation: int
    reason: str


class Arrived(NamedTuple):
    """A message. receipt: None for QoS 0, which never comes again."""

    receipt: Receipt | None
    topic: str
    payload: bytes
    is_retained: bool = False
    is_dup: bool = False
    content_type: str | None = None


class Confirmed(NamedTuple):
    """What became of a publication. trouble: the broker's reason where it refused, else None."""

    token: int
    trouble: str | None


LinkEvent = Joined | Lost | Arrived | Confirmed


class Outgoing(NamedTuple):
    """A publication, MQTT 5."""

    topic: str
    payload: bytes
    qos: int = 1
    is_retained: bool = False
    content_type: str | None = None
    properties: tuple[tuple[str, str], ...] = ()
    expiry_s: int | None = None


class Link(Protocol):
    """One persistent session on one broker."""

    def tend(self, now_ms: int) -> int | None:
        """Connect where there is no connection and the pause is over; when to come again, None
        while all is well."""

    def take(self, limit: int) -> list[LinkEvent]:
        """What has happened, in order. Never blocks."""

    def settle(self, receipts: Iterable[Receipt | None]) -> None:
        """These messages are safe. Receipts of a connection that is gone are ignored."""

    def publish(self, out: Outgoing) -> int | None:
        """Hand over without waiting; the token that `Confirmed` will name. None: not connected, or
        no room."""

    def close(self) -> None:
        """Leave in order; the broker keeps the session."""
