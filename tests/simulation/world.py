"""The world: one virtual time, two brokers, a gateway and a cloud, turned in an order drawn from
the seed. What has happened is hashed, so that two runs can be compared."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

import msgspec

from cloud.storage.errors import Unavailable
from edge.errors import JournalError
from edge.local import say_topic
from tests.simulation.broker import Broker, Manner, Message
from tests.simulation.cell import SimCell
from tests.simulation.clock import CloudClock, EdgeClock, Time
from tests.simulation.faults import Faults, Killed
from tests.simulation.gateway import GATEWAY, SimGateway

EDGE_IDLE_MS: Final = 5_000
CLOUD_IDLE_MS: Final = 60_000
PAUSE_MS: Final = 500  # of a runner whose pump has failed
EXPECTED: Final = (JournalError, Unavailable)  # what pumps may raise into their runners
EDGE, CLOUD = "edge", "cloud"


class Climate(NamedTuple):
    """What does not change while the world runs."""

    home_manner: Manner = "mosquitto"
    cloud_manner: Manner = "mosquitto"
    late_ms: int = 5
    window: int = 20
    settles_early: bool = False  # sabotage


@dataclass(eq=False)
class _Turner:
    """A pump with its runner's manners. due_ms: by the clock of its process."""

    name: str
    owner: str
    pump: Any
    now_ms: Callable[[], int]
    turn: Callable[[], int | None]
    idle_ms: int
    due_ms: int | None = 0
    turned_ms: int = 0
    stalled_until_ms: int = 0

    def wait_ms(self, world_ms: int) -> int:
        rest_ms = self.stalled_until_ms - world_ms
        if rest_ms > 0:
            return rest_ms
        if self.pump.signal._event.is_set():
            return 0
        now_ms = self.now_ms()
        # A wall clock that is set back does not lengthen a wait beyond the runner's own patience.
        idle_ms = self.turned_ms + self.idle_ms - world_ms
        return idle_ms if self.due_ms is None else min(idle_ms, self.due_ms - now_ms)


