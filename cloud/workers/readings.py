"""What housekeeping does with readings: makes their hours, and does what is asked of them."""

from collections.abc import Callable, Mapping
from pathlib import Path

from cloud.storage.store import Store
from cloud.timeseries.embedded import DuckSeries
from cloud.timeseries.port import TimeSeries
from cloud.timeseries.requests import Kind, carry_out
from cloud.timeseries.tiers import turn
from cloud.workers.housekeeping import Chore


def chores(store: Store, series: TimeSeries) -> Mapping[str, Chore]:
    """By name. A file can be copied by who holds it; a server has its own backup."""
    do: dict[Kind, Callable[[str], None]] = {Kind.ERASE: series.erase}
    if isinstance(series, DuckSeries):
        do[Kind.COPY] = lambda file: series.copy(Path(file))
    return {
        "readings": Chore(3600, lambda now_ms: turn(series, now_ms)),
        "asked": Chore(10, lambda now_ms: carry_out(store, do, now_ms)),
    }
