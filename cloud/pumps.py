"""Pumps: everything active is a `run_once` that says when it wants to run again. No hidden loops,
no sleeps.

In production a Runner turns a pump in a thread of its own; in simulation a scheduler turns the
same pumps on a virtual clock.
"""

import logging
import threading
from typing import Final, Protocol

from cloud.clock import Clock
from cloud.observe import Counters

log = logging.getLogger(__name__)
TROUBLE_PAUSE_S: Final = 0.5
IDLE_S_MAX: Final = 5.0  # also the beat that watchdogs see of a pump with nothing to do


class Signal:
    """Wakes a pump: set by producers from any thread."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """There is something to do."""
        self._event.set()

    def wait(self, timeout_s: float) -> None:
        """Until set or the time is over; clears it."""
        self._event.wait(timeout_s)
        self._event.clear()


def due_within(due_ms: int, now_ms: int, wait_ms_max: int) -> int:
    """A wall clock that was set back must not make anything wait longer."""
    return due_ms if due_ms - now_ms <= wait_ms_max else now_ms


class Pump(Protocol):
    """Something active."""

    name: str
    signal: Signal

    def run_once(self, now_ms: int) -> int | None:
        """Do what is due; return when it is next due (epoch ms), or None to wait for the signal."""


class Runner:
    """Turns one pump in one thread until stopped. The only place where any exception is caught."""

    def __init__(self, pump: Pump, clock: Clock, counters: Counters) -> None:
        self._pump, self._clock, self._counters = pump, clock, counters
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=pump.name, daemon=True)

    def start(self) -> None:
        """Begin turning."""
        self._counters.beat(self._pump.name)
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Finish the turn under way and end. Safe to call twice."""
        self._stopping.set()
        self._pump.signal.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stopping.is_set():
            due_ms = self._turn()
            self._counters.beat(self._pump.name)  # alive, well or not
            wait_s = IDLE_S_MAX if due_ms is None else (due_ms - self._clock.now_ms()) / 1000
            if wait_s > 0:
                self._pump.signal.wait(min(wait_s, IDLE_S_MAX))
        self._counters.leaves(self._pump.name)

    def _turn(self) -> int | None:
        now_ms = self._clock.now_ms()
        try:
            due_ms = self._pump.run_once(now_ms)
        except Exception as error:  # the one place: count it, tell health, go on
            log.exception("pump %s failed; it goes on", self._pump.name)
            self._counters.trouble(self._pump.name, str(error), now_ms)
            return now_ms + int(TROUBLE_PAUSE_S * 1000)
        self._counters.turned(self._pump.name, now_ms)
        return due_ms
