"""What an installation is told: one TOML file, explained in config/cloud.sample.toml."""

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct
from sqlalchemy import URL
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from cloud.dictionary import BadConfiguration
from cloud.ingest.mqtt import BrokerAddress
from cloud.storage.postgres import is_postgres

PORT: Final = 8000


class Role(StrEnum):
    """What a process does; one that does everything has them all."""

    INGEST = "ingest"
    WEB = "web"
    WORKERS = "workers"


ALL_ROLES: Final = frozenset(Role)


class HttpSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Where pages and interface are reached. port 0: a free one; is_secure: behind TLS."""

    host: str = "127.0.0.1"
    port: int = PORT
    is_secure: bool = False


class CloudSettings(Struct, frozen=True, kw_only=True):
    """Everything that the composition root must know. server: of PostgreSQL; None: a file of
    SQLite in data_dir."""

    data_dir: Path
    config_dir: Path
    pages_dir: Path
    broker: BrokerAddress
    http: HttpSettings = HttpSettings()
    roles: frozenset[Role] = ALL_ROLES
    server: URL | None = None

    @property
    def database(self) -> Path:
        """The relational store's file, where it is one."""
        return self.data_dir / "cloud.db"

    @property
    def store(self) -> URL:
        """The relational store's address. As text it hides its password."""
        return self.server or URL.create("sqlite", database=str(self.database))


class _Broker(Struct, frozen=True, forbid_unknown_fields=True):
    host: str
    port: int = 1883
    username: str | None = None
    password_file: str | None = None


class _Database(Struct, frozen=True, forbid_unknown_fields=True):
    url: str
    password_file: str | None = None


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    data_dir: str
    broker: _Broker
    database: _Database | None = None
    http: HttpSettings = HttpSettings()
    roles: frozenset[Role] = ALL_ROLES
    config_dir: str | None = None
    pages_dir: str | None = None


def read_settings(path: Path, *, config_dir: Path, pages_dir: Path) -> CloudSettings:
    """The file; folders in it are relative to its own. config_dir, pages_dir: where it names none.

    Raises BadConfiguration, naming the file and the place.
    """
    try:
        told = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File)
    except OSError as error:
        raise BadConfiguration(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadConfiguration(f"{path}: not valid TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise BadConfiguration(f"{path}: {error}") from error
    base = path.absolute().parent
    return CloudSettings(
        data_dir=base / told.data_dir,
        config_dir=base / told.config_dir if told.config_dir else config_dir,
        pages_dir=base / told.pages_dir if told.pages_dir else pages_dir,
        broker=_address(told.broker, base),
        server=_server(told.database, path, base) if told.database else None,
        http=told.http,
        roles=told.roles,
    )


def _address(told: _Broker, base: Path) -> BrokerAddress:
    return BrokerAddress(told.host, told.port, told.username, _password(told.password_file, base))


def _server(told: _Database, path: Path, base: Path) -> URL:
    try:
        url = make_url(told.url)
    except ArgumentError:
        url = None
    if url is None or not is_postgres(url) or not url.database:
        raise BadConfiguration(f"{path}: database.url reads postgresql://USER@HOST:PORT/DATABASE")
    if url.password is not None:
        raise BadConfiguration(f"{path}: a password belongs into database.password_file")
    return url.set(password=_password(told.password_file, base))


def _password(file: str | None, base: Path) -> str | None:
    if file is None:
        return None
    path = base / file
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise BadConfiguration(f"{path}: the password cannot be read: {error.strerror}") from error
