"""A gateway and a cloud as processes of their own between real brokers, to be killed and
counted."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Final, Self

from msgspec.structs import replace
from sqlalchemy import URL, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from anju.broker import BrokerProcess, free_port, installed_kind
from anju.broker_config import BrokerKind
from anju.errors import CannotRun
from anju.paths import config_dir, pages_dir
from anju.postgres import PostgresProcess
from cloud.app import Cloud
from cloud.identity.demo import DemoAccount, make_demo_accounts
from cloud.identity.passwords import Passwords
from cloud.identity.sessions import link_path
from cloud.identity.tokens import SystemSecrets
from cloud.ingest.mqtt import BrokerAddress
from cloud.registry.cards import DeviceCard
from cloud.registry.entries import GatewayEntry, HomeEntry, ResidentEntry
from cloud.registry.seed import load_demo
from cloud.registry.service import Edit
from cloud.settings import CloudSettings, HttpSettings
from cloud.storage.postgres import open_engine
from cloud.storage.unit import Work
from cloud.words import Words
from contract.messages import RegisteredDevice

GATEWAY: Final = "gw-torture"
NEAR: Final = "ho-anhe01"
READY_S: Final = 30.0
STOP_S: Final = 20.0
LOOK_S: Final = 0.01
HOST: Final = "127.0.0.1"
EDGE_READY: Final = "anju: gateway"
CLOUD_READY: Final = "anju: http"


class Child:
    """A process of ours that can be killed and started again.

    words: after `python -m`; ready: how the line begins that says it is there.
    """

    def __init__(self, name: str, words: Sequence[str], log: Path, ready: str) -> None:
        self.name, self._words, self._log = name, list(words), log
        self._ready_text, self._ready = ready, f"\n{ready}".encode()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def said(self) -> str:
        """The line with which it said that it is ready."""
        lines = self._log.read_text(errors="replace").splitlines()
        return next(line for line in reversed(lines) if line.startswith(self._ready_text))

    def start(self) -> None:
        """Returns when it says that it is ready. Raises CannotRun."""
        before = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as out:
            out.write(b"\n")
            self._process = subprocess.Popen(  # noqa: S603 - our own command line, no shell
                [sys.executable, "-m", *self._words],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        until = time.perf_counter() + READY_S
        while self._ready not in self._log.read_bytes()[before:]:
            if self._process.poll() is not None or time.perf_counter() > until:
                raise CannotRun(f"{self.name} did not start:\n{self._log.read_text()[-2000:]}")
            _pause(LOOK_S)

    def kill(self) -> None:
        """By SIGKILL, at once."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def stop(self) -> None:
        """In the orderly way; harmless where it does not run."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()


class Rig:
    """Everything of one run in one folder. Raises CannotRun where a part is missing.

    sabotage: which part acknowledges before it has committed: `edge` or `cloud`; topics: what the
    agent listens to; on_postgres: the cloud's store is a server that can be killed too.
    """

    def __init__(
        self,
        folder: Path,
        devices: Sequence[RegisteredDevice],
        sabotage: str | None = None,
        topics: str = "#",
        *,
        on_postgres: bool = False,
    ) -> None:
        self.folder, self._devices = folder, devices
        self.postgres = PostgresProcess() if on_postgres else None
        self.home_broker = BrokerProcess(folder / "home-broker", free_port(), _mosquitto())
        self.cloud_broker = BrokerProcess(folder / "cloud-broker", free_port(), installed_kind())
        edge, cloud = folder / "edge.toml", folder / "cloud.toml"
        edge.write_text(_edge_toml(folder, self.home_broker.port, self.cloud_broker.port, topics))
        cloud.write_text(_cloud_toml(folder, self.cloud_broker.port, self._server))
        self.agent = Child(
            "the agent", _words("edge", edge, sabotage), folder / "edge.log", EDGE_READY
        )
        self.serve = Child(
            "the cloud", _words("cloud", cloud, sabotage), folder / "cloud.log", CLOUD_READY
        )
        self._accounts: list[DemoAccount] = []
        self._ends = ExitStack()

    @property
    def _server(self) -> URL | None:
        return self.postgres.url() if self.postgres is not None else None

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
            if self.postgres is not None:
                ends.callback(self.postgres.remove)
                self.postgres.start()
            for broker in (self.home_broker, self.cloud_broker):
                broker.data.mkdir(parents=True)
                ends.callback(broker.stop)
                broker.start()
            self._seed()
            for child in (self.serve, self.agent):
                ends.callback(child.stop)
                child.start()
            self._ends = ends.pop_all()

    def stop(self) -> None:
        """Safe to call at any time."""
        self._ends.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def database(self) -> Path:
        """The cloud's store."""
        return self.folder / "cloud" / "cloud.db"

    def raised(self) -> Counter[str]:
        """Device -> its presses in the histories of alarms; echoes of a press are not presses."""
        rows = self._rows("SELECT body FROM alarm_history WHERE type IN ('raised', 'repeated')")
        return Counter(json.loads(body)["press"]["device"] for (body,) in rows)

    def has_raised(self, device: str) -> bool:
        """Whether the cloud has a press of this device by now; of a server that was just killed
        nobody knows, and then it counts as raised."""
        try:
            sql = "SELECT 1 FROM event WHERE device = :device LIMIT 1"
            return bool(self._rows(sql, device=device))
        except OperationalError:
            return True

    def _rows(self, sql: str, **facts: str) -> list[Any]:
        if self.postgres is None:
            with closing(_look_into(self.database)) as db:
                return db.execute(sql, facts).fetchall()
        engine = open_engine(self.postgres.url(), writes=False, name="anju-rig", pool=NullPool)
        with engine.connect() as connection:
            return list(connection.execute(text(sql), facts))

    def waiting(self) -> int:
        """Alarms and events in the agent's journal that the cloud has not acknowledged."""
        with closing(_look_into(self.folder / "edge" / "journal.db")) as db:
            sql = (
                "SELECT count(*) FROM rows WHERE acked_ms IS NULL AND refused IS NULL"
                " AND lane IN ('alarm', 'event')"
            )
            return int(db.execute(sql).fetchone()[0])

    def _seed(self) -> None:
        """The registry of the run, entered as an installation would have it before anything
        starts."""
        address = BrokerAddress(HOST, self.cloud_broker.port)
        settings = CloudSettings(
            data_dir=self.folder / "cloud",
            config_dir=config_dir(),
            pages_dir=pages_dir(),
            broker=address,
            http=HttpSettings(port=0),
            roles=frozenset(),
            server=self._server,
        )
        cloud = Cloud(settings)
        cloud.start()
        try:
            cloud.store.write(lambda work: load_demo(work, config_dir()))
            cloud.store.write(self._enter(cloud))
            self._accounts = cloud.store.write(
                lambda work: make_demo_accounts(work, SystemSecrets(), config_dir(), Passwords())
            )
        finally:
            cloud.stop()

    def _enter(self, cloud: Cloud) -> Any:
        near = cloud.registry.home_card(NEAR)
        assert near is not None  # noqa: S101 - the demo has it
        place = HomeEntry(NEAR, near.area_id, near.address, near.lat, near.lon)

        def enter(work: Work) -> None:
            with Edit(work) as edit:
                edit.gateway(GatewayEntry(GATEWAY, near.area_id, Words(GATEWAY, GATEWAY)))
                for home in dict.fromkeys(device.home for device in self._devices):
                    edit.home(GATEWAY, _home(place, home))
                for device in self._devices:
                    edit.device(_card(device))

        return enter


