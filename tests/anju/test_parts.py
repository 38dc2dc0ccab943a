"""The servers of production as a run's own: what they leave, what is refused, what is killed."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from anju.cli import main
from anju.parts import Parts
from anju.serve import settings_from
from tests.waiting import eventually

pytestmark = [pytest.mark.needs("mosquitto", "postgresql", "influxd"), pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    with Parts(tmp_path_factory.mktemp("parts")) as parts:
        yield parts


def test_the_file_is_one_of_an_installation_and_secrets_are_their_owners_alone(
    parts: Parts,
) -> None:
    settings = settings_from(parts.file)

    assert settings.server is not None
    assert settings.timeseries.influx is not None
    assert settings.broker.tls is not None
    token = parts.folder / "influx-token"
    assert token.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["broker", "postgres", "influx"])
def test_a_server_that_is_killed_is_started_again(parts: Parts, name: str) -> None:
    file = parts.folder / "pids" / f"{name}.pid"
    before = int(file.read_text())

    os.kill(before, signal.SIGKILL)

    eventually(lambda: int(file.read_text()) != before, 30, f"another {name}")
    os.kill(int(file.read_text()), 0)


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path, capsys) -> None:
    (tmp_path / "diary").write_text("mine")

    assert main(["parts", str(tmp_path)]) == 2

    assert "holds something already" in capsys.readouterr().err
