"""The cloud's file: what it may say, and how it is told what is wrong with it."""

from pathlib import Path

import pytest

from anju.paths import ROOT
from cloud.app import CannotStart, Cloud
from cloud.dictionary import BadConfiguration
from cloud.settings import ALL_ROLES, CloudSettings, Role, SeriesSettings, read_settings
from cloud.timeseries.model import InfluxAddress, Keeping

SHIPPED = Path("/shipped")


def read(folder: Path, text: str) -> CloudSettings:
    file = folder / "cloud.toml"
    file.write_text(text, encoding="utf-8")
    return read_settings(file, config_dir=SHIPPED / "config", pages_dir=SHIPPED / "pages")


def test_folders_are_relative_to_the_file_and_the_rest_is_what_was_shipped(tmp_path: Path) -> None:
    settings = read(tmp_path, 'data_dir = "data"\n[broker]\nhost = "mq"\n')

    assert settings.database == tmp_path / "data" / "cloud.db"
    assert settings.config_dir == SHIPPED / "config"
    assert settings.broker == ("mq", 1883, None, None, None)
    assert settings.roles == ALL_ROLES


def test_the_password_lies_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "word").write_text("secret\n")

    settings = read(
        tmp_path,
        'data_dir = "d"\nroles = ["web"]\n[broker]\nhost = "mq"\npassword_file = "word"\n',
    )

    assert settings.broker.password == "secret"
    assert settings.roles == {Role.WEB}


def test_the_files_of_tls_and_of_the_ca_are_relative_to_the_file(tmp_path: Path) -> None:
    tls = 'ca_file = "tls/ca.pem"\ncert_file = "tls/c.pem"\n'
    fleet = 'gateways_host = "mq.example"\ncrl_file = "crl.pem"\n'

    settings = read(tmp_path, f'data_dir = "d"\n[broker]\nhost = "mq"\n{tls}[fleet]\n{fleet}')

    assert settings.broker.tls == (tmp_path / "tls" / "ca.pem", tmp_path / "tls" / "c.pem", None)
    assert settings.fleet.ca_dir == tmp_path / "d" / "ca"
    assert settings.fleet.crl_file == tmp_path / "crl.pem"


def test_the_database_of_a_server_has_its_password_in_a_file_and_never_in_a_text(
    tmp_path: Path,
) -> None:
    (tmp_path / "word").write_text("secret\n")

    settings = read(
        tmp_path,
        'data_dir = "d"\n[broker]\nhost = "mq"\n[database]\npassword_file = "word"\n'
        'url = "postgresql://anju@db/anju?sslmode=verify-full"\n',
    )

    assert settings.server is not None
    assert settings.store.password == "secret"
    assert str(settings.store) == "postgresql://anju:***@db/anju?sslmode=verify-full"


def test_without_a_server_the_store_is_a_file_of_the_data_folder(tmp_path: Path) -> None:
    settings = read(tmp_path, 'data_dir = "data"\n[broker]\nhost = "mq"\n')

    assert settings.store.get_backend_name() == "sqlite"
    assert settings.store.database == str(settings.database)


def test_readings_go_to_a_file_unless_influxdb_is_named(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    broker = 'data_dir = "d"\n[broker]\nhost = "mq"\n'
    where = 'url = "http://influx:8086"\norg = "o"\ntoken_file = "token"\n'

    embedded = read(tmp_path, broker + "[timeseries]\nraw_days = 60\nthreads = 1\n")
    production = read(tmp_path, broker + "[timeseries.influx]\n" + where)

    assert embedded.timeseries == SeriesSettings(keeping=Keeping(raw_days=60), threads=1)
    assert embedded.readings == tmp_path / "d" / "readings.duckdb"
    assert production.timeseries.influx == InfluxAddress("http://influx:8086", "o", "secret")


@pytest.mark.parametrize("role", list(Role))
def test_a_file_of_readings_is_refused_where_roles_are_apart(role: Role, tmp_path: Path) -> None:
    text = f'data_dir = "d"\nroles = ["{role}"]\n[broker]\nhost = "mq"\n[http]\nport = 0\n'
    file = tmp_path / "cloud.toml"
    file.write_text(text, encoding="utf-8")
    settings = read_settings(file, config_dir=ROOT / "config", pages_dir=tmp_path)

    with pytest.raises(CannotStart, match=r"timeseries\.influx"):
        Cloud(settings).start()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            'data_dir = "d"\n[broker]\nhost = "mq"\n[database]\nurl = "mysql://x/y"',
            "reads postgresql://USER@HOST:PORT/DATABASE",
        ),
        (
            'data_dir = "d"\n[broker]\nhost = "mq"\n[database]\nurl = "postgresql://a:b@c/d"',
            "belongs into database.password_file",
        ),
        ('data_dir = "d"', "missing required field `broker`"),
        ('data_dir = "d"\ndata_dri = 1\n[broker]\nhost = "mq"', "unknown field `data_dri`"),
        ('data_dir = "d"\n[broker]\nhost = "mq"\nport = "x"', r"broker.port"),
        ('data_dir = "d"\nroles = ["cook"]\n[broker]\nhost = "mq"', "'cook'"),
        ('data_dir = "d"\n[broker]\nhost = "mq"\npassword_file = "no"', "cannot be read"),
        ('data_dir = "d"\n[broker]\nhost = "mq"\ncert_file = "c"', "need ca_file"),
        ('data_dir = "d"\n[broker]\nhost = "mq"\n[fleet]\nca = "c"', "unknown field `ca`"),
        ('data_dir = "d"\n[broker]\nhost = "mq"\n[timeseries]\nraw_days = 9', "raw_days"),
        ("data_dir = ", "not valid TOML"),
    ],
)
def test_a_mistake_is_named_with_its_file(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match=says):
        read(tmp_path, text)


def test_the_sample_is_a_file_that_can_be_read() -> None:
    sample = ROOT / "config" / "cloud.sample.toml"

    settings = read_settings(sample, config_dir=SHIPPED, pages_dir=SHIPPED)

    assert settings.http.is_secure
