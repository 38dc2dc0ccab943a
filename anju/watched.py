"""A server as a child process that is started again when it dies, and gone when we go."""

import logging
import threading
from pathlib import Path
from typing import Final, Protocol

from anju.errors import CannotRun

log = logging.getLogger(__name__)
PAUSE_S_MAX: Final = 10.0
STOP_S: Final = 60.0


class Server(Protocol):
    """A program that serves. The thread that starts it must outlive it."""

    @property
    def pid(self) -> int | None:
        """The running child's, None where there is none."""

    def start(self) -> None:
        """Returns when it serves. Raises CannotRun."""

    def stop(self) -> None:
        """In the orderly way. Safe to call at any time."""

    def wait(self) -> int:
        """Until it ends; its exit code."""


class Watched:
    """`start()` returns when it serves; restarted until `stop()`. pid_file: says who it is now."""

    def __init__(self, name: str, server: Server, pid_file: Path | None = None) -> None:
        self._name, self._server, self._pid_file = name, server, pid_file
        self._up, self._stopping = threading.Event(), threading.Event()
        self._failure: CannotRun | None = None
        self._thread = threading.Thread(target=self._watch, name=name, daemon=True)
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """The child's, None while there is none."""
        return self._server.pid

    def start(self) -> None:
        """Raises CannotRun with a sentence that says what to do."""
        self._thread.start()
        self._up.wait()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """In the orderly way, for good. Safe to call at any time."""
        self._stopping.set()
        self._server.stop()
        if self._thread.is_alive():
            self._thread.join(STOP_S)

    def _watch(self) -> None:
        """Starts the child and lives as long: the child's leash is tied to this thread."""
        try:
            self._begin()
        except CannotRun as error:
            self._failure = error
            return
        finally:
            self._up.set()
        while not self._stopping.is_set():
            code = self._server.wait()
            if not self._stopping.is_set():
                log.warning("%s ended with code %d; starting it again", self._name, code)
                self._start_again()
        self._server.stop()

    def _start_again(self) -> None:
        pause_s = 0.0
        while not self._stopping.wait(pause_s):
            try:
                self._begin()
            except CannotRun as error:
                pause_s = min(PAUSE_S_MAX, 2 * pause_s + 0.5)
                log.error("%s; next attempt in %.1f s", error, pause_s)
            else:
                self.restarts += 1
                return

    def _begin(self) -> None:
        self._server.start()
        if self._pid_file is not None:
            new = self._pid_file.with_suffix(".new")
            new.write_text(f"{self._server.pid}\n", encoding="ascii")
            new.replace(self._pid_file)  # never half written for who reads it now
