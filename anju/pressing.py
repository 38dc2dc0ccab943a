"""What benches of a press share: an operator's page, and figures of what it took."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from anju.rig import Rig
from device_simulators.people import Feed, Person

SEEN_S: Final = 20.0


def shows(page: Feed, home: str, presses: int) -> None:
    """Wait until a home's alarm has so many presses. Raises TooLong."""

    def find(things: dict[str, dict[str, Any]]) -> bool | None:
        for alarm in things["alarms"].values():
            where = alarm["home"]
            if where is not None and where["id"] == home and alarm["presses"] >= presses:
                return True
        return None

    page.until(find, SEEN_S)


def presses_shown(page: Feed) -> Counter[str]:
    """Home -> presses of its open alarms, which an installation may have from an earlier run."""
    shown: Counter[str] = Counter()
    for alarm in page.things["alarms"].values():
        if alarm["home"] is not None:
            shown[alarm["home"]["id"]] += alarm["presses"]
    return shown


@contextmanager
def console(rig: Rig) -> Iterator[Feed]:
    """An operator's page."""
    operator = Person(rig.url)
    operator.use_link(rig.link("operator"))
    feed = operator.follow()
    try:
        yield feed
    finally:
        feed.close()
        operator.leave()


def figures(ms: Sequence[float]) -> dict[str, float]:
    """Count, median, p90, p99, the longest; of nothing only the count."""
    if not ms:
        return {"count": 0}
    ordered = sorted(ms)

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 2)

    return {
        "count": len(ordered),
        "p50_ms": at(0.5),
        "p90_ms": at(0.9),
        "p99_ms": at(0.99),
        "max_ms": round(ordered[-1], 2),
    }
