"""The agent's own state, retained on the home broker: for doctors, checks and pages in the home."""

from collections.abc import Callable
from typing import Final

import msgspec

from edge.clock import Clock, Now
from edge.health import STATUS_EVERY_MS, Health
from edge.journal.store import Journal
from edge.link import Link, Outgoing
from edge.local import status_topic

OFFLINE: Final = msgspec.json.encode({"agent": "offline"})


def offline(gateway: str) -> Outgoing:
    """What stands there while no agent works: said at the end, or by the broker where we vanish."""
    return Outgoing(status_topic(gateway), OFFLINE, is_retained=True)


class StatusBoard:
    """Says the status when it has changed, at most twice a second. said: takes each publication's
    token."""

    def __init__(
        self,
        gateway: str,
        link: Link,
        journal: Journal,
        clock: Clock,
        health: Health,
        said: Callable[[int], None],
    ) -> None:
        self._gateway, self._link, self._journal = gateway, link, journal
        self._clock, self._health = clock, health
        self._told_of, self._said, self._next_ms = said, b"", 0

    def joined(self) -> None:
        """A new connection: say it anew."""
        self._said = b""

    def run_once(self, now: Now) -> int | None:
        """When to come again; None while nobody would hear it. Raises JournalError."""
        if not self._health.is_up("home"):
            return None
        if now.monotonic_ms < self._next_ms:
            return self._next_ms
        self._next_ms = now.monotonic_ms + STATUS_EVERY_MS
        waiting = self._journal.view.counts()
        status = self._health.status(self._journal.id, self._clock.boot_id(), waiting)
        said = msgspec.json.encode(status)
        if said != self._said:
            self._said = said
            topic = status_topic(self._gateway)
            token = self._link.publish(Outgoing(topic, said, is_retained=True))
            if token is not None:
                self._told_of(token)
        return self._next_ms

    def end(self) -> None:
        """The agent leaves."""
        self._link.publish(offline(self._gateway))
