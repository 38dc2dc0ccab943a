"""A real InfluxDB 2 for tests: at an address from the environment, else one that is started.

Looked for in this order: ANJU_TEST_INFLUX_URL (with _ORG and _TOKEN); an `influxd` on PATH whose
`version` begins with v2; the one that scripts/influxd/build has made. Debian's `influxd` 1.6 has
no 2.x interface and never counts.
"""

import json
import os
import shutil
import subprocess
import urllib.request
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from anju.broker import HOST, free_port
from cloud.timeseries.model import InfluxAddress
from tests.waiting import eventually

BUILD: Final = Path(__file__).parent.parent / "scripts" / "influxd" / "build"
URL: Final = "ANJU_TEST_INFLUX_URL"
START_S: Final = 20.0
ORG: Final = "anju"
TOKEN: Final = "a-token-of-the-tests"


class Found(NamedTuple):
    """A server to be used. program None: it runs already, at `url`."""

    url: str | None
    program: str | None
    version: str


@cache
def find() -> Found | None:
    """The first of the three places that has one."""
    url = os.environ.get(URL)
    if url:
        return Found(url, None, _ping(url) or "no answer")
    for program in (shutil.which("influxd"), _built()):
        version = _version(program) if program else ""
        if program and version.startswith("v2"):
            return Found(None, program, version)
    return None


def where() -> str | None:
    """For tests/needs.py."""
    found = find()
    return found and f"{found.version} at {found.url or found.program}"


class RealInflux:
    """A server of this test alone. Its port and folder stay over a restart."""

    def __init__(self, folder: Path, program: str) -> None:
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self._folder, self._program = folder, program
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Until it answers; the first time with an organisation and a token."""
        self._folder.mkdir(parents=True, exist_ok=True)
        is_new = not (self._folder / "bolt").exists()
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._program,
                    "run",
                    f"--http-bind-address={HOST}:{self.port}",
                    f"--bolt-path={self._folder / 'bolt'}",
                    f"--sqlite-path={self._folder / 'sqlite'}",
                    f"--engine-path={self._folder / 'engine'}",
                    "--reporting-disabled",
                    "--log-level=warn",
                ],
                stdout=log,
                stderr=log,
            )
        eventually(lambda: _ping(self.url) is not None, START_S, "InfluxDB")
        if is_new:
            self._set_up()

    def stop(self) -> None:
        """In the orderly way."""
        self._end(kill=False)

    def kill(self) -> None:
        """By SIGKILL."""
        self._end(kill=True)

    def address(self, bucket: str = "anju") -> InfluxAddress:
        """With the right to everything."""
        return InfluxAddress(self.url, ORG, TOKEN, bucket)

    def _end(self, *, kill: bool) -> None:
        if self._process is not None:
            if kill:
                self._process.kill()
            else:
                self._process.terminate()
            self._process.wait(20)
            self._process = None

    def _set_up(self) -> None:
        told = {
            "username": "tests",
            "password": "tests-of-anju",
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


def running(folder: Path) -> Iterator[InfluxAddress]:
    """The address of a server with a bucket that nobody else uses."""
    found = find()
    assert found is not None
    bucket = f"anju-{uuid.uuid4().hex[:8]}"
    if found.program is None:
        assert found.url is not None
        org, token = os.environ["ANJU_TEST_INFLUX_ORG"], os.environ["ANJU_TEST_INFLUX_TOKEN"]
        yield InfluxAddress(found.url, org, token, bucket)
        return
    server = RealInflux(folder, found.program)
    server.start()
    try:
        yield server.address(bucket)
    finally:
        server.stop()


def _built() -> str | None:
    made = subprocess.run([BUILD, "--where"], capture_output=True, text=True, check=True)
    path = made.stdout.strip()
    return path if os.access(path, os.X_OK) else None


def _version(program: str) -> str:
    """`v2.9.1`; InfluxDB 1 says another thing, or nothing."""
    said = subprocess.run([program, "version"], capture_output=True, text=True, check=False)
    words = said.stdout.split()
    return words[1] if len(words) > 1 and words[0] == "InfluxDB" else ""


def _ping(url: str) -> str | None:
    try:
        with urllib.request.urlopen(f"{url}/ping", timeout=2) as answer:  # noqa: S310
            return str(answer.headers.get("X-Influxdb-Version"))
    except OSError:
        return None
