"""An InfluxDB 2 of our own for a run: on a free port, in a folder that goes with it. For proofs and
tests; production has its own server.
"""

import json
import os
import shutil
import subprocess
import time
import urllib.request
from functools import cache
from pathlib import Path
from typing import Final

from anju.broker import HOST, free_port
from anju.errors import CannotRun
from anju.leash import leashed
from anju.paths import ROOT
from cloud.timeseries.model import InfluxAddress

BUILD: Final = ROOT / "scripts" / "influxd" / "build"
START_S: Final = 30.0
STOP_S: Final = 20.0
LOOK_S: Final = 0.02
PING_S: Final = 2.0
ORG: Final = "anju"
TOKEN: Final = "a-token-of-proofs"  # noqa: S105 - of a server that nobody else reaches


@cache
def program() -> str | None:
    """Where an InfluxDB of version 2 is: on PATH, else the one that scripts/influxd/build has made.
    Debian's `influxd` 1.6 has no 2.x interface and never counts."""
    return next(filter(is_second, filter(None, (shutil.which("influxd"), _built()))), None)


def is_second(path: str) -> bool:
    """Whether the program is of version 2."""
    return version(path).startswith("v2")


def version(path: str) -> str:
    """`v2.9.1`; InfluxDB 1 says another thing, or nothing."""
    said = subprocess.run([path, "version"], capture_output=True, text=True, check=False)  # noqa: S603
    words = said.stdout.split()
    return words[1] if len(words) > 1 and words[0] == "InfluxDB" else ""


def ping(url: str) -> str | None:
    """The version of the server that answers there; None: nobody does."""
    try:
        with urllib.request.urlopen(f"{url}/ping", timeout=PING_S) as answer:  # noqa: S310
            return str(answer.headers.get("X-Influxdb-Version"))
    except OSError:
        return None


class InfluxProcess:
    """A server and its data. Every start finds the data and the port of the one before."""

    def __init__(self, folder: Path) -> None:
        """Raises CannotRun where it is not installed."""
        found = program()
        if found is None:
            raise CannotRun("there is no InfluxDB 2: put its influxd on PATH")
        self._program, self._folder = found, folder
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The running child's, None where there is none."""
        return self._child.pid if self._child and self._child.poll() is None else None

    def start(self) -> None:
        """Until it answers; the first time with an organisation and a token. Raises CannotRun.
        The thread must outlive it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        is_new = not (self._folder / "bolt").exists()
        with (self._folder / "log").open("ab") as log:
            self._child = subprocess.Popen(  # noqa: S603 - our own command line, no shell
                leashed(self._command()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.perf_counter() + START_S
        while ping(self.url) is None:
            if self._child.poll() is not None or time.perf_counter() > until:
                self.kill()
                said = (self._folder / "log").read_text(errors="replace")[-2000:]
                raise CannotRun(f"InfluxDB did not start:\n{said}")
            time.sleep(LOOK_S)  # noqa: TID251 - real processes live in real time
        if is_new:
            self._set_up()

    def stop(self) -> None:
        """In the orderly way. Safe to call at any time."""
        if self._child is not None:
            self._child.terminate()
            try:
                self._child.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """By SIGKILL."""
        if self._child is not None:
            self._child.kill()
            self._child.wait(STOP_S)

    def wait(self) -> int:
        """Until it ends; its exit code."""
        return self._child.wait() if self._child else 0

    def address(self, bucket: str = "anju") -> InfluxAddress:
        """With the right to everything."""
        return InfluxAddress(self.url, ORG, TOKEN, bucket)

    def _command(self) -> list[str]:
        return [
            self._program,
            "run",
            f"--http-bind-address={HOST}:{self.port}",
            f"--bolt-path={self._folder / 'bolt'}",
            f"--sqlite-path={self._folder / 'sqlite'}",
            f"--engine-path={self._folder / 'engine'}",
            "--reporting-disabled",
            "--log-level=warn",
        ]

    def _set_up(self) -> None:
        told = {
            "username": "anju",
            "password": "passphrase-of-proofs",
            "org": ORG,
            "bucket": "first",
            "token": TOKEN,
        }
        request = urllib.request.Request(  # noqa: S310 - http, on this machine
            f"{self.url}/api/v2/setup",
            json.dumps(told).encode(),
            {"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10):  # noqa: S310
            pass


def _built() -> str | None:
    if not os.access(BUILD, os.X_OK):
        return None
    made = subprocess.run([BUILD, "--where"], capture_output=True, text=True, check=False)  # noqa: S603
    path = made.stdout.strip()
    return path if os.access(path, os.X_OK) else None
