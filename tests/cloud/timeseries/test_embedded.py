"""What only a file can do to us: be held by another process, be killed with it, be full."""

import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from threading import Thread

import pytest

from cloud.durable.received import LaneKey
from cloud.timeseries.embedded import DuckSeries
from cloud.timeseries.errors import Unavailable
from cloud.timeseries.model import Keeping, Place, Sheet, span_at
from contract.intervals import highest
from contract.lanes import Lane
from contract.messages import Batch, DeviceRows, Row

LANE = LaneKey("gw-1", "j-1", Lane.DATA)
NOW = 1_795_000_000_000
# Writes for ever, and says each number once it is acknowledged.
WRITER = """
import sys
from pathlib import Path
from cloud.timeseries.embedded import DuckSeries
from cloud.timeseries.model import Keeping, Place, Sheet, span_at
from contract.messages import Batch, DeviceRows, Row
series, now = DuckSeries(Path(sys.argv[1]), Keeping(30)), int(sys.argv[2])
series.open()
print("open", flush=True)
for first in range(1, 10**9, 20):
    rows = [Row(-n % 1000, n, "temperature", n) for n in range(first, first + 20)]
    sheet = Sheet(series.applied, span_at(now, 30))
    batch = Batch("gw-1", "j-1", "b-1", "data", now, now, [DeviceRows("z2m:0x1", rows)])
    sheet.take(batch, lambda _gateway, uid: Place("ho-1", uid))
    series.write(sheet)
    print(first + 19, flush=True)
"""


def writer(path: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", WRITER, str(path), str(NOW)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    return process


def test_rows_and_intervals_agree_after_a_kill_and_nothing_acknowledged_is_lost(
    tmp_path: Path,
) -> None:
    path = tmp_path / "readings.duckdb"
    process = writer(path)
    assert process.stdout is not None
    told = [int(process.stdout.readline()) for _ in range(40)]
    process.send_signal(signal.SIGKILL)
    told += [int(line) for line in process.stdout.read().splitlines() if line]
    process.wait()
    process.stdout.close()

    series = DuckSeries(path, Keeping(30))
    series.open()

    applied = highest(series.applied(LANE))
    assert applied >= told[-1]
    kept = sorted(point.value for point in series.export("ho-1", NOW))
    assert kept == [float(n) for n in range(1, applied + 1)]
    series.close()


def test_a_file_that_another_process_holds_is_not_there(tmp_path: Path) -> None:
    process = writer(tmp_path / "readings.duckdb")
    series = DuckSeries(tmp_path / "readings.duckdb", Keeping(30))

    with pytest.raises(Unavailable, match="lock"):
        series.open()

    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
    series.open()
    series.close()


def test_a_process_that_has_not_opened_it_reads_nothing(tmp_path: Path) -> None:
    series = DuckSeries(tmp_path / "readings.duckdb", Keeping(30))

    with pytest.raises(Unavailable):
        series.last("ho-1", NOW)


def keep_writing(series: DuckSeries, firsts: Iterable[int]) -> None:
    """Twenty readings a time, by their own numbers."""
    for first in firsts:
        rows = [Row(-n % 1000, n, "temperature", n) for n in range(first, first + 20)]
        sheet = Sheet(series.applied, span_at(NOW, 30))
        batch = Batch("gw-1", "j-1", "b-1", "data", NOW, NOW, [DeviceRows("z2m:0x1", rows)])
        sheet.take(batch, lambda _gateway, uid: Place("ho-1", uid))
        series.write(sheet)


def test_a_copy_is_of_one_instant_while_writing_goes_on(tmp_path: Path) -> None:
    series = DuckSeries(tmp_path / "readings.duckdb", Keeping(30))
    series.open()
    keep_writing(series, range(1, 10_001, 20))
    going = Thread(target=keep_writing, args=(series, range(10_001, 14_001, 20)))
    going.start()

    series.copy(tmp_path / "copy.duckdb")

    going.join()
    copied = DuckSeries(tmp_path / "copy.duckdb", Keeping(30))
    copied.open()
    upto = highest(copied.applied(LANE))
    kept = sorted(point.value for point in copied.export("ho-1", NOW))
    assert kept == [float(n) for n in range(1, upto + 1)]
    assert upto >= 10_000
    assert highest(series.applied(LANE)) == 14_000
    copied.close()
    series.close()
