"""`anju edge`: run the agent, ask it what is wrong, see which devices it knows."""

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from anju.errors import CannotRun
from anju.output import Commands, add_json, show, table
from anju.paths import BROKER_PORT, config_dir
from anju.stop import Stop
from anju.systemd import Systemd
from edge import doctor
from edge.agent import Agent
from edge.clock import SystemClock
from edge.errors import EdgeError
from edge.settings import BrokerSettings, Settings, read_settings

DATA: Final = Path("var/edge")
GATEWAY: Final = "gw-demo01"


def add(commands: Commands) -> None:
    """The sub-command with its own."""
    parser = commands.add_parser("edge", help="the agent of a gateway")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, run, help_line in (
        ("run", _run, "take what devices say and bring it to the cloud, until stopped"),
        ("doctor", _doctor, "what is wrong here, and what to do"),
        ("devices", _devices, "the devices that the registry knows behind this gateway"),
    ):
        verb = verbs.add_parser(name, help=help_line)
        verb.add_argument("--config", type=Path, metavar="FILE", help="see config/edge.sample.toml")
        verb.set_defaults(run=run)
        if name != "run":
            add_json(verb)


def settings_of(path: Path | None) -> Settings:
    """The file's; without one, those of the embedded parts. Raises CannotRun."""
    if path is None:
        here = BrokerSettings(port=BROKER_PORT)
        return Settings(gateway=GATEWAY, data_dir=DATA, home=here, cloud=here)
    try:
        return read_settings(path)
    except EdgeError as error:
        raise CannotRun(str(error)) from error


def _run(args: argparse.Namespace) -> int:
    settings = settings_of(args.config)
    with Stop() as stop, ExitStack() as ends:
        try:
            agent = Agent(settings, config_dir())
        except EdgeError as error:
            raise CannotRun(str(error)) from error
        ends.callback(agent.stop)
        agent.start()
        home, cloud = settings.home, settings.cloud
        print(
            f"anju: gateway {settings.gateway}, home broker {home.host}:{home.port},"
            f" cloud {cloud.host}:{cloud.port}, data in {settings.data_dir}",
            flush=True,
        )
        with Systemd(agent.is_turning):
            stop.wait()
    return 0


def _doctor(args: argparse.Namespace) -> int:
    found = doctor.examine(settings_of(args.config), SystemClock())
    lines = found["problems"] or ["nothing is wrong here"]
    show(args, found, [f"- {line}" for line in lines])
    return 0 if found["ok"] else 1


def _devices(args: argparse.Namespace) -> int:
    try:
        known = doctor.devices(settings_of(args.config))
    except EdgeError as error:
        raise CannotRun(str(error)) from error
    rows = [
        (d["id"], d["home"], d.get("vendor", ""), d.get("model", ""), d["topic"]) for d in known
    ]
    show(args, {"devices": known}, table(("id", "home", "vendor", "model", "topic"), rows))
    return 0
