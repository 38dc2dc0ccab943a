"""What keeps `anju serve` from running is a sentence and exit code 2, and leaves nothing behind."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from anju.broker import HOST
from anju.cli import main


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server((HOST, 0)) as server:
        yield server.getsockname()[1]


def test_a_port_of_the_pages_that_is_taken(
    taken: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    threads = threading.active_count()
    words = ["serve", "--data", str(tmp_path), "--port", str(taken), "--broker-port", "0"]

    assert main(words) == 2

    assert f"port {taken} for the pages cannot be had on {HOST}" in capsys.readouterr().err
    assert threading.active_count() == threads


def test_a_port_of_the_broker_that_is_taken(
    taken: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["serve", "--data", str(tmp_path), "--port", "0", "--broker-port", str(taken)]

    assert main(words) == 2

    assert f"port {taken} for the broker cannot be had" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")

    assert main(["serve", "--data", str(tmp_path / "file" / "var")]) == 2

    assert "another one with --data" in capsys.readouterr().err


def test_a_configuration_with_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "cloud.toml"
    file.write_text("data_dri = 1\n")

    assert main(["serve", "--config", str(file)]) == 2

    assert str(file) in capsys.readouterr().err


def test_one_role_of_the_embedded_parts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--role", "web"]) == 2

    assert "--role needs --config" in capsys.readouterr().err
