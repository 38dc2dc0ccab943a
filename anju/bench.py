"""`anju bench press`: from the button's message to the operator's page, against the floor of the
same two hops, commits and socket, interleaved in one run. `anju bench outage`: see anju/outage.py.
"""

import argparse
import os
import platform
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from anju import outage
from anju.child import Child
from anju.errors import CannotRun
from anju.floor import PRESS
from anju.output import Commands, add_json, progress, show, table
from anju.pressing import SEEN_S, console, figures, presses_shown, shows
from anju.rig import HOST, Rig
from device_simulators.mqtt import Link
from device_simulators.people import TooLong
from device_simulators.torture import PRESSES_MAX, announcement, buttons, press_of, registered
from device_simulators.zigbee2mqtt import Message

PRESSES: Final = 1_000
WARM_UP: Final = 30
HOMES: Final = 100
RATIO_P50_MAX: Final = 2.0
RATIO_P99_MAX: Final = 4.0
FLOOR_READY: Final = "anju: floor"


def add(commands: Commands) -> None:
    """The sub-command with its own."""
    parser = commands.add_parser("bench", help="time a part against its floor")
    parser.add_argument("what", choices=("press", "outage"))
    parser.add_argument("--presses", type=int, default=PRESSES, metavar="N")
    parser.add_argument("--config", type=Path, metavar="FILE", help="an installation to run on")
    parser.add_argument(
        "--minutes", type=float, default=outage.MINUTES, help="how long InfluxDB is away"
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 where the aim is reached: twice the floor at the median, four times at p99."""
    if args.what == "outage":
        return outage.run(args)
    if not 1 <= args.presses <= len_max():
        raise CannotRun(f"--presses: expected 1 to {len_max()}")
    with tempfile.TemporaryDirectory(prefix="anju-bench-") as folder:
        real_ms, floor_ms = _measure(args.presses, Path(folder), args.config)
    result, floor = figures(real_ms), figures(floor_ms)
    ratio = {name: round(result[f"{name}_ms"] / floor[f"{name}_ms"], 2) for name in ("p50", "p99")}
    is_reached = ratio["p50"] <= RATIO_P50_MAX and ratio["p99"] <= RATIO_P99_MAX
    document = {
        "ok": is_reached,
        "result": result,
        "floor": floor,
        "ratio": ratio,
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
    }
    names = list(result)
    rows = [("press", *result.values()), ("floor", *floor.values())]
    show(args, document, [*table(("", *names), rows), f"ratio {ratio}, aim reached: {is_reached}"])
    return 0 if is_reached else 1


def len_max() -> int:
    """As many presses as there can be buttons, each pressed once."""
    return PRESSES_MAX - WARM_UP


def _measure(presses: int, folder: Path, file: Path | None) -> tuple[list[float], list[float]]:
    warm_up = min(WARM_UP, presses)
    devices = buttons(presses + warm_up)
    known = registered(devices, HOMES)
    with Rig(folder, known, topics="zigbee2mqtt/#", file=file) as rig, ExitStack() as ends:
        console_feed = ends.enter_context(console(rig))
        floor = ends.enter_context(_floor(rig, folder))
        hand = Link("bench-bridge")
        hand.start(HOST, rig.home_broker.port)
        ends.callback(hand.stop)
        if not hand.wait_until_up(SEEN_S):
            raise CannotRun("the home broker does not answer")
        for message in announcement(devices):
            hand.publish(message)
        seen = presses_shown(console_feed)
        real_ms: list[float] = []
        floor_ms: list[float] = []
        for number, (device, card) in enumerate(zip(devices, known, strict=True), start=1):
            seen[card.home] += 1
            real_ms.append(
                _timed(
                    hand,
                    press_of(device).message,
                    partial(shows, console_feed, card.home, seen[card.home]),
                )
            )
            stamp = str(number)
            floor_ms.append(
                _timed(hand, Message(PRESS, stamp.encode()), partial(floor.until, stamp))
            )
            if number % 100 == 0:
                progress(f"{number} presses")
        return real_ms[warm_up:], floor_ms[warm_up:]


def _timed(hand: Link, message: Message, until: Callable[[], object]) -> float:
    start = time.perf_counter()
    hand.publish(message)
    until()
    return (time.perf_counter() - start) * 1000


class FloorFeed:
    """What the floor's socket has brought so far."""

    def __init__(self, url: str) -> None:
        self._last = ""
        self._changed = threading.Condition()
        self._socket = connect(url)
        self._thread = threading.Thread(target=self._listen, name="floor-feed", daemon=True)
        self._thread.start()

    def until(self, text: str) -> None:
        """Raises TooLong."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._last == text, SEEN_S):
                raise TooLong(f"the floor did not bring {text}")

    def close(self) -> None:
        """Leave."""
        self._socket.close()
        self._thread.join(SEEN_S)

    def _listen(self) -> None:
        try:
            for frame in self._socket:
                with self._changed:
                    self._last = str(frame)
                    self._changed.notify_all()
        except ConnectionClosed:
            return


@contextmanager
def _floor(rig: Rig, folder: Path) -> Iterator[FloorFeed]:
    # On an installation's servers the floor stays what it is: plain, beside them.
    home = str(rig.home_broker.port)
    cloud = str((rig.cloud_broker or rig.home_broker).port)
    where = str(folder)
    log = folder / "floor"
    hops = (
        _hop("cloud", [cloud, where], log.with_suffix(".cloud")),
        _hop("edge", [home, cloud, where], log.with_suffix(".edge")),
    )
    with ExitStack() as ends:
        for hop in hops:
            ends.callback(hop.stop)
            hop.start()
        feed = FloorFeed(f"ws://{HOST}:{hops[0].said.split()[-1]}/feed")
        ends.callback(feed.close)
        yield feed


def _hop(part: str, words: list[str], log: Path) -> Child:
    return Child(f"the floor's {part}", ["anju.floor", part, *words], log, FLOOR_READY)
