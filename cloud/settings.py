"""What an installation is told: one TOML file, explained in config/cloud.sample.toml."""

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from cloud.dictionary import BadConfiguration
from cloud.ingest.mqtt import BrokerAddress

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


class MonitorSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Where metrics and health of this process are reached. port None: nowhere; 0: a free one."""

    host: str = "127.0.0.1"
    port: int | None = None


class CloudSettings(Struct, frozen=True, kw_only=True):
    """Everything that the composition root must know."""

    data_dir: Path
    config_dir: Path
    pages_dir: Path
    broker: BrokerAddress
    http: HttpSettings = HttpSettings()
    monitor: MonitorSettings = MonitorSettings()
    roles: frozenset[Role] = ALL_ROLES

    @property
    def database(self) -> Path:
        """The relational store's file."""
        return self.data_dir / "cloud.db"


class _Broker(Struct, frozen=True, forbid_unknown_fields=True):
    host: str
    port: int = 1883
    username: str | None = None
    password_file: str | None = None


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    data_dir: str
    broker: _Broker
    http: HttpSettings = HttpSettings()
    monitor: MonitorSettings = MonitorSettings()
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
        http=told.http,
        monitor=told.monitor,
        roles=told.roles,
    )


def _address(told: _Broker, base: Path) -> BrokerAddress:
    if told.password_file is None:
        return BrokerAddress(told.host, told.port, told.username)
    path = base / told.password_file
    try:
        password = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise BadConfiguration(f"{path}: the password cannot be read: {error.strerror}") from error
    return BrokerAddress(told.host, told.port, told.username, password)
