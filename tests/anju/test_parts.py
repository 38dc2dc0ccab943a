"""The servers of production as a run's own: what they leave, what is refused, what is killed."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from anju.cli import main
from anju.paths import ROOT
from anju.serve import settings_from
from tests.waiting import eventually

pytestmark = [pytest.mark.needs("mosquitto", "postgresql", "influxd"), pytest.mark.timeout(180)]


@contextmanager
def serving(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """`anju parts` and the file that it names."""
    command = [sys.executable, "-m", "anju", "--quiet", "parts", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            [file] = re.findall(r"--config (\S+)", process.stdout.readline())
            yield process, Path(file)
        finally:
            process.terminate()
            process.wait(60)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with serving(tmp_path_factory.mktemp("parts")) as (_, file):
        yield file


def pid_of(file: Path, name: str) -> int:
    return int((file.parent / "pids" / f"{name}.pid").read_text())


def test_the_file_is_one_of_an_installation_and_secrets_are_their_owners_alone(file: Path) -> None:
    settings = settings_from(file)

    assert settings.server is not None
    assert settings.timeseries.influx is not None
    assert settings.broker.tls is not None
    assert (file.parent / "influx-token").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["broker", "postgres", "influx"])
def test_a_server_that_is_killed_is_started_again(file: Path, name: str) -> None:
    before = pid_of(file, name)

    os.kill(before, signal.SIGKILL)

    eventually(lambda: pid_of(file, name) != before, 30, f"another {name}")
    os.kill(pid_of(file, name), 0)


def test_a_press_goes_all_the_way_over_them_also_after_an_earlier_one(file: Path) -> None:
    command = [sys.executable, "-m", "anju", "--quiet", "demo", "--check", "--json"]
    for _ in range(2):
        done = subprocess.run(
            [*command, "--config", str(file)], cwd=ROOT, capture_output=True, text=True, timeout=80
        )

        found = json.loads(done.stdout)
        assert (done.returncode, found["ok"]) == (0, True), found
        assert found["hops"][0]["detail"].startswith("a broker with TLS, postgresql, InfluxDB")


def test_they_go_when_their_command_is_stopped(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, file):
        pids = [pid_of(file, name) for name in ("broker", "postgres", "influx")]

    assert process.returncode == 0
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path, capsys) -> None:
    (tmp_path / "diary").write_text("mine")

    assert main(["parts", str(tmp_path)]) == 2

    assert "holds something already" in capsys.readouterr().err
