"""Everything in one process: broker, cloud, one gateway's agent, virtual homes; or all but the
servers that an installation's file names.

Nothing is shortened: the town speaks MQTT to the agent, the agent MQTT to the cloud.
"""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Self

from fastapi import APIRouter

from anju import history
from anju.errors import CannotRun
from anju.paths import config_dir
from anju.serve import Embedded, Ports, make_private
from anju.site import Configured, uplink
from cloud.app import series_of
from cloud.identity.demo import DemoAccount, make_demo_accounts
from cloud.identity.passwords import Passwords
from cloud.identity.policy import Role
from cloud.identity.sessions import link_path
from cloud.identity.tokens import SystemSecrets
from cloud.registry.seed import load_demo
from device_simulators.api import build_router
from device_simulators.errors import BadPlan
from device_simulators.plan import read_plan, read_words
from device_simulators.town import Town
from edge.agent import Agent
from edge.errors import EdgeError
from edge.profiles import load_hearing
from edge.settings import BrokerSettings, Settings

SIREN_AFTER_S: Final = 30
CONFIG_S: Final = 10.0


class Demo:
    """All parts on free or given ports, data in one folder."""

    def __init__(
        self,
        data: Path,
        ports: Ports = Ports(),  # noqa: B008 - it is a constant
        *,
        homes_max: int | None = None,
        has_life: bool = True,
        config: Path | None = None,
        file: Path | None = None,
    ) -> None:
        """Raises CannotRun. has_life: people live there, since yesterday; file: of the
        installation to stand on, None: on the embedded parts."""
        self._config, self._data, self._has_life = config_dir(config), data, has_life
        self._homes_max = homes_max
        demo = self._config / "demo"
        try:
            self.town = Town(
                read_plan(demo / "homes.yaml", homes_max), read_words(demo / "words.yaml")
            )
        except BadPlan as error:
            raise CannotRun(str(error)) from error
        sim = APIRouter(prefix="/sim", include_in_schema=False)
        sim.include_router(build_router(self.town))
        self.whole: Embedded | Configured = (
            Embedded(data, ports, config=config, guests=[sim], can_enrol=True)
            if file is None
            else Configured(file, data, ports, config=config, guests=[sim])
        )
        self.accounts: list[DemoAccount] = []
        self._agent: Agent | None = None
        self._ends = ExitStack()

    def start(self) -> None:
        """Raises CannotRun, and then nothing is left running."""
        if self._has_life:
            self._live_yesterday()
        with ExitStack() as ends:
            ends.callback(self.whole.stop)
            self.whole.start()
            self._seed()
            ends.callback(self.stop_agent)
            self.start_agent()
            ends.callback(self.town.stop)
            self.town.start(self.whole.broker.host, self.whole.broker.port, has_life=self._has_life)
            self._ends = ends.pop_all()

    def stop(self) -> None:
        """The town, the agent, the cloud, the broker. Safe to call at any time."""
        self._ends.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def links(self) -> dict[str, str]:
        """One-time sign-in links: by login, and by role for the first account of each."""
        links: dict[str, str] = {}
        for account in self.accounts:
            link = self.whole.cloud.url + link_path(account.link_token)
            links[account.login] = link
            links.setdefault(account.role.value, link)
        return links

    def links_of(self, role: Role) -> list[str]:
        """The links of everybody in this role."""
        links = self.links()
        return [links[account.login] for account in self.accounts if account.role is role]

    def ready(self) -> dict[str, Any]:
        """What a program that started us wants to know."""
        cloud, broker = self.whole.cloud, self.whole.broker
        return {
            "url": cloud.url,
            "port": cloud.port,
            "sim": f"{cloud.url}/sim",
            "links": self.links(),
            "broker": {"host": broker.host, "port": broker.port, "kind": str(broker.kind)},
            "gateway": self.town.plan.gateway,
        }

    def _live_yesterday(self) -> None:
        """Before the cloud starts, for the file of readings is held by one only."""
        cloud = self.whole.cloud
        make_private(cloud.settings.data_dir)
        history.fill(
            series_of(cloud.settings),
            self.town.plan,
            load_hearing(self._config),
            self.town.seed,
            cloud.clock.now_ms(),
        )

    def _seed(self) -> None:
        store, secrets, passwords = self.whole.cloud.store, SystemSecrets(), Passwords()
        store.write(lambda work: load_demo(work, self._config, self._homes_max))
        self.accounts = store.write(
            lambda work: make_demo_accounts(work, secrets, self._config, passwords)
        )

    def start_agent(self) -> None:
        """The gateway's agent begins, or begins anew. Raises CannotRun."""
        self._agent = self._new_agent()
        self._agent.start()

    def stop_agent(self) -> None:
        """The gateway goes dark; harmless where it is."""
        if self._agent is not None:
            self._agent.stop()
        self._agent = None

    def await_config(self) -> None:
        """Until the agent knows the devices that the registry knows."""
        registry, gateway = self.whole.cloud.registry, self.town.plan.gateway
        wanted = registry.gateway_config(gateway)
        until = time.perf_counter() + CONFIG_S
        while self._agent is not None and self._agent.home.config != wanted:
            if time.perf_counter() > until:
                raise CannotRun("the agent was not told of its devices in time")
            time.sleep(0.02)  # noqa: TID251 - a start, not a hot path

    def _new_agent(self) -> Agent:
        home, cloud, gateway = self.whole.broker, self.whole.cloud, self.town.plan.gateway
        folder = self._data / "edge"
        settings = Settings(
            gateway=gateway,
            data_dir=folder,
            home=BrokerSettings(host=home.host, port=home.port),
            cloud=uplink(cloud.settings, cloud.store, cloud.url, gateway, folder),
            siren_after_s=SIREN_AFTER_S,
            readings_start_within_s=0,  # one gateway: nothing to spread
        )
        try:
            return Agent(settings, self._config)
        except EdgeError as error:
            raise CannotRun(str(error)) from error
