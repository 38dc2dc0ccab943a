"""Carries a resident's prompt to the gateway; the edge's own `done` ends the letter, so it is sent
again until then."""

from collections.abc import Callable
from typing import Final

import msgspec

from cloud.durable.outbox import Letter
from contract.envelope import encode
from contract.messages import Say
from contract.topics import down_topic

EDGE_SAY: Final = "edge.say"
Publish = Callable[[str, bytes, str], None]  # topic, payload, content type


class EdgeSay:
    """Letters of kind EDGE_SAY; their target is a gateway's id."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish

    def carry(self, letter: Letter) -> None:
        """Hand it to the broker. Sent, not delivered: only the edge can say that it has it."""
        say = msgspec.convert(letter.payload, Say)
        encoded = encode(say)
        self._publish(down_topic(letter.target, "cmd"), encoded.payload, encoded.content_type)
