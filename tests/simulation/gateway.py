"""The edge of the simulation: the agent's two pumps on a real journal file, composed as
`edge.agent` does. A crash drops everything in memory and leaves the file."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, Final

from typing_extensions import override

from contract.topics import down_filter
from edge.dialects import Hearing
from edge.health import Health
from edge.home import HomePump
from edge.intake import Intake
from edge.journal.limits import Keeper, Limits
from edge.journal.store import Journal
from edge.local import Local
from edge.profiles import load_catalogue, load_profiles
from edge.pumps import EventSignal
from edge.residents import Residents
from edge.uplink.pump import UplinkPump
from edge.words import read_words
from tests.simulation.broker import Broker
from tests.simulation.clock import EdgeClock
from tests.simulation.ends import SimLink
from tests.simulation.faults import Faults, Place

CONFIG: Final = Path(__file__).parents[2] / "config"
GATEWAY: Final = "gw-demo01"
WORDS: Final = read_words(CONFIG)
PROFILES: Final = load_profiles(CONFIG / "profiles")
CATALOGUE: Final = load_catalogue(CONFIG / "zigbee_models.json")
READINGS_START_MS: Final = 2_000


class _FaultyConnection(sqlite3.Connection):
    """Asks the faults at each COMMIT."""

    faults: Faults

    @override
    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        if sql != "COMMIT":
            return super().execute(sql, parameters)
        return self.faults.call(
            Place.JOURNAL_COMMIT, lambda: super(_FaultyConnection, self).execute(sql), _disk_error
        )


def _disk_error() -> sqlite3.Cursor:
    raise sqlite3.OperationalError("disk I/O error")


def faulty_connect(faults: Faults) -> Callable[[Path], sqlite3.Connection]:
    """As the journal connects; without waiting for the disk, which no simulated fault touches."""

    def open_it(path: Path) -> sqlite3.Connection:
        db = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, factory=_FaultyConnection
        )
        db.faults = faults
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = OFF")
        return db

    return open_it


class SimGateway:
    """One gateway. Between a crash and the next boot it has no pumps."""

    def __init__(
        self,
        folder: Path,
        clock: EdgeClock,
        faults: Faults,
        home: Broker,
        cloud: Broker,
        random: Random,
        window: int,
        *,
        settles_early: bool = False,
    ) -> None:
        self.folder, self.clock = folder, clock
        self.home_pump: HomePump | None = None
        self.uplink_pump: UplinkPump | None = None
        self.journal: Journal | None = None
        self.health = Health()
        self._faults, self._home, self._cloud = faults, home, cloud
        self._random, self._window, self._settles_early = random, window, settles_early
        self._links: list[SimLink] = []

    def boot(self) -> None:
        """Start the agent. Raises JournalUnavailable."""
        home_signal, cloud_signal = EventSignal(), EventSignal()
        clock, self.health = self.clock, Health()
        journal = Journal(
            self.folder,
            clock,
            f"edge:{GATEWAY}",
            connect=faulty_connect(self._faults),
            new_id=lambda: f"jr-{self._random.getrandbits(64):016x}",
        )
        residents = Residents()
        hearing = Hearing(PROFILES, CATALOGUE)
        self._links = [
            SimLink(
                f"{GATEWAY}-home",
                self._home,
                ("#",),
                home_signal,
                self._faults,
                self._window,
                settles_early=self._settles_early,
            ),
            SimLink(
                GATEWAY,
                self._cloud,
                (down_filter(GATEWAY),),
                cloud_signal,
                self._faults,
                self._window,
            ),
        ]
        self.journal = journal
        self.home_pump = HomePump(
            gateway=GATEWAY,
            link=self._links[0],
            signal=home_signal,
            journal=journal,
            intake=Intake(hearing, residents, self.health, journal.view.row),
            residents=residents,
            local=Local(GATEWAY, WORDS),
            keeper=Keeper(journal, Limits(), clock.boot_id(), clock.is_synced),
            clock=clock,
            health=self.health,
            uplink_signal=cloud_signal,
        )
        self.uplink_pump = UplinkPump(
            gateway=GATEWAY,
            version="simulated",
            link=self._links[1],
            signal=cloud_signal,
            journal=journal,
            clock=clock,
            health=self.health,
            hand_over=self.home_pump.deliver,
            done=self.home_pump.done,
            random=self._random,
            start_within_ms=READINGS_START_MS,
        )

    def crash(self) -> None:
        """The process is gone. What was sent may still arrive; what was committed stays."""
        for link in self._links:
            if link.wire is not None:
                link.wire.cut(None, self._random.randint(0, link.wire.words_under_way))
                link.wire = None
        if self.journal is not None:
            self.journal.close()
        self._links, self.journal = [], None
        self.home_pump = self.uplink_pump = None
