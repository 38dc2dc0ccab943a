"""Ingest's own deny list: what a revoked gateway still sends is put aside, whatever the broker lets
through."""

from typing import Final

from cloud.fleet.authority import Authority
from cloud.fleet.errors import BrokenLedger
from cloud.observe import Counters
from cloud.pumps import Signal

LOOK_MS: Final = 1000


class DenyList:
    """A pump that reads the ledger each second. Where it cannot, what it knew stands."""

    name = "ingest.denied"

    def __init__(self, gateways: Authority, counters: Counters) -> None:
        self.signal = Signal()
        self._gateways, self._counters = gateways, counters
        self._denied: dict[str, int] = {}

    def run_once(self, now_ms: int) -> int | None:
        """Takes over what has changed."""
        if self._gateways.is_there or self._denied:
            try:
                self._denied = self._gateways.standing().denied
            except BrokenLedger as error:
                self._counters.trouble(self.name, str(error), now_ms)
        return now_ms + LOOK_MS

    def since_ms(self, gateway: str) -> int | None:
        """When a gateway was revoked; None for one that is welcome."""
        return self._denied.get(gateway)

    def turned_away(self, gateway: str, now_ms: int) -> None:
        """Count it, and show it on the health page."""
        self._counters.add("ingest.revoked")
        self._counters.trouble("ingest.revoked", f"gateway {gateway} still sends", now_ms)
