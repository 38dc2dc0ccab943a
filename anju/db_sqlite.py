"""`anju db` on SQLite: one file, and what SQLite keeps beside it."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL

from anju.errors import CannotRun
from cloud.settings import CloudSettings
from cloud.storage import migrate

SIDE_FILES: Final = ("-wal", "-shm")  # SQLite's own, beside the database


class SqliteStore:
    """See Keeper. What is set aside is a file among the backups."""

    suffix = ".db"

    def __init__(self, settings: CloudSettings) -> None:
        self.url, self._file = settings.store, settings.database
        self.folder = settings.data_dir / "backups"

    def require(self) -> None:
        """See Keeper."""
        _require(self._file)

    def prepare(self) -> None:
        """See Keeper."""
        self._file.parent.mkdir(0o700, parents=True, exist_ok=True)

    def faults(self) -> list[str]:
        """See Keeper."""
        return _faults_of(self._file)

    def document(self) -> dict[str, Any]:
        """See Keeper."""
        return _document(self._file)

    def save(self, to: Path) -> dict[str, Any]:
        """See Keeper. SQLite's online backup: a consistent copy, however much is written."""
        part = to.with_name(f"{to.name}.part")
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)
        with closing(sqlite3.connect(self._file)) as source, closing(sqlite3.connect(part)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, to be carried away
        if problems := _faults_of(part):
            part.unlink()
            raise CannotRun(f"the copy is not sound ({problems[0]}): run anju db check")
        _put(part, to)
        return _document(to)

    def restore(self, file: Path, aside: str, finish: Callable[[URL], None]) -> str | None:
        """See Keeper."""
        _require(file)
        if problems := _faults_of(file):
            raise CannotRun(f"{file} is no sound backup ({problems[0]}); take an older one")
        fresh = self._file.with_suffix(".restoring")
        _remove(fresh)
        shutil.copyfile(file, fresh)
        url = self.url.set(database=str(fresh))
        migrate.upgrade(url)
        finish(url)
        before = self.folder / f"{aside}.before-restore"
        _set_aside(self._file, before)
        _put(fresh, self._file)
        return str(before) if before.exists() else None


def _require(file: Path) -> None:
    if not file.is_file():
        raise CannotRun(f"there is no {file}: give --config or --data, or run anju db upgrade")


def _document(file: Path) -> dict[str, Any]:
    return {"revision": _revision(file), "file": str(file), "bytes": file.stat().st_size}


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
