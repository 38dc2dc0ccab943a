"""The composition of the edge: the only place here that knows which parts are real."""

import fcntl
import logging
import os
from collections.abc import Callable
from contextlib import ExitStack
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from random import Random
from typing import Final

from contract.topics import down_filter
from edge.clock import Clock, SystemClock
from edge.errors import BadSettings, DataInUse
from edge.health import Health
from edge.home import HomePump
from edge.intake import Intake
from edge.journal.limits import Keeper, Limits
from edge.journal.store import Journal
from edge.link import Link
from edge.local import Local
from edge.mqtt import Address, MqttLink
from edge.profiles import load_hearing
from edge.pumps import EventSignal, Runner
from edge.residents import Residents
from edge.settings import BrokerSettings, Settings
from edge.status import offline
from edge.uplink.pump import UplinkPump
from edge.words import read_words

log = logging.getLogger(__name__)
DAY_MS: Final = 86_400_000


class Agent:
    """One gateway's agent. Raises BadSettings, DataInUse, JournalUnavailable.

    config_dir: words and device profiles; wrap_home: stands between agent and home broker, for
    proofs that cut or spoil the link.
    """

    def __init__(
        self,
        settings: Settings,
        config_dir: Path,
        clock: Clock | None = None,
        wrap_home: Callable[[Link], Link] = lambda link: link,
    ) -> None:
        self.settings, self.health = settings, Health()
        self._clock = clock or SystemClock()
        words, hearing = read_words(config_dir), load_hearing(config_dir)
        at_home, in_cloud = _address(settings.home), _address(settings.cloud)
        self._lock = _only_one(settings.data_dir)
        gateway = settings.gateway
        home_signal, cloud_signal = EventSignal(), EventSignal()
        with ExitStack() as undo:
            undo.callback(self._let_go)
            journal = Journal(settings.data_dir, self._clock, f"edge:{gateway}")
            undo.callback(journal.close)
            home_link = MqttLink(
                f"{gateway}-home", at_home, settings.home.topics, home_signal, offline(gateway)
            )
            residents = Residents()
            self.home = HomePump(
                gateway=gateway,
                link=wrap_home(home_link),
                signal=home_signal,
                journal=journal,
                intake=Intake(hearing, residents, self.health, journal.view.row),
                residents=residents,
                local=Local(gateway, words, settings.siren_after_s * 1000),
                keeper=_keeper(journal, settings, self._clock),
                clock=self._clock,
                health=self.health,
                uplink_signal=cloud_signal,
                version=_version(),
            )
            self.uplink = UplinkPump(
                gateway=gateway,
                version=_version(),
                link=MqttLink(gateway, in_cloud, (down_filter(gateway),), cloud_signal),
                signal=cloud_signal,
                journal=journal,
                clock=self._clock,
                health=self.health,
                hand_over=self.home.deliver,
                done=self.home.done,
                random=Random(os.urandom(8)),  # noqa: S311 - spreads a start, guards nothing
                start_within_ms=settings.readings_start_within_s * 1000,
            )
            undo.pop_all()
        pumps = (self.home, self.uplink)
        self._runners = [Runner(pump, self._clock, self.health) for pump in pumps]

    def start(self) -> None:
        """Begin; brokers that are not there yet are waited for."""
        for runner in self._runners:
            runner.start()

    def stop(self) -> None:
        """Finish what was taken and let go. Safe to call twice."""
        for runner in reversed(self._runners):
            runner.stop()
        self._let_go()

    def _let_go(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _only_one(folder: Path) -> int | None:
    """Holds the data folder for as long as the process lives."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise BadSettings(f"data_dir {folder} cannot be used: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise DataInUse(folder) from None
    return lock


def _address(broker: BrokerSettings) -> Address:
    return Address(broker.host, broker.port, broker.username, broker.password())


def _keeper(journal: Journal, settings: Settings, clock: Clock) -> Keeper:
    limits = Limits(settings.journal_mb_max * 1024 * 1024, settings.journal_days_max * DAY_MS)
    return Keeper(journal, limits, clock.boot_id(), clock.is_synced)


def _version() -> str:
    try:
        return version("anju")
    except PackageNotFoundError:
        return "source"
