"""`anju db`: brings the store up to date, takes it back, saves it, restores it, looks it over."""

import argparse
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from alembic.util import CommandError
from sqlalchemy import URL, update
from sqlalchemy.exc import DBAPIError

from anju.db_postgres import PostgresStore
from anju.db_readings import Readings
from anju.db_sqlite import SqliteStore
from anju.errors import CannotRun
from anju.output import Commands, add_json, show
from anju.paths import DATA, config_dir, pages_dir
from anju.serve import settings_from
from cloud.alarms.store import broken_chains
from cloud.app import PARTS, part_lock
from cloud.clock import SystemClock
from cloud.durable.feed import counter_table
from cloud.identity import audit
from cloud.ingest.mqtt import BrokerAddress
from cloud.settings import CloudSettings
from cloud.storage import migrate
from cloud.storage.engine import open_engine
from cloud.storage.errors import StoreError
from cloud.storage.store import Store
from cloud.storage.unit import Work


class Keeper(Protocol):
    """What is done to a store as a whole. url: its address; folder, suffix: of its backups."""

    url: URL
    folder: Path
    suffix: str

    def require(self) -> None:
        """Raises CannotRun where there is nothing yet."""

    def prepare(self) -> None:
        """Make what a new store needs."""

    def faults(self) -> list[str]:
        """What is broken in its files."""

    def document(self) -> dict[str, Any]:
        """Its revision, file and bytes."""

    def save(self, to: Path) -> dict[str, Any]:
        """A copy into one file, while the platform runs; its document. Raises CannotRun."""

    def restore(self, file: Path, aside: str, finish: Callable[[URL], None]) -> str | None:
        """Put a copy in its place, brought up to date and finished, and set aside what was there
        under that name; where that is. Raises CannotRun, and then nothing has changed."""


Verb = Callable[[argparse.Namespace, CloudSettings, Keeper], dict[str, Any]]


def add(commands: Commands) -> None:
    """The sub-command and its verbs."""
    parser = commands.add_parser("db", help="the store")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, verb, text in (
        ("upgrade", _upgrade, "to the tables of this version"),
        ("downgrade", _downgrade, "back to an earlier revision; saves it before"),
        ("backup", _backup, "while the platform runs: the store, and beside it the readings"),
        ("restore", _restore, "from a backup; what is there is set aside"),
        ("check", _check, "the file, the tables, the chains of the alarms' histories"),
    ):
        one = verbs.add_parser(name, help=text)
        add_installation(one)
        if name == "backup":
            one.add_argument("file", type=Path, nargs="?", help="where to; else DIR/backups")
        if name == "restore":
            one.add_argument("file", type=Path, help="the backup")
        if name == "check":
            one.add_argument(
                "--anchor", type=_anchor, metavar="N:HASH", help="an audit head of an earlier check"
            )
        if name == "downgrade":
            one.add_argument("revision", nargs="?", default="-1", help="else the one before")
        add_json(one)
        one.set_defaults(run=run, do=verb)


def run(args: argparse.Namespace) -> int:
    """0: done, or all is well; 1: there are problems."""
    verb: Verb = args.do
    settings = settings_of(args)
    keeper = keeper_of(settings)
    try:
        document = {"problems": [], **verb(args, settings, keeper)}
    except DBAPIError as error:
        raise CannotRun(f"the store cannot be worked on: {str(error.orig).strip()}") from error
    except (OSError, sqlite3.Error) as error:
        raise CannotRun(f"the store cannot be worked on: {error}") from error
    except StoreError as error:
        raise CannotRun(str(error)) from error
    problems: list[str] = document["problems"]
    told = ("revision", "file", "bytes", "readings", "note", "audit_head")
    facts = ", ".join(f"{key} {document[key]}" for key in told if key in document)
    show(args, document, [*problems, facts])
    return 1 if problems else 0


def keeper_of(settings: CloudSettings) -> Keeper:
    """Of the store that the settings name."""
    return SqliteStore(settings) if settings.server is None else PostgresStore(settings)


def _upgrade(_args: argparse.Namespace, _settings: CloudSettings, keeper: Keeper) -> dict[str, Any]:
    keeper.prepare()
    migrate.upgrade(keeper.url)
    return keeper.document()


def _downgrade(args: argparse.Namespace, settings: CloudSettings, keeper: Keeper) -> dict[str, Any]:
    keeper.require()
    with _alone(settings):
        saved = keeper.save(_backup_file(keeper))
        try:
            migrate.downgrade(keeper.url, args.revision)
        except CommandError as error:
            raise CannotRun(f"no way back to '{args.revision}': {error}") from error
    return {**keeper.document(), "backup": saved["file"]}


