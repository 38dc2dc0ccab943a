"""Is this process ready, which part is not, and what to do about it."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from cloud.observe.counters import Counters, Promise

LATE_AFTER: Final = 2.5  # intervals without a sweep
PUMPS: Final = "pumps"
_BROKER: Final = (
    "the broker does not answer this connection: see that it runs, that [broker] of the"
    " configuration names it, and that its log refuses nothing; we go on trying"
)
_ELSEWHERE: Final = (
    "another process on this store does it, and this one waits for its end: nothing to do where"
    " that one is ready; else end it"
)
TO_DO: Final[Mapping[str, str]] = {
    "store": (
        "the store takes no transaction: make room on its disk, mend the rights of data_dir, or"
        " see to the database server"
    ),
    "alarms": _BROKER,
    "data": _BROKER,
    "down": _BROKER,
    "ingest": _ELSEWHERE,
    "workers": _ELSEWHERE,
    "consoles": _ELSEWHERE,
    PUMPS: (
        "something here stands still: systemd restarts the process where WatchdogSec is set;"
        " else restart it, and keep the log"
    ),
}
OTHERWISE: Final = "see the log of this process"


class Sweeping(Struct, frozen=True):
    """The heartbeat of one sweep of housekeeping. age_s: since its last success, or the start."""

    age_s: int
    every_s: int
    is_late: bool


class Ready(Struct, frozen=True):
    """Which parts there are, what to do about those that are not, what is in trouble (since when,
    how often), which pumps stand still, and whether housekeeping does its work."""

    ok: bool
    parts: dict[str, bool]
    to_do: dict[str, str]
    troubles: dict[str, dict[str, int]]
    stuck: list[str]
    housekeeping: dict[str, Sweeping]


def readiness(parts: Mapping[str, bool], counters: Counters, now_ms: int) -> Ready:
    """Late housekeeping is shown and alarmed, but no reason to send anybody elsewhere."""
    stuck = counters.stuck()
    every = {**parts, PUMPS: not stuck}
    _, troubles, turned = counters.snapshot()
    return Ready(
        ok=all(every.values()),
        parts=every,
        to_do={
            name: TO_DO.get(name, OTHERWISE) for name, is_there in every.items() if not is_there
        },
        troubles={name: {"at_ms": t.at_ms, "count": t.times} for name, t in troubles.items()},
        stuck=stuck,
        housekeeping={
            name: _sweeping(promise, turned.get(name, promise.since_ms), now_ms)
            for name, promise in counters.promises().items()
        },
    )


def _sweeping(promise: Promise, last_ms: int, now_ms: int) -> Sweeping:
    age_s = max(0, now_ms - last_ms) // 1000
    return Sweeping(age_s, promise.every_s, age_s > LATE_AFTER * promise.every_s)
