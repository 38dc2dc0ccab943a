"""The embedded MQTT broker: a child process on 127.0.0.1, restarted when it dies, gone when we go.

Mosquitto where its program is installed, else rumqttd out of the PyPI package iotcore. Production
runs its own broker.
"""

import importlib.util
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

from typing_extensions import override

from anju.broker_config import BrokerKind, config_text
from anju.errors import BrokerFailed
from anju.leash import leashed
from anju.watched import Watched

log = logging.getLogger(__name__)
RUMQTTD: Final = Path(__file__).with_name("rumqttd.py")
HOST: Final = "127.0.0.1"
SBIN: Final = ("/usr/local/sbin", "/usr/sbin", "/sbin")  # not on the PATH of ordinary users
LOOKS_MAX: Final = 200  # until it answers: 200 × 50 ms
LOOK_S: Final = 0.05
STOP_S: Final = 10.0
LOG_BYTES_MAX: Final = 1024 * 1024
TAIL_LINES: Final = 12


def free_port() -> int:
    """A TCP port that nobody listens on at this instant."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def mosquitto_program(folders: str | None = None) -> str | None:
    """Where Mosquitto is installed, None where it is not. `folders`: other ones than PATH's."""
    path = os.pathsep.join((os.environ.get("PATH", ""), *SBIN)) if folders is None else folders
    return shutil.which("mosquitto", path=path)


def installed_kind(folders: str | None = None) -> BrokerKind:
    """Which broker this machine can run. Raises BrokerFailed where it is neither."""
    if mosquitto_program(folders) is not None:
        return BrokerKind.MOSQUITTO
    if importlib.util.find_spec("iotcore") is not None:
        return BrokerKind.RUMQTTD
    raise BrokerFailed("no MQTT broker: install mosquitto, or the Python package iotcore")


def listens(host: str, port: int) -> bool:
    """Whether anything takes TCP connections there."""
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


def answers(port: int, host: str = HOST, timeout_s: float = 1.0) -> bool:
    """Whether an MQTT 5 broker accepts a CONNECT there."""
    client_id = b"anju-probe"
    body = b"\x00\x04MQTT\x05\x02\x00\x1e\x00" + len(client_id).to_bytes(2, "big") + client_id
    try:
        with socket.create_connection((host, port), timeout_s) as probe:
            probe.sendall(b"\x10" + bytes([len(body)]) + body)
            answer = probe.recv(4)
            probe.sendall(b"\xe0\x00")
    except OSError:
        return False
    return len(answer) == 4 and answer[0] == 0x20 and answer[3] == 0  # CONNACK, success


class BrokerProcess:
    """A broker and what it leaves on disk. Nobody watches it: see EmbeddedBroker."""

    def __init__(self, data: Path, port: int, kind: BrokerKind) -> None:
        self.data, self.port, self.kind = data.absolute(), port, kind
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The running child's, None where there is none."""
        return self._child.pid if self._child and self._child.poll() is None else None

    def start(self) -> None:
        """Returns when it accepts connections. Raises BrokerFailed. The thread must outlive it."""
        config = self._prepare()
        with self._log_file.open("ab") as output:
            self._child = subprocess.Popen(  # noqa: S603 - our own command line, no shell
                leashed(self._command(config)),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for us; we stop it when all else has drained
            )
        self._wait_until_ready(self._child)

    def stop(self) -> None:
        """In the orderly way: Mosquitto saves what it holds. Safe to call at any time."""
        child = self._child
        if child is None:
            return
        child.terminate()
        try:
            child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """By SIGKILL: what was not on disk is gone."""
        if self._child is not None:
            self._child.send_signal(signal.SIGKILL)
            self._child.wait(STOP_S)

    def wait(self) -> int:
        """Until it ends; its exit code."""
        return self._child.wait() if self._child else 0

    def tail(self) -> str:
        """The last lines that it printed."""
        try:
            lines = self._log_file.read_text(errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join(lines[-TAIL_LINES:])

    @property
    def _log_file(self) -> Path:
        return self.data / "broker.log"

    def _command(self, config: Path) -> list[str]:
        if self.kind is BrokerKind.RUMQTTD:
            return [sys.executable, "-P", str(RUMQTTD), str(config)]
        program = mosquitto_program()
        if program is None:
            raise BrokerFailed("mosquitto is not installed: install it, or use rumqttd")
        return [program, "-c", str(config)]

    def _prepare(self) -> Path:
        """The configuration on disk; raises BrokerFailed where folder or port cannot be had."""
        config = self.data / f"{self.kind}.toml"  # rumqttd reads the form off the name
        try:
            self.data.mkdir(parents=True, exist_ok=True)
            if self._log_file.exists() and self._log_file.stat().st_size > LOG_BYTES_MAX:
                self._log_file.unlink()
            config.write_text(config_text(self.kind, self.port, self.data), encoding="utf-8")
        except OSError as error:
            raise BrokerFailed(
                f"the broker cannot write its folder {self.data}: {error.strerror};"
                " free the disk, mend its rights, or give another folder"
            ) from error
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, self.port))
            except OSError as error:
                raise BrokerFailed(
                    f"port {self.port} for the broker cannot be had: {error.strerror};"
                    " stop the other program, or give another port"
                ) from error
        return config

    def _wait_until_ready(self, child: subprocess.Popen[bytes]) -> None:
        for _ in range(LOOKS_MAX):
            if answers(self.port):
                return
            try:
                code = child.wait(LOOK_S)
            except subprocess.TimeoutExpired:
                continue
            raise BrokerFailed(f"{self.kind} ended with code {code}; it said:\n{self.tail()}")
        self.kill()
        raise BrokerFailed(
            f"{self.kind} does not answer on port {self.port}; it said:\n{self.tail()}"
        )


class EmbeddedBroker(Watched):
    """A broker in a folder, watched."""

    def __init__(self, data: Path, port: int | None = None, kind: BrokerKind | None = None) -> None:
        process = BrokerProcess(data, port or free_port(), kind or installed_kind())
        super().__init__("broker", process)
        self.host, self.port, self.kind, self._data = HOST, process.port, process.kind, process.data

    @override
    def start(self) -> None:
        """Raises BrokerFailed with a sentence that says what to do."""
        super().start()
        log.info("broker: %s on %s:%d, files in %s", self.kind, HOST, self.port, self._data)
        if self.kind is BrokerKind.RUMQTTD:
            log.info("rumqttd keeps nothing over a restart; the edge sends again")
