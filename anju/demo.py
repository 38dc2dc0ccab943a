"""`anju demo`: the whole in one process until it is stopped; with --check, the main job played on
it."""

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from anju import check
from anju.output import Commands, add_json, progress, up_to
from anju.paths import BROKER_PORT, config_dir
from anju.serve import Ports
from anju.stop import Stop
from anju.whole import Demo
from cloud.dictionary import read_dictionary
from cloud.identity.demo import DemoAccount
from cloud.settings import PORT
from cloud.words import Dictionary, Words
from device_simulators.plan import HOMES_MAX

DATA: Final = Path("var/demo")


def add(commands: Commands) -> None:
    """The sub-command."""
    parser = commands.add_parser("demo", help="everything in one process, with forty virtual homes")
    parser.add_argument("--homes", type=up_to(HOMES_MAX), metavar="N", help=f"1 to {HOMES_MAX}")
    parser.add_argument("--port", type=int, default=PORT, metavar="P", help="of the pages; 0: free")
    parser.add_argument("--broker-port", type=int, metavar="P", help="of the broker; 0: free")
    parser.add_argument("--data", type=Path, metavar="DIR", help=f"default {DATA}")
    parser.add_argument("--lang", choices=("zh", "en"), default="zh", help="of what is printed")
    parser.add_argument("--check", action="store_true", help="play the main job, hop by hop")
    parser.add_argument("--message", type=Path, metavar="FILE.jsonl", help="with --check")
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="of an installation for trials to stand on"
    )
    add_json(parser)
    parser.add_argument("--ready-json", action="store_true", help="one JSON line when all is ready")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Until SIGTERM or Ctrl-C."""
    if args.check:
        return check.run(args.message, args)
    data = args.data or DATA
    broker_port = args.broker_port
    if broker_port is None:
        broker_port = BROKER_PORT if args.port else 0
    ports = Ports(args.port, broker_port)
    demo = Demo(data, ports, homes_max=args.homes, file=args.config)
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
    kind = str(broker.kind)
    yield f"  {_say(words, lang, 'broker', host=broker.host, port=broker.port, kind=kind)}"
    if kind == "rumqttd":
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
