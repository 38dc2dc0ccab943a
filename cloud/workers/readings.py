"""What housekeeping does with readings: makes their hours, and does what is asked of them."""

from collections.abc import Callable, Mapping
from pathlib import Path

from cloud.registry.events import HomeForgotten
from cloud.storage.store import Store
from cloud.storage.unit import Work
from cloud.timeseries.embedded import DuckSeries
from cloud.timeseries.port import TimeSeries
from cloud.timeseries.requests import Kind, carry_out, erase_home_readings
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


def forget_readings(work: Work, event: HomeForgotten) -> None:
    """With the home. Two people have decided it, and the audit has it of them."""
    erase_home_readings(work, event.home_id)
