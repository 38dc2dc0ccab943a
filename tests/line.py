"""A line that loses every packet without a word: two network namespaces, joined by one cable.

Nothing outside them is touched. Who is started `inside` an end stays there: its threads, its
sockets, its processes. Needs root, and `ip` of iproute2.
"""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

import pytest

from tests.needs import require

NEAR: Final = "10.77.0.1"  # where the broker listens
FAR: Final = "10.77.0.2"
NOBODY: Final = "02:00:00:00:00:00"  # frames for this address are for nobody at the other end
CLONE_NEWNET: Final = 0x40000000
_libc: Final = ctypes.CDLL(None, use_errno=True)


class Line:
    """Up when made. near, far: the names of its ends."""

    def __init__(self, ends: ExitStack) -> None:
        self._ip = require("iproute2")
        self.near, self.far = (f"anju-{os.getpid()}-{each}" for each in ("near", "far"))
        for name in (self.near, self.far):
            self._run("netns", "add", name)
            ends.callback(self._run, "netns", "del", name)
            self._run("-n", name, "link", "set", "lo", "up")
        cable = ("link", "add", "line", "type", "veth", "peer", "name", "line", "netns", self.far)
        self._run("-n", self.near, *cable)
        for name, address in ((self.near, NEAR), (self.far, FAR)):
            self._run("-n", name, "address", "add", f"{address}/24", "dev", "line")
            self._run("-n", name, "link", "set", "line", "up")
        self._cards = [self._card_of(name) for name in (self.near, self.far)]
        self.mend()

    def cut(self) -> None:
        """From now on packets of both directions get lost; neither end is told."""
        self._address(NOBODY, NOBODY)

    def mend(self) -> None:
        """They arrive again."""
        self._address(*self._cards)

    def _address(self, of_near: str, of_far: str) -> None:
        for name, address, card in ((self.far, NEAR, of_near), (self.near, FAR, of_far)):
            entry = (address, "lladdr", card, "dev", "line", "nud", "permanent")
            self._run("-n", name, "neigh", "replace", *entry)

    def _card_of(self, name: str) -> str:
        shown = self._run("-n", name, "-brief", "link", "show", "dev", "line")
        return shown.split()[2]

    def _run(self, *words: str) -> str:
        done = subprocess.run(
            [self._ip, *words], capture_output=True, text=True, check=True, timeout=10
        )
        return done.stdout


@contextmanager
def inside(end: str) -> Iterator[None]:
    """This thread is at that end of the line, and so is whatever it starts."""
    with open("/proc/thread-self/ns/net", "rb") as home, open(f"/run/netns/{end}", "rb") as there:
        _enter(there.fileno())
        try:
            yield
        finally:
            _enter(home.fileno())


def _enter(descriptor: int) -> None:
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


@pytest.fixture
def line() -> Iterator[Line]:
    with ExitStack() as ends:
        yield Line(ends)
