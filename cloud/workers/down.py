"""What goes down to gateways by itself: their configuration, retained."""

from typing import Final, Protocol

from cloud.pumps import Signal
from cloud.registry.registry import Registry
from cloud.registry.store import gateway_revisions
from cloud.storage.store import Store
from contract.envelope import encode
from contract.topics import down_topic

CONFIGS_MAX: Final = 200  # in one turn, so that 20,000 gateways do not fill the client's queue
PAUSE_MS: Final = 200
LOOK_MS: Final = 5_000  # other processes change the registry too


class Down(Protocol):
    """A connection for publishing. connection: its number, 0 while there is none."""

    signal: Signal
    connection: int

    def publish(
        self, topic: str, payload: bytes, content_type: str, *, is_retained: bool = False
    ) -> None:
        """QoS 1; never blocks."""


class ConfigPump:
    """Every gateway's configuration, retained on the broker: after each connection, for the broker
    may have lost it, and after each change."""

    name = "workers.config"

    def __init__(self, store: Store, registry: Registry, down: Down) -> None:
        self.signal = down.signal
        self._store, self._registry, self._down = store, registry, down
        self._connection = 0
        self._sent: dict[str, int] = {}  # revision by gateway, on this connection

    def run_once(self, now_ms: int) -> int | None:
        """Publish what this connection has not seen; a part of it where that is much."""
        connection = self._down.connection
        if connection != self._connection:
            self._connection, self._sent = connection, {}
        if not connection:
            return None
        revisions = self._store.read(gateway_revisions)
        waiting = [gateway for gateway, r in revisions.items() if self._sent.get(gateway) != r]
        for gateway in waiting[:CONFIGS_MAX]:
            self._publish(gateway)
        return now_ms + (PAUSE_MS if waiting else LOOK_MS)

    def _publish(self, gateway: str) -> None:
        config = self._registry.gateway_config(gateway)
        if config is None:
            return
        encoded = encode(config)
        topic = down_topic(gateway, "config")
        self._down.publish(topic, encoded.payload, encoded.content_type, is_retained=True)
        self._sent[gateway] = config.revision  # a card older than the store's is sent again
