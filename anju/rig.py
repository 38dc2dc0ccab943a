"""A gateway and a cloud as processes of their own between real brokers, to be killed and
counted."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Final, Protocol, Self
from urllib.parse import urlsplit

from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from anju import site
from anju.broker import BrokerProcess, free_port, installed_kind
from anju.broker_config import BrokerKind
from anju.child import Child, Elsewhere
from anju.db import with_store
from anju.errors import CannotRun
from anju.parts import BROKER, INFLUX, PIDS, POSTGRES
from anju.paths import config_dir
from anju.rig_homes import enter_homes
from anju.serve import settings_from
from cloud.app import Cloud, series_of
from cloud.clock import SystemClock
from cloud.identity.demo import DemoAccount, make_demo_accounts
from cloud.identity.passwords import Passwords
from cloud.identity.sessions import link_path
from cloud.identity.tokens import SystemSecrets
from cloud.registry.seed import load_demo
from cloud.settings import HttpSettings, MonitorSettings
from cloud.storage.postgres import open_engine
from contract.messages import RegisteredDevice
from contract.vocabulary import Measurement
from device_simulators.ears import Ears
from device_simulators.people import TooLong
from edge.settings import BrokerSettings

GATEWAY: Final = "gw-torture"
HOST: Final = "127.0.0.1"
EDGE_READY: Final = "anju: gateway"
LISTENS_S: Final = 20.0
CLOUD_READY: Final = "anju: http"


class Victim(Protocol):
    """What can be killed and started again."""

    def kill(self) -> None:
        """By SIGKILL."""

    def start(self) -> None:
        """Returns when it is there."""


class Rig:
    """Everything of one run in one folder. Raises CannotRun where a part is missing.

    sabotage: which part acknowledges before it has committed: `edge` or `cloud`; topics: what the
    agent listens to; file: of the installation to run on, whose servers somebody else watches,
    None: a broker of our own and SQLite.
    """

    def __init__(
        self,
        folder: Path,
        devices: Sequence[RegisteredDevice],
        sabotage: str | None = None,
        topics: str = "#",
        file: Path | None = None,
    ) -> None:
        self.folder, self._devices, self._topics = folder, devices, topics
        self.home_broker = BrokerProcess(folder / "home-broker", free_port(), _mosquitto())
        self.cloud_broker = None
        if file is None:
            self.cloud_broker = BrokerProcess(
                folder / "cloud-broker", free_port(), installed_kind()
            )
            file = folder / "cloud.toml"
            file.write_text(_cloud_toml(folder, self.cloud_broker.port))
        self._file, self.settings = file, settings_from(file)
        if self.settings.http.is_secure:
            raise CannotRun(f"{file}: a proof asks the pages without TLS: leave out is_secure")
        self._edge_file = folder / "edge.toml"
        self.agent = Child(
            "the agent", _words("edge", self._edge_file, sabotage), folder / "edge.log", EDGE_READY
        )
        self.serve = Child(
            "the cloud", _words("cloud", file, sabotage), folder / "cloud.log", CLOUD_READY
        )
        self._accounts: list[DemoAccount] = []
        self._since_ms = SystemClock().now_ms()  # an installation may hold what earlier runs left
        self._ends = ExitStack()

    def victims(self, names: Iterable[str]) -> list[tuple[str, Victim]]:
        """Whom these names mean here. Raises CannotRun for one that this run does not have."""
        known: dict[str, Victim] = {"agent": self.agent, "ingest": self.serve}
        if self.cloud_broker is not None:
            known[BROKER] = self.cloud_broker
        else:
            known |= self._elsewhere()
        if missing := [name for name in names if name not in known]:
            raise CannotRun(f"there is no {missing[0]} in this installation to be killed")
        return [(name, known[name]) for name in names]

    def _elsewhere(self) -> dict[str, Victim]:
        told = self.settings
        places = {BROKER: (told.broker.host, told.broker.port)}
        if told.server is not None:
            places[POSTGRES] = (told.server.host or HOST, told.server.port or 5432)
        if told.timeseries.influx is not None:
            url = urlsplit(told.timeseries.influx.url)
            places[INFLUX] = (url.hostname or HOST, url.port or 8086)
        pids = self._file.absolute().parent / PIDS
        return {n: Elsewhere(n, pids / f"{n}.pid", *place) for n, place in places.items()}

    @property
    def url(self) -> str:
        """Where the cloud's pages are."""
        return self.serve.said.removeprefix("anju: ")

    def link(self, login: str) -> str:
        """A one-time sign-in link."""
        token = next(each.link_token for each in self._accounts if each.login == login)
        return self.url + link_path(token)

    def start(self) -> None:
        """Raises CannotRun, and then nothing is left running."""
        with ExitStack() as ends:
            for broker in filter(None, (self.home_broker, self.cloud_broker)):
                broker.data.mkdir(parents=True)
                ends.callback(broker.stop)
                broker.start()
            self._seed()
            ends.callback(self.serve.stop)
            self.serve.start()
            ends.callback(self.agent.stop)
            self._edge_file.write_text(self._edge_toml(self._uplink()))
            self.agent.start()
            self._await_listener()
            self._ends = ends.pop_all()

    def stop(self) -> None:
        """Safe to call at any time."""
        self._ends.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def raised(self) -> Counter[str]:
        """Device -> its presses in the histories of alarms; echoes of a press are not presses."""
        sql = (
            "SELECT body FROM alarm_history"
            " WHERE type IN ('raised', 'repeated') AND at_ms >= :since_ms"
        )
        rows = self._rows(sql, since_ms=self._since_ms)
        return Counter(json.loads(body)["press"]["device"] for (body,) in rows)

    def has_raised(self, device: str) -> bool:
        """Whether the cloud has a press of this device by now; of a server that was just killed
        nobody knows, and then it counts as raised."""
        try:
            sql = "SELECT 1 FROM event WHERE device = :device AND received_ms >= :since_ms LIMIT 1"
            return bool(self._rows(sql, device=device, since_ms=self._since_ms))
        except OperationalError:
            return True

    def readings(self) -> list[tuple[str, int]]:
        """(device, value) of each light reading in the time series. The cloud is stopped for it,
        which alone may hold the file of an embedded one."""
        self.serve.stop()
        series, now_ms = series_of(self.settings), SystemClock().now_ms()
        try:
            series.open()
            homes = sorted({each.home for each in self._devices if not each.is_sos})
            return [
                (point.device, int(point.value))
                for home in homes
                for point in series.export(home, now_ms)
                if point.measurement == Measurement.ILLUMINANCE and point.at_ms >= self._since_ms
            ]
        finally:
            series.close()

    def _rows(self, sql: str, **facts: str | int) -> list[Any]:
        if self.settings.server is None:
            with closing(_look_into(self.settings.database)) as db:
                return db.execute(sql, facts).fetchall()
        engine = open_engine(self.settings.server, writes=False, name="anju-rig", pool=NullPool)
        with engine.connect() as connection:
            return list(connection.execute(text(sql), facts))

    def waiting(self) -> int:
        """What is in the agent's journal and the cloud has not acknowledged."""
        with closing(_look_into(self.folder / "edge" / "journal.db")) as db:
            sql = "SELECT count(*) FROM rows WHERE acked_ms IS NULL AND refused IS NULL"
            return int(db.execute(sql).fetchone()[0])

    def _seed(self) -> None:
        """The registry of the run, entered as an installation would have it before anything
        starts."""
        cloud = Cloud(
            replace(
                self.settings,
                roles=frozenset(),
                http=HttpSettings(port=0),
                monitor=MonitorSettings(),
            )
        )
        cloud.start()
        try:
            cloud.store.read(site.refuse_others)
            cloud.store.write(lambda work: load_demo(work, config_dir()))
            cloud.store.write(
                lambda work: enter_homes(work, cloud.registry, GATEWAY, self._devices)
            )
            self._accounts = cloud.store.write(
                lambda work: make_demo_accounts(work, SystemSecrets(), config_dir(), Passwords())
            )
        finally:
            cloud.stop()

    def _await_listener(self) -> None:
        """What a broker acknowledges before anybody listens is for nobody: the first time the agent
        must be there. From then on its session keeps everything."""
        ears = Ears(GATEWAY, HOST, self.home_broker.port)
        try:
            ears.until(lambda heard: heard.status.get("agent") == "online" or None, LISTENS_S)
        except TooLong as error:
            raise CannotRun("the agent does not listen at the home broker") from error
        finally:
            ears.close()

    def _uplink(self) -> BrokerSettings:
        def ask(store: Any) -> BrokerSettings:
            return site.uplink(self.settings, store, self.url, GATEWAY, self.folder)

        told: BrokerSettings = with_store(self.settings.store, ask)
        return told

    def _edge_toml(self, cloud: BrokerSettings) -> str:
        files = {"ca_file": cloud.ca_file, "cert_file": cloud.cert_file}
        told = "".join(f'{key} = "{path}"\n' for key, path in files.items() if path is not None)
        return (
            f'gateway = "{GATEWAY}"\ndata_dir = "{self.folder / "edge"}"\n'
            "readings_start_within_s = 0\n"
            f'[home]\nport = {self.home_broker.port}\ntopics = ["{self._topics}"]\n'
            f'[cloud]\nhost = "{cloud.host}"\nport = {cloud.port}\n{told}'
        )


def _mosquitto() -> BrokerKind:
    if installed_kind() is not BrokerKind.MOSQUITTO:
        raise CannotRun("torture needs a home broker that keeps its sessions: install mosquitto")
    return BrokerKind.MOSQUITTO


def _words(part: str, config: Path, sabotage: str | None) -> list[str]:
    if sabotage == part:
        return ["anju.sabotage", part, str(config)]
    verb = ["edge", "run"] if part == "edge" else ["serve"]
    return ["anju", "--quiet", *verb, "--config", str(config)]


def _cloud_toml(folder: Path, broker: int) -> str:
    return (
        f'data_dir = "{folder / "cloud"}"\n[broker]\nhost = "{HOST}"\nport = {broker}\n'
        "[http]\nport = 0\n"
    )


def _look_into(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10)
