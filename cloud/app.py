"""The composition root of the cloud: joins the rooms, starts what is active, stops it in order.

It decides nothing. A new room is made in `_join`, and joined in `_listen`, `_timer_handlers`,
`_carriers` or `cloud/web/routes.py`.
"""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import TimeoutError as TooLate
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Final

from fastapi import APIRouter
from sqlalchemy.exc import DBAPIError

from cloud.clock import Clock, SystemClock
from cloud.dictionary import BadConfiguration, read_dictionary
from cloud.dispatch.service import DispatchDesk
from cloud.durable import feed as feed_log
from cloud.durable.outbox import Carrier, Outbox
from cloud.durable.timers import Timers
from cloud.escalation.service import Escalation, is_listener_needed, read_policies
from cloud.fleet.authority import Authority, gateways_of
from cloud.fleet.deny import DenyList
from cloud.fleet.enrolment import Enrolment
from cloud.identity.front_door import FrontDoor
from cloud.identity.passwords import Passwords
from cloud.identity.rates import Rates
from cloud.identity.tokens import SystemSecrets
from cloud.ingest import fence
from cloud.ingest.due import DuePump
from cloud.ingest.following import Follower
from cloud.ingest.intake import Intake
from cloud.ingest.judging import HomeJudge
from cloud.ingest.mqtt import MqttSource, kick
from cloud.ingest.pump import IngestPump
from cloud.ingest.telemetry import Telemetry
from cloud.live.hub import Hub
from cloud.live.pumps import ConsoleWatch, FeedPump
from cloud.monitor.exposition import Exposition, Links
from cloud.monitor.listener import MonitorListener
from cloud.monitor.trail import Trail
from cloud.notify.edge_say import EDGE_SAY, EdgeSay
from cloud.notify.prompts import Prompts
from cloud.observe import Counters
from cloud.observe.readiness import Ready, readiness
from cloud.pumps import Pump, Runner, Signal
from cloud.registry.events import GatewayChanged, HomeForgotten
from cloud.registry.registry import Registry
from cloud.rules.engine import RuleSet
from cloud.rules.errors import BadRule
from cloud.rules.language import read_rule_set
from cloud.settings import ALL_ROLES, CloudSettings, Role
from cloud.storage import migrate
from cloud.storage.engine import open_engine
from cloud.storage.errors import StoreError, Unavailable
from cloud.storage.lock import AdvisoryLock, FolderLock, Lock
from cloud.storage.postgres import await_server
from cloud.storage.store import Priority, Store
from cloud.timeseries.embedded import DuckSeries
from cloud.timeseries.port import TimeSeries
from cloud.travel.estimate import CrowTravel
from cloud.web import health
from cloud.web.desk import Desk
from cloud.web.pages import build_of
from cloud.web.routes import all_routes
from cloud.web.server import build_app, build_waiting
from cloud.web.serving import HttpServer
from cloud.words import Dictionary
from cloud.workers import readings
from cloud.workers.down import ConfigPump
from cloud.workers.housekeeping import Housekeeping
from cloud.workers.neighbours import Exclusive, Polled, RegistryWatch
from cloud.workers.outbox import OutboxPump
from cloud.workers.revocations import Revocations
from cloud.workers.timers import Handler, TimerPump
from contract.topics import UP_ALARMS, UP_DATA

log = logging.getLogger(__name__)
STORE_S_MAX: Final = 2.0
PARTS: Final = ("ingest", "workers", "consoles")  # which one process runs for a store


def always() -> bool:
    """For who does not give up."""
    return True


def part_lock(settings: CloudSettings, part: str) -> Lock:
    """Who holds it may run this part on the store; what exchanges the store takes all of PARTS."""
    if settings.server is not None:
        return AdvisoryLock(settings.server, part)
    return FolderLock(settings.data_dir / f"{part}.lock")


class CannotStart(Exception):
    """Something that the cloud needs for its start is not there; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What is there once, for all rooms."""

    settings: CloudSettings
    clock: Clock
    counters: Counters
    store: Store
    epoch: str  # of this database; another one makes homes offer their alarms again
    registry: Registry
    rules: RuleSet
    words: Dictionary
    hub: Hub
    gateways: Authority
    timer_signal: Signal
    outbox_signal: Signal
    dispatch: DispatchDesk
    escalation: Escalation
    prompts: Prompts
    trail: Trail
    series: TimeSeries