def _pause(seconds: float) -> None:
    time.sleep(seconds)  # noqa: TID251 - real processes live in real time


def _mosquitto() -> BrokerKind:
    if installed_kind() is not BrokerKind.MOSQUITTO:
        raise CannotRun("torture needs a home broker that keeps its sessions: install mosquitto")
    return BrokerKind.MOSQUITTO


def _words(part: str, config: Path, sabotage: str | None) -> list[str]:
    if sabotage == part:
        return ["anju.sabotage", part, str(config)]
    verb = ["edge", "run"] if part == "edge" else ["serve"]
    return ["anju", "--quiet", *verb, "--config", str(config)]


def _edge_toml(folder: Path, home: int, cloud: int, topics: str) -> str:
    return (
        f'gateway = "{GATEWAY}"\ndata_dir = "{folder / "edge"}"\nreadings_start_within_s = 0\n'
        f'[home]\nport = {home}\ntopics = ["{topics}"]\n[cloud]\nport = {cloud}\n'
    )


def _cloud_toml(folder: Path, broker: int, server: URL | None) -> str:
    told = (
        f'data_dir = "{folder / "cloud"}"\n[broker]\nhost = "{HOST}"\nport = {broker}\n'
        "[http]\nport = 0\n"
    )
    return told if server is None else f'{told}[database]\nurl = "{server}"\n'


def _look_into(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10)


def _home(near: HomeEntry, home_id: str) -> HomeEntry:
    resident = ResidentEntry(f"pe-{home_id}", home_id, home_id, age=80, sex="f", lives_alone=True)
    where = Words(home_id, home_id)
    return replace(near, id=home_id, address=where, residents=(resident,))


def _card(device: RegisteredDevice) -> DeviceCard:
    return DeviceCard(
        uid=device.id,
        gateway_id=GATEWAY,
        home_id=device.home,
        topic=device.topic,
        key=device.id,
        kind="button" if device.is_sos else "climate",
        vendor=device.vendor,
        model=device.model,
        name=Words(device.id, device.id),
        room=Words(device.home, device.home),
        is_sos=device.is_sos,
    )
