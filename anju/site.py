"""An installation that a file names, as a proof uses it: in this process, with a home broker of our
own beside it, and with a gateway that enrols as any other does."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from fastapi import APIRouter
from msgspec.structs import replace
from sqlalchemy import exists, select

from anju.broker import EmbeddedBroker
from anju.errors import CannotRun
from anju.serve import Ports, settings_from, start
from cloud.app import Cloud
from cloud.fleet.codes import make_code
from cloud.identity.tokens import SystemSecrets
from cloud.registry.model import home_table
from cloud.settings import ALL_ROLES, CloudSettings, HttpSettings, MonitorSettings
from cloud.storage.store import Store
from cloud.storage.unit import Work
from edge import keys
from edge.enrol import Platform, enrol
from edge.errors import EdgeError
from edge.settings import BrokerSettings

FIRST_HOME: Final = "ho-anhe01"  # of the demo: a store that has it was made for proofs
TLS_FOLDER: Final = "tls"


class Configured:
    """The cloud in this process on the servers of a file; see Embedded for what stands in it.

    broker: the homes' own, in `data`.
    """

    def __init__(
        self,
        file: Path,
        data: Path,
        ports: Ports,
        *,
        config: Path | None = None,
        guests: Sequence[APIRouter] = (),
    ) -> None:
        """Raises CannotRun."""
        told = settings_from(file)
        settings = replace(
            told,
            config_dir=config or told.config_dir,
            http=HttpSettings(port=ports.http),
            monitor=MonitorSettings(),
            roles=ALL_ROLES,
        )
        self.broker = EmbeddedBroker(data / "home-broker", ports.broker)
        self.cloud = Cloud(settings, guests=guests)
        self._ends = ExitStack()

    def start(self) -> None:
        """Raises CannotRun, and then nothing is left running."""
        with ExitStack() as ends:
            ends.callback(self.broker.stop)
            self.broker.start()
            ends.callback(self.cloud.stop)
            start(self.cloud)
            self.cloud.store.read(refuse_others)
            self._ends = ends.pop_all()

    def stop(self) -> None:
        """Safe to call at any time."""
        self._ends.close()


def refuse_others(work: Work) -> None:
    """A proof enters homes and rings alarms: never beside those of residents. Raises CannotRun."""
    ids = home_table.c.id
    has_homes = work.execute(select(exists().where(ids != FIRST_HOME))).scalar_one()
    is_ours = work.execute(select(exists().where(ids == FIRST_HOME))).scalar_one()
    if has_homes and not is_ours:
        raise CannotRun(
            "the store of this installation has homes in it: give the proof one of its own"
        )


def uplink(
    settings: CloudSettings, store: Store, url: str, gateway: str, folder: Path
) -> BrokerSettings:
    """How the gateway reaches the cloud's broker: with a certificate that it gets at `url`, where
    that broker wants one. Raises CannotRun."""
    broker = settings.broker
    if broker.tls is None:
        return BrokerSettings(host=broker.host, port=broker.port)
    code = store.write(lambda work: make_code(work, gateway, SystemSecrets()))
    tls = folder / TLS_FOLDER
    try:
        told = enrol(Platform(url), code, tls, gateway)
    except EdgeError as error:
        raise CannotRun(str(error)) from error
    return BrokerSettings(
        host=told.broker.host,
        port=told.broker.port,
        ca_file=tls / keys.CA_FILE,
        cert_file=tls / keys.CERTIFICATE_FILE,
    )
