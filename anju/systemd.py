"""What systemd wants to hear of a service of Type=notify: ready, alive, going. Silent elsewhere.

The protocol: datagrams to the socket that NOTIFY_SOCKET names, see sd_notify(3); within
WATCHDOG_USEC one WATCHDOG=1 must come, see systemd.service(5).
"""

import os
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Final, Self

PINGS: Final = 3  # in the time that systemd waits, so that a late one is no death


class Systemd:
    """From `with` to its end. is_well: whether every pump beats; a process that stands still is no
    longer reported alive, and systemd starts it anew."""

    def __init__(
        self, is_well: Callable[[], bool], environment: Mapping[str, str] = os.environ
    ) -> None:
        self._is_well = is_well
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        is_ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        patience_s = int(environment.get("WATCHDOG_USEC", "0")) / 1e6 if is_ours else 0.0
        self._every_s = patience_s / PINGS
        self._has_ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="systemd", daemon=True)

    def __enter__(self) -> Self:
        self.tell("READY=1")
        if self._address and self._every_s:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.tell("STOPPING=1")
        self._has_ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def ping(self) -> None:
        """One sign of life, where there is life."""
        if self._is_well():
            self.tell("WATCHDOG=1")

    def tell(self, text: str) -> None:
        """Without waiting: a service manager that does not listen stops nothing here."""
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to:
            to.setblocking(False)
            try:
                to.sendto(text.encode(), self._address)
            except OSError:
                return

    def _run(self) -> None:
        while not self._has_ended.wait(self._every_s):
            self.ping()
