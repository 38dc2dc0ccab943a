"""`anju db` on PostgreSQL: with its own programs pg_dump and pg_restore, on its own address."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, inspect, text
from sqlalchemy.pool import NullPool

from anju.errors import CannotRun
from anju.postgres import program
from cloud.settings import CloudSettings
from cloud.storage import migrate, postgres

SCHEMA: Final = "public"


class PostgresStore:
    """See Keeper. What is set aside is a schema beside ours."""

    suffix = ".dump"

    def __init__(self, settings: CloudSettings) -> None:
        self.url = settings.store
        self.folder = settings.data_dir / "backups"

    def require(self) -> None:
        """See Keeper."""
        if migrate.current_revision(self.url) is None:
            raise CannotRun(f"there are no tables in {self.url}: run anju db upgrade")

    def prepare(self) -> None:
        """See Keeper."""

    def faults(self) -> list[str]:
        """See Keeper: the server looks after its own files."""
        return []

    def document(self) -> dict[str, Any]:
        """See Keeper."""
        with self._connected() as connection:
            size = connection.execute(text("SELECT pg_database_size(current_database())")).scalar()
        return {
            "revision": migrate.current_revision(self.url),
            "file": str(self.url),  # its password is hidden
            "bytes": size,
        }

    def save(self, to: Path) -> dict[str, Any]:
        """See Keeper. In pg_dump's own format, which pg_restore of the same version or a later one
        reads."""
        part = to.with_name(f"{to.name}.part")
        part.touch(mode=0o600)
        try:
            self._run("pg_dump", "--format=custom", f"--schema={SCHEMA}", f"--file={part}")
            self._run("pg_restore", "--list", str(part), on_database=False)  # readable to its end
        except CannotRun:
            part.unlink()
            raise
        part.replace(to)
        revision = migrate.current_revision(self.url)
        return {"revision": revision, "file": str(to), "bytes": to.stat().st_size}

    def restore(self, file: Path, aside: str, finish: Callable[[URL], None]) -> str | None:
        """See Keeper. Where it fails, everything is as it was."""
        self._run("pg_restore", "--list", str(file), on_database=False)
        schema = aside.replace("-", "_")
        with self._connected() as connection:
            had_tables = bool(inspect(connection).get_table_names(schema=SCHEMA))
            connection.execute(text(f'ALTER SCHEMA {SCHEMA} RENAME TO "{schema}"'))
            connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
        try:
            words = ("--no-owner", "--no-acl", "--exit-on-error", "--single-transaction")
            self._run("pg_restore", *words, f"--schema={SCHEMA}", str(file))
            migrate.upgrade(self.url)
            finish(self.url)
        except BaseException:
            self._put_back(schema)
            raise
        if had_tables:
            return f"schema {schema}"
        with self._connected() as connection:
            connection.execute(text(f'DROP SCHEMA "{schema}" CASCADE'))
        return None

    def _put_back(self, schema: str) -> None:
        with self._connected() as connection:
            connection.execute(text(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"))
            connection.execute(text(f'ALTER SCHEMA "{schema}" RENAME TO {SCHEMA}'))

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        engine = postgres.open_engine(self.url, writes=True, name="anju-db", pool=NullPool)
        with engine.begin() as connection:
            yield connection

    def _run(self, name: str, *words: str, on_database: bool = True) -> None:
        found = program(name)
        if found is None:
            raise CannotRun(f"{name} is not here: apt-get install postgresql-client")
        where = [f"--dbname={self._address()}"] if on_database else []
        secret = {"PGPASSWORD": self.url.password} if self.url.password else {}
        done = subprocess.run(  # noqa: S603 - no shell; the password is no argument, all see those
            [found, *words[:-1], *where, words[-1]],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **{key: str(value) for key, value in secret.items()}},
        )
        if done.returncode:
            raise CannotRun(f"{name} failed: {' '.join(done.stderr.split())[-500:]}")

    def _address(self) -> str:
        url = self.url.set(drivername="postgresql", password=None)
        return url.render_as_string(hide_password=False)
