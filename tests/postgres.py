"""A real PostgreSQL for tests: one server a run, an empty database a test, with every table made by
the revisions. fsync is on, as in production: what is killed here has promised to keep.

Fixtures `databases`, `postgres_url` and `own_postgres` (a server that a test may kill). An area's
conftest takes them: `from tests.postgres import databases, postgres_url`.
"""

import itertools
from collections.abc import Iterator

import pytest
from sqlalchemy import URL, delete, text
from sqlalchemy.pool import NullPool

from anju.postgres import PostgresProcess
from cloud.storage import migrate, postgres
from cloud.storage.schema import metadata
from scripts.generate_migration import import_every_room
from tests.needs import require


class Databases:
    """Lends databases of one server. One that came back is emptied, which is quicker than a new
    one: that would be 8 MB for the disk."""

    def __init__(self, server: PostgresProcess) -> None:
        self.server = server
        self._free: list[URL] = []
        self._lent: list[URL] = []
        self._numbers = itertools.count(1)

    def lend(self) -> URL:
        """One with every table and nothing in them."""
        url = self._emptied(self._free.pop()) if self._free else self._new()
        self._lent.append(url)
        return url

    def bare(self) -> URL:
        """One without a table, which is not taken back."""
        name = f"anju_{next(self._numbers)}"
        run(self.server.url(), f"CREATE DATABASE {name}")
        return self.server.url(name)

    def take_back(self) -> None:
        """Nobody uses any of them any more."""
        self._free += self._lent
        self._lent.clear()

    def _new(self) -> URL:
        import_every_room()
        url = self.bare()
        migrate.upgrade(url)
        return url

    def _emptied(self, url: URL) -> URL:
        engine = postgres.open_engine(url, writes=True, name="anju-test", pool=NullPool)
        with engine.begin() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(delete(table))
        return url


def start_postgres() -> PostgresProcess:
    """A server; skips the test where it is not installed."""
    require("postgresql")
    server = PostgresProcess()
    server.start()
    return server


def run(url: URL, sql: str) -> None:
    """Statements in no transaction of ours."""
    engine = postgres.open_engine(url, writes=False, name="anju-test", pool=NullPool)
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(sql))


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    server = start_postgres()
    yield Databases(server)
    server.remove()


@pytest.fixture
def postgres_url(databases: Databases) -> Iterator[URL]:
    yield databases.lend()
    databases.take_back()


@pytest.fixture
def own_postgres() -> Iterator[PostgresProcess]:
    """A server of the test's own, to be stopped, killed and started again."""
    server = start_postgres()
    yield server
    server.remove()