class Cloud:
    """The platform in this process. Servers that are absent are waited for: see `is_ready`."""

    store: Store
    registry: Registry
    hub: Hub
    desk: Desk
    port: int  # of HTTP, in a process that has the role
    monitor_port: int  # of metrics and health, where they are wanted

    def __init__(
        self,
        settings: CloudSettings,
        clock: Clock | None = None,
        guests: Sequence[APIRouter] = (),
    ) -> None:
        """guests: routes of neighbours that share the address, such as the virtual homes."""
        self.settings, self.clock = settings, clock or SystemClock()
        self.counters = Counters(self.clock)
        self._guests = tuple(guests)
        self._ends = ExitStack()
        self._sources: dict[str, MqttSource] = {}
        self._exclusives: dict[str, Exclusive] = {}
        self._is_wanted = always
        self._is_begun = False

    @property
    def url(self) -> str:
        """Where the pages are, as seen from this machine."""
        return f"http://{self.settings.http.host}:{self.port}"

    def start(self, is_wanted: Callable[[], bool] = always) -> None:
        """Bring the store up to date, start everything, listen. A database server that is away is
        waited for while `is_wanted`.

        Raises CannotStart, and then nothing is left running.
        """
        self._is_wanted = is_wanted
        with ExitStack() as ends:
            try:
                self._begin(ends)
            except (BadConfiguration, BadRule, StoreError) as error:
                raise CannotStart(str(error)) from error
            except (OSError, DBAPIError) as error:
                reason = getattr(error, "strerror", None) or getattr(error, "orig", error)
                raise CannotStart(_unusable(self.settings, reason)) from error
            self._ends = ends.pop_all()

    def stop(self) -> None:
        """Take nothing more, finish what is under way, close. Safe to call at any time."""
        self._ends.close()

    def is_ready(self) -> dict[str, bool]:
        """Which parts that an alarm needs are there."""
        parts = {"store": self._is_begun and self._can_write()}
        # Copied: it is asked while the start, or who takes over, still adds to them.
        parts |= {name: part.is_running for name, part in dict(self._exclusives).items()}
        parts |= {name: source.is_connected for name, source in dict(self._sources).items()}
        return parts

    def readiness(self) -> Ready:
        """The same with its reasons, for who asks from outside."""
        return readiness(self.is_ready(), self.counters, self.clock.now_ms())

    def is_turning(self) -> bool:
        """Whether no pump stands still. What is absent or failing is no reason to start anew."""
        return not self.counters.stuck()

    def _can_write(self) -> bool:
        try:
            self.store.submit(lambda _work: None).result(STORE_S_MAX)
        except (Unavailable, TooLate):
            return False
        return True

    def _begin(self, ends: ExitStack) -> None:
        http = self._bind(ends) if Role.WEB in self.settings.roles else None
        monitor = self._bind_monitor(ends)
        if self.settings.server is not None:
            await_server(self.settings.server, self._is_wanted)
        parts = _join(self.settings, self.clock, self.counters)
        self.store, self.registry, self.hub = parts.store, parts.registry, parts.hub
        ends.callback(parts.store.stop)
        ends.callback(parts.series.close)
        parts.store.start()
        _listen(parts)
        _turn(ends, parts, RegistryWatch(parts.registry))
        if Role.WORKERS in self.settings.roles:
            # What other processes change is seen by looking; what this one changes, at once.
            parts.store.bus.on(GatewayChanged, lambda work, _: work.after_commit(self._wake_down))
            begin = partial(self._begin_workers, parts)
            self._exclusives["workers"] = _begin_alone(ends, parts, "workers", begin)
        if Role.INGEST in self.settings.roles:
            begin = partial(self._begin_ingest, parts)
            self._exclusives["ingest"] = _begin_alone(ends, parts, "ingest", begin)
        if http is not None:
            self._begin_web(ends, parts, http)
        if monitor is not None:
            page = Exposition(self.counters, parts.store, parts.hub, self.clock, self._links)
            monitor.show(page)
        self._is_begun = True

    def _links(self) -> Links:
        waiting = {name: source.waiting for name, source in self._sources.items()}
        return Links(frozenset(map(str, self.settings.roles)), self.is_ready(), waiting)

    def _bind_monitor(self, ends: ExitStack) -> MonitorListener | None:
        wanted = self.settings.monitor
        if wanted.port is None:
            return None
        try:
            listener = MonitorListener(wanted.host, wanted.port, self.readiness)
        except OSError as error:
            raise _no_port("metrics and health", wanted.host, wanted.port, error) from error
        ends.callback(listener.stop)
        self.monitor_port = listener.port
        return listener

    def _bind(self, ends: ExitStack) -> HttpServer:
        http = self.settings.http
        try:
            server = HttpServer(http.host, http.port)
        except OSError as error:
            raise _no_port("the pages", http.host, http.port, error) from error
        ends.callback(server.stop)
        self.port = server.port
        server.start(build_waiting(self.readiness))
        return server

    def _begin_ingest(self, parts: Parts, ends: ExitStack) -> None:
        generation = parts.store.write(fence.claim_all)
        follower = Follower(parts.registry, parts.rules, parts.words, parts.counters)
        judge = HomeJudge(parts.registry, follower, parts.words, parts.counters)
        denied = DenyList(parts.gateways, parts.counters)
        denied.run_once(parts.clock.now_ms())  # before anything is taken
        _turn(ends, parts, denied)
        intake = Intake(judge, parts.epoch, denied)
        alarms = self._connect(ends, parts, "alarms", "anju-ingest-alarms", UP_ALARMS)
        data = self._connect(ends, parts, "data", "anju-ingest-data", UP_DATA)
        telemetry = Telemetry(parts.series, parts.registry, data.publish, parts.counters)
        _turn(ends, parts, telemetry)
        for name, source, priority in (
            ("alarms", alarms, Priority.ALARM),
            ("data", data, Priority.DATA),
        ):
            pump = IngestPump(
                f"ingest.{name}",
                source,
                parts.store,
                intake,
                telemetry,
                source.publish,
                parts.counters,
                generation=generation,
                priority=priority,
                signal=source.signal,
                overtaken=self._overtaken,
            )
            _turn(ends, parts, pump)
        _turn(
            ends, parts, DuePump(parts.store, follower, parts.counters, generation, self._overtaken)
        )

    def _overtaken(self) -> None:
        if "ingest" in self._exclusives:  # else it begins just now; it is told again
            self._exclusives["ingest"].overtaken()

    def _begin_workers(self, parts: Parts, ends: ExitStack) -> None:
        down = self._connect(ends, parts, "down", "anju-down", ())
        handlers, carriers = _timer_handlers(parts), _carriers(down)
        fleet, throw_out = parts.settings.fleet, partial(kick, parts.settings.broker)
        for pump in (
            ConfigPump(parts.store, parts.registry, down),
            Revocations(parts.gateways, fleet, throw_out, parts.counters),
            Polled(TimerPump(parts.store, handlers, parts.timer_signal, parts.counters)),
            Polled(OutboxPump(parts.store, carriers, parts.outbox_signal, parts.counters)),
        ):
            _turn(ends, parts, pump)
        chores = readings.chores(parts.store, parts.series)
        housekeeping = Housekeeping(parts.store, parts.clock, parts.counters, chores)
        housekeeping.start()
        ends.callback(housekeeping.stop)

    def _wake_down(self) -> None:
        if "down" in self._sources:
            self._sources["down"].signal.set()

    def _begin_web(self, ends: ExitStack, parts: Parts, http: HttpServer) -> None:
        self.desk = Desk(
            store=parts.store,
            front_door=FrontDoor(parts.store, Passwords(), SystemSecrets()),
            registry=parts.registry,
            hub=parts.hub,
            counters=parts.counters,
            clock=parts.clock,
            build=build_of(parts.settings.pages_dir),
            rates=Rates(parts.clock),
            secrets=SystemSecrets(),
            is_secure=parts.settings.http.is_secure,
        )
        _turn(ends, parts, FeedPump(parts.store, parts.hub))
        _begin_alone(ends, parts, "consoles", partial(_watch_consoles, parts))
        routers = [health.health_routes(self.readiness), *_routers(parts), *self._guests]
        http.show(build_app(self.desk, routers, parts.settings.pages_dir))
        ends.callback(http.stop)  # first of all: nobody is answered half

    def _connect(
        self, ends: ExitStack, parts: Parts, name: str, client_id: str, filters: Sequence[str]
    ) -> MqttSource:
        source = self._source(parts, client_id, filters)
        self._sources[name] = source
        ends.callback(self._sources.pop, name)  # who stands by needs no broker
        source.start()
        ends.callback(source.stop)
        return source

    def _source(self, parts: Parts, client_id: str, filters: Sequence[str]) -> MqttSource:
        broker = parts.settings.broker
        return MqttSource(client_id, filters, broker, parts.clock, parts.counters)


