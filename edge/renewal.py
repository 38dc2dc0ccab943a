"""The pump that renews the certificate: from half of its life on, so that a month of a cloud that
cannot be reached does not carry it past two thirds."""

import logging
from pathlib import Path
from typing import Final

from edge import enrol, keys
from edge.clock import Now
from edge.enrol import Platform
from edge.errors import EdgeError
from edge.health import Health
from edge.pumps import EventSignal

log = logging.getLogger(__name__)
LOOK_MS: Final = 3_600_000
RENEWED_FROM: Final = 1 / 2  # of its life
LATE_FROM: Final = 2 / 3


class RenewalPump:
    """Looks once an hour. What cannot be done is a trouble in the status, and tried again then."""

    name = "renewal"

    def __init__(self, platform: Platform, file: Path, health: Health) -> None:
        self.signal = EventSignal()
        self._platform, self._file, self._health = platform, file, health
        self._due_ms = 0

    def run_once(self, now: Now) -> int | None:
        """See Pump."""
        if now.monotonic_ms < self._due_ms:  # a runner turns more often, to show that it lives
            return self._due_ms
        self._due_ms = now.monotonic_ms + LOOK_MS
        try:
            self._look(now)
        except (EdgeError, OSError) as error:
            log.warning("the certificate is not renewed yet: %s", error)
            self._health.trouble(self.name, str(error), now)
        else:
            self._health.well(self.name)
        return self._due_ms

    def drain(self, now: Now) -> bool:
        """See Pump: nothing is under way between two looks."""
        return True

    def close(self) -> None:
        """See Pump."""

    def _look(self, now: Now) -> None:
        if age_of(keys.read(self._file), now.wall_ms) < RENEWED_FROM:
            return
        renewed = enrol.renew(self._platform, self._file)
        self._health.add("certificates_renewed")
        log.info("the certificate has been renewed; it is valid until %d", renewed.until_ms)


def age_of(identity: keys.Identity, wall_ms: int) -> float:
    """Which part of its life is over; above 1 it has expired."""
    return (wall_ms - identity.from_ms) / (identity.until_ms - identity.from_ms)
