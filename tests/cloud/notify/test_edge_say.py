"""A prompt on its way to the gateway."""

import msgspec

from cloud.durable.outbox import Letter, Retry, Sent
from cloud.notify.edge_say import EDGE_SAY, EdgeSay
from contract.envelope import decode_down
from contract.messages import Say
from contract.topics import down_topic


class FakeDown:
    """A connection that a test makes."""

    def __init__(self) -> None:
        self.connection = 0
        self.sent: list[tuple[str, bytes, str]] = []

    def publish(self, topic: str, payload: bytes, content_type: str) -> None:
        self.sent.append((topic, payload, content_type))


def test_a_prompt_is_sent_where_there_is_a_connection_and_waits_where_there_is_none() -> None:
    down = FakeDown()
    say = Say("say-1", "ho-anhe01", "closed", {"zh": "好", "en": "done"}, 0, 1)
    letter = Letter("say-1", EDGE_SAY, "gw-demo01", msgspec.to_builtins(say), 1, 0, None)
    channel = EdgeSay(down)

    assert isinstance(channel.carry(letter), Retry)
    down.connection = 1
    assert isinstance(channel.carry(letter), Sent)

    [(topic, payload, content_type)] = down.sent
    assert topic == down_topic("gw-demo01", "cmd")
    assert decode_down(payload, content_type) == say
