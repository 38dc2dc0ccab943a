"""A PostgreSQL of our own for a run: on a free port, in a folder that goes with it. For proofs and
tests; production has its own server.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from sqlalchemy import URL

from anju.broker import HOST, free_port
from anju.errors import CannotRun

USER: Final = "anju"
OWNER: Final = "postgres"  # the server refuses to run as root
DEBIAN: Final = Path("/usr/lib/postgresql")  # its programs are in no folder of PATH there
READY_S: Final = 30.0
LOOK_S: Final = 0.02
READY: Final = b"database system is ready to accept connections"
CONFIG: Final = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
shared_buffers = 64MB
max_connections = 400
"""


def program(name: str) -> str | None:
    """Where one of PostgreSQL's programs is: the newest that is installed."""
    versions = sorted(DEBIAN.glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    return str(versions[-1]) if versions else shutil.which(name)


class PostgresProcess:
    """A server and its data. Every start finds the data of the one before; `stop` keeps them,
    `remove` does not."""

    def __init__(self) -> None:
        """Makes the data. Raises CannotRun where it is not installed."""
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="anju-postgres-"))
        # It goes with the thread that starts it, even by SIGKILL, and becomes somebody else.
        self._before = [_installed("setpriv"), "--pdeathsig=INT"]
        if os.geteuid() == 0:
            owner = _owner()
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
            self._before += [f"--reuid={OWNER}", f"--regid={owner.pw_gid}", "--clear-groups"]
        self._child: subprocess.Popen[bytes] | None = None
        self._data = self.folder / "data"
        words = ["-D", str(self._data), "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C"]
        self._run("initdb", [*words, "--no-sync", "--no-instructions"])
        with (self._data / "postgresql.conf").open("a", encoding="utf-8") as config:
            config.write(CONFIG)

    def url(self, database: str = "postgres") -> URL:
        """The address of one of its databases."""
        return URL.create("postgresql", USER, host=HOST, port=self.port, database=database)

    def start(self) -> None:
        """Returns when it takes connections. Raises CannotRun. The thread must outlive it."""
        until = time.perf_counter() + READY_S
        while time.perf_counter() < until:
            self._child = self._spawn()
            while self._child.poll() is None and time.perf_counter() < until:
                if READY in self._log.read_bytes():
                    return
                _pause()
            _pause()  # after a kill its children let go of the memory a little later
        self.kill()
        raise CannotRun(f"PostgreSQL did not start:\n{self._log.read_text()[-2000:]}")

    def stop(self) -> None:
        """In the orderly way, without waiting for clients. Safe to call at any time."""
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(signal.SIGINT)  # "fast shutdown"
            self._child.wait(READY_S)

    def kill(self) -> None:
        """By SIGKILL, with all its children."""
        if self._child is None or self._child.poll() is not None:
            return
        for pid in (self._child.pid, *_children(self._child.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._child.wait()

    @property
    def pid(self) -> int | None:
        """The running server's, None where there is none."""
        return self._child.pid if self._child and self._child.poll() is None else None

    def wait(self) -> int:
        """Until it ends; its exit code."""
        return self._child.wait() if self._child else 0

    def remove(self) -> None:
        """End it and forget everything."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _log(self) -> Path:
        return self.folder / "log"

    def _spawn(self) -> "subprocess.Popen[bytes]":
        words = [*self._before, _installed("postgres"), "-D", str(self._data), "-p", str(self.port)]
        with self._log.open("wb") as log:  # anew, so that its readiness is this one's
            return subprocess.Popen(  # noqa: S603 - our own command line, no shell
                words,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )

    def _run(self, name: str, words: Sequence[str]) -> None:
        done = subprocess.run(  # noqa: S603 - as above
            [*self._before, _installed(name), *words],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
        )
        if done.returncode:
            raise CannotRun(f"{name} failed: {done.stderr.strip()[-2000:]}")


def _installed(name: str) -> str:
    found = program(name)
    if found is None:
        raise CannotRun(f"there is no {name}: apt-get install postgresql util-linux")
    return found


def _owner() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(OWNER)
    except KeyError as error:
        raise CannotRun(f"PostgreSQL refuses root, and there is no user '{OWNER}'") from error


def _children(pid: int) -> list[int]:
    try:
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    except OSError:
        return []


def _pause() -> None:
    time.sleep(LOOK_S)  # noqa: TID251 - real processes live in real time
