"""docs/production.md, followed: its `sh` blocks in order, then the unit's own command."""

import configparser
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from httpx2 import Client

from anju.broker import HOST, free_port
from anju.paths import ROOT
from tests.needs import require

DOCUMENT: Final = ROOT / "docs" / "production.md"
UNITS: Final = ROOT / "config" / "systemd"
PLACES: Final = re.compile(r"(?<![\w./])/(etc|opt|var|run)/")
OWNER: Final = re.compile(r" -[og] anju[\w-]*")
START_S: Final = 60


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)


class Machine:
    """A root folder in the place of `/`, with the program where the document puts it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        program = root / "opt" / "anju" / "bin" / "anju"
        program.parent.mkdir(parents=True)
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m anju "$@"\n')
        program.chmod(0o755)

    def here(self, text: str) -> str:
        """The same with this root; nobody else's files are here, so nobody else's owner either."""
        return PLACES.sub(rf"{self.root}/\1/", OWNER.sub("", text))

    def follow(self, block: str) -> subprocess.CompletedProcess[str]:
        lines = [line for line in block.splitlines() if not line.startswith("chown ")]
        script = "set -eu\n" + self.here("\n".join(lines))
        done = subprocess.run(
            ["sh", "-c", script],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        self._settle()
        return done

    def _settle(self) -> None:
        """What an installed file names lies below this root too."""
        for file in (self.root / "etc").rglob("*"):
            if file.suffix in (".toml", ".service", ".conf"):
                text = file.read_text("utf-8")
                if str(self.root) not in text:
                    file.write_text(PLACES.sub(rf"{self.root}/\1/", text), "utf-8")

    def command_of(self, unit: str) -> list[str]:
        text = (self.root / "etc/systemd/system" / unit).read_text("utf-8")
        return re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)[0].split()


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """As the document leaves it."""
    machine = Machine(tmp_path_factory.mktemp("machine"))
    for block in blocks("sh"):
        done = machine.follow(block)
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
    return machine


@contextmanager
def notified(folder: Path) -> Iterator[socket.socket]:
    """In the place of systemd's ear."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ears:
        ears.bind(str(folder / "n"))
        ears.settimeout(START_S)
        yield ears


