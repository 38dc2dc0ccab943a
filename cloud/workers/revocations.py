"""Carries revocations out: the list for the broker, the broker's reload, the end of connections.

In this order, so that who is thrown out finds the door shut.
"""

import logging
import subprocess
from collections.abc import Callable
from typing import Final

from cloud.fleet.authority import DAY_MS, FOR_ALL, Authority, write
from cloud.fleet.errors import FleetError
from cloud.fleet.ledger import Standing
from cloud.fleet.settings import FleetSettings
from cloud.observe import Counters
from cloud.pumps import Signal

log = logging.getLogger(__name__)
LOOK_MS: Final = 1000
RETRY_MS: Final = 5000
RELOAD_S_MAX: Final = 20
Kick = Callable[[str], None]  # a client id; raises OSError where the broker does not answer


class ReloadFailed(Exception):
    """The broker may not have read the list."""


class Revocations:
    """Looks each second. Nothing counts as done before all of it is; what fails is a trouble on the
    health page and is tried again. After a start everything is done once more."""

    name = "workers.revocations"

    def __init__(
        self, gateways: Authority, fleet: FleetSettings, kick: Kick, counters: Counters
    ) -> None:
        self.signal = Signal()
        self._counters = counters
        self._gateways, self._fleet, self._kick = gateways, fleet, kick
        self._listed: set[str] | None = None
        self._listed_ms = 0
        self._kicked: dict[str, int] = {}  # gateway → the revocation that it was kicked for

    def run_once(self, now_ms: int) -> int | None:
        """Whatever has been revoked since the last look, and once a day the list."""
        if not self._gateways.is_there:
            return now_ms + LOOK_MS
        try:
            self._carry_out(self._gateways.standing(), now_ms)
        except (FleetError, OSError, ReloadFailed) as error:
            log.error("revocations are not carried out yet: %s", error)
            self._counters.trouble(self.name, str(error), now_ms)
            return now_ms + RETRY_MS
        return now_ms + LOOK_MS

    def _carry_out(self, standing: Standing, now_ms: int) -> None:
        if self._listed != set(standing.revoked) or now_ms - self._listed_ms >= DAY_MS:
            self._publish()
            self._listed, self._listed_ms = set(standing.revoked), now_ms
        for gateway, since_ms in standing.denied.items():
            if self._kicked.get(gateway) != since_ms:
                self._kick(gateway)
                self._kicked[gateway] = since_ms
                self._counters.add("gateways.thrown_out")
                log.warning("gateway %s is revoked; its connection has been ended", gateway)

    def _publish(self) -> None:
        made = self._gateways.write_list()
        if self._fleet.crl_file is None:
            raise ReloadFailed(
                "[fleet] crl_file does not say where the broker reads its list of revoked gateways"
            )
        write(self._fleet.crl_file, made, FOR_ALL)
        if self._fleet.reload_command:
            _reload(self._fleet.reload_command)


def _reload(command: tuple[str, ...]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=RELOAD_S_MAX)  # noqa: S603 - the installation's own words
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or b""
        raise ReloadFailed(
            f"the broker could not be told of revoked gateways by {' '.join(command)}: {error}"
            f" {said.decode(errors='replace')[:200]}"
        ) from error
