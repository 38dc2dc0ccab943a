"""The cloud of the simulation: every part of `cloud.app` that decides, on a real database file,
without threads and HTTP. A crash drops everything in memory and leaves the file."""

import shutil
import sqlite3
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from typing import Any, Final

from sqlalchemy import Column, Engine, Integer, MetaData, Table, Text, event, insert

from cloud.dictionary import read_dictionary
from cloud.dispatch.service import DispatchDesk
from cloud.durable import feed as feed_log
from cloud.durable.outbox import Outbox
from cloud.durable.timers import Timers
from cloud.escalation.service import Escalation, read_policies
from cloud.ingest import fence
from cloud.ingest.due import DuePump
from cloud.ingest.following import Follower
from cloud.ingest.intake import Intake
from cloud.ingest.judge import Fact, Judge, Technical
from cloud.ingest.judging import HomeJudge
from cloud.ingest.pump import IngestPump
from cloud.ingest.telemetry import Telemetry
from cloud.live.hub import Hub
from cloud.live.pumps import FeedPump
from cloud.notify.edge_say import EDGE_SAY, EdgeSay
from cloud.notify.prompts import Prompts
from cloud.observe import Counters
from cloud.pumps import Pump, Signal
from cloud.registry.registry import Registry
from cloud.registry.seed import load_demo
from cloud.rules.language import read_rule_set
from cloud.rules.model import Severity
from cloud.storage.engine import open_engine
from cloud.storage.schema import metadata
from cloud.storage.store import Priority, Store
from cloud.storage.unit import Work
from cloud.travel.estimate import CrowTravel
from cloud.workers.down import ConfigPump
from cloud.workers.neighbours import Polled, RegistryWatch
from cloud.workers.outbox import OutboxPump
from cloud.workers.timers import TimerPump
from contract.topics import UP_ALARMS, UP_DATA
from tests.cloud.stores import counted_ids
from tests.series import MemorySeries
from tests.simulation.broker import Broker
from tests.simulation.clock import CloudClock, Time
from tests.simulation.ends import SimSource
from tests.simulation.faults import Faults, Place

