"""`anju registry`: areas, stations and homes of a district from a file of its maps.

It writes the store itself, as `anju accounts` does; each import is in the audit.
"""

import argparse
from hashlib import sha256
from pathlib import Path
from typing import Any

from anju.accounts import CLI
from anju.db import add_installation, keeper_of, settings_of, with_store
from anju.errors import CannotRun
from anju.output import Commands, add_json, show, table
from cloud.identity import audit
from cloud.registry.errors import RegistryError
from cloud.registry.geojson import Features, read_features
from cloud.registry.importing import Counts, enter_features
from cloud.storage.unit import Work
from cloud.travel.datum import Datum


class _OnlyTried(Exception):
    """Takes back what was entered."""

    def __init__(self, counts: Counts) -> None:
        super().__init__()
        self.counts = counts


def add(commands: Commands) -> None:
    """The sub-command and its verb."""
    parser = commands.add_parser("registry", help="areas, stations and homes from a GeoJSON file")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    one = verbs.add_parser("import", help="enter them; what is entered again is changed")
    one.add_argument("file", type=Path, metavar="FILE.geojson")
    one.add_argument(
        "--datum",
        type=Datum,
        choices=list(Datum),
        required=True,
        help="what the file's degrees are; kept as WGS-84",
    )
    one.add_argument("--dry-run", action="store_true", help="say what would change, change nothing")
    add_installation(one)
    add_json(one)
    one.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0: entered, or would be. Raises CannotRun, and then nothing was."""
    keeper = keeper_of(settings_of(args))
    keeper.require()
    try:
        data: bytes = args.file.read_bytes()
        features = read_features(data, args.datum)
        counts = with_store(keeper.url, lambda kept: kept.write(_import(args, features, data)))
    except _OnlyTried as tried:
        counts = tried.counts
    except OSError as error:
        raise CannotRun(f"{args.file}: cannot be read: {error.strerror}") from error
    except RegistryError as error:
        raise CannotRun(f"{args.file}: {error}") from error
    show(args, {"ok": True, "dry_run": args.dry_run, **counts}, _lines(args, counts))
    return 0


def _import(args: argparse.Namespace, features: Features, data: bytes) -> Any:
    def enter(work: Work) -> Counts:
        counts = enter_features(work, features)
        if args.dry_run:
            raise _OnlyTried(counts)
        said = {"file": sha256(data).hexdigest(), "datum": str(args.datum), **counts}
        audit.write_down(work, audit.Deed(CLI, "registry import", "", "", "", said))
        return counts

    return enter


def _lines(args: argparse.Namespace, counts: Counts) -> list[str]:
    rows = [(name, *found.values()) for name, found in counts.items()]
    said = "nothing was entered: it was only tried" if args.dry_run else "entered"
    return [*table(("", "new", "changed", "same"), rows), said]
