"""`anju torture`: kills a part again and again while devices speak, then counts presses and
readings."""

import argparse
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec

from anju.errors import CannotRun
from anju.output import Commands, add_json, progress, show
from anju.parts import INFLUX, POSTGRES, Parts
from anju.rig import HOST, Rig
from anju.tap import Tap
from device_simulators.clock import SystemClock
from device_simulators.driver import Driver
from device_simulators.ledger import Ledger, read_ledger
from device_simulators.torture import (
    PRESSES_MAX,
    Entry,
    Shot,
    Verdict,
    announcement,
    buttons,
    judge_presses,
    judge_readings,
    meters,
    press_of,
    reading_of,
    registered,
)

KILLS: Final = 50
PER_KILL: Final = 200  # messages between two kills
PRESSES_PER_KILL_MAX: Final = 30
RATE_PER_S: Final = 400.0
HOMES: Final = 100
IN_FLIGHT_SHARE: Final = 0.8  # of the kills aim at a press that is on its way
# How long after the broker in front has taken a press the kill falls: the agent has it at once,
# the cloud some milliseconds later.
AFTER_PRESS_S: Final = {"edge": 0.008, "cloud": 0.04}
BROKER_RESTART_EVERY: Final = 10
ROUND_S_MAX: Final = 30.0
DRAIN_S: Final = 90.0
QUIET_S: Final = 3.0
SEED: Final = 1
VICTIMS: Final = {"edge": ("agent",), "cloud": ("ingest", "broker")}
ON_DEMAND: Final = (POSTGRES, INFLUX)  # then the cloud stands on servers
LOOK_S: Final = 0.2


