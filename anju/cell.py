"""A cell's broker on this machine: Mosquitto on the very file that we ship, both listeners with
TLS. For proofs and tests; production runs its own."""

import getpass
import subprocess
import time
from pathlib import Path
from typing import Final

from typing_extensions import override

from anju.broker import HOST, BrokerProcess, free_port, listens
from anju.broker_config import BrokerKind
from anju.errors import BrokerFailed
from anju.paths import config_dir

READY_S: Final = 30.0
LOOK_S: Final = 0.02


class CellBroker(BrokerProcess):
    """config/mosquitto/cloud.conf with its paths and ports moved into a folder, which must hold
    what `anju ca sign HOST` writes for a broker.

    port: of the gateways' listener; services_port: of the other one.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, free_port(), BrokerKind.MOSQUITTO)
        self.services_port = free_port()

    @property
    def crl_file(self) -> Path:
        """The list of revoked gateways that it reads."""
        return self.data / "gateways-crl.pem"

    @property
    def pid_file(self) -> Path:
        """For `kill -HUP`."""
        return self.data / "pid"

    @override
    def _prepare(self) -> Path:
        shipped = config_dir() / "mosquitto"
        text = (shipped / "cloud.conf").read_text(encoding="utf-8")
        for before, after in (
            ("/etc/mosquitto/anju/", f"{self.data}/"),
            ("/etc/mosquitto/anju-", f"{self.data}/anju-"),
            ("/var/lib/mosquitto/", f"{self.data}/"),
            ("log_dest syslog", "log_dest stderr"),
            ("log_type notice", "log_type notice\nlog_type information"),  # it tells of a reload
            ("listener 8883", f"listener {self.port} {HOST}"),
            ("listener 8884", f"listener {self.services_port}"),
        ):
            if before not in text:
                raise BrokerFailed(f"{shipped / 'cloud.conf'} has no '{before}' any more")
            text = text.replace(before, after)
        for name in ("cloud.acl", "services.acl"):
            (self.data / f"anju-{name}").write_text((shipped / name).read_text(encoding="utf-8"))
        config = self.data / "mosquitto.conf"
        config.write_text(f"user {getpass.getuser()}\npid_file {self.pid_file}\n{text}")
        return config

    @override
    def _wait_until_ready(self, child: "subprocess.Popen[bytes]") -> None:
        until = time.perf_counter() + READY_S
        while not all(listens(HOST, port) for port in (self.port, self.services_port)):
            if child.poll() is not None or time.perf_counter() > until:
                self.kill()
                raise BrokerFailed(f"Mosquitto did not start; it said:\n{self.tail()}")
            time.sleep(LOOK_S)  # noqa: TID251 - real processes live in real time