class World:
    """See above."""

    def __init__(self, seed: int, folder: Path, climate: Climate | None = None) -> None:
        climate = climate or Climate()
        self.random, self.time, self.faults = Random(seed), Time(), Faults()
        self.edge_clock, self.cloud_clock = EdgeClock(self.time), CloudClock(self.time)
        self.home_broker = self._broker("home broker", climate.home_manner, climate.late_ms)
        self.cloud_broker = self._broker("cloud broker", climate.cloud_manner, climate.late_ms)
        self.home_broker.heard = self._hear
        self.said: list[dict[str, Any]] = []  # what the resident could hear
        self.surprises: list[str] = []  # exceptions that no fault explains
        self.kills = self.steps = 0
        self.has_jumped = False  # the wall clock of the edge was set
        (folder / "edge").mkdir()
        self.gateway = SimGateway(
            folder / "edge",
            self.edge_clock,
            self.faults,
            self.home_broker,
            self.cloud_broker,
            self.random,
            climate.window,
            settles_early=climate.settles_early,
        )
        self.cell = SimCell(
            folder, self.cloud_clock, self.faults, self.cloud_broker, self.random, climate.window
        )
        self.turners: list[_Turner] = []
        self._plan: list[tuple[int, int, str, Callable[[], object]]] = []
        self._planned = 0
        self._hash = sha256()
        for owner in (EDGE, CLOUD):
            self.boot(owner)

    @property
    def digest(self) -> str:
        """Of everything that has happened so far."""
        return self._hash.hexdigest()

    def _broker(self, name: str, manner: Manner, late_ms: int) -> Broker:
        return Broker(name, self.time, self.random, manner, late_ms)

    def _hear(self, message: Message) -> bool:
        if message.topic == say_topic(GATEWAY):
            self.said.append(msgspec.json.decode(message.payload))
        return message.topic.startswith("anju-home/")

    # ------------------------------------------------------------ time

    def later(self, wait_ms: int, name: str, do: Callable[[], object]) -> None:
        """At that time, between two steps."""
        self._planned += 1
        heapq.heappush(self._plan, (self.time.ms + wait_ms, self._planned, name, do))

    def run(self, ms: int, until: Callable[[], bool] | None = None) -> bool:
        """For that long, or until it is so, asked once a virtual second; whether it was."""
        end_ms = self.time.ms + ms
        ask_ms = self.time.ms
        while self.time.ms < end_ms:
            if until is not None and self.time.ms >= ask_ms:
                if until():
                    return True
                ask_ms = self.time.ms + 1_000
            self.step(end_ms)
        return until is not None and until()

    def step(self, end_ms: int) -> None:
        """One thing of those that are due, drawn; or time goes by until one is."""
        ready: list[tuple[str, Callable[[], object]]] = []
        next_ms = end_ms - self.time.ms
        for wait_ms, name, act in self._actors():
            if wait_ms <= 0:
                ready.append((name, act))
            else:
                next_ms = min(next_ms, wait_ms)
        if not ready:
            self.time.ms += next_ms
            return
        name, act = ready[self.random.randrange(len(ready))] if len(ready) > 1 else ready[0]
        self.steps += 1
        self.note(f"{name}: {act()}")
        if self.random.random() < 0.1:
            self.time.ms += 1  # work takes time

    def note(self, what: str) -> None:
        """Into the trace."""
        self._hash.update(f"{self.time.ms} {what}\n".encode())

    def _actors(self) -> list[tuple[int, str, Callable[[], object]]]:
        now_ms = self.time.ms
        actors: list[tuple[int, str, Callable[[], object]]] = [
            (turner.wait_ms(now_ms), turner.name, lambda t=turner: self._turn(t))  # type: ignore[misc]
            for turner in self.turners
        ]
        for broker in (self.home_broker, self.cloud_broker):
            for wire in broker.wires:
                wait_ms = wire.wait_ms()
                if wait_ms is not None:
                    actors.append((wait_ms, broker.name, wire.act))
        for source in self.cell.sources:
            wait_ms = source.wait_ms()
            if wait_ms is not None:
                actors.append((wait_ms, "source", source.act))
        if self._plan:
            actors.append((self._plan[0][0] - now_ms, "plan", self._next_of_plan))
        return actors

    def _next_of_plan(self) -> object:
        _, _, name, do = heapq.heappop(self._plan)
        return f"{name} {do()}"

    # ------------------------------------------------------------ processes

    def boot(self, owner: str) -> str:
        """Start a process; where that fails, its supervisor tries again in a second."""
        process = self.gateway if owner == EDGE else self.cell
        try:
            process.boot()
        except (*EXPECTED, Killed) as error:
            process.crash()
            self.later(1_000, "boot", lambda: self.boot(owner))
            return f"{owner}: {error}"
        self.turners += self._edge_turners() if owner == EDGE else self._cloud_turners()
        return owner

    def is_running(self, owner: str) -> bool:
        """Whether the process is there."""
        return any(turner.owner == owner for turner in self.turners)

    def crash(self, owner: str, away_ms: int, *, is_power_cut: bool = False) -> None:
        """All of the process that was in memory is gone; it starts again later."""
        if not self.is_running(owner):
            return
        self.kills += 1
        self.turners = [turner for turner in self.turners if turner.owner != owner]
        if owner == EDGE:
            self.gateway.crash()
            if is_power_cut:
                self.edge_clock.reboot()
        else:
            self.cell.crash()
        self.later(away_ms, "boot", lambda: self.boot(owner))

    def guarded(self, owner: str, do: Callable[[], object]) -> object:
        """Run something of a process, which may be killed in it."""
        try:
            return do()
        except Killed as place:
            self.crash(owner, self.random.randint(100, 4_000))
            return f"killed at {place}"

    def _turn(self, turner: _Turner) -> object:
        turner.pump.signal._event.clear()
        turner.turned_ms = self.time.ms
        return self.guarded(turner.owner, lambda: self._turn_once(turner))

    def _turn_once(self, turner: _Turner) -> str:
        try:
            turner.due_ms = turner.turn()
        except Exception as error:  # noqa: BLE001 - as the runners: count it, and go on
            if not isinstance(error, EXPECTED):
                self.surprises.append(f"{turner.name}: {type(error).__name__}: {error}")
            turner.due_ms = turner.now_ms() + PAUSE_MS
            return type(error).__name__
        return f"due {turner.due_ms}"

    def _edge_turners(self) -> list[_Turner]:
        clock = self.edge_clock
        return [
            _Turner(
                f"edge.{pump.name}",
                EDGE,
                pump,
                clock.monotonic_ms,
                lambda p=pump: p.run_once(clock.now()),  # type: ignore[misc]
                EDGE_IDLE_MS,
                turned_ms=self.time.ms,
            )
            for pump in (self.gateway.home_pump, self.gateway.uplink_pump)
            if pump is not None
        ]

    def _cloud_turners(self) -> list[_Turner]:
        clock = self.cloud_clock
        return [
            _Turner(
                pump.name,
                CLOUD,
                pump,
                clock.now_ms,
                lambda p=pump: p.run_once(clock.now_ms()),  # type: ignore[misc]
                CLOUD_IDLE_MS,
                turned_ms=self.time.ms,
            )
            for pump in self.cell.pumps
        ]