class Rounds:
    """The messages of the run: so many for each kill, presses and readings mixed by the seed."""

    def __init__(self, seed: int, kills: int) -> None:
        self._dice = Random(seed)  # noqa: S311 - dice, no keys
        rounds = max(1, kills)
        self._presses_each = max(1, min(PRESSES_PER_KILL_MAX, PRESSES_MAX // rounds))
        self.buttons = buttons(min(PRESSES_MAX, self._presses_each * rounds))
        self.meters = meters()
        self._left = list(reversed(self.buttons))
        self._counts = dict.fromkeys((meter.ieee for meter in self.meters), 0)
        self._round: list[Shot] = []
        self._is_over = threading.Event()
        self.is_spent = threading.Event()
        self.is_spent.set()

    def begin(self) -> None:
        """The next round may be sent."""
        plan = [True] * min(self._presses_each, len(self._left))
        plan += [False] * (PER_KILL - len(plan))
        self._dice.shuffle(plan)
        self._round = [self._shot(is_press) for is_press in plan][::-1]
        self.is_spent.clear()

    def end(self) -> None:
        """No more rounds."""
        self._is_over.set()

    def __iter__(self) -> Iterator[Shot | None]:
        return self

    def __next__(self) -> Shot | None:
        if self._round:
            return self._round.pop()
        self.is_spent.set()
        if self._is_over.is_set():
            raise StopIteration
        return None

    def _shot(self, is_press: bool) -> Shot:
        if is_press:
            return press_of(self._left.pop())
        meter = self._dice.choice(self.meters)
        self._counts[meter.ieee] += 1
        return reading_of(meter, self._counts[meter.ieee])


class Tormentor:
    """Kills a victim once a round, mostly just after a press was taken by the broker in front."""

    def __init__(self, rig: Rig, rounds: Rounds, seed: int, after_s: float) -> None:
        self._rig, self._rounds, self._after_s = rig, rounds, after_s
        self._dice = Random(seed + 1)  # noqa: S311 - dice, no keys
        self._taken: Shot | None = None
        self._has_press = threading.Event()
        self.kills = self.in_flight = 0

    def on_taken(self, shots: list[Shot]) -> None:
        """From the driver's thread: the broker has acknowledged these."""
        press = next((shot for shot in reversed(shots) if shot.is_press), None)
        if press is not None:
            self._taken = press
            self._has_press.set()

    def round(self, kill: Callable[[], None], start: Callable[[], None]) -> None:
        """One kill among two hundred messages; returns when the victim is up and all are sent."""
        self._has_press.clear()
        self._rounds.begin()
        aims = self._dice.random() < IN_FLIGHT_SHARE
        for _ in range(self._dice.randint(1, 10) if aims else 0):
            self._has_press.wait(ROUND_S_MAX / 10)
            self._has_press.clear()
            if self._rounds.is_spent.is_set():
                break
        time.sleep(self._dice.uniform(0, self._after_s))  # noqa: TID251 - where it falls, it falls
        press = self._taken
        kill()
        self.kills += 1
        if press is not None and not self._rig.has_raised(press.device.uid):
            self.in_flight += 1
        start()
        self._rounds.is_spent.wait(ROUND_S_MAX)


def add(commands: Commands) -> None:
    """The sub-command with its own."""
    parser = commands.add_parser("torture", help="kill parts and count what is lost")
    parser.add_argument("side", choices=("edge", "cloud"))
    parser.add_argument("--kills", type=int, default=KILLS, metavar="N")
    parser.add_argument("--kill", metavar="ingest,broker,postgres,influx", help="of the cloud")
    parser.add_argument("--minutes", type=float, metavar="M", help="go on for so long at least")
    parser.add_argument("--seed", type=int, default=SEED, metavar="S")
    parser.add_argument("--sabotage", choices=("ack-early",), help="must fail")
    parser.add_argument("--config", type=Path, metavar="FILE", help="an installation to run on")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 where nothing was lost, doubled or turned round."""
    victims = [*VICTIMS[args.side], *(ON_DEMAND if args.side == "cloud" else [])]
    if unknown := [each for each in wanted(args) if each not in victims]:
        known = ", ".join(victims)
        raise CannotRun(f"--kill {unknown[0]} is not known here; choose from {known}")
    with tempfile.TemporaryDirectory(prefix="anju-torture-") as folder:
        document = _torture(args, Path(folder))
    lines = [f"{name:16} {value}" for name, value in document.items()]
    show(args, document, lines)
    return 0 if document["ok"] else 1


def wanted(args: argparse.Namespace) -> Sequence[str]:
    """Whom to kill, in turn."""
    return args.kill.split(",") if args.kill else VICTIMS[args.side]


def _torture(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    rounds = Rounds(args.seed, args.kills)
    devices = [*rounds.buttons, *rounds.meters]
    sabotage = args.side if args.sabotage else None
    ledger_file = folder / "ledger.jsonl"
    with (
        _servers(args, folder) as file,
        Rig(folder, registered(devices, HOMES), sabotage, file=file) as rig,
    ):
        tormentor = Tormentor(rig, rounds, args.seed, AFTER_PRESS_S[args.side])
        tap = None
        if args.side == "edge" and rig.cloud_broker is not None:
            tap = Tap(HOST, rig.cloud_broker.port)
        ledger = Ledger(ledger_file)
        driver = Driver(
            rounds,
            ledger,
            SystemClock(),
            announced=announcement(devices),
            rate_per_s=RATE_PER_S,
            on_taken=tormentor.on_taken,
        )
        driver.start(HOST, rig.home_broker.port)
        try:
            _kill_all(args, rig, rounds, tormentor)
            rounds.end()
            driver.is_done.wait(ROUND_S_MAX)
            _drain(rig, tap)
        finally:
            driver.stop()
            ledger.close()
            if tap is not None:
                tap.stop()
        entries = read_ledger(ledger_file)
        presses = judge_presses(entries, rig.raised())
        readings = _readings(entries, tap) if tap is not None else _stored(entries, rig)
        facts = {
            "kills": tormentor.kills,
            "in_flight_kills": tormentor.in_flight,
            "seed": args.seed,
            "broker": str(rig.home_broker.kind),
            "cloud": _told(rig),
            "sabotage": args.sabotage,
            "peers": {},
        }
    return _document(presses, readings, tap, facts)


@contextmanager
def _servers(args: argparse.Namespace, folder: Path) -> Iterator[Path | None]:
    """The file of the installation; made here where servers are to be killed and none is named."""
    if args.config is not None:
        yield args.config
    elif set(ON_DEMAND).isdisjoint(wanted(args)):
        yield None
    else:
        with Parts(folder / "parts") as parts:
            yield parts.file


def _told(rig: Rig) -> dict[str, Any]:
    """What the cloud stood on."""
    told = rig.settings
    return {
        "tls": told.broker.tls is not None,
        "store": told.store.get_backend_name(),
        "series": "duckdb" if told.timeseries.influx is None else "influxdb",
    }


def _kill_all(args: argparse.Namespace, rig: Rig, rounds: Rounds, tormentor: Tormentor) -> None:
    victims = rig.victims(wanted(args))
    until = time.perf_counter() + (args.minutes or 0) * 60
    number = 0
    while number < args.kills or time.perf_counter() < until:
        number += 1
        name, victim = victims[number % len(victims)]
        if args.side == "edge" and number % BROKER_RESTART_EVERY == 0:
            # in the orderly way only: see COMMANDS on what a broker may forget
            rig.home_broker.stop()
            rig.home_broker.start()
        tormentor.round(victim.kill, victim.start)
        progress(f"kill {number:>4}: {name}, {tormentor.in_flight} in flight so far")


def _drain(rig: Rig, tap: Tap | None) -> None:
    """Until nothing waits at the gateway and nothing new comes, or the time is over."""
    until = time.perf_counter() + DRAIN_S
    before, quiet_since = (-1, -1), time.perf_counter()
    while time.perf_counter() < until:
        now = (rig.raised().total(), len(tap) if tap is not None else 0)
        if now != before or rig.waiting():
            before, quiet_since = now, time.perf_counter()
        elif time.perf_counter() - quiet_since > QUIET_S:
            return
        time.sleep(LOOK_S)  # noqa: TID251 - real processes live in real time


def _readings(entries: list[Entry], tap: Tap) -> Verdict:
    """As they came over the wire, which shows their order."""
    runs = tap.stored()
    in_any_order = judge_readings(entries, [each for run in runs.values() for each in run])
    turned = sum(judge_readings(entries, run).out_of_order for run in runs.values())
    return msgspec.structs.replace(in_any_order, out_of_order=turned)


def _stored(entries: list[Entry], rig: Rig) -> Verdict:
    """As the time series has them, which keeps no order of arrival."""
    return msgspec.structs.replace(judge_readings(entries, rig.readings()), out_of_order=0)


def _document(
    presses: Verdict, readings: Verdict, tap: Tap | None, facts: dict[str, Any]
) -> dict[str, Any]:
    both = (presses, readings)
    names = [name for verdict in both for name in verdict.names]
    return {
        "ok": all(verdict.held for verdict in both),
        "sent": sum(verdict.sent for verdict in both),
        "stored": sum(verdict.stored for verdict in both),
        "lost": sum(verdict.lost for verdict in both),
        "doubled": sum(verdict.doubled for verdict in both),
        "out_of_order": sum(verdict.out_of_order for verdict in both),
        "gaps": 0 if tap is None else tap.gaps,
        "alarms": {
            "sent": presses.sent,
            "raised": presses.stored,
            "lost": presses.lost,
            "doubled": presses.doubled,
        },
        "readings": {
            "sent": readings.sent,
            "stored": readings.stored,
            "lost": readings.lost,
            "doubled": readings.doubled,
        },
        **facts,
        "names": names,
    }
