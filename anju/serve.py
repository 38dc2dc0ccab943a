"""`anju serve`: the platform, on the servers that a file names or on the embedded parts."""

import argparse
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple, Self

from fastapi import APIRouter
from msgspec.structs import replace

from anju.broker import EmbeddedBroker
from anju.errors import CannotRun
from anju.output import Commands
from anju.paths import BROKER_PORT, DATA, config_dir, pages_dir
from anju.stop import Stop
from anju.systemd import Systemd
from cloud.app import CannotStart, Cloud, always
from cloud.clock import SystemClock
from cloud.dictionary import BadConfiguration
from cloud.fleet.authority import gateways_of, services_of
from cloud.fleet.settings import FleetSettings
from cloud.ingest.mqtt import BrokerAddress
from cloud.settings import (
    CA_FOLDER,
    PORT,
    CloudSettings,
    HttpSettings,
    MonitorSettings,
    Role,
    read_settings,
)

EVERYTHING: Final = "all"


class Ports(NamedTuple):
    """Where pages and embedded broker listen. 0 takes a free one."""

    http: int = 0
    broker: int = 0


class Embedded:
    """Broker and cloud with everything in one folder: for `serve`, `demo` and whoever needs an
    instance of its own."""

    def __init__(
        self,
        data: Path,
        ports: Ports = Ports(),  # noqa: B008 - it is a constant
        *,
        config: Path | None = None,
        pages: Path | None = None,
        guests: Sequence[APIRouter] = (),
        monitor_port: int | None = None,
        can_enrol: bool = False,
    ) -> None:
        """can_enrol: it has CAs of its own, and tells gateways of the embedded broker. Raises
        CannotRun where there is no configuration, or no broker to be had."""
        self.broker = broker = EmbeddedBroker(data / "broker", ports.broker)
        ca_dir = data / CA_FOLDER
        fleet = FleetSettings(ca_dir, broker.host, broker.port, ca_dir / "broker-crl.pem")
        self.cloud = Cloud(
            CloudSettings(
                data_dir=data,
                config_dir=config_dir(config),
                pages_dir=pages_dir(pages),
                broker=BrokerAddress(broker.host, broker.port),
                http=HttpSettings(port=ports.http),
                monitor=MonitorSettings(port=monitor_port),
                fleet_told=fleet if can_enrol else None,
            ),
            guests=guests,
        )
        self._can_enrol = can_enrol
        self._ends = ExitStack()

    def start(self) -> None:
        """Raises CannotRun, and then nothing is left running."""
        make_private(self.cloud.settings.data_dir)
        if self._can_enrol:
            _make_authorities(self.cloud.settings.fleet.ca_dir)
        with ExitStack() as ends:
            ends.callback(self.broker.stop)
            self.broker.start()
            ends.callback(self.cloud.stop)
            start(self.cloud)
            self._ends = ends.pop_all()

    def stop(self) -> None:
        """The cloud first, then the broker. Safe to call at any time."""
        self._ends.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _make_authorities(ca_dir: Path) -> None:
    for find in (gateways_of, services_of):
        authority = find(ca_dir, SystemClock())
        if not authority.is_there:
            authority.create("Anju demo")


def add(commands: Commands) -> None:
    """The sub-command."""
    parser = commands.add_parser("serve", help="run the platform until it is stopped")
    parser.add_argument("--config", type=Path, metavar="FILE", help="see config/cloud.sample.toml")
    parser.add_argument("--role", choices=(EVERYTHING, *Role), default=EVERYTHING)
    parser.add_argument("--data", type=Path, metavar="DIR", default=DATA, help="without --config")
    parser.add_argument("--port", type=int, default=PORT, help="of the pages, without --config")
    parser.add_argument("--broker-port", type=int, default=BROKER_PORT, help="without --config")
    parser.add_argument(
        "--monitor-port", type=int, help="of metrics and health; overrules the configuration"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Until SIGTERM or Ctrl-C."""
    with Stop() as stop:
        if args.config is None:
            _serve_embedded(args, stop)
        else:
            _serve_configured(args, stop)
    return 0


def start(cloud: Cloud, is_wanted: Callable[[], bool] = always) -> None:
    """As `Cloud.start`. Raises CannotRun."""
    try:
        cloud.start(is_wanted)
    except CannotStart as error:
        raise CannotRun(str(error)) from error


def settings_from(path: Path) -> CloudSettings:
    """An installation's file. Raises CannotRun."""
    try:
        return read_settings(path, config_dir=config_dir(), pages_dir=pages_dir())
    except BadConfiguration as error:
        raise CannotRun(str(error)) from error


def make_private(folder: Path) -> None:
    """Names, addresses and door codes lie in it."""
    try:
        folder.mkdir(0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotRun(
            f"the folder {folder} cannot be made: {error.strerror};"
            " mend the rights above it, or give another one with --data"
        ) from error


def _serve_embedded(args: argparse.Namespace, stop: Stop) -> None:
    if args.role != EVERYTHING:
        raise CannotRun("--role needs --config: the embedded parts are one process")
    ports = Ports(args.port, args.broker_port)
    whole = Embedded(args.data, ports, monitor_port=args.monitor_port)
    with whole, Systemd(whole.cloud.is_turning):
        print(f"anju: {whole.cloud.url}")
        print(f"anju: broker {whole.broker.host}:{whole.broker.port}", flush=True)
        stop.wait()


def _serve_configured(args: argparse.Namespace, stop: Stop) -> None:
    settings = settings_from(args.config)
    if args.role != EVERYTHING:
        settings = replace(settings, roles=frozenset({Role(args.role)}))
    if args.monitor_port is not None:
        monitor = replace(settings.monitor, port=args.monitor_port)
        settings = replace(settings, monitor=monitor)
    cloud = Cloud(settings)
    start(cloud, lambda: not stop.is_asked())
    try:
        where = cloud.url if Role.WEB in settings.roles else "no pages in this process"
        print(f"anju: {where}", flush=True)
        if settings.monitor.port is not None:
            host = settings.monitor.host
            print(f"anju: metrics http://{host}:{cloud.monitor_port}/metrics", flush=True)
        with Systemd(cloud.is_turning):
            stop.wait()
    finally:
        cloud.stop()