def _no_port(what: str, host: str, port: int, error: OSError) -> CannotStart:
    why = os.strerror(error.errno) if error.errno else str(error)
    return CannotStart(
        f"port {port} for {what} cannot be had on {host}: {why};"
        " stop the other program, or give another port"
    )


# ---------------------------------------------------------------- the rooms, joined


def _join(settings: CloudSettings, clock: Clock, counters: Counters) -> Parts:
    words = read_dictionary(settings.config_dir / "words")
    rules = read_rule_set(settings.config_dir)
    policies = read_policies(settings.config_dir / "policies")
    trail = Trail(counters)
    store, hub, epoch = _open_store(settings, clock, counters, trail)
    timer_signal, outbox_signal = Signal(), Signal()
    registry, timers = Registry(store.read), Timers(timer_signal)
    dispatch = DispatchDesk(registry, CrowTravel(), timers, words)
    return Parts(
        settings=settings,
        clock=clock,
        counters=counters,
        store=store,
        epoch=epoch,
        registry=registry,
        rules=rules,
        words=words,
        hub=hub,
        gateways=gateways_of(settings.fleet.ca_dir, clock),
        timer_signal=timer_signal,
        outbox_signal=outbox_signal,
        dispatch=dispatch,
        escalation=Escalation(policies, timers, dispatch),
        prompts=Prompts(Outbox(outbox_signal), words),
        trail=trail,
        series=series_of(settings),
    )


