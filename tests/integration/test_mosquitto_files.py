"""The sample files that we ship for production: Mosquitto takes them, and each key is explained."""

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from anju.broker import HOST, answers, free_port
from anju.broker_config import BrokerKind, config_text
from anju.cli import main
from tests.needs import require
from tests.waiting import eventually

FOLDER = Path(__file__).parents[2] / "config" / "mosquitto"
SHARED = ("persistence", "max_queued_messages", "set_tcp_nodelay")
SAVING = ("autosave_on_changes", "autosave_interval")


def keys(text: str) -> dict[str, str]:
    """Key → value; of a repeated key the last one."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.split(maxsplit=1) for line in lines)


@pytest.mark.parametrize("name", ["home.conf", "cloud.conf"])
def test_a_shipped_file_keeps_messages_as_the_embedded_broker_does(name):
    shipped = keys((FOLDER / name).read_text())
    embedded = keys(config_text(BrokerKind.MOSQUITTO, 1883, Path("/tmp")))

    assert {key: shipped[key] for key in SHARED} == {key: embedded[key] for key in SHARED}
    assert "persistent_client_expiration" not in shipped
    assert int(shipped["max_queued_bytes"]) > 0
    assert int(shipped["max_inflight_messages"]) >= 100


def test_at_home_every_change_is_saved_and_in_the_cloud_every_minute():
    home, cloud = (keys((FOLDER / name).read_text()) for name in ("home.conf", "cloud.conf"))
    embedded = keys(config_text(BrokerKind.MOSQUITTO, 1883, Path("/tmp")))

    assert {key: home[key] for key in SAVING} == {key: embedded[key] for key in SAVING}
    assert ("autosave_on_changes" in cloud, cloud["autosave_interval"]) == (False, "60")


@pytest.mark.parametrize("name", ["home.conf", "cloud.conf"])
def test_every_paragraph_of_a_shipped_file_begins_with_its_reason(name):
    paragraphs = (FOLDER / name).read_text().strip().split("\n\n")

    bare = [p for p in paragraphs if not p.startswith(("#", "listener "))]

    assert bare == []


@pytest.mark.needs("mosquitto")
def test_mosquitto_starts_on_the_shipped_home_file(tmp_path):
    port = free_port()

    with running("home.conf", tmp_path, {"1883": str(port)}):
        eventually(lambda: is_listening(port))
        assert not answers(port), "it should not take a client without a password"


@pytest.mark.needs("mosquitto")
def test_mosquitto_starts_on_the_shipped_cloud_file_with_what_the_command_signs(tmp_path):
    data = ["--data", str(tmp_path / "data")]
    assert main(["ca", "init", *data]) == 0
    assert main(["ca", "sign", "mq.example", "--out", str(tmp_path), *data]) == 0
    for name in ("cloud.acl", "services.acl"):
        shutil.copy(FOLDER / name, tmp_path / f"anju-{name}")
    ports = {"8883": str(free_port()), "8884": str(free_port())}

    with running("cloud.conf", tmp_path, ports):
        listeners = [int(port) for port in ports.values()]
        eventually(lambda: all(map(is_listening, listeners)))
        assert not any(map(answers, listeners)), "it should not take a client without a certificate"


class running:  # noqa: N801 - reads as a verb
    """A Mosquitto on a shipped file whose paths and ports are moved into a test's folder."""

    def __init__(self, name: str, folder: Path, ports: dict[str, str]) -> None:
        text = (FOLDER / name).read_text()
        for before, after in (
            ("/etc/mosquitto/anju/", f"{folder}/"),
            ("/etc/mosquitto/anju-", f"{folder}/anju-"),
            ("/var/lib/mosquitto/", f"{folder}/"),
            ("log_dest syslog", "log_dest stderr"),
            *((f"listener {port}", f"listener {moved}") for port, moved in ports.items()),
        ):
            text = text.replace(before, after)
        (folder / "anju-passwords").touch(mode=0o600)
        self._file = folder / name
        self._file.write_text(f"user root\n{text}")

    def __enter__(self) -> None:
        self._child = subprocess.Popen(
            [require("mosquitto"), "-c", str(self._file)], stderr=subprocess.DEVNULL
        )

    def __exit__(self, *_exc) -> None:
        self._child.terminate()
        self._child.wait(10)


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0