def _backup(args: argparse.Namespace, settings: CloudSettings, keeper: Keeper) -> dict[str, Any]:
    """The store first: what is asked of the platform for the readings is then not in it."""
    keeper.require()
    to: Path = args.file or _backup_file(keeper)
    saved = keeper.save(to)

    def ask(fn: Callable[[Work], Any]) -> Any:
        return with_store(keeper.url, lambda store: store.write(fn))

    return {**saved, **Readings(settings).save(to, ask)}


def _restore(args: argparse.Namespace, settings: CloudSettings, keeper: Keeper) -> dict[str, Any]:
    keeper.prepare()
    keeper.folder.mkdir(0o700, parents=True, exist_ok=True)
    readings, stamp = Readings(settings), _stamped()
    with _alone(settings):
        fresh = readings.prepare(args.file)
        before = keeper.restore(args.file, stamp, _begin_epoch)
        told = readings.put(fresh, keeper.folder / f"{stamp}.before-restore")
    return {**keeper.document(), **told, "before": before}


def _check(args: argparse.Namespace, _settings: CloudSettings, keeper: Keeper) -> dict[str, Any]:
    keeper.require()
    problems = keeper.faults()
    if not problems:  # in a broken file the rest would only repeat it
        differing = migrate.check(keeper.url)
        problems = [f"tables differ from this version: {str(each)[:200]}" for each in differing]
        if not problems:
            return {**keeper.document(), **_chains(args, keeper)}
    return {**keeper.document(), "problems": problems}


def _chains(args: argparse.Namespace, keeper: Keeper) -> dict[str, Any]:
    """The alarms' histories and the audit; its head is told, to be written down elsewhere."""

    def look(work: Work) -> tuple[list[str], audit.Head]:
        faults = broken_chains(work) + audit.broken(work, args.anchor)
        return faults, audit.head(work)

    problems, head = with_store(keeper.url, lambda store: store.read(look))
    return {"problems": problems, "audit_head": f"{head.n}:{head.hash}"}


def _anchor(text: str) -> audit.Head:
    n, _, chained = text.partition(":")
    if not n.isdecimal() or len(chained) != len(audit.FIRST_HASH):
        raise argparse.ArgumentTypeError("an audit head reads NUMBER:HASH")
    return audit.Head(int(n), chained)


def add_installation(parser: argparse.ArgumentParser) -> None:
    """The options that say which installation: `settings_of` reads them."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="of the installation")
    parser.add_argument("--data", type=Path, metavar="DIR", default=DATA, help="without --config")


def settings_of(args: argparse.Namespace) -> CloudSettings:
    """What --config or --data say of the installation. Raises CannotRun."""
    if args.config is not None:
        return settings_from(args.config)
    nobody = BrokerAddress("", 0)
    data: Path = args.data
    return CloudSettings(
        data_dir=data, config_dir=config_dir(), pages_dir=pages_dir(), broker=nobody
    )


def _stamped() -> str:
    return f"cloud-{datetime.fromtimestamp(SystemClock().now_ms() / 1000, UTC):%Y%m%d-%H%M%S}"


def _backup_file(keeper: Keeper) -> Path:
    keeper.folder.mkdir(0o700, parents=True, exist_ok=True)
    return keeper.folder / f"{_stamped()}{keeper.suffix}"


@contextmanager
def _alone(settings: CloudSettings) -> Iterator[None]:
    """Nobody else works on it. Raises CannotRun where the platform runs."""
    locks = [part_lock(settings, part) for part in PARTS]
    try:
        if not all(lock.take() for lock in locks):
            where = settings.server or settings.data_dir
            raise CannotRun(f"the platform runs on {where}: stop it first")
        yield
    finally:
        for lock in locks:
            lock.release()


def _begin_epoch(url: URL) -> None:
    """Homes then offer again what this backup does not know, and pages ask for a snapshot."""

    def renew(work: Work) -> None:
        work.execute(update(counter_table).values(epoch=work.new_id("ep")))

    with_store(url, lambda store: store.write(renew))


def with_store(url: URL, use: Callable[[Store], Any]) -> Any:
    """What `use` makes of the store, which is closed then."""
    store = Store(open_engine(url, writes=True), open_engine(url, writes=False), SystemClock())
    try:
        return use(store)
    finally:
        store.stop()
