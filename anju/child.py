"""Processes that a proof kills: its own, and servers that somebody else starts again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from anju.broker import listens
from anju.errors import CannotRun

READY_S: Final = 30.0
STOP_S: Final = 20.0
LOOK_S: Final = 0.01


class Child:
    """A process of ours that can be killed and started again.

    words: after `python -m`; ready: how the line begins that says it is there.
    """

    def __init__(self, name: str, words: Sequence[str], log: Path, ready: str) -> None:
        self.name, self._words, self._log = name, list(words), log
        self._ready_text, self._ready = ready, f"\n{ready}".encode()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def said(self) -> str:
        """The line with which it said that it is ready."""
        lines = self._log.read_text(errors="replace").splitlines()
        return next(line for line in reversed(lines) if line.startswith(self._ready_text))

    def start(self) -> None:
        """Returns when it says that it is ready. Raises CannotRun."""
        before = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as out:
            out.write(b"\n")
            self._process = subprocess.Popen(  # noqa: S603 - our own command line, no shell
                [sys.executable, "-m", *self._words],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        until = time.perf_counter() + READY_S
        while self._ready not in self._log.read_bytes()[before:]:
            if self._process.poll() is not None or time.perf_counter() > until:
                raise CannotRun(f"{self.name} did not start:\n{self._log.read_text()[-2000:]}")
            _pause(LOOK_S)

    def kill(self) -> None:
        """By SIGKILL, at once."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def stop(self) -> None:
        """In the orderly way; harmless where it does not run."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()


class Elsewhere:
    """A server that an init system or `anju parts` starts again; pid_file says who it is now."""

    def __init__(self, name: str, pid_file: Path, host: str, port: int) -> None:
        self._name, self._pid_file, self._address = name, pid_file, (host, port)
        self._killed = 0

    def kill(self) -> None:
        """By SIGKILL. Raises CannotRun where nobody says who it is."""
        self._killed = self._pid()
        os.kill(self._killed, signal.SIGKILL)

    def start(self) -> None:
        """Returns when another one takes connections. Raises CannotRun."""
        until = time.perf_counter() + READY_S
        while self._pid() == self._killed or not listens(*self._address):
            if time.perf_counter() > until:
                raise CannotRun(f"nobody started {self._name} again within {READY_S:.0f} s")
            _pause(LOOK_S)

    def _pid(self) -> int:
        try:
            return int(self._pid_file.read_text(encoding="ascii"))
        except (OSError, ValueError) as error:
            raise CannotRun(
                f"{self._pid_file} does not say which process {self._name} is, so it is not killed"
            ) from error


def _pause(seconds: float) -> None:
    time.sleep(seconds)  # noqa: TID251 - real processes live in real time
