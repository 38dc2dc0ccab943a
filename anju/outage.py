"""`anju bench outage`: InfluxDB goes away under load, first frozen, then killed, and comes back.
What alarms take meanwhile, and whether every reading is there afterwards."""

import argparse
import os
import platform
import signal
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
from typing_extensions import override

from anju import load, site
from anju.broker import HOST, BrokerProcess, free_port, installed_kind
from anju.child import Child
from anju.db import with_store
from anju.errors import CannotRun
from anju.influx import InfluxProcess
from anju.output import progress, show, table
from anju.pressing import console, figures, shows
from anju.rig import Rig
from cloud.app import series_of
from cloud.clock import SystemClock
from cloud.registry.entries import GatewayEntry, HomeEntry
from cloud.registry.registry import Registry
from cloud.registry.service import Edit
from cloud.storage.store import Store
from cloud.storage.unit import Work
from cloud.words import Words
from device_simulators.mqtt import Link
from device_simulators.people import Feed
from device_simulators.torture import announcement, buttons, press_of, registered

MINUTES: Final = 2.0
MINUTES_MAX: Final = 10.0
AROUND_S: Final = 60.0  # before and after, or as long as the outage where that is shorter
PRESS_EVERY_S: Final = 0.5
WARM_UP: Final = 30
HOMES: Final = 100
GATEWAYS: Final = 20
READINGS_PER_S: Final = 800
CAUGHT_UP_S: Final = 3.0  # of readings may wait, as at any time
CATCH_UP_S_MAX: Final = 300.0
RATIO_P99_MAX: Final = 2.0
LOOK_S: Final = 0.05


class Seen(NamedTuple):
    """A press: when it was due, and how long until the page had it."""

    at_s: float
    ms: float


def run(args: argparse.Namespace) -> int:
    """0 where nothing is lost or doubled and alarms take at most twice as long at p99."""
    if args.config is not None:
        raise CannotRun("an outage stops an InfluxDB of its own: leave out --config")
    if not 0.1 <= args.minutes <= MINUTES_MAX:
        raise CannotRun(f"--minutes: expected 0.1 to {MINUTES_MAX:g}")
    with tempfile.TemporaryDirectory(prefix="anju-outage-") as folder:
        document = _measure(args.minutes * 60, Path(folder))
    told: dict[str, Any] = document["result"]
    phases = ("before", "frozen", "killed", "after")
    names = ["count", "p50_ms", "p90_ms", "p99_ms", "max_ms"]
    rows = [(phase, *(told[phase].get(name, "") for name in names)) for phase in phases]
    facts = {key: value for key, value in told.items() if key not in phases}
    show(args, document, [*table(("alarms", *names), rows), f"{facts}", f"{document['ratio']}"])
    return 0 if document["ok"] else 1


class Absence(threading.Thread):
    """InfluxDB, from its start to its end in this one thread, which its leash is tied to."""

    def __init__(self, influx: InfluxProcess, outage_s: float) -> None:
        super().__init__(name="influx", daemon=True)
        self._influx, self._outage_s = influx, outage_s
        self.up, self.begin, self.back, self.over = (threading.Event() for _ in range(4))
        self.frozen_s = self.killed_s = self.back_s = float("inf")
        self.failure: CannotRun | None = None

    @override
    def run(self) -> None:
        """Up; at `begin` away for its time, half of it frozen and half of it dead; back; down."""
        try:
            self._influx.start()
            self.up.set()
            self.begin.wait()
            if not self.over.is_set():
                self._go_away()
            self.over.wait()
        except CannotRun as error:
            self.failure = error
        finally:
            self.up.set()
            self.back.set()
            self._influx.stop()

    def end(self) -> None:
        """Whatever it is doing."""
        self.over.set()
        self.begin.set()
        self.join()

    def _go_away(self) -> None:
        pid = self._influx.pid
        if pid is None:
            raise CannotRun("InfluxDB ended by itself")
        self.frozen_s = time.perf_counter()
        os.kill(pid, signal.SIGSTOP)
        self.over.wait(self._outage_s / 2)
        self.killed_s = time.perf_counter()
        self._influx.kill()
        self.over.wait(self._outage_s / 2)
        self._influx.start()
        self.back_s = time.perf_counter()
        self.back.set()


def _measure(outage_s: float, folder: Path) -> dict[str, Any]:
    around_s = min(AROUND_S, outage_s)
    count = WARM_UP + int((2 * around_s + outage_s + CATCH_UP_S_MAX) / PRESS_EVERY_S)
    devices = buttons(min(count, 1_600))
    known = registered(devices, HOMES)
    influx = InfluxProcess(folder / "influx")
    with ExitStack() as ends:
        absence = Absence(influx, outage_s)
        absence.start()
        ends.callback(absence.end)
        absence.up.wait()
        file = _installation(folder, influx, ends)
        rig = ends.enter_context(Rig(folder, known, topics="zigbee2mqtt/#", file=file))
        with_store(rig.settings.store, _enter)
        hand = Link("bench-bridge")
        hand.start(HOST, rig.home_broker.port)
        ends.callback(hand.stop)
        if not hand.wait_until_up(10):
            raise CannotRun("the home broker does not answer")
        for message in announcement(devices):
            hand.publish(message)
        told = folder / "load.json"
        words = [str(rig.settings.broker.port), str(GATEWAYS), str(READINGS_PER_S), str(told)]
        makers = Child("the load", ["anju.load", *words], folder / "load.log", load.READY)
        ends.callback(makers.stop)
        presser = Presser(hand, ends.enter_context(console(rig)), devices, known)
        presser.press_until(lambda: len(presser.seen) >= WARM_UP)
        makers.start()
        presser.seen.clear()
        presser.press_for(around_s)
        progress("InfluxDB is stopped")
        absence.begin.set()
        presser.press_until(absence.back.is_set)
        if absence.failure is not None:
            raise absence.failure
        progress("InfluxDB is back")
        caught_up_s = (
            presser.press_until(partial(_has_caught_up, told), within_s=CATCH_UP_S_MAX)
            - absence.back_s
        )
        presser.press_for(max(0.0, around_s - caught_up_s))
        makers.stop()
        made = msgspec.json.decode(told.read_bytes(), type=load.Told).made
        return _document(rig, absence, presser, made, caught_up_s)


