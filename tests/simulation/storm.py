"""A run from a seed: the climate, what people do, and the faults, all drawn; then calm, and the
verdict."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from tests.simulation.broker import Broker
from tests.simulation.clock import NOON_MS
from tests.simulation.faults import Mode, Place
from tests.simulation.people import People
from tests.simulation.verdict import broken_promises, final_state, is_drained
from tests.simulation.world import CLOUD, EDGE, Climate, World

WARM_UP_MS: Final = 10_000
DRAIN_MS_MAX: Final = 900_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS


class Outcome(NamedTuple):
    """What a run came to. digest: the same for the same seed."""

    broken: list[str]
    digest: str
    fired: list[str]
    kills: int
    presses: int
    steps: int


class Storm:
    """Draws what people do and what goes wrong, until it ends."""

    def __init__(self, world: World, people: People, faults_per_minute: float) -> None:
        self._world, self._people, self._random = world, people, world.random
        self._fault_every_ms = int(60_000 / faults_per_minute) if faults_per_minute else 0
        self._is_over = False

    def begin(self) -> None:
        """From now on."""
        acts: list[tuple[str, int, Callable[[], object]]] = [
            ("press", 5_000, self._press),
            ("take back", 30_000, self._people.take_back),
            ("measure", 1_500, self._people.measure),
            ("operator", 5_000, self._people.operate),
            ("responder", 6_000, self._people.respond),
        ]
        if self._fault_every_ms:
            acts.append(("fault", self._fault_every_ms, self._go_wrong))
        for name, every_ms, do in acts:
            self._again(name, every_ms, do)

    def end(self) -> None:
        """Nothing new happens, nothing fails any more, and whatever was stopped is there."""
        self._is_over = True
        self._world.faults.disarm()

    def _again(self, name: str, every_ms: int, do: Callable[[], object]) -> None:
        def act() -> object:
            if self._is_over:
                return "over"
            self._again(name, every_ms, do)
            return do()

        self._world.later(self._random.randint(1, 2 * every_ms), name, act)

    # ------------------------------------------------------------ what goes wrong

    def _press(self) -> object:
        """Often with a fault that waits for just this press."""
        dice = self._random.random() if self._fault_every_ms else 1.0
        pressed = self._people.press()
        if dice < 0.3:
            self._arm(2)
        elif dice < 0.5:
            self._world.later(self._random.randint(0, 60), "kill", self._kill)
        return pressed

    def _go_wrong(self) -> object:
        troubles = (
            (8, self._arm),
            (3, self._cut),
            (2, self._stop_broker),
            (2, self._kill),
            (2, self._stall),
            (1, self._jump),
        )
        weights = [weight for weight, _ in troubles]
        return self._random.choices([do for _, do in troubles], weights)[0]()

    def _arm(self, nth_max: int = 6) -> object:
        place, mode = self._random.choice(list(Place)), self._random.choice(list(Mode))
        nth = self._random.randint(1, nth_max)
        self._world.faults.arm(place, nth, mode)
        return f"{place} {nth} {mode}"

    def _cut(self) -> object:
        wires = [*self._world.home_broker.wires, *self._world.cloud_broker.wires]
        if wires:
            wire = self._random.choice(wires)
            arriving = self._random.randint(0, wire.words_under_way)
            wire.cut(self._random.choice((0, 100, 5_000, 20_000)), arriving)
        return "a wire"

    def _stop_broker(self) -> object:
        world = self._world
        broker: Broker = self._random.choice((world.home_broker, world.cloud_broker))
        if not broker.is_up:
            return "already down"
        is_killed = self._random.random() < 0.3
        notices = [self._random.choice((0, 1_000)) for _ in broker.wires]
        lost = broker.stop(notices, is_killed=is_killed)
        if broker is world.home_broker and not broker.sessions:
            self._people.forgive(lost)
        world.later(self._random.choice((200, 3_000, 40_000)), "broker", broker.start)
        return f"{broker.name} {is_killed}"

    def _kill(self) -> object:
        owner = self._random.choice((EDGE, CLOUD))
        away_ms = self._random.choice((100, 3_000, 45_000))
        self._world.crash(owner, away_ms, is_power_cut=self._random.random() < 0.3)
        return owner

    def _stall(self) -> object:
        if not self._world.turners:
            return "nobody"
        turner = self._random.choice(self._world.turners)
        turner.stalled_until_ms = self._world.time.ms + self._random.choice((50, 1_000, 8_000))
        return turner.name

    def _jump(self) -> object:
        world = self._world
        if self._random.random() < 0.5:
            world.cloud_clock.jump_ms += self._random.choice((-2_000, 2_000))
            return "cloud"
        world.has_jumped = True
        jump_ms = self._random.choice((0, 2 * HOUR_MS, -3 * HOUR_MS, 1_000 - NOON_MS))
        world.edge_clock.jump_ms = jump_ms
        # Nobody who keeps a clock right keeps it in 1970; two hours may be a wrong zone.
        is_believable = jump_ms > -DAY_MS
        world.edge_clock.is_right = is_believable and self._random.random() < 0.5
        return "edge"


def draw_climate(random: Random, *, settles_early: bool = False) -> Climate:
    """How the brokers behave and how late packets are."""
    late_ms = random.choice((0, 5, 200, 2_000))
    return Climate(
        home_manner=random.choice(("mosquitto", "mosquitto", "rumqttd")),
        cloud_manner=random.choice(("mosquitto", "rumqttd")),
        late_ms=late_ms,
        # One message in two seconds is less than a home says: it would never drain.
        window=random.choice((1, 5, 20, 100) if late_ms < 1_000 else (20, 100)),
        settles_early=settles_early,
    )


def run_seed(seed: int, folder: Path, *, settles_early: bool = False) -> Outcome:
    """The whole run of a seed."""
    random = Random(seed)
    climate = draw_climate(random, settles_early=settles_early)
    world = World(random.getrandbits(64), folder, climate)
    people = People(world, alike=climate.home_manner == "mosquitto")
    storm = Storm(world, people, random.choice((0, 6, 20, 60)))
    world.run(WARM_UP_MS)
    storm.begin()
    world.run(random.choice((20_000, 60_000, 120_000)))
    storm.end()
    return finish(world, people)


def finish(world: World, people: People) -> Outcome:
    """Let it drain, and look."""
    world.run(DRAIN_MS_MAX, lambda: is_drained(world))
    world.run(3_000)
    broken = broken_promises(world, people)
    world.note(final_state(world))
    return Outcome(
        broken,
        world.digest,
        world.faults.fired,
        world.kills,
        people.pressed.total(),
        world.steps,
    )
