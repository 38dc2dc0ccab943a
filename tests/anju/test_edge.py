"""The commands of a gateway, on a machine where no broker answers."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from anju.cli import main
from anju.paths import config_dir
from edge.settings import read_settings


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "edge.toml"
    brokers = '[home]\nhost = "127.0.0.1"\nport = 1\n[cloud]\nhost = "127.0.0.1"\nport = 1\n'
    file.write_text(f'gateway = "gw-test01"\ndata_dir = "{tmp_path / "edge"}"\n{brokers}')
    return file


def told(capsys: pytest.CaptureFixture[str]) -> dict:
    return json.loads(capsys.readouterr().out)


def test_the_doctor_says_what_to_do_where_nothing_runs(config, capsys):
    assert main(["edge", "doctor", "--config", str(config), "--json"]) == 1

    found = told(capsys)
    assert not found["ok"]
    assert any("anju edge run" in problem for problem in found["problems"])


def test_a_gateway_that_was_never_told_its_devices_has_none(config, capsys):
    assert main(["edge", "devices", "--config", str(config), "--json"]) == 0

    assert told(capsys) == {"devices": []}


def test_a_gateway_id_that_cannot_be_is_named(tmp_path, capsys):
    file = tmp_path / "edge.toml"
    file.write_text('gateway = "Living Room"\n')

    assert main(["edge", "doctor", "--config", str(file)]) == 2

    assert "'Living Room' is no gateway id" in capsys.readouterr().err


def test_the_agent_waits_for_its_brokers_and_ends_in_order(config, capsys):
    command = [sys.executable, "-m", "anju", "edge", "run", "--config", str(config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as agent:
        try:
            assert agent.stdout is not None
            assert agent.stdout.readline().startswith("anju: gateway gw-test01")
            main(["edge", "doctor", "--config", str(config), "--json"])
            agent.send_signal(signal.SIGTERM)

            assert agent.wait(20) == 0
        finally:
            agent.kill()

    assert not any("no agent works" in problem for problem in told(capsys)["problems"])


def test_the_sample_configuration_can_be_read():
    sample = config_dir() / "edge.sample.toml"

    settings = read_settings(sample)

    assert settings.data_dir == Path("var/edge")


def test_a_gateway_needs_nothing_of_the_platform(config):
    """As where only anju[edge] is installed."""
    absent = ("fastapi", "starlette", "uvicorn", "sqlalchemy", "alembic", "prometheus_client")
    hidden = f"import sys; sys.modules.update(dict.fromkeys({absent!r}))"
    words = ["edge", "devices", "--config", str(config), "--json"]
    program = f"{hidden}; from anju.cli import main; sys.exit(main({words!r}))"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (0, '{"devices": []}\n'), done.stderr
