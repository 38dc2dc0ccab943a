"""`anju demo`: broker, cloud, one gateway's agent and ten virtual homes, joined in one process.

Nothing is shortened: the town speaks MQTT to the agent, the agent MQTT to the cloud.
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Self

from fastapi import APIRouter

from anju.errors import CannotRun
from anju.output import Commands, progress
from anju.paths import config_dir
from anju.serve import BROKER_PORT, Embedded, Stop
from cloud.dictionary import read_dictionary
from cloud.identity.demo import DemoAccount, make_demo_accounts
from cloud.identity.passwords import Passwords
from cloud.identity.tokens import SystemSecrets
from cloud.registry.seed import load_demo
from cloud.settings import PORT
from cloud.words import Dictionary, Words
from device_simulators.api import build_router
from device_simulators.errors import BadPlan
from device_simulators.plan import read_plan, read_words
from device_simulators.town import Town
from edge.agent import Agent
from edge.errors import EdgeError
from edge.settings import BrokerSettings, Settings

DATA: Final = Path("var/demo")
HOMES_MAX: Final = 10
SIREN_AFTER_S: Final = 30


class Demo:
    """All parts on free or given ports, data in one folder."""

    def __init__(
        self,
        data: Path,
        *,
        http_port: int = 0,
        broker_port: int = 0,
        homes_max: int | None = None,
        has_life: bool = True,
    ) -> None:
        """Raises CannotRun. has_life: sensors speak by themselves now and then."""
        self._config, self._data, self._has_life = config_dir(), data, has_life
        demo = self._config / "demo"
        try:
            self.town = Town(
                read_plan(demo / "homes.yaml", homes_max), read_words(demo / "words.yaml")
            )
        except BadPlan as error:
            raise CannotRun(str(error)) from error
        sim = APIRouter(prefix="/sim", include_in_schema=False)
        sim.include_router(build_router(self.town))
        self.whole = Embedded(data, http_port=http_port, broker_port=broker_port, guests=[sim])
        self.accounts: list[DemoAccount] = []
        self._ends = ExitStack()

    def start(self) -> None:
        """Raises CannotRun, and then nothing is left running."""
        with ExitStack() as ends:
            ends.callback(self.whole.stop)
            self.whole.start()
            self._seed()
            agent = self._agent()
            ends.callback(agent.stop)
            agent.start()
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
            link = f"{self.whole.cloud.url}/login#link={account.link_token}"
            links[account.login] = link
            links.setdefault(account.role.value, link)
        return links

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

    def _seed(self) -> None:
        store, secrets, passwords = self.whole.cloud.store, SystemSecrets(), Passwords()
        store.write(lambda work: load_demo(work, self._config))
        self.accounts = store.write(
            lambda work: make_demo_accounts(work, secrets, self._config, passwords)
        )

    def _agent(self) -> Agent:
        broker = BrokerSettings(host=self.whole.broker.host, port=self.whole.broker.port)
        settings = Settings(
            gateway=self.town.plan.gateway,
            data_dir=self._data / "edge",
            home=broker,
            cloud=broker,
            siren_after_s=SIREN_AFTER_S,
            readings_start_within_s=0,  # one gateway: nothing to spread
        )
        try:
            return Agent(settings, self._config)
        except EdgeError as error:
            raise CannotRun(str(error)) from error


def add(commands: Commands) -> None:
    """The sub-command."""
    parser = commands.add_parser("demo", help="everything in one process, with ten virtual homes")
    parser.add_argument("--homes", type=_homes, metavar="N", help=f"1 to {HOMES_MAX}")
    parser.add_argument("--port", type=int, default=PORT, metavar="P", help="of the pages; 0: free")
    parser.add_argument("--broker-port", type=int, metavar="P", help="of the broker; 0: free")
    parser.add_argument("--data", type=Path, metavar="DIR", help=f"default {DATA}")
    parser.add_argument("--lang", choices=("zh", "en"), default="zh", help="of what is printed")
    parser.add_argument("--ready-json", action="store_true", help="one JSON line when all is ready")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Until SIGTERM or Ctrl-C."""
    data = args.data or DATA
    broker_port = args.broker_port
    if broker_port is None:
        broker_port = BROKER_PORT if args.port else 0
    demo = Demo(data, http_port=args.port, broker_port=broker_port, homes_max=args.homes)
    with Stop() as stop, demo:
        if args.ready_json:
            print(json.dumps(demo.ready()), flush=True)
        else:
            for line in _told(demo, args.lang, data):
                print(line)
            print(end="", flush=True)
        stop.wait()
        progress("anju: stopping")
    return 0


def _told(demo: Demo, lang: str, data: Path) -> Iterable[str]:
    words = read_dictionary(config_dir() / "words")
    url = demo.whole.cloud.url
    yield _say(words, lang, "title")
    yield ""
    yield f"  {_say(words, lang, 'home')}: {url}/home"
    yield ""
    yield f"  {_say(words, lang, 'links')}:"
    for account in demo.accounts:
        role = _in(words.say(f"role.{account.role}"), lang)
        yield f"    {role} {account.name}: {demo.links()[account.login]}"
    yield ""
    yield from _passwords(demo.accounts, words, lang, data)
    broker = demo.whole.broker
    facts = {"host": broker.host, "port": broker.port, "kind": str(broker.kind)}
    yield f"  {_say(words, lang, 'broker', **facts)}"
    if str(broker.kind) == "rumqttd":
        yield f"  {_say(words, lang, 'volatile')}"
    yield f"  {_say(words, lang, 'stop')}"


def _passwords(
    accounts: Sequence[DemoAccount], words: Dictionary, lang: str, data: Path
) -> Iterable[str]:
    fresh = [account for account in accounts if account.password is not None]
    if not fresh:
        yield f"  {_say(words, lang, 'forgotten', data=str(data))}"
        return
    yield f"  {_say(words, lang, 'passwords')}:"
    for account in fresh:
        yield f"    {account.login:14} {account.password}"
    yield ""


def _say(words: Dictionary, lang: str, key: str, **facts: str | int) -> str:
    return _in(words.say(f"demo.{key}", **facts), lang)


def _in(words: Words, lang: str) -> str:
    return words.zh if lang == "zh" else words.en


def _homes(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= HOMES_MAX:
        raise argparse.ArgumentTypeError(f"expected 1 to {HOMES_MAX}, not '{text}'")
    return int(text)
