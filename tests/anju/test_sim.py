"""`anju sim day` as a person calls it."""

import gzip
import json
from pathlib import Path

import pytest

from anju.cli import main


def sim(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    code = main(["--quiet", "sim", "day", "--homes", "3", "--days", "2", *options])
    return code, capsys.readouterr().out


def test_two_runs_of_one_seed_print_the_same_figures(capsys):
    first, second, other = (
        json.loads(sim(capsys, "--json", "--seed", seed)[1]) | {"seconds": 0} for seed in "112"
    )

    assert first == second
    assert first["homes"] != other["homes"]
    assert (len(first["homes"]), first["days"], first["real"]) == (3, 2, {})
    assert first["messages"] > 3 * 2 * 245


def test_a_table_shows_the_town_beside_real_homes(capsys, tmp_path: Path):
    record(tmp_path)

    code, out = sim(capsys, "--real", str(tmp_path))

    assert code == 0
    lines = {line.split()[0]: line.split()[1:] for line in out.splitlines()[3:]}
    assert lines["toilets_a_day"][1] == "1.0"
    assert lines["sightings_a_day"][1] == "72"
    assert lines["room_changes_a_day"][1] == "72"


def record(folder: Path) -> None:
    """Three days, every 20 minutes a sighting, in turn in two rooms; one labelled visit a day."""
    events, labels = ["ts_local,sensor,room,kind,value"], ["start_local,end_local,activity"]
    for day in (1, 2, 3):
        for n in range(72):
            at = f"2020-03-{day:02}T{n // 3:02}:{n % 3 * 20:02}:00.000"
            events.append(f"{at},s{n % 2},r{n % 2},motion,ON")
        labels.append(f"2020-03-{day:02}T08:00:00.000,2020-03-{day:02}T08:02:00.000,Toilet")
    for name, lines in (("x_events", events), ("x_labels", labels)):
        with gzip.open(folder / f"{name}.csv.gz", "wt", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")


def test_a_folder_without_records_is_named(tmp_path: Path, capsys):
    assert main(["sim", "day", "--homes", "1", "--days", "1", "--real", str(tmp_path)]) == 2
    assert "no file in" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--homes", "41"], ["--homes", "0"], ["--days", "x"]])
def test_a_town_too_large_and_no_number_are_refused(option, capsys):
    with pytest.raises(SystemExit):
        main(["sim", "day", *option])
    assert "expected 1 to" in capsys.readouterr().err
