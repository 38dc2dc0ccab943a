"""`anju db`: brings the store up to date, takes it back, saves it, restores it, looks it over."""

import argparse
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from alembic.util import CommandError
from sqlalchemy import update

from anju.errors import CannotRun
from anju.output import Commands, add_json, show
from anju.paths import DATA
from anju.serve import settings_from
from cloud.alarms.store import broken_chains
from cloud.clock import SystemClock
from cloud.durable.feed import counter_table
from cloud.identity import audit
from cloud.storage import migrate
from cloud.storage.engine import open_engine
from cloud.storage.errors import NewerDatabase
from cloud.storage.lock import FolderLock
from cloud.storage.store import Store
from cloud.storage.unit import Work

SIDE_FILES: Final = ("-wal", "-shm")  # SQLite's own, beside the database
PARTS: Final = ("ingest", "workers", "consoles")  # of the platform, each with its lock
Verb = Callable[[argparse.Namespace, Path], dict[str, Any]]


def add(commands: Commands) -> None:
    """The sub-command and its verbs."""
    parser = commands.add_parser("db", help="the store")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, verb, text in (
        ("upgrade", _upgrade, "to the tables of this version"),
        ("downgrade", _downgrade, "back to an earlier revision; saves it before"),
        ("backup", _backup, "into one file, while the platform runs"),
        ("restore", _restore, "from a backup; what is there is set aside"),
        ("check", _check, "the file, the tables, the chains of histories and audit"),
    ):
        one = verbs.add_parser(name, help=text)
        one.add_argument("--config", type=Path, metavar="FILE", help="of the installation")
        one.add_argument("--data", type=Path, metavar="DIR", default=DATA, help="without --config")
        if name == "backup":
            one.add_argument("file", type=Path, nargs="?", help="where to; else DIR/backups")
        if name == "check":
            one.add_argument(
                "--anchor", type=_anchor, metavar="N:HASH", help="an audit head of an earlier check"
            )
        if name == "restore":
            one.add_argument("file", type=Path, help="the backup")
        if name == "downgrade":
            one.add_argument("revision", nargs="?", default="-1", help="else the one before")
        add_json(one)
        one.set_defaults(run=run, do=verb)


def run(args: argparse.Namespace) -> int:
    """0: done, or all is well; 1: there are problems."""
    verb: Verb = args.do
    try:
        document = verb(args, database_of(args))
    except (OSError, sqlite3.Error) as error:
        raise CannotRun(f"the store cannot be worked on: {error}") from error
    except NewerDatabase as error:
        raise CannotRun(str(error)) from error
    problems: list[str] = document["problems"]
    told = ("revision", "file", "bytes", "audit_head")
    facts = ", ".join(f"{key} {document[key]}" for key in told if key in document)
    show(args, document, [*problems, facts])
    return 1 if problems else 0


def _upgrade(_args: argparse.Namespace, database: Path) -> dict[str, Any]:
    database.parent.mkdir(0o700, parents=True, exist_ok=True)
    migrate.upgrade(_url(database))
    return _document(database)


def _downgrade(args: argparse.Namespace, database: Path) -> dict[str, Any]:
    require_database(database)
    with _alone(database):
        saved = _save(database, _stamped(database))
        try:
            migrate.downgrade(_url(database), args.revision)
        except CommandError as error:
            raise CannotRun(f"no way back to '{args.revision}': {error}") from error
    return {**_document(database), "backup": str(saved)}


def _backup(args: argparse.Namespace, database: Path) -> dict[str, Any]:
    require_database(database)
    return _document(_save(database, args.file or _stamped(database)))


def _restore(args: argparse.Namespace, database: Path) -> dict[str, Any]:
    require_database(args.file)
    if problems := _faults_of(args.file):
        raise CannotRun(f"{args.file} is no sound backup ({problems[0]}); take an older one")
    database.parent.mkdir(0o700, parents=True, exist_ok=True)
    with _alone(database):
        fresh = database.with_suffix(".restoring")
        _remove(fresh)
        shutil.copyfile(args.file, fresh)
        migrate.upgrade(_url(fresh))
        _begin_epoch(fresh)
        aside = _stamped(database).with_suffix(".before-restore")
        _set_aside(database, aside)
        _put(fresh, database)
    return {**_document(database), "before": str(aside) if aside.exists() else None}


def _check(args: argparse.Namespace, database: Path) -> dict[str, Any]:
    require_database(database)
    problems = _faults_of(database)
    if not problems:  # in a broken file the rest would only repeat it
        differing = migrate.check(_url(database))
        problems = [f"tables differ from this version: {str(each)[:200]}" for each in differing]
        if not problems:
            return _with_chains(args, database)
    return _document(database, problems)