CONFIG: Final = Path(__file__).parents[2] / "config"
WORDS: Final = read_dictionary(CONFIG / "words")
RULES: Final = read_rule_set(CONFIG)
POLICIES: Final = read_policies(CONFIG / "policies")
POLICY: Final = POLICIES[Severity.CRITICAL]
WITNESS: Final = MetaData()  # beside the product's tables, never among them
# What the judge was told, written in the transaction that tells it: what commits, was applied.
POISON: Final = 60.0
witness_table: Final = Table(
    "sim_witness",
    WITNESS,
    Column("n", Integer, primary_key=True),
    Column("key", Text, nullable=False),
    Column("device", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("value", Text, nullable=False),
)
done_table: Final = Table(
    "sim_done",
    WITNESS,
    Column("n", Integer, primary_key=True),
    Column("letter", Text, nullable=False),
    Column("at_ms", Integer, nullable=False),
)


class _Witness:
    """A judge that writes down what it hears and hands it on. It breaks over a reading of POISON
    and above, as over a mistake of ours."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def judge(self, work: Work, facts: Sequence[Fact]) -> None:
        rows = [
            {"key": f.key, "device": f.device, "name": f.row.name, "value": str(f.row.value)}
            for f in facts
        ]
        work.execute(insert(witness_table), rows)
        if any(isinstance(f.row.value, float) and f.row.value >= POISON for f in facts):
            raise KeyError("a mistake of ours")
        self._judge.judge(work, facts)

    def report(self, work: Work, case: Technical) -> None:
        self._judge.report(work, case)

    def confirm(self, work: Work, command_ids: Sequence[str]) -> None:
        rows = [{"letter": each, "at_ms": work.now_ms} for each in command_ids]
        work.execute(insert(done_table), rows)
        self._judge.confirm(work, command_ids)


class SimCell:
    """One cloud. Between a crash and the next boot `store` is None and there are no pumps."""

    def __init__(
        self, folder: Path, clock: CloudClock, faults: Faults, broker: Broker, random: Random,
        window: int,
    ) -> None:  # fmt: skip
        self.clock = clock
        self.store: Store | None = None
        self.counters = Counters()
        self.pumps: list[Pump] = []
        self.sources: list[SimSource] = []
        self.hub = Hub(0)
        self.dispatch: DispatchDesk
        self.series = MemorySeries()
        self._url = f"sqlite:///{folder / 'anju.db'}"
        self._faults, self._broker, self._random, self._window = faults, broker, random, window
        shutil.copy(_template(), folder / "anju.db")

    def boot(self) -> None:
        """Start every role. Raises Unavailable."""
        self.counters, clock = Counters(), self.clock
        writing, reading = self._engine(writes=True), self._engine(writes=False)
        self.store = first = Store(writing, reading, clock, ids=self._new_id)
        first.write(feed_log.ensure_counter)
        epoch, seq = first.read(feed_log.head)
        self.hub = Hub(seq)
        store = self.store = Store(
            writing,
            reading,
            clock,
            finishers=[feed_log.seal(self.hub.take)],
            counters=self.counters,
            ids=self._new_id,
        )
        timer_signal, outbox_signal = Signal(), Signal()
        registry, timers = Registry(store.read), Timers(timer_signal)
        self.dispatch = DispatchDesk(registry, CrowTravel(), timers, WORDS)
        escalation = Escalation(POLICIES, timers, self.dispatch)
        prompts = Prompts(Outbox(outbox_signal), WORDS)
        for room in (registry, self.dispatch, escalation, prompts):
            room.listen(store.bus)
        follower = Follower(registry, RULES, WORDS, self.counters)
        intake = Intake(_Witness(HomeJudge(registry, follower, WORDS, self.counters)), epoch)
        generation = store.write(fence.claim_all)
        down = self._source("down", ())
        handlers = {**self.dispatch.handlers(), **escalation.handlers()}
        carriers = {EDGE_SAY: EdgeSay(down).carry}
        urgent = self._source("ingest-alarms", UP_ALARMS)
        data = self._source("ingest-data", UP_DATA)
        telemetry = Telemetry(self.series, registry, data.publish, self.counters)
        self.pumps = [
            self._ingest("alarms", urgent, Priority.ALARM, intake, telemetry, generation),
            self._ingest("data", data, Priority.DATA, intake, telemetry, generation),
            telemetry,
            DuePump(store, follower, self.counters, generation, _never),
            ConfigPump(store, registry, down),
            Polled(TimerPump(store, handlers, timer_signal, self.counters)),
            Polled(OutboxPump(store, carriers, outbox_signal, self.counters)),
            FeedPump(store, self.hub),
            RegistryWatch(registry),
        ]

    def crash(self) -> None:
        """The process is gone. What was sent may still arrive; what was committed stays."""
        for source in self.sources:
            source.abandon(self._random)
        if self.store is not None:
            self.store.stop()
        self.store, self.pumps, self.sources = None, [], []
        self.series.close()

    def _ingest(
        self, name: str, source: SimSource, priority: Priority, intake: Intake,
        telemetry: Telemetry, generation: int,
    ) -> IngestPump:  # fmt: skip
        assert self.store is not None
        return IngestPump(
            f"ingest.{name}",
            source,
            self.store,
            intake,
            telemetry,
            source.publish,
            self.counters,
            generation=generation,
            priority=priority,
            signal=source.signal,
            overtaken=_never,
        )

    def _source(self, client_id: str, filters: Sequence[str]) -> SimSource:
        source = SimSource(client_id, self._broker, filters, self.clock, self._faults, self._window)
        self.sources.append(source)
        return source

    def _new_id(self, prefix: str) -> str:
        return f"{prefix}-{self._random.getrandbits(48):012x}"

    def _engine(self, *, writes: bool) -> Engine:
        engine = _quick(open_engine(self._url, writes=writes))
        if writes:
            commit = engine.dialect.do_commit

            def do_commit(connection: Any) -> None:
                self._faults.call(Place.STORE_COMMIT, lambda: commit(connection), _disk_error)

            engine.dialect.do_commit = do_commit  # type: ignore[method-assign, assignment]
        return engine


def _never() -> None:
    raise AssertionError("there is one owner")


def _disk_error() -> None:
    raise sqlite3.OperationalError("disk I/O error")


def _quick(engine: Engine) -> Engine:
    """Without waiting for the disk, which no simulated fault touches."""

    @event.listens_for(engine, "connect")
    def hurry(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    return engine


@cache
def _template() -> Path:
    """A database with the demo's registry."""
    file = Path(mkdtemp(prefix="anju-sim-")) / "anju.db"
    url = f"sqlite:///{file}"
    writing, reading = (_quick(open_engine(url, writes=each)) for each in (True, False))
    metadata.create_all(writing)
    WITNESS.create_all(writing)
    store = Store(writing, reading, CloudClock(Time()), ids=counted_ids())
    store.write(lambda work: load_demo(work, CONFIG))
    store.stop()
    return file
