"""What systemd hears of us."""

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from anju.systemd import Systemd
from cloud.observe import Counters
from cloud.pumps import Runner, Signal
from tests.cloud.stores import HandClock


@pytest.fixture
def ears(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ears:
        ears.bind(str(tmp_path / "notify"))
        ears.settimeout(5)
        yield ears


def heard(ears: socket.socket) -> str:
    return ears.recv(100).decode()


def test_ready_alive_and_going_are_said(ears: socket.socket) -> None:
    environment = {"NOTIFY_SOCKET": ears.getsockname(), "WATCHDOG_USEC": "30000"}

    with Systemd(lambda: True, environment):
        assert heard(ears) == "READY=1"
        assert heard(ears) == "WATCHDOG=1"
        assert heard(ears) == "WATCHDOG=1"

    while (last := heard(ears)) == "WATCHDOG=1":
        pass
    assert last == "STOPPING=1"


def test_a_process_that_stands_still_is_not_reported_alive(ears: socket.socket) -> None:
    systemd = Systemd(lambda: False, {"NOTIFY_SOCKET": ears.getsockname()})

    systemd.ping()
    systemd.tell("STATUS=the next that is said")

    assert heard(ears) == "STATUS=the next that is said"


class Hanging:
    """A pump whose turn ends when the test does."""

    def __init__(self) -> None:
        self.name, self.signal = "hanging", Signal()
        self.has_begun, self.may_end = threading.Event(), threading.Event()

    def run_once(self, now_ms: int) -> int | None:
        self.has_begun.set()
        self.may_end.wait(60)
        return None


def test_a_pump_that_hangs_ends_the_signs_of_life(ears: socket.socket) -> None:
    clock, pump = HandClock(), Hanging()
    counters = Counters(clock)
    runner = Runner(pump, clock, counters)
    systemd = Systemd(lambda: not counters.stuck(), {"NOTIFY_SOCKET": ears.getsockname()})
    runner.start()
    assert pump.has_begun.wait(10)

    clock.pass_s(29)
    systemd.ping()
    clock.pass_s(2)
    systemd.ping()
    systemd.tell("STATUS=the next that is said")

    assert [heard(ears), heard(ears)] == ["WATCHDOG=1", "STATUS=the next that is said"]
    pump.may_end.set()
    runner.stop()


def test_a_watchdog_that_waits_for_another_process_is_left_to_it(ears: socket.socket) -> None:
    other = {"WATCHDOG_USEC": "3000", "WATCHDOG_PID": str(os.getpid() + 1)}

    with Systemd(lambda: True, {"NOTIFY_SOCKET": ears.getsockname(), **other}):
        assert heard(ears) == "READY=1"

    assert heard(ears) == "STOPPING=1"


def test_without_systemd_or_with_one_that_is_gone_nothing_happens(tmp_path: Path) -> None:
    for environment in ({}, {"NOTIFY_SOCKET": str(tmp_path / "nobody")}):
        with Systemd(lambda: True, environment) as systemd:
            systemd.ping()
