"""Where messages come from: the port. `mqtt.py` is its first implementation; nothing below knows.

The source gives out messages and takes back settlements; a settled message will not come again,
an unsettled one will. Ownership of partitions comes from the source as a rising generation.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from contract.lanes import Lane

Properties = tuple[tuple[str, str], ...]


class Delivery(NamedTuple):
    """One message as it came. token: what the source wants back when it is safe.

    position: a place to resume in a log, None where the source has none. fault: why the topic is
    not one of ours; then partition and gateway are what could be read of it. waited_s: how long
    the broker held it, as far as it says.
    """

    lane: Lane
    partition: int
    position: int | None
    gateway: str
    topic: str
    payload: bytes
    content_type: str | None
    properties: Properties
    received_ms: int
    token: Any
    fault: str | None = None
    waited_s: int = 0


class Source(Protocol):
    """Messages of one priority class (alarms and events, or data and health)."""

    def poll(self, limit: int) -> list[Delivery]:
        """What has come, at most `limit`, in order of receipt. Never blocks."""

    def settle(self, tokens: Sequence[Any]) -> None:
        """These are committed. A token of a connection that is gone is ignored."""

    def resume(self, partition: int, position: int) -> None:
        """Begin behind this position; a source without positions does nothing."""


class Ownership(Protocol):
    """Whom a source tells about partitions."""

    def on_assigned(self, partitions: Sequence[int], generation: int) -> None:
        """These are ours from this generation on."""

    def on_revoked(self, partitions: Sequence[int]) -> None:
        """Finish what is under way; these go to another owner."""

    def on_lost(self, partitions: Sequence[int]) -> None:
        """These are another owner's already: drop what is cached."""


Publish = Callable[[str, bytes, str], None]  # topic, payload, content type; QoS 1, never blocks
