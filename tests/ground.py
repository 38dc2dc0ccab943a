"""What whole clouds stand on in this run: `pytest --parts embedded` (as it is without) or
`production`: PostgreSQL, InfluxDB 2, Mosquitto with certificates, one set for the session."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from sqlalchemy import URL

from anju.parts import Parts
from cloud.timeseries.model import InfluxAddress
from tests.needs import require
from tests.postgres import Databases


class Ground:
    """parts None: everything is embedded."""

    parts: ClassVar[Parts | None] = None
    databases: ClassVar[Databases | None] = None
    _numbers: ClassVar[Iterator[int]] = itertools.count(1)

    @classmethod
    def database(cls) -> URL | None:
        """A fresh one, with every table; None: a file of SQLite, to be made by who asks."""
        return None if cls.databases is None else cls.databases.lend()

    @classmethod
    def bucket(cls) -> InfluxAddress | None:
        """A fresh one; None: a file of DuckDB."""
        if cls.parts is None:
            return None
        return cls.parts.influx.address(f"test-{next(cls._numbers)}")

    @classmethod
    def file(cls) -> Path | None:
        """An installation on the session's servers, with what earlier tests left in it."""
        return None if cls.parts is None else cls.parts.file

    @classmethod
    def options(cls) -> list[str]:
        """The same for a command line."""
        return [] if cls.parts is None else ["--config", str(cls.parts.file)]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--parts production`."""
    parser.addoption("--parts", choices=("embedded", "production"), default="embedded")


@pytest.fixture(scope="session", autouse=True)
def ground(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    if request.config.getoption("parts") == "embedded":
        yield
        return
    for server in ("postgresql", "influxd", "mosquitto"):
        require(server)
    with Parts(tmp_path_factory.mktemp("parts")) as parts:
        Ground.parts, Ground.databases = parts, Databases(parts.postgres)
        yield
        Ground.parts = Ground.databases = None
