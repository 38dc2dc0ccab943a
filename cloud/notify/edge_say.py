"""Carries a resident's prompt to the gateway; the edge's own `done` ends the letter, so it is sent
again until then."""

from typing import Final, Protocol

import msgspec

from cloud.durable.outbox import Letter, Outcome, Retry, Sent
from contract.envelope import encode
from contract.messages import Say
from contract.topics import down_topic

EDGE_SAY: Final = "edge.say"
AWAY_S: Final = 1.0


class Down(Protocol):
    """The connection to the gateways' broker. connection: its number, 0 while there is none."""

    connection: int

    def publish(self, topic: str, payload: bytes, content_type: str) -> None:
        """QoS 1; never blocks."""


class EdgeSay:
    """Letters of kind EDGE_SAY; their target is a gateway's id."""

    def __init__(self, down: Down) -> None:
        self._down = down

    def carry(self, letter: Letter) -> Outcome:
        """Hand it to the broker. Sent, not delivered: only the edge can say that it has it."""
        if not self._down.connection:
            return Retry(AWAY_S, "the broker is away")
        say = msgspec.convert(letter.payload, Say)
        encoded = encode(say)
        self._down.publish(down_topic(letter.target, "cmd"), encoded.payload, encoded.content_type)
        return Sent()
