"""What an installation is told: one TOML file, explained in config/cloud.sample.toml."""

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import URL
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from cloud.dictionary import BadConfiguration
from cloud.fleet.settings import GATEWAYS_PORT, FleetSettings
from cloud.ingest.mqtt import BrokerAddress, TlsFiles
from cloud.storage.postgres import is_postgres
from cloud.timeseries.model import InfluxAddress, Keeping

PORT: Final = 8000
RAW_DAYS_MIN: Final = 10  # readings come up to 8 days late: cloud/timeseries/tiers.py
CA_FOLDER: Final = "ca"  # in the data folder, where the file names none


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


class SeriesSettings(Struct, frozen=True):
    """Where readings are kept, and how long. influx None: in a DuckDB file beside the store.

    memory_mb, threads: of DuckDB.
    """

    keeping: Keeping = Keeping()
    influx: InfluxAddress | None = None
    memory_mb: int = 256
    threads: int = 2


class CloudSettings(Struct, frozen=True, kw_only=True):
    """Everything that the composition root must know. server: of PostgreSQL; None: a file of
    SQLite in data_dir."""

    data_dir: Path
    config_dir: Path
    pages_dir: Path
    broker: BrokerAddress
    http: HttpSettings = HttpSettings()
    monitor: MonitorSettings = MonitorSettings()
    roles: frozenset[Role] = ALL_ROLES
    fleet_told: FleetSettings | None = None
    server: URL | None = None
    timeseries: SeriesSettings = SeriesSettings()

    @property
    def fleet(self) -> FleetSettings:
        """What was told; else a CA may stand in the data folder, and nobody can enrol."""
        return self.fleet_told or FleetSettings(self.data_dir / CA_FOLDER)

    @property
    def database(self) -> Path:
        """The relational store's file, where it is one."""
        return self.data_dir / "cloud.db"

    @property
    def store(self) -> URL:
        """The relational store's address. As text it hides its password."""
        return self.server or URL.create("sqlite", database=str(self.database))

    @property
    def readings(self) -> Path:
        """The file of the embedded time series."""
        return self.data_dir / "readings.duckdb"


class _Broker(Struct, frozen=True, forbid_unknown_fields=True):
    host: str
    port: int = 1883
    username: str | None = None
    password_file: str | None = None
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None


class _Fleet(Struct, frozen=True, forbid_unknown_fields=True):
    ca_dir: str | None = None
    gateways_host: str | None = None
    gateways_port: int = GATEWAYS_PORT
    crl_file: str | None = None
    reload_command: tuple[str, ...] = ()


class _Database(Struct, frozen=True, forbid_unknown_fields=True):
    url: str
    password_file: str | None = None


class _Influx(Struct, frozen=True, forbid_unknown_fields=True):
    url: str
    org: str
    token_file: str
    bucket: str = "anju"


class _Series(Struct, frozen=True, forbid_unknown_fields=True):
    raw_days: Annotated[int, Meta(ge=RAW_DAYS_MIN, le=3650)] = Keeping().raw_days
    hour_days: Annotated[int, Meta(ge=RAW_DAYS_MIN, le=36_500)] = Keeping().hour_days
    influx: _Influx | None = None
    memory_mb: Annotated[int, Meta(ge=64)] = 256
    threads: Annotated[int, Meta(ge=1)] = 2


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    data_dir: str
    broker: _Broker
    database: _Database | None = None
    http: HttpSettings = HttpSettings()
    fleet: _Fleet = _Fleet()
    monitor: MonitorSettings = MonitorSettings()
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
        server=_server(told.database, path, base) if told.database else None,
        http=told.http,
        monitor=told.monitor,
        roles=told.roles,
        fleet_told=_fleet(told, base),
        timeseries=_series(told.timeseries, base),
    )


def _fleet(told: _File, base: Path) -> FleetSettings:
    fleet = told.fleet
    return FleetSettings(
        ca_dir=base / (fleet.ca_dir or Path(told.data_dir, CA_FOLDER)),
        gateways_host=fleet.gateways_host,
        gateways_port=fleet.gateways_port,
        crl_file=base / fleet.crl_file if fleet.crl_file else None,
        reload_command=fleet.reload_command,
    )


def _tls(told: _Broker, base: Path) -> TlsFiles | None:
    if told.ca_file is None:
        if told.cert_file or told.key_file:
            raise BadConfiguration("[broker] cert_file and key_file need ca_file beside them")
        return None
    return TlsFiles(
        base / told.ca_file,
        base / told.cert_file if told.cert_file else None,
        base / told.key_file if told.key_file else None,
    )


def _address(told: _Broker, base: Path) -> BrokerAddress:
    password = _password(told.password_file, base)
    return BrokerAddress(told.host, told.port, told.username, password, _tls(told, base))


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
    return None if file is None else _secret(base / file, "password")


def _series(told: _Series, base: Path) -> SeriesSettings:
    influx = None
    if told.influx is not None:
        token = _secret(base / told.influx.token_file, "token")
        influx = InfluxAddress(told.influx.url, told.influx.org, token, told.influx.bucket)
    keeping = Keeping(told.raw_days, max(told.raw_days, told.hour_days))
    return SeriesSettings(keeping, influx, told.memory_mb, told.threads)


def _secret(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise BadConfiguration(f"{path}: the {what} cannot be read: {error.strerror}") from error
