"""`anju parts DIR`: the servers of production on this machine - PostgreSQL, InfluxDB 2, Mosquitto
with certificates - and the file of an installation on them. For proofs and trials.

What dies is started again, as an init system does; `pids/` says who may be killed.
"""

import argparse
import json
import shlex
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Self

from sqlalchemy import URL

from anju import ca
from anju.broker import HOST
from anju.cell import CellBroker
from anju.errors import CannotRun
from anju.influx import InfluxProcess
from anju.output import Commands
from anju.postgres import PostgresProcess
from anju.stop import Stop
from anju.watched import Server, Watched
from cloud.timeseries.model import InfluxAddress

BROKER: Final = "broker"
POSTGRES: Final = "postgres"
INFLUX: Final = "influx"
PIDS: Final = "pids"
FILE: Final = "cloud.toml"
SERVICE: Final = "svc-cloud"


class Parts:
    """The servers, in a folder that holds nothing else. file: of the installation on them."""

    def __init__(self, folder: Path) -> None:
        """Raises CannotRun where one is not installed."""
        self.folder, self.file = folder, folder / FILE
        self.broker = CellBroker(folder / BROKER)
        self.influx = InfluxProcess(folder / INFLUX)
        self.postgres = PostgresProcess()
        self._ends = ExitStack()

    def start(self) -> None:
        """Returns when all serve. Raises CannotRun, and then nothing is left running."""
        with ExitStack() as ends:
            ends.callback(self.postgres.remove)
            self._sign()
            (self.folder / PIDS).mkdir(parents=True)
            for name, server in self._servers().items():
                watched = Watched(name, server, self.folder / PIDS / f"{name}.pid")
                ends.callback(watched.stop)
                watched.start()
            self._describe()
            self._ends = ends.pop_all()

    def stop(self) -> None:
        """Safe to call at any time. PostgreSQL's data are gone then."""
        self._ends.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _servers(self) -> dict[str, Server]:
        return {BROKER: self.broker, POSTGRES: self.postgres, INFLUX: self.influx}

    def _sign(self) -> None:
        """As docs/certificates.md has it."""
        place = ca.Place(self.folder / "ca", self.postgres.url())
        ca.init(place, "Anju on trial")
        ca.sign_ours(place, HOST, self.broker.data, ["localhost"])
        ca.sign_ours(place, SERVICE, self.folder / "tls")

    def _describe(self) -> None:
        """See config/cloud.sample.toml."""
        reload = f"kill -HUP $(cat {shlex.quote(str(self.broker.pid_file))})"
        self.file.write_text(
            f"""\
data_dir = "cloud"
[broker]
host = "{HOST}"
port = {self.broker.services_port}
ca_file = "tls/ca.pem"
cert_file = "tls/{SERVICE}.pem"
key_file = "tls/{SERVICE}.key"
[fleet]
ca_dir = "ca"
gateways_host = "{HOST}"
gateways_port = {self.broker.port}
crl_file = "{self.broker.crl_file}"
reload_command = ["sh", "-c", {json.dumps(reload)}]
[http]
port = 0
{stores_text(self.postgres.url(), self.influx.address(), self.folder / "influx-token")}""",
            encoding="utf-8",
        )


def stores_text(server: URL, series: InfluxAddress, token_file: Path) -> str:
    """[database] and [timeseries.influx] of an installation's file; leaves the token."""
    token_file.touch(0o600)
    token_file.write_text(series.token, encoding="ascii")
    return f"""\
[database]
url = "{server.render_as_string()}"
[timeseries.influx]
url = "{series.url}"
org = "{series.org}"
token_file = "{token_file}"
bucket = "{series.bucket}"
"""


def add(commands: Commands) -> None:
    """The sub-command."""
    parser = commands.add_parser("parts", help="PostgreSQL, InfluxDB and Mosquitto, for proofs")
    parser.add_argument("folder", type=Path, metavar="DIR", help="new or empty")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Until SIGTERM or Ctrl-C."""
    folder = args.folder.absolute()
    try:
        folder.mkdir(0o700, parents=True, exist_ok=True)
        is_empty = not any(folder.iterdir())
    except OSError as error:
        raise CannotRun(f"the folder {folder} cannot be had: {error.strerror}") from error
    if not is_empty:
        raise CannotRun(f"{folder} holds something already: give a new folder, or empty it")
    with Stop() as stop, Parts(folder) as parts:
        print(f"anju: parts serve; the installation on them: --config {parts.file}", flush=True)
        stop.wait()
    return 0