@contextmanager
def started(machine: Machine, unit: str, ears: socket.socket) -> Iterator["subprocess.Popen[str]"]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "NOTIFY_SOCKET": ears.getsockname(),
        "WATCHDOG_USEC": "3000000",
    }
    environment.pop("WATCHDOG_PID", None)
    with subprocess.Popen(
        machine.command_of(unit), cwd=machine.root, env=environment, stderr=subprocess.DEVNULL,
        stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def test_the_document_leaves_everything_at_its_place(machine: Machine) -> None:
    for place in (
        "etc/anju/cloud.toml",
        "etc/anju/edge.toml",
        "etc/mosquitto/conf.d/anju-cloud.conf",
        "etc/mosquitto/anju-cloud.acl",
        "etc/systemd/system/anju-cloud.service",
        "etc/systemd/system/anju-edge.service",
        "etc/systemd/system/anju-backup.timer",
        "etc/prometheus/anju-alerts.yml",
        "var/lib/anju/cloud.db",
        "var/lib/anju/now.db",
    ):
        assert (machine.root / place).is_file(), place
    assert (machine.root / "var/lib/anju").stat().st_mode & 0o077 == 0
    assert (machine.root / "var/lib/anju/now.db").stat().st_mode & 0o077 == 0


def test_every_command_is_in_a_block_of_one_kind_or_the_other() -> None:
    kinds = re.findall(r"^```(\w*)$", DOCUMENT.read_text("utf-8"), re.MULTILINE)

    assert set(kinds) <= {"sh", "console", "nginx", "yaml", ""}
    assert len(blocks("sh")) >= 8


def test_the_unit_of_the_cloud_is_ready_alive_and_healthy_as_far_as_its_broker_is(
    machine: Machine, tmp_path: Path
) -> None:
    path = machine.root / "etc/anju/cloud.toml"
    shutil.copy(path, tmp_path / "kept")
    monitor = free_port()
    text = path.read_text("utf-8").replace("port = 9464", f"port = {monitor}")
    text = text.replace("port = 8884", "port = 1").replace("# port = 8000", "port = 0")
    path.write_text(text, "utf-8")

    with notified(tmp_path) as ears, started(machine, "anju-cloud.service", ears) as process:
        assert ears.recv(100) == b"READY=1"
        assert ears.recv(100) == b"WATCHDOG=1"
        with Client(base_url=f"http://{HOST}:{monitor}") as anybody:
            assert anybody.get("/health/live").json() == {"ok": True}
            ready = anybody.get("/health/ready").json()
            assert ready["parts"]["store"]
            assert ready["to_do"].keys() == {"alarms", "data", "down"}
            assert ready["housekeeping"]["sweep.feed"]["is_late"] is False
            assert "anju_build_info" in anybody.get("/metrics").text
        process.terminate()
        assert process.wait(30) == 0
    shutil.copy(tmp_path / "kept", path)


def test_the_unit_of_a_gateway_is_ready_and_leaves_its_metrics(
    machine: Machine, tmp_path: Path
) -> None:
    (machine.root / "run/anju-edge").mkdir(parents=True, exist_ok=True)  # RuntimeDirectory=

    with notified(tmp_path) as ears, started(machine, "anju-edge.service", ears) as process:
        assert ears.recv(100) == b"READY=1"
        assert ears.recv(100) == b"WATCHDOG=1"
        process.terminate()
        assert process.wait(30) == 0

    assert "anju_edge_build_info" in (machine.root / "run/anju-edge/anju.prom").read_text("utf-8")


@pytest.mark.parametrize("role", ["ingest", "workers"])
def test_a_process_without_pages_has_health_and_metrics_too(role: str, tmp_path: Path) -> None:
    port = free_port()
    file = tmp_path / "cloud.toml"
    (tmp_path / "token").write_text("none")  # nobody answers there yet; it is waited for
    file.write_text(
        'data_dir = "d"\n[broker]\nhost = "127.0.0.1"\nport = 1\n[timeseries.influx]\n'
        'url = "http://127.0.0.1:1"\norg = "anju"\ntoken_file = "token"\n'
    )
    words = ["serve", "--config", str(file), "--role", role, "--monitor-port", str(port)]
    command = [sys.executable, "-m", "anju", *words]

    with notified(tmp_path) as ears:
        environment = {**os.environ, "NOTIFY_SOCKET": ears.getsockname()}
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:  # fmt: skip
            assert ears.recv(100) == b"READY=1"
            with Client(base_url=f"http://{HOST}:{port}") as anybody:
                assert anybody.get("/health/live").status_code == 200
                parts = anybody.get("/health/ready").json()["parts"]
                assert parts[role] is True
                assert f'anju_role{{role="{role}"}} 1.0' in anybody.get("/metrics").text
            process.terminate()
            assert process.wait(30) == 0


# ---------------------------------------------------------------- units


def unit(name: str) -> configparser.ConfigParser:
    found = configparser.ConfigParser(strict=False, interpolation=None)
    found.optionxform = str  # type: ignore[assignment,method-assign]
    found.read(UNITS / name, "utf-8")
    return found


@pytest.mark.parametrize("name", ["anju-cloud.service", "anju-edge.service"])
def test_a_service_is_watched_never_gives_up_and_may_touch_little(name: str) -> None:
    service = unit(name)["Service"]

    assert (service["Type"], service["Restart"]) == ("notify", "always")
    assert 30 + int(service["WatchdogSec"]) <= 90  # a pump counts as stuck after 30 s
    assert unit(name)["Unit"]["StartLimitIntervalSec"] == "0"
    assert service["User"] != "root"
    assert service["CapabilityBoundingSet"] == ""
    assert (service["ProtectSystem"], service["NoNewPrivileges"]) == ("strict", "yes")
    assert "Requires" not in unit(name)["Unit"]


def test_systemd_takes_the_units_as_they_are(tmp_path: Path) -> None:
    program = require("systemd")
    for file in UNITS.iterdir():
        text = file.read_text("utf-8").replace("/opt/anju/bin/anju", "/bin/true")
        (tmp_path / file.name).write_text(text, "utf-8")

    done = subprocess.run(
        [program, "verify", *map(str, sorted(tmp_path.iterdir()))], capture_output=True, text=True
    )

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("name", "exposure_max"),
    [("anju-cloud.service", 1.5), ("anju-backup.service", 2.0), ("anju-edge.service", 2.0)],
)
def test_systemd_finds_little_that_a_service_may_touch(
    name: str, exposure_max: float, tmp_path: Path
) -> None:
    """Of 10, where 10 is a service that may do everything its user may."""
    program = require("systemd")
    text = (UNITS / name).read_text("utf-8").replace("/opt/anju/bin/anju", "/bin/true")
    (tmp_path / name).write_text(text, "utf-8")

    limit = f"--threshold={exposure_max * 10:.0f}"
    done = subprocess.run(
        [program, "security", "--offline=true", "--no-pager", limit, str(tmp_path / name)],
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout[-400:]
