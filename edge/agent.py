"""The composition of the edge: the only place here that knows which parts are real."""

import fcntl
import logging
import os
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from random import Random
from typing import Final

import msgspec

from contract.topics import down_filter
from edge import local
from edge.clock import Clock, SystemClock
from edge.enrol import Platform
from edge.errors import BadSettings, DataInUse
from edge.health import Health
from edge.home import HomePump
from edge.intake import Intake
from edge.journal.limits import Keeper, Limits
from edge.journal.store import Journal
from edge.link import Link, Outgoing
from edge.mqtt import Address, MqttLink
from edge.profiles import load_hearing
from edge.pumps import EventSignal, Pump, Runner
from edge.renewal import RenewalPump
from edge.residents import Residents
from edge.settings import BrokerSettings, Settings
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
        clock = clock or SystemClock()
        folder = settings.data_dir
        self._lock = _only_one(folder)
        home_signal, cloud_signal = EventSignal(), EventSignal()
        gateway = settings.gateway
        journal = Journal(folder, clock, f"edge:{gateway}")
        residents = Residents()
        hearing = load_hearing(config_dir)
        self.home = HomePump(
            gateway=gateway,
            link=wrap_home(
                MqttLink(
                    f"{gateway}-home",
                    _address(settings.home),
                    settings.home.topics,
                    home_signal,
                    will=_offline(gateway),
                )
            ),
            signal=home_signal,
            journal=journal,
            intake=Intake(hearing, residents, self.health, journal.view.row),
            residents=residents,
            local=local.Local(gateway, read_words(config_dir), settings.siren_after_s * 1000),
            keeper=Keeper(journal, _limits(settings), clock.boot_id(), clock.is_synced),
            clock=clock,
            health=self.health,
            uplink_signal=cloud_signal,
        )
        self.uplink = UplinkPump(
            gateway=gateway,
            version=_version(),
            link=MqttLink(gateway, _address(settings.cloud), (down_filter(gateway),), cloud_signal),
            signal=cloud_signal,
            journal=journal,
            clock=clock,
            health=self.health,
            hand_over=self.home.deliver,
            done=self.home.done,
            random=Random(os.urandom(8)),  # noqa: S311 - spreads a start, guards nothing
            start_within_ms=settings.readings_start_within_s * 1000,
        )
        pumps: list[Pump] = [self.home, self.uplink, *_renewal(settings, self.health)]
        self._runners = [Runner(pump, clock, self.health) for pump in pumps]

    def start(self) -> None:
        """Begin; brokers that are not there yet are waited for."""
        for runner in self._runners:
            runner.start()

    def stop(self) -> None:
        """Finish what was taken and let go. Safe to call twice."""
        for runner in reversed(self._runners):
            runner.stop()
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
    return Address(broker.host, broker.port, broker.username, broker.password(), broker.tls())


def _renewal(settings: Settings, health: Health) -> list[Pump]:
    """Where we are told of whom to ask."""
    url, file = settings.platform_url, settings.cloud.cert_file
    if url is None or file is None:
        return []
    return [RenewalPump(Platform(url, settings.platform_ca_file), file, health)]


def _limits(settings: Settings) -> Limits:
    return Limits(settings.journal_mb_max * 1024 * 1024, settings.journal_days_max * DAY_MS)


def _offline(gateway: str) -> Outgoing:
    payload = msgspec.json.encode({"agent": "offline"})
    return Outgoing(local.status_topic(gateway), payload, is_retained=True)


def _version() -> str:
    try:
        return version("anju")
    except PackageNotFoundError:
        return "source"
