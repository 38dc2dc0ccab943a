"""How a command that runs until it is stopped is stopped. A gateway has this and no platform."""

import os
import signal
import threading
from types import FrameType
from typing import Self

from anju.output import progress


class Stop:
    """Waits for SIGTERM or Ctrl-C. A second one ends the process where it stands."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def __enter__(self) -> Self:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def is_asked(self) -> bool:
        """Whether somebody has asked for the end."""
        return self._asked.is_set()

    def wait(self, timeout_s: float | None = None) -> None:
        """Until somebody asks for the end, or the time is over."""
        self._asked.wait(timeout_s)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._asked.is_set():
            progress("anju: ended at once; what was acknowledged is stored")
            os._exit(128 + number)
        self._asked.set()
        progress("anju: finishing what is under way; once more ends it at once")
