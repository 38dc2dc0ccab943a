"""Waiting for real processes: the only place of the tests that sleeps.

What runs on a virtual clock needs none of this.
"""

import time
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")
PAUSE_S: Final = 0.02


def eventually(look: Callable[[], T], within_s: float = 10.0, what: str = "") -> T:
    """What `look` answers as soon as it is true; raises TimeoutError with the last answer."""
    deadline_s = time.monotonic() + within_s
    while True:
        answer = look()
        if answer:
            return answer
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"{what or 'it'} did not come within {within_s} s; last: {answer!r}")
        time.sleep(PAUSE_S)
