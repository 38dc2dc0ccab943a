"""`anju sim day`: days of the virtual town without a broker, their figures beside real homes'."""

import argparse
import csv
import gzip
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from anju.errors import CannotRun
from anju.output import Commands, add_json, show, table, up_to
from anju.paths import config_dir
from device_simulators import figures
from device_simulators.emergencies import DAY_MS
from device_simulators.errors import BadPlan
from device_simulators.figures import Sighting, Stretch
from device_simulators.life import HomeDay, Rates, live
from device_simulators.plan import HOMES_MAX, read_plan

EVENTS, LABELS = "_events.csv.gz", "_labels.csv.gz"
MOTION: Final = ("motion", "PIR")
SIGHTINGS_MIN: Final = 50  # a day; a home that has less is not watched by motion sensors
TOILET: Final = ("toilet", "use-toilet", "toileting", "bed_toilet_transition")
FIRST_DAY: Final = date(2026, 11, 23)  # a Monday
DAYS_MAX: Final = 366
SHOWN: Final = (
    "sightings_a_day",
    "room_changes_a_day",
    "toilets_a_day",
    "toilets_a_night",
    "toilet_min",
    "outings_a_day",
    "messages_a_day",
)


def add(commands: Commands) -> None:
    """The sub-command and its verb."""
    parser = commands.add_parser("sim", help="the virtual town on a clock of its own")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    day = verbs.add_parser("day", help="live some days and count them")
    day.add_argument("--homes", type=up_to(HOMES_MAX), default=HOMES_MAX, metavar="N")
    day.add_argument("--seed", type=int, default=1, metavar="S")
    day.add_argument(
        "--days", type=up_to(DAYS_MAX), default=14, metavar="N", help="from a Monday on"
    )
    day.add_argument("--real", type=Path, metavar="DIR", help="folder of records of real homes")
    add_json(day)
    day.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Raises CannotRun."""
    try:
        plan = read_plan(config_dir() / "demo" / "homes.yaml", args.homes)
    except BadPlan as error:
        raise CannotRun(str(error)) from error
    first = FIRST_DAY.toordinal() - date(1970, 1, 1).toordinal()
    start = time.perf_counter()
    town: dict[str, Mapping[int, HomeDay]] = {
        home.id: {
            day: live(home, day, args.seed, Rates()) for day in range(first, first + args.days)
        }
        for home in plan.homes
    }
    seconds = round(time.perf_counter() - start, 2)
    homes = {home_id: figures.of_days(lived) for home_id, lived in town.items()}
    days = [day for lived in town.values() for day in lived.values()]
    document = {
        "seed": args.seed,
        "days": args.days,
        "seconds": seconds,
        "messages": sum(len(day.said) for day in days),
        "emergencies": Counter(came.what for day in days for came in day.came),
        "faults": Counter(fault for day in days for fault in day.faults.values()),
        "in_all": figures.in_all(list(homes.values())),
        "homes": homes,
        "real": {} if args.real is None else real_homes(args.real),
    }
    show(args, document, _table(document))
    return 0


def real_homes(folder: Path) -> dict[str, dict[str, Any]]:
    """The same figures of each record in a folder laid out as `anju evaluate inactivity` has it;
    none for what the record does not hold. Raises CannotRun."""
    files = sorted(folder.glob(f"*{EVENTS}"))
    if not files:
        raise CannotRun(f"no file in {folder} ends in {EVENTS}; name a folder of real homes")
    return {file.name.removesuffix(EVENTS): _real_home(file) for file in files}


def _real_home(file: Path) -> dict[str, Any]:
    seen = [
        Sighting(_local_ms(row["ts_local"]), row["room"] or row["sensor"])
        for row in _rows(file)
        if row["kind"] in MOTION and row["value"] == "ON"
    ]
    days = sorted({one.at_ms // DAY_MS for one in seen})[1:-1]  # the first and the last are parts
    found = figures.of_sightings(seen, days) if len(seen) > SIGHTINGS_MIN * len(days) > 0 else {}
    labels = file.with_name(file.name.replace(EVENTS, LABELS))
    if labels.is_file():
        rows = [row for row in _rows(labels) if row["activity"]]
        all_days = {_local_ms(row["start_local"]) // DAY_MS for row in rows}
        visits = [
            Stretch(_local_ms(row["start_local"]), _local_ms(row["end_local"]))
            for row in rows
            if row["activity"].lower() in TOILET
        ]
        found |= figures.of_stretches(visits, len(all_days))
    return found


def _rows(file: Path) -> Iterator[dict[str, str]]:
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def _local_ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def _table(document: Mapping[str, Any]) -> Iterable[str]:
    yield (
        f"{len(document['homes'])} homes, {document['days']} days in {document['seconds']} s:"
        f" {document['messages']} messages"
    )
    yield f"emergencies: {_counted(document['emergencies'])}"
    yield f"faults: {_counted(document['faults'])}"
    columns = {"town": document["in_all"], **document["real"]}
    rows: list[list[object]] = [
        [name, *(one.get(name, "-") for one in columns.values())] for name in SHOWN
    ]
    for block in range(8):
        shares = (one.get("share_by_3_h", ["-"] * 8)[block] for one in columns.values())
        rows.append([f"share {3 * block:02}-{3 * block + 3:02} h", *shares])
    yield from table(["", *columns], rows)


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {n}" for name, n in counts.most_common()) or "none"
