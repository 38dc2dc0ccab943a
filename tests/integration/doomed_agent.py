"""A gateway's agent that is killed at the instant between its journal's commit of a press and the
PUBACK: `python -m tests.integration.doomed_agent FILE`."""

import os
import signal
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from contract.receipts import Receipt
from edge.agent import Agent
from edge.link import Arrived, Link, LinkEvent, Outgoing
from edge.settings import read_settings

CONFIG: Final = Path(__file__).parents[2] / "config"
BUTTON: Final = "zigbee2mqtt/bell"


class DoomedLink:
    """See Link."""

    def __init__(self, inner: Link) -> None:
        self._inner = inner
        self._presses: set[int] = set()

    def tend(self, now_ms: int) -> int | None:
        return self._inner.tend(now_ms)

    def take(self, limit: int) -> list[LinkEvent]:
        taken = self._inner.take(limit)
        arrived = (event for event in taken if isinstance(event, Arrived))
        self._presses |= {id(event.receipt) for event in arrived if event.topic == BUTTON}
        return taken

    def settle(self, receipts: Iterable[Receipt | None]) -> None:
        known = list(receipts)
        if self._presses & {id(receipt) for receipt in known}:
            os.kill(os.getpid(), signal.SIGKILL)
        self._inner.settle(known)

    def publish(self, out: Outgoing) -> int | None:
        return self._inner.publish(out)

    def close(self) -> None:
        self._inner.close()


if __name__ == "__main__":
    Agent(read_settings(Path(sys.argv[1])), CONFIG, wrap_home=DoomedLink).start()
    threading.Event().wait()
