"""`anju db backup` and `restore` of the readings: a second file beside that of the store."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

from anju.errors import CannotRun
from cloud.settings import CloudSettings
from cloud.storage.unit import Work
from cloud.timeseries.embedded import DuckSeries
from cloud.timeseries.errors import Unavailable
from cloud.timeseries.model import Keeping
from cloud.timeseries.requests import copy_readings, request, withdraw

SUFFIX: Final = ".readings.duckdb"
WAIT_S: Final = 900.0
LOOK_S: Final = 0.5
SIDE_FILE: Final = ".wal"


class Ask(Protocol):
    """Runs a transaction in the store, which the platform may hold as well."""

    def __call__(self, fn: Callable[[Work], Any]) -> Any:
        """What fn makes of it, committed."""


class Readings:
    """The readings of an installation. Where they are in InfluxDB, that has its own backup, and
    nothing is done here but say so."""

    def __init__(self, settings: CloudSettings) -> None:
        self._influx, self._file = settings.timeseries.influx, settings.readings
        self._folder = settings.data_dir

    def save(self, beside: Path, ask: Ask) -> dict[str, Any]:
        """A copy as of one instant, beside a backup of the store; what is told of it. A platform
        that runs makes it itself, because it alone may hold the file. Raises CannotRun."""
        if self._influx is not None:
            return self._elsewhere()
        if not self._file.exists():
            return {"readings": None, "note": "there are no readings yet"}
        made = self._folder / f"copy-{os.getpid()}{SUFFIX}"
        try:
            _copy(self._file, made)
        except Unavailable:
            _ask_platform(made, ask)
        to = beside.with_suffix(SUFFIX)
        shutil.move(made, to)
        return {"readings": {"file": str(to), "bytes": to.stat().st_size}}

    def prepare(self, beside: Path) -> Path | None:
        """What is to be restored, looked over, where it only needs its name; None where the backup
        has none. Raises CannotRun."""
        saved = beside.with_suffix(SUFFIX)
        if self._influx is not None or not saved.is_file():
            return None
        fresh = self._file.with_suffix(".restoring")
        _remove(fresh)
        shutil.copyfile(saved, fresh)
        series = DuckSeries(fresh, Keeping())
        try:
            series.open()
        except Unavailable as error:
            raise CannotRun(f"{saved} is no sound copy of readings: {error}") from error
        finally:
            series.close()
        return fresh

    def put(self, fresh: Path | None, aside: Path) -> dict[str, Any]:
        """What `prepare` has made in the place of what is there, which is set aside."""
        if self._influx is not None:
            return self._elsewhere()
        if fresh is None:
            return {"readings": None, "note": "the backup has no readings; those of now stay"}
        before = aside.with_name(aside.name + SUFFIX)
        for ending in ("", SIDE_FILE):
            file = self._file.with_name(self._file.name + ending)
            if file.exists():
                file.replace(before.with_name(before.name + ending))
        fresh.replace(self._file)
        return {"readings": {"file": str(self._file), "bytes": self._file.stat().st_size}}

    def _elsewhere(self) -> dict[str, Any]:
        influx = self._influx
        assert influx is not None  # noqa: S101 - asked before
        note = f"readings are in InfluxDB at {influx.url}: save and restore its buckets there"
        buckets = [influx.bucket + part for part in ("", "_hours", "_applied")]
        return {"readings": {"influx": influx.url, "buckets": buckets}, "note": note}


@contextmanager
def held_by_nobody(settings: CloudSettings, ask: Ask) -> Iterator[Path]:
    """The file of readings; of one that a running platform holds a copy, which goes afterwards.
    Raises CannotRun."""
    series = DuckSeries(settings.readings, Keeping())
    try:
        series.open()
    except Unavailable:
        made = settings.data_dir / f"copy-{os.getpid()}{SUFFIX}"
        _ask_platform(made, ask)
        try:
            yield made
        finally:
            _remove(made)
    else:
        series.close()
        yield settings.readings


def _copy(file: Path, to: Path) -> None:
    series = DuckSeries(file, Keeping())
    try:
        series.open()
        series.copy(to)
    finally:
        series.close()


def _ask_platform(to: Path, ask: Ask) -> None:
    asked: str = ask(lambda work: copy_readings(work, str(to)))
    until = time.perf_counter() + WAIT_S
    trouble = None
    while time.perf_counter() < until and trouble is None:
        told = ask(lambda work: request(work, asked))
        if told is None or told.done_ms is not None:
            return
        trouble = told.trouble
        time.sleep(LOOK_S)  # noqa: TID251 - real processes live in real time
    ask(lambda work: withdraw(work, asked))
    why = trouble or f"not within {WAIT_S:.0f} s"
    raise CannotRun(f"the platform that runs could not copy its readings: {why}")


def _remove(file: Path) -> None:
    for ending in ("", SIDE_FILE):
        file.with_name(file.name + ending).unlink(missing_ok=True)
