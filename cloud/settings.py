"""What an installation is told: one TOML file, explained in config/cloud.sample.toml."""

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from cloud.dictionary import BadConfiguration
from cloud.ingest.mqtt import BrokerAddress
from cloud.timeseries.model import InfluxAddress

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


class SeriesSettings(Struct, frozen=True):
    """Where readings are kept, and how long. influx None: in a DuckDB file beside the store.

    memory_mb, threads: of DuckDB.
    """

    keep_days: int = 365
    influx: InfluxAddress | None = None
    memory_mb: int = 256
    threads: int = 2


class CloudSettings(Struct, frozen=True, kw_only=True):
    """Everything that the composition root must know."""

    data_dir: Path
    config_dir: Path
    pages_dir: Path
    broker: BrokerAddress
    http: HttpSettings = HttpSettings()
    roles: frozenset[Role] = ALL_ROLES
    timeseries: SeriesSettings = SeriesSettings()

    @property
    def database(self) -> Path:
        """The relational store's file."""
        return self.data_dir / "cloud.db"

    @property
    def readings(self) -> Path:
        """The file of the embedded time series."""
        return self.data_dir / "readings.duckdb"


class _Broker(Struct, frozen=True, forbid_unknown_fields=True):
    host: str
    port: int = 1883
    username: str | None = None
    password_file: str | None = None


class _Influx(Struct, frozen=True, forbid_unknown_fields=True):
    url: str
    org: str
    token_file: str
    bucket: str = "anju"


class _Series(Struct, frozen=True, forbid_unknown_fields=True):
    keep_days: Annotated[int, Meta(ge=1, le=3650)] = 365
    influx: _Influx | None = None
    memory_mb: Annotated[int, Meta(ge=64)] = 256
    threads: Annotated[int, Meta(ge=1)] = 2


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    data_dir: str
    broker: _Broker
    http: HttpSettings = HttpSettings()
    roles: frozenset[Role] = ALL_ROLES
    config_dir: str | None = None
    pages_dir: str | None = None
    timeseries: _Series = _Series()


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
        roles=told.roles,
        timeseries=_series(told.timeseries, base),
    )


def _address(told: _Broker, base: Path) -> BrokerAddress:
    if told.password_file is None:
        return BrokerAddress(told.host, told.port, told.username)
    password = _secret(base / told.password_file, "password")
    return BrokerAddress(told.host, told.port, told.username, password)


def _series(told: _Series, base: Path) -> SeriesSettings:
    influx = None
    if told.influx is not None:
        token = _secret(base / told.influx.token_file, "token")
        influx = InfluxAddress(told.influx.url, told.influx.org, token, told.influx.bucket)
    return SeriesSettings(told.keep_days, influx, told.memory_mb, told.threads)


def _secret(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise BadConfiguration(f"{path}: the {what} cannot be read: {error.strerror}") from error
