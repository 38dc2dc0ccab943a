"""`anju edge`: run the agent, enrol it, ask it what is wrong, see which devices it knows."""

import argparse
import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from anju.errors import CannotRun
from anju.output import Commands, add_json, show, table
from anju.paths import BROKER_PORT, config_dir
from anju.stop import Stop
from anju.systemd import Systemd
from contract.enrolment import Enrolled
from edge import doctor, enrol, keys
from edge.agent import Agent
from edge.clock import SystemClock
from edge.enrol import Platform
from edge.errors import EdgeError, NotEnrolled
from edge.settings import BrokerSettings, Settings, read_settings

DATA: Final = Path("var/edge")
GATEWAY: Final = "gw-demo01"
TLS_FOLDER: Final = "tls"


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
    _add_enrol(verbs)


def _add_enrol(verbs: Commands) -> None:
    verb = verbs.add_parser("enrol", help="get this gateway's certificate, with a one-time code")
    verb.add_argument("code", help="from `anju ca code`")
    verb.add_argument("--url", required=True, help="of the platform's pages, https://…")
    verb.add_argument(
        "--ca", type=Path, metavar="FILE", help="where that address has a CA of its own"
    )
    verb.add_argument("--dir", type=Path, metavar="DIR", help="for the files; else data_dir/tls")
    verb.add_argument("--config", type=Path, metavar="FILE", help="with the gateway's id, if there")
    add_json(verb)
    verb.set_defaults(run=_enrol)


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


def _enrol(args: argparse.Namespace) -> int:
    """Makes the key here; the certificate comes back. Says what the configuration needs."""
    settings = settings_of(args.config)
    folder = (args.dir or settings.data_dir / TLS_FOLDER).absolute()
    gateway = settings.gateway if args.config is not None else None
    try:
        told = enrol.enrol(Platform(args.url, args.ca), args.code, folder, gateway)
    except NotEnrolled as error:
        if not error.status:
            raise CannotRun(str(error)) from error
        document: dict[str, Any] = {"ok": False, "problems": [str(error)]}
        show(args, document, [str(error)])
        return 1
    except EdgeError as error:
        raise CannotRun(str(error)) from error
    except OSError as error:
        raise CannotRun(f"{folder} cannot be written: {error.strerror}") from error
    text = _told_settings(args, told, folder)
    files = [str(folder / name) for name in (keys.CERTIFICATE_FILE, keys.CA_FILE)]
    document = {"ok": True, "problems": [], "gateway": told.gateway, "files": files}
    lines = [f"enrolled as {told.gateway}; put this into the agent's configuration:", "", *text]
    show(args, {**document, "settings": "\n".join(text)}, lines)
    return 0


def _told_settings(args: argparse.Namespace, told: Enrolled, folder: Path) -> list[str]:
    """As TOML; the top of the file, and its [cloud]."""
    top = {"gateway": told.gateway, "platform_url": args.url}
    if args.ca is not None:
        top["platform_ca_file"] = str(args.ca.absolute())
    cloud: dict[str, str | int] = {
        "host": told.broker.host,
        "port": told.broker.port,
        "ca_file": str(folder / keys.CA_FILE),
        "cert_file": str(folder / keys.CERTIFICATE_FILE),
    }
    # A text of JSON is one of TOML, too.
    pairs = [f"{key} = {json.dumps(value)}" for key, value in top.items()]
    return [
        *pairs,
        "",
        "[cloud]",
        *(f"{key} = {json.dumps(value)}" for key, value in cloud.items()),
    ]


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
