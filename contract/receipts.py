"""The order of PUBACKs: they leave in order of receipt, and only on the connection that received
the message.

Both rules were measured to lose messages when broken (docs/decisions/0004): rumqttd drops a client
that acknowledges out of
order, and after a reconnect a late acknowledgement with a reused packet id acknowledges another
message.
"""

from collections import deque
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Receipt:
    """A message that has been taken and not yet acknowledged to its broker."""

    generation: int
    mid: int
    is_settled: bool = False


@dataclass(slots=True)
class ReceiptBook:
    """The receipts of one connection. Not thread-safe: its owner holds a lock."""

    generation: int = 0
    _open: deque[Receipt] = field(default_factory=deque)

    def connected(self) -> int:
        """A new connection: whatever was open belongs to the old one and will never be
        acknowledged."""
        self.generation += 1
        self._open.clear()
        return self.generation

    def taken(self, mid: int) -> Receipt:
        """A QoS 1 message has come in on the present connection."""
        receipt = Receipt(self.generation, mid)
        self._open.append(receipt)
        return receipt

    def settle(self, receipt: Receipt) -> list[int]:
        """The message is safe. Packet ids that may be acknowledged now, in order; none for a
        connection that is gone."""
        receipt.is_settled = True
        ready: list[int] = []
        if receipt.generation != self.generation:
            return ready
        while self._open and self._open[0].is_settled:
            ready.append(self._open.popleft().mid)
        return ready

    def __len__(self) -> int:
        return len(self._open)