def series_of(settings: CloudSettings) -> TimeSeries:
    """Where readings are kept, not yet opened. Raises BadConfiguration."""
    told = settings.timeseries
    if told.influx is not None:
        # Its client takes half a second to load: only where it is wanted.
        from cloud.timeseries.influx import InfluxSeries

        return InfluxSeries(told.influx, told.keeping)
    if settings.roles not in (ALL_ROLES, frozenset()):
        raise BadConfiguration(
            "readings are kept in a file that one process holds, so that one must have all roles;"
            " give them all, or set [timeseries.influx]"
        )
    return DuckSeries(
        settings.readings, told.keeping, memory_mb=told.memory_mb, threads=told.threads
    )


def _open_store(
    settings: CloudSettings, clock: Clock, counters: Counters, trail: Trail
) -> tuple[Store, Hub, str]:
    settings.data_dir.mkdir(0o700, parents=True, exist_ok=True)
    url = settings.store
    migrate.upgrade(url)
    writing, reading = open_engine(url, writes=True), open_engine(url, writes=False)
    first = Store(writing, reading, clock)  # the hub must know where the feed stands
    first.write(feed_log.ensure_counter)
    epoch, seq = first.read(feed_log.head)
    hub = Hub(seq, trail.given)
    seal = feed_log.seal(hub.take)
    return Store(writing, reading, clock, finishers=[seal], counters=counters), hub, epoch


def _unusable(settings: CloudSettings, reason: object) -> str:
    if settings.server is not None:
        return (
            f"the database {settings.server} cannot be used: {str(reason).strip()}; mend it there"
        )
    return (
        f"the cloud cannot use its folder {settings.data_dir}: {reason};"
        " free the disk, mend its rights, or give another folder"
    )


def _listen(parts: Parts) -> None:
    """Who reacts to what, inside the transaction in which it happens."""
    bus = parts.store.bus
    for room in (parts.trail, parts.registry, parts.dispatch, parts.escalation, parts.prompts):
        room.listen(bus)
    bus.on(HomeForgotten, readings.forget_readings)


def _timer_handlers(parts: Parts) -> Mapping[str, Handler]:
    return {**parts.dispatch.handlers(), **parts.escalation.handlers()}


def _carriers(down: MqttSource) -> Mapping[str, Carrier]:
    """A channel is a file of cloud/notify and its line here (docs/adding-a-channel.md)."""
    return {EDGE_SAY: EdgeSay(down).carry}


def _routers(parts: Parts) -> list[APIRouter]:
    enrolment = Enrolment(parts.store, parts.settings.fleet, parts.clock)
    return all_routes(parts.dispatch, parts.series, parts.gateways, enrolment)


def _watch_consoles(parts: Parts, ends: ExitStack) -> None:
    """In one process only: a second one without consoles would take its own silence for ours."""
    tell = parts.escalation.console_silent
    watch = ConsoleWatch(parts.store, parts.hub, is_listener_needed, tell, parts.counters)
    _turn(ends, parts, watch)


def _begin_alone(
    ends: ExitStack, parts: Parts, part: str, begin: Callable[[ExitStack], None]
) -> Exclusive:
    alone = Exclusive(part, part_lock(parts.settings, part), begin, parts.counters)
    ends.callback(alone.stop)
    alone.run_once(parts.clock.now_ms())  # what is wrong here must stop the start
    _turn(ends, parts, alone)
    return alone


def _turn(ends: ExitStack, parts: Parts, pump: Pump) -> None:
    """In a thread of its own until the end."""
    runner = Runner(pump, parts.clock, parts.counters)
    runner.start()
    ends.callback(runner.stop)