class Presser:
    """Presses at a steady rate and sees each come; a late one counts from when it was due."""

    def __init__(self, hand: Link, page: Feed, devices: list[Any], known: list[Any]) -> None:
        self._hand, self._page = hand, page
        self._left = list(zip(devices, known, strict=True))[::-1]
        self._presses: Counter[str] = Counter()
        self.seen: list[Seen] = []
        self.pressed: list[str] = []
        self._due_s = time.perf_counter()

    def press_for(self, seconds: float) -> None:
        """At the rate, for a while."""
        until = time.perf_counter() + seconds
        self.press_until(lambda: time.perf_counter() >= until)

    def press_until(self, is_over: Any, within_s: float = float("inf")) -> float:
        """At the rate, until it is over; when that was seen. Raises CannotRun where it takes
        longer."""
        until = time.perf_counter() + within_s
        while not is_over():
            now = time.perf_counter()
            if now > until or not self._left:
                raise CannotRun(f"not over within {within_s:.0f} s")
            if now < self._due_s:
                time.sleep(min(LOOK_S, self._due_s - now))  # noqa: TID251 - real time
                continue
            self._press()
        return time.perf_counter()

    def _press(self) -> None:
        due_s = self._due_s
        self._due_s += PRESS_EVERY_S
        device, card = self._left.pop()
        self._presses[card.home] += 1
        self.pressed.append(card.id)
        self._hand.publish(press_of(device).message)
        shows(self._page, card.home, self._presses[card.home])
        self.seen.append(Seen(due_s, (time.perf_counter() - due_s) * 1000))


def _installation(folder: Path, influx: InfluxProcess, ends: ExitStack) -> Path:
    broker = BrokerProcess(folder / "cloud-broker", free_port(), installed_kind())
    broker.data.mkdir(parents=True)
    ends.callback(broker.stop)
    broker.start()
    address = influx.address()
    (folder / "token").write_text(address.token, encoding="ascii")
    file = folder / "cloud.toml"
    file.write_text(
        f'data_dir = "cloud"\n[broker]\nhost = "{HOST}"\nport = {broker.port}\n[http]\nport = 0\n'
        f'[timeseries.influx]\nurl = "{address.url}"\norg = "{address.org}"\n'
        'token_file = "token"\n',
        encoding="utf-8",
    )
    return file


def _enter(store: Store) -> None:
    near = Registry(store.read).home_card(site.FIRST_HOME)
    assert near is not None  # noqa: S101 - the rig has entered it

    def enter(work: Work) -> None:
        with Edit(work) as edit:
            for number in range(GATEWAYS):
                cards = load.cards_of(number)
                gateway = cards[0].gateway_id
                edit.gateway(GatewayEntry(gateway, near.area_id, Words(gateway, gateway)))
                place = (near.area_id, near.address, near.lat, near.lon)
                edit.home(gateway, HomeEntry(load.home_of(number), *place))
                for card in cards:
                    edit.device(card)

    store.write(enter)


def _has_caught_up(file: Path) -> bool:
    waiting = msgspec.json.decode(file.read_bytes(), type=load.Told).waiting
    return waiting <= CAUGHT_UP_S * READINGS_PER_S


def _document(
    rig: Rig, absence: Absence, presser: Presser, made: int, caught_up_s: float
) -> dict[str, Any]:
    stored = _stored(rig)
    raised = rig.raised()
    edges = (0.0, absence.frozen_s, absence.killed_s, absence.back_s, float("inf"))
    phases = dict(zip(("before", "frozen", "killed", "after"), pairwise(edges), strict=True))
    result: dict[str, Any] = {
        name: figures([seen.ms for seen in presser.seen if low <= seen.at_s < high])
        for name, (low, high) in phases.items()
    }
    away = figures([s.ms for s in presser.seen if absence.frozen_s <= s.at_s < absence.back_s])
    result |= {
        "readings": {
            "sent": made,
            "stored": len(stored),
            "lost": made - len(stored),
            "doubled": sum(stored.values()) - len(stored),
        },
        "alarms": {
            "sent": len(presser.pressed),
            "raised": sum(1 for each in presser.pressed if raised[each]),
            "lost": sum(1 for each in presser.pressed if not raised[each]),
            "doubled": sum(1 for each in presser.pressed if raised[each] > 1),
        },
        "away_s": round(absence.back_s - absence.frozen_s, 1),
        "caught_up_s": round(caught_up_s, 1),
        "readings_per_s": READINGS_PER_S,
    }
    faults = [result[what][how] for what in ("readings", "alarms") for how in ("lost", "doubled")]
    ratio = {p: round(away[f"{p}_ms"] / result["before"][f"{p}_ms"], 2) for p in ("p50", "p99")}
    return {
        "ok": not any(faults) and ratio["p99"] <= RATIO_P99_MAX,
        "result": {**result, "away": away},
        "floor": result["before"],
        "ratio": ratio,
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
    }


def _stored(rig: Rig) -> Counter[tuple[str, float]]:
    series, now_ms = series_of(rig.settings), SystemClock().now_ms()
    try:
        return Counter(
            (point.device, point.value)
            for number in range(GATEWAYS)
            for point in series.export(load.home_of(number), now_ms)
        )
    finally:
        series.close()
