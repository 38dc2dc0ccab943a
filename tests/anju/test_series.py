"""`anju series`: the readings of a home from the command line."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from anju.cli import main
from cloud.timeseries.embedded import DuckSeries
from cloud.timeseries.model import Keeping, Place, Sheet, span_at
from contract.messages import Batch, DeviceRows, Row

HOME = "ho-1"


class Desk:
    """An installation with three readings of one home."""

    def __init__(self, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.data, self._capsys = data, capsys
        self("db", "upgrade")
        now_ms = int(time.time() * 1000)  # noqa: TID251 - the command looks at the clock
        series = DuckSeries(data / "readings.duckdb", Keeping())
        series.open()
        rows = [Row(-n * 1000, n, "temperature", 20.0 + n) for n in (1, 2, 3)]
        batch = Batch("gw-1", "j-1", "b-1", "data", now_ms, now_ms, [DeviceRows("z2m:0x1", rows)])
        sheet = Sheet(series.applied, span_at(now_ms, 30))
        sheet.take(batch, lambda _gateway, uid: Place(HOME, uid))
        series.write(sheet)
        series.close()

    def __call__(self, *words: str, code: int = 0) -> Any:
        """The document."""
        got = main(["--quiet", *words, "--data", str(self.data), "--json"])
        captured = self._capsys.readouterr()
        assert got == code, captured
        return json.loads(captured.out)


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path / "var", capsys)


def test_the_last_readings_of_a_home_are_shown(desk: Desk) -> None:
    [last] = desk("series", "last", HOME)["readings"]

    assert (last["measurement"], last["value"]) == ("temperature", 21.0)


def test_all_readings_of_a_home_go_into_a_file(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "readings.csv"

    told = desk("series", "export", HOME, str(file))

    assert told["bytes"] == file.stat().st_size
    assert sorted(line.split(",")[5] for line in file.read_text().splitlines()[1:]) == [
        "21.0",
        "22.0",
        "23.0",
    ]


def test_no_file_is_overwritten_by_readings(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "kept"
    file.write_text("of somebody")

    assert "cannot be written" in desk("series", "export", HOME, str(file), code=2)["error"]

    assert file.read_text() == "of somebody"


def test_erasing_is_asked_for_and_in_the_audit(desk: Desk) -> None:
    asked = desk("series", "erase", HOME)["request"]

    assert asked.startswith("sr-")
    assert desk("db", "check")["audit_head"].startswith("1:")