def _with_chains(args: argparse.Namespace, database: Path) -> dict[str, Any]:
    """The alarms' histories and the audit; its head is told, to be written down elsewhere."""

    def look(work: Work) -> tuple[list[str], audit.Head]:
        faults = broken_chains(work) + audit.broken(work, args.anchor)
        return faults, audit.head(work)

    problems, head = with_store(database, lambda store: store.read(look))
    return {**_document(database, problems), "audit_head": f"{head.n}:{head.hash}"}


def _anchor(text: str) -> audit.Head:
    n, _, chained = text.partition(":")
    if not n.isdecimal() or len(chained) != len(audit.FIRST_HASH):
        raise argparse.ArgumentTypeError("an audit head reads NUMBER:HASH")
    return audit.Head(int(n), chained)


# ---------------------------------------------------------------- files


def database_of(args: argparse.Namespace) -> Path:
    """Where --config or --data say that the store is."""
    if args.config is not None:
        return settings_from(args.config).database
    data: Path = args.data
    return data / "cloud.db"


def _url(database: Path) -> str:
    return f"sqlite:///{database}"


def require_database(file: Path) -> None:
    """Raises CannotRun where there is none."""
    if not file.is_file():
        raise CannotRun(f"there is no {file}: give --config or --data, or run anju db upgrade")


def _stamped(database: Path) -> Path:
    now = datetime.fromtimestamp(SystemClock().now_ms() / 1000, UTC)
    folder = database.parent / "backups"
    folder.mkdir(exist_ok=True)
    return folder / f"cloud-{now:%Y%m%d-%H%M%S}.db"


def _document(file: Path, problems: list[str] | None = None) -> dict[str, Any]:
    return {
        "revision": _revision(file),
        "file": str(file),
        "bytes": file.stat().st_size,
        "problems": problems or [],
    }


def _revision(file: Path) -> str | None:
    with _opened(file) as connection:
        tables = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'")
        if tables.fetchone() is None:
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else None


def _opened(file: Path) -> "closing[sqlite3.Connection]":
    """For reading only, so that a backup stays one file."""
    return closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True))


def _save(database: Path, to: Path) -> Path:
    """SQLite's online backup: a consistent copy, however much is written meanwhile."""
    part = to.with_name(f"{to.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(part)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, to be carried away
    if problems := _faults_of(part):
        part.unlink()
        raise CannotRun(f"the copy is not sound ({problems[0]}): run anju db check")
    _put(part, to)
    return to


def _faults_of(file: Path) -> list[str]:
    try:
        with _opened(file) as connection:
            found = [row[0] for row in connection.execute("PRAGMA integrity_check(20)")]
            loose = list(connection.execute("PRAGMA foreign_key_check"))
    except sqlite3.DatabaseError as error:
        return [str(error)]
    faults = [text for text in found if text != "ok"]
    return faults + [f"table {row[0]}, row {row[1]}: points at nothing" for row in loose[:20]]


def _set_aside(database: Path, to: Path) -> None:
    for ending in ("", *SIDE_FILES):
        file = database.with_name(database.name + ending)
        if file.exists():
            file.replace(to.with_name(to.name + ending))


def _remove(database: Path) -> None:
    for ending in ("", *SIDE_FILES):
        database.with_name(database.name + ending).unlink(missing_ok=True)


def _put(part: Path, to: Path) -> None:
    """Under its name only when it is wholly on the disk, and the name too."""
    _flush(part)
    part.replace(to)
    _flush(to.parent)


def _flush(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


# ---------------------------------------------------------------- the store


@contextmanager
def _alone(database: Path) -> Iterator[None]:
    """Nobody else works on it. Raises CannotRun where the platform runs."""
    locks = [FolderLock(database.parent / f"{part}.lock") for part in PARTS]
    try:
        if not all(lock.take() for lock in locks):
            raise CannotRun(f"the platform runs on {database.parent}: stop it first")
        yield
    finally:
        for lock in locks:
            lock.release()


def _begin_epoch(database: Path) -> None:
    """Homes then offer again what this backup does not know, and pages ask for a snapshot."""

    def renew(work: Work) -> None:
        work.execute(update(counter_table).values(epoch=work.new_id("ep")))

    with_store(database, lambda store: store.write(renew))


def with_store(database: Path, use: Callable[[Store], Any]) -> Any:
    """What `use` makes of the store, which is closed then."""
    url = _url(database)
    store = Store(open_engine(url, writes=True), open_engine(url, writes=False), SystemClock())
    try:
        return use(store)
    finally:
        store.stop()
