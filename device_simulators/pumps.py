"""What is active in the simulators: a `run_once` that says when it is next due, and its thread."""

import logging
import threading
from typing import Final, Protocol

from device_simulators.clock import Clock

log = logging.getLogger(__name__)
TROUBLE_PAUSE_MS: Final = 1_000
IDLE_S_MAX: Final = 60.0


class Pump(Protocol):
    """Something active."""

    def run_once(self, now_ms: int) -> int:
        """Do what is due; return when it is next due (epoch ms)."""


class Runner:
    """Turns one pump until stopped. The only place where any exception is caught."""

    def __init__(self, name: str, pump: Pump, clock: Clock) -> None:
        self._pump, self._clock = pump, clock
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin turning."""
        self._thread.start()

    def wake(self) -> None:
        """Something may be due earlier than it said."""
        self._wake.set()

    def stop(self) -> None:
        """Finish the turn under way and end. Safe to call twice."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            due_ms = self._turn()
            wait_s = (due_ms - self._clock.now_ms()) / 1000
            if wait_s > 0:
                self._wake.wait(min(wait_s, IDLE_S_MAX))
            self._wake.clear()

    def _turn(self) -> int:
        now_ms = self._clock.now_ms()
        try:
            return self._pump.run_once(now_ms)
        except Exception:
            log.exception("%s failed; it goes on", self._thread.name)
            return now_ms + TROUBLE_PAUSE_MS
