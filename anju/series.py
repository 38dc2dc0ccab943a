"""`anju series`: what is kept of a home's readings is shown, taken away, or erased."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from anju.db import add_installation, keeper_of, settings_of, with_store
from anju.db_readings import Ask, held_by_nobody
from anju.errors import CannotRun
from anju.output import Commands, add_json, show, table
from cloud.app import series_of
from cloud.clock import SystemClock
from cloud.identity import audit
from cloud.settings import CloudSettings
from cloud.storage.unit import Work
from cloud.timeseries.account import Form, account_of, written
from cloud.timeseries.embedded import DuckSeries
from cloud.timeseries.errors import Unavailable
from cloud.timeseries.port import TimeSeries
from cloud.timeseries.requests import erase_home_readings

CLI: Final = "cli"
Verb = Callable[[argparse.Namespace, CloudSettings, Ask], tuple[dict[str, Any], list[str]]]


def add(commands: Commands) -> None:
    """The sub-command and its verbs."""
    parser = commands.add_parser("series", help="the readings of a home")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, verb, text in (
        ("last", _last, "the newest reading of each measurement of each device"),
        ("export", _export, "everything that is kept, into a file"),
        ("erase", _erase, "all of them, for good: the platform does it within minutes"),
    ):
        one = verbs.add_parser(name, help=text)
        one.add_argument("home", help="its id")
        if name == "export":
            one.add_argument("file", type=Path)
            one.add_argument("--form", type=Form, choices=list(Form), default=Form.CSV)
        add_installation(one)
        add_json(one)
        one.set_defaults(run=run, do=verb)


def run(args: argparse.Namespace) -> int:
    """0: done. Raises CannotRun."""
    settings = settings_of(args)
    keeper = keeper_of(settings)
    keeper.require()

    def ask(fn: Callable[[Work], Any]) -> Any:
        return with_store(keeper.url, lambda store: store.write(fn))

    verb: Verb = args.do
    try:
        document, lines = verb(args, settings, ask)
    except Unavailable as error:
        raise CannotRun(str(error)) from error
    show(args, document, lines)
    return 0


def _last(
    args: argparse.Namespace, settings: CloudSettings, ask: Ask
) -> tuple[dict[str, Any], list[str]]:
    with _opened(settings, ask) as series:
        last = series.last(args.home, SystemClock().now_ms())
    _note(ask, "series last", args.home)
    document = {"home": args.home, "readings": [point._asdict() for point in last]}
    return document, table(("device", "measurement", "at_ms", "value"), last)


def _export(
    args: argparse.Namespace, settings: CloudSettings, ask: Ask
) -> tuple[dict[str, Any], list[str]]:
    _note(ask, "series export", args.home)
    try:
        with _opened(settings, ask) as series, args.file.open("xb") as out:
            rows = account_of(series, args.home, SystemClock().now_ms())
            for piece in written(rows, args.form):
                out.write(piece)
    except OSError as error:
        raise CannotRun(f"{args.file} cannot be written: {error.strerror}") from error
    size = args.file.stat().st_size
    return {"file": str(args.file), "bytes": size}, [f"{args.file}, {size} bytes"]


def _erase(
    args: argparse.Namespace, _settings: CloudSettings, ask: Ask
) -> tuple[dict[str, Any], list[str]]:
    def erase(work: Work) -> str:
        audit.write_down(work, audit.Deed(CLI, "series erase", args.home))
        return erase_home_readings(work, args.home)

    asked = ask(erase)
    return {"home": args.home, "request": asked}, [f"asked for, as {asked}"]


def _note(ask: Ask, what: str, home: str) -> None:
    ask(lambda work: audit.write_down(work, audit.Deed(CLI, what, home)))


@contextmanager
def _opened(settings: CloudSettings, ask: Ask) -> Iterator[TimeSeries]:
    """For reading. Of a file that a running platform holds: a copy as of now."""
    if settings.timeseries.influx is not None:
        series = series_of(settings)
        try:
            yield series
        finally:
            series.close()
    else:
        with held_by_nobody(settings, ask) as file:
            series = DuckSeries(file, settings.timeseries.keeping)
            try:
                series.open()
                yield series
            finally:
                series.close()
