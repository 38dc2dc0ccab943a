"""What to say next of data and health: what is new first, the backlog one message at a time. Pure.

A stretch of numbers is said, and said again, until the cloud's applied intervals cover it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from contract.intervals import Interval, covers, merged, minus
from edge.uplink.resend import PAUSES_MS

LIVE_EVERY_MS: Final = 1_000
LIVE_OPEN_MAX: Final = 4
Run = Literal["live", "backlog"]


class Wish(NamedTuple):
    """Say what is held between these two numbers, as much as one message takes."""

    first: int
    last: int
    run: Run


@dataclass(slots=True)
class _Flight:
    wish: Wish
    due_ms: int
    times: int
    token: int | None


class Pacer:
    """One lane on one connection."""

    def __init__(self) -> None:
        self._flights: list[_Flight] = []
        self._applied: tuple[Interval, ...] | None = None  # None: the cloud has not said yet
        self._floor = self._live_last = 0
        self._live_ms: int | None = None
        self._start_ms = 0

    def begin(self, highest: int, not_before_ms: int) -> None:
        """A new connection: what lies behind is backlog. Nothing is said before `not_before_ms`."""
        self._flights.clear()
        self._applied, self._floor, self._live_last = None, highest, highest
        self._live_ms, self._start_ms = None, not_before_ms

    def applied(self, intervals: Iterable[Interval]) -> None:
        """All that the cloud has."""
        had = merged(intervals)
        self._applied = had
        self._flights = [f for f in self._flights if not covers(had, f.wish[:2])]

    def confirmed(self, token: int) -> None:
        """The broker has answered for a message."""
        for flight in self._flights:
            if flight.token == token:
                flight.token = None

    def wish(self, highest: int, now_ms: int) -> Wish | None:
        """The next thing to say. highest: last number given in the journal."""
        if self._applied is None:
            return None
        self._set_back(now_ms)
        for flight in self._flights:
            if flight.token is None and flight.due_ms <= now_ms:
                return flight.wish
        return self._live(highest, now_ms) or self._backlog(now_ms)

    def said(self, wish: Wish, last: int, token: int, now_ms: int) -> None:
        """It was said, up to `last`."""
        flight = next((f for f in self._flights if f.wish == wish), None)
        if flight is None:
            flight = _Flight(wish._replace(last=last), 0, 0, None)
            self._flights.append(flight)
            if wish.run == "live":
                self._live_last = last
                self._live_ms = None
        flight.wish = wish._replace(last=last)
        flight.times += 1
        flight.due_ms = now_ms + PAUSES_MS[min(flight.times, len(PAUSES_MS)) - 1] * 2
        flight.token = token

    def next_ms(self, highest: int, now_ms: int) -> int | None:
        """When to ask again, where nothing else happens."""
        if self._applied is None:
            return None
        due = [f.due_ms for f in self._flights if f.token is None]
        if highest > self._live_last and self._live_room():
            soon_ms = max(now_ms + LIVE_EVERY_MS, self._start_ms)
            due.append(soon_ms if self._live_ms is None else self._live_ms)
        if self._backlog_wish() is not None:
            due.append(self._start_ms)
        return min(due, default=None)

    def _set_back(self, now_ms: int) -> None:
        """What was said live and is not applied in its time is backlog from then on: the rules may
        have it and only the time series not, so it must not stand in the way of what is new."""
        for flight in list(self._flights):
            if flight.wish.run == "live" and flight.token is None and flight.due_ms <= now_ms:
                self._flights.remove(flight)
                self._floor = max(self._floor, flight.wish.last)

    def _live(self, highest: int, now_ms: int) -> Wish | None:
        if highest <= self._live_last or not self._live_room():
            return None
        if self._live_ms is None:
            self._live_ms = max(now_ms + LIVE_EVERY_MS, self._start_ms)
        return Wish(self._live_last + 1, highest, "live") if self._live_ms <= now_ms else None

    def _live_room(self) -> bool:
        return sum(f.wish.run == "live" for f in self._flights) < LIVE_OPEN_MAX

    def _backlog(self, now_ms: int) -> Wish | None:
        return self._backlog_wish() if now_ms >= self._start_ms else None

    def _backlog_wish(self) -> Wish | None:
        if any(f.wish.run == "backlog" for f in self._flights):
            return None
        left = minus((1, self._floor), self._applied or ())
        return Wish(*left[0], "backlog") if left else None
