"""The `anju` command: finds the module of a sub-command and hands over.

A sub-command is a module of this package with `add(commands)` and `run(args) -> int`, and one line
below. Exit code 0: it ran and held; 1: something fell short; 2: it could not run.
"""

import argparse
import importlib
import json
import logging
import sys
from collections.abc import Sequence
from typing import Final, Protocol, cast

from anju.errors import CannotRun
from anju.output import Commands, set_up_logging

COMMANDS: Final = {
    "demo": "everything in one process, with forty virtual homes",
    "edge": "the agent of a gateway",
    "devices": "hold what devices say against what it means",
    "serve": "run the platform until it is stopped",
    "torture": "kill parts again and again, and count what is lost",
    "parts": "PostgreSQL, InfluxDB and Mosquitto on this machine, for proofs",
    "bench": "time a part against the floor of what it is built on",
    "sim": "the virtual town on a clock of its own",
    "rules": "check rule files, and run the stories beside them",
    "ca": "certificates of gateways, brokers and services",
    "accounts": "the first administrator, and ways back in",
    "registry": "areas, stations and homes from a GeoJSON file",
    "series": "the readings of a home: last, export, erase",
    "db": "the store: upgrade, downgrade, backup, restore, check",
}
INTERRUPTED: Final = 130  # as shells say it of Ctrl-C
OURS: Final = ("anju", "cloud", "contract", "device_simulators", "edge")


class _Command(Protocol):
    def add(self, commands: Commands) -> None: ...


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; its exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    try:
        args = _parser(words).parse_args(words)
        level = logging.WARNING if args.quiet else logging.INFO
        set_up_logging(level, is_json=args.log_json)
        code: int = args.run(args)
    except CannotRun as error:
        print(f"anju: {error}", file=sys.stderr)
        if "--json" in words:
            print(json.dumps({"error": str(error)}, ensure_ascii=False))
        return 2
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """Only the module that is asked for is imported: a gateway has no database toolkit."""
    parser = argparse.ArgumentParser(prog="anju", description="Smart home-care alarm platform.")
    parser.add_argument("--quiet", action="store_true", help="only warnings on standard error")
    parser.add_argument("--log-json", action="store_true", help="the log as JSON lines")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    wanted = next((word for word in words if not word.startswith("-")), None)
    for name, help_line in COMMANDS.items():
        if name == wanted:
            _import(name).add(commands)
        else:
            commands.add_parser(name, help=help_line)
    return parser


def _import(name: str) -> _Command:
    try:
        return cast("_Command", importlib.import_module(f"anju.{name}"))
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in OURS:
            raise
        raise CannotRun(
            f"'anju {name}' needs {missing}, which is not installed:"
            " install Anju with its extras, as in anju[cloud,edge,sim]"
        ) from error
