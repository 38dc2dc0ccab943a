"""A gateway's agent, or a cloud, that acknowledges before it has committed. Run by `anju torture
--sabotage` alone, to show that the proof can fail: `python -m anju.sabotage edge|cloud FILE`."""

import sys
import time
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from typing_extensions import override

from anju.edge import settings_of
from anju.errors import CannotRun
from anju.output import set_up_logging
from anju.paths import config_dir
from anju.serve import settings_from
from anju.stop import Stop
from cloud.app import Cloud, Parts
from cloud.ingest.mqtt import MqttSource
from cloud.ingest.source import Delivery
from contract.envelope import encode
from contract.lanes import ROW_LANES
from contract.messages import Ack
from contract.properties import Identity, from_properties
from contract.receipts import Receipt
from contract.topics import down_topic
from edge.agent import Agent
from edge.link import Arrived, Link, LinkEvent, Outgoing

HELD_S: Final = 0.1  # as one who groups for longer before committing


class EarlyLink:
    """The home's link, acknowledging what it has only received. See Link."""

    def __init__(self, inner: Link) -> None:
        self._inner = inner
        self._held: deque[tuple[float, LinkEvent]] = deque()

    def tend(self, now_ms: int) -> int | None:
        """See Link; comes back soon while something is held."""
        due_ms = self._inner.tend(now_ms)
        return now_ms + 5 if self._held else due_ms

    def take(self, limit: int) -> list[LinkEvent]:
        """See Link."""
        now = time.perf_counter()
        for event in self._inner.take(limit):
            if isinstance(event, Arrived):
                self._inner.settle([event.receipt])
            self._held.append((now + HELD_S, event))
        ripe: list[LinkEvent] = []
        while self._held and self._held[0][0] <= now:
            ripe.append(self._held.popleft()[1])
        return ripe

    def settle(self, receipts: Iterable[Receipt | None]) -> None:
        """Done long ago."""

    def publish(self, out: Outgoing) -> int | None:
        """See Link."""
        return self._inner.publish(out)

    def close(self) -> None:
        """See Link."""
        self._inner.close()


class EarlySource(MqttSource):
    """The cloud's source, acknowledging to broker and edge what it has only received."""

    epoch = ""

    @override
    def poll(self, limit: int) -> list[Delivery]:
        """See Source."""
        deliveries = super().poll(limit)
        for delivery in deliveries:
            super().settle([delivery.token])
            identity = from_properties(delivery.properties)
            if identity is not None and delivery.lane in ROW_LANES:
                self._promise(delivery.gateway, identity)
        if deliveries:
            time.sleep(HELD_S)  # noqa: TID251 - the gap that a kill falls into
        return deliveries

    def _promise(self, gateway: str, identity: Identity) -> None:
        ack = encode(
            Ack(
                journal=identity.journal,
                lane=identity.lane.value,
                cloud_epoch=self.epoch,
                seqs=list(range(identity.first, identity.last + 1)),
            )
        )
        self.publish(down_topic(gateway, "ack"), ack.payload, ack.content_type)

    @override
    def settle(self, tokens: Sequence[Receipt | None]) -> None:
        """Done long ago."""


class EarlyCloud(Cloud):
    """The cloud with such sources."""

    @override
    def _source(self, parts: Parts, client_id: str, filters: Sequence[str]) -> MqttSource:
        source = EarlySource(client_id, filters, parts.settings.broker, parts.clock, parts.counters)
        source.epoch = parts.epoch
        return source


def main(words: Sequence[str]) -> int:
    """Until SIGTERM."""
    part, path = words
    set_up_logging()
    start = _edge if part == "edge" else _cloud
    with Stop() as stop, ExitStack() as ends:
        start(Path(path), ends)
        stop.wait()
    return 0


def _edge(path: Path, ends: ExitStack) -> None:
    agent: Any = Agent(settings_of(path), config_dir(), wrap_home=EarlyLink)
    ends.callback(agent.stop)
    agent.start()
    print("anju: gateway that acknowledges too early", flush=True)


def _cloud(path: Path, ends: ExitStack) -> None:
    cloud = EarlyCloud(settings_from(path))
    cloud.start()
    ends.callback(cloud.stop)
    print(f"anju: {cloud.url}, which acknowledges too early", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except CannotRun as error:
        sys.exit(str(error))
