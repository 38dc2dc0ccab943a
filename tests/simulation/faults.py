"""Where a call may fail or a process die: each such place asks here first.

A fault is armed for the n-th call of a place. Nothing is drawn here, so that a seed replays.
"""

from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

T = TypeVar("T")


class Place(StrEnum):
    """A call whose failure, or the death of whose caller, must lose and double nothing."""

    JOURNAL_COMMIT = "journal commit"
    LINK_PUBLISH = "link publish"
    LINK_SETTLE = "link settle"
    STORE_COMMIT = "store commit"
    SOURCE_SETTLE = "source settle"
    SOURCE_PUBLISH = "source publish"


class Mode(StrEnum):
    """What happens at the call. A failure after the deed: it is done, and the caller is told that
    it is not."""

    FAIL = "fails"
    FAIL_AFTER = "fails after the deed"
    DIE = "dies before it"
    DIE_AFTER = "dies after it"


class Killed(BaseException):
    """The process is gone at this instant; whatever catches exceptions must not stop it."""


class Faults:
    """Counts the calls of each place; carries out what is armed, once."""

    def __init__(self) -> None:
        self.calls: Counter[Place] = Counter()
        self.fired: list[str] = []
        self._armed: dict[Place, tuple[int, Mode]] = {}

    def arm(self, place: Place, nth: int, mode: Mode) -> None:
        """At the nth call from now on; replaces what was armed there."""
        self._armed[place] = (self.calls[place] + nth, mode)

    def disarm(self) -> None:
        """Nothing fails from now on."""
        self._armed.clear()

    def call(self, place: Place, do: Callable[[], T], fail: Callable[[], T]) -> T:
        """`do()`, unless something is armed for this call. fail: how this call fails, as its port
        says: an answer or an exception."""
        self.calls[place] += 1
        nth, mode = self._armed.get(place, (0, Mode.FAIL))
        if nth != self.calls[place]:
            return do()
        del self._armed[place]
        self.fired.append(f"{place} {nth} {mode}")
        match mode:
            case Mode.FAIL:
                return fail()
            case Mode.FAIL_AFTER:
                do()
                return fail()
            case Mode.DIE:
                raise Killed(place)
            case Mode.DIE_AFTER:
                do()
                raise Killed(place)
