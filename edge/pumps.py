"""Pumps: everything active is a `run_once` that says when it wants to run again. No hidden loops,
no sleeps.

In production a Runner turns a pump in a thread of its own; in simulation a scheduler turns the same
pumps on a virtual clock. All waits are on the monotonic clock.
"""

import logging
import threading
from typing import Final, Protocol

from edge.clock import Clock, Now
from edge.health import Health

log = logging.getLogger(__name__)
TROUBLE_PAUSE_MS: Final = 500
IDLE_S_MAX: Final = 5.0  # also the beat that watchdogs see of a pump with nothing to do


class Signal(Protocol):
    """Wakes a pump: set by producers from any thread."""

    def set(self) -> None:
        """There is something to do."""

    def wait(self, timeout_s: float) -> None:
        """Until set, or the time is over; clears it."""


class EventSignal:
    """A signal for a pump that waits for nothing but its producers."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """See Signal."""
        self._event.set()

    def wait(self, timeout_s: float) -> None:
        """See Signal."""
        self._event.wait(timeout_s)
        self._event.clear()


class Pump(Protocol):
    """Something active."""

    @property
    def name(self) -> str:
        """For threads, counters and logs."""

    @property
    def signal(self) -> Signal:
        """What wakes it."""

    def run_once(self, now: Now) -> int | None:
        """Do what is due; return when it is next due (monotonic ms), or None to wait for the
        signal."""

    def drain(self, now: Now) -> bool:
        """One turn while stopping: finish what was taken. True when nothing is left to finish."""

    def close(self) -> None:
        """Let go of files and connections. Called once, in the pump's own thread."""


class Runner:
    """Turns one pump in one thread until stopped. The only place where any exception is caught."""

    def __init__(self, pump: Pump, clock: Clock, health: Health) -> None:
        self._pump, self._clock, self._health = pump, clock, health
        self._stopping = threading.Event()
        self._drain_s = 0.0
        self._thread = threading.Thread(target=self._run, name=pump.name, daemon=True)

    def start(self) -> None:
        """Begin turning."""
        self._health.expects(self._pump.name, self._clock.now())
        self._thread.start()

    def stop(self, drain_s: float = 5.0) -> None:
        """Finish what was taken, for at most `drain_s`, and end. Safe to call twice."""
        self._drain_s = drain_s
        self._stopping.set()
        self._pump.signal.set()
        if self._thread.is_alive():
            self._thread.join(drain_s + IDLE_S_MAX)

    def _run(self) -> None:
        while not self._stopping.is_set():
            due_ms = self._turn()
            wait_s = IDLE_S_MAX
            if due_ms is not None:
                wait_s = min(wait_s, (due_ms - self._clock.monotonic_ms()) / 1000)
            if wait_s > 0:
                self._pump.signal.wait(wait_s)
        self._drain()
        self._pump.close()
        self._health.leaves(self._pump.name)

    def _turn(self) -> int | None:
        now = self._clock.now()
        try:
            due_ms = self._pump.run_once(now)
        except Exception as error:  # noqa: BLE001 - the one place: count it, tell health, go on
            return self._trouble(error, now)
        self._health.turned(self._pump.name, now)
        return due_ms

    def _drain(self) -> None:
        until_ms = self._clock.monotonic_ms() + int(self._drain_s * 1000)
        while self._clock.monotonic_ms() < until_ms:
            now = self._clock.now()
            try:
                if self._pump.drain(now):
                    return
            except Exception as error:  # noqa: BLE001 - as above; stopping must end
                self._trouble(error, now)
                return
            self._pump.signal.wait(0.02)

    def _trouble(self, error: Exception, now: Now) -> int:
        log.error("pump %s failed; it goes on", self._pump.name, exc_info=error)
        self._health.trouble(self._pump.name, str(error) or type(error).__name__, now)
        return now.monotonic_ms + TROUBLE_PAUSE_MS
