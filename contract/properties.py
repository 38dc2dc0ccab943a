"""Identity outside the body: journal, lane and seq as MQTT 5 user properties, so that bytes that
cannot be read still have a name."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Final, NamedTuple

from contract.lanes import Lane

ROW_EXPIRY_S: Final = 30 * 86_400
"""MQTT 5 message expiry of alarm and event messages. The broker counts it down while it holds a
message, so that the cloud learns how long that was without trusting anybody's clock."""


class Identity(NamedTuple):
    """Which rows a message carries: one journal, one lane, seq first..last."""

    journal: str
    lane: Lane
    first: int
    last: int


def to_properties(identity: Identity) -> list[tuple[str, str]]:
    """MQTT 5 user properties, in fixed order."""
    seq = (
        str(identity.first)
        if identity.first == identity.last
        else f"{identity.first}-{identity.last}"
    )
    return [("journal", identity.journal), ("lane", str(identity.lane)), ("seq", seq)]


def from_properties(properties: Iterable[tuple[str, str]]) -> Identity | None:
    """None where they are absent or make no sense; a sender's nonsense is no reason to lose its
    bytes."""
    named = dict(properties)
    try:
        first, _, last = named["seq"].partition("-")
        identity = Identity(named["journal"], Lane(named["lane"]), int(first), int(last or first))
    except (KeyError, ValueError):
        return None
    in_order = 1 <= identity.first <= identity.last < 2**53
    return identity if in_order and 0 < len(identity.journal) <= 64 else None


def fingerprint(topic: str, payload: bytes) -> str:
    """SHA-256 of topic and bytes: the key of a message that has no identity. A redelivery has the
    same."""
    return sha256(topic.encode() + b"\0" + payload).hexdigest()
