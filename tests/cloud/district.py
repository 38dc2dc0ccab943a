"""A district for stories in time: the demo's registry, dispatch, escalation and prompts on a store,
with timers that fire as the clock is turned."""

from pathlib import Path
from typing import Any

import msgspec

from cloud.alarms import commands as c
from cloud.alarms import service as alarms
from cloud.alarms import store as alarm_store
from cloud.alarms.folding import fold_key
from cloud.alarms.model import (
    Alarm,
    DeviceCard,
    HomeCard,
    Person,
    Press,
    ResidentCard,
    Where,
)
from cloud.alarms.service import Call, raise_call
from cloud.dictionary import read_dictionary
from cloud.dispatch.model import Crew
from cloud.dispatch.service import DispatchDesk
from cloud.durable import feed
from cloud.durable.outbox import Outbox, outbox_table
from cloud.durable.timers import Timers
from cloud.escalation.service import Escalation, read_policies
from cloud.notify.prompts import Prompts
from cloud.observe import Counters
from cloud.pumps import Signal
from cloud.registry.cards import HomeKind
from cloud.registry.registry import Registry
from cloud.registry.seed import load_demo
from cloud.rules.model import AlarmKind, Severity
from cloud.storage.store import Store
from cloud.storage.unit import Work
from cloud.travel.estimate import CrowTravel
from cloud.words import Words
from cloud.workers.timers import TimerPump
from tests.cloud.stores import HandClock, open_store

CONFIG = Path(__file__).parents[2] / "config"
POLICIES = read_policies(CONFIG / "policies")
POLICY = POLICIES[Severity.CRITICAL]
LIN, HE = Person("ac-lin", "林晓岚", "Lin Xiaolan"), Person("ac-he", "何文静", "He Wenjing")
ANHE, JIANGLING = "st-anhe", "st-jiangling"
CHEN, DENG = Crew(ANHE, "re-chenli"), Crew(ANHE, "re-dengxm")
LIU = Crew(JIANGLING, "re-liuyang")
HOME, GATEWAY = "ho-anhe01", "gw-demo01"


class District:
    """Everything together, as app composes it."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.ops = HandClock(), list[feed.Op]()
        self.store: Store = open_store(folder, self.clock)
        self.store._finishers = (lambda work: self.ops.extend(work.notes.get("feed", [])),)
        self.registry = Registry(self.store.read)
        self.registry.listen(self.store.bus)
        words, timers = read_dictionary(CONFIG / "words"), Timers(Signal())
        self.desk = DispatchDesk(self.registry, CrowTravel(), timers, words)
        self.escalation = Escalation(POLICIES, timers, self.desk)
        for room in (self.desk, self.escalation, Prompts(Outbox(Signal()), words)):
            room.listen(self.store.bus)
        handlers = {**self.desk.handlers(), **self.escalation.handlers()}
        self.pump = TimerPump(self.store, handlers, Signal(), Counters())
        self.store.write(lambda work: load_demo(work, CONFIG))
        self._presses = 0

    # what happens

    def press(
        self,
        home_id: str | None = HOME,
        kind: AlarmKind = AlarmKind.SOS,
        home_kind: HomeKind = HomeKind.SIMULATED,
        severity: Severity = Severity.CRITICAL,
    ) -> Alarm:
        """A resident calls; None: nobody knows from where."""
        self._presses += 1
        call = Call(
            kind=kind,
            severity=severity,
            fold_key=fold_key(kind, home_id, GATEWAY),
            rule="sos",
            version="1",
            say=Words("按下", "pressed"),
            press=Press(f"p{self._presses}", GATEWAY, self.clock.now_ms(), age_ms=0),
            where=self._where(home_id, home_kind) if home_id else Where(),
        )
        return self.store.write(lambda work: raise_call(work, call))

    def _where(self, home_id: str, kind: HomeKind) -> Where:
        card = self.registry.home_card(home_id)
        assert card is not None
        assert card.resident is not None
        home = HomeCard(card.id, card.address, card.area, card.lat, card.lon, kind.value)
        resident = ResidentCard(card.resident.id, card.resident.name, card.resident.name_en)
        device = DeviceCard("z2m:1", Words("按钮", "button"), Words("卫生间", "bathroom"))
        return Where(home, resident, device, card.area_id)

    def do(self, alarm: Alarm, command: c.Command) -> Alarm:
        """A command on the alarm itself."""
        return self.store.write(lambda work: alarms.handle(work, alarm.id, command))

    def pass_s(self, seconds: int) -> None:
        """Time goes by, and what is due happens at its instant."""
        end_ms = self.clock.now_ms() + seconds * 1000
        while (due_ms := self.pump.run_once(self.clock.now_ms())) is not None and due_ms <= end_ms:
            self.clock.at_ms = max(due_ms, self.clock.at_ms)
        self.clock.at_ms = end_ms

    # what is seen

    def alarm(self, alarm: Alarm) -> Alarm:
        kept = self.store.read(lambda work: alarm_store.find(work, alarm.id))
        assert kept is not None
        return kept.alarm

    def history(self, alarm: Alarm) -> list[str]:
        rows = self.store.read(lambda work: alarm_store.history(work, alarm.id))
        return [str(type(row.event).__struct_config__.tag) for row in rows]

    def offers(self, alarm: Alarm) -> list[tuple[str, str]]:
        shown = self.store.read(lambda work: self.desk.offers_of(work, alarm.id))
        return [(each["station"].id, each["state"].value) for each in shown]

    def offer_ids(self, alarm: Alarm) -> list[str]:
        shown = self.store.read(lambda work: self.desk.offers_of(work, alarm.id))
        return [each["id"] for each in shown]

    def told(self, coll: str, thing_id: str, station: str | None) -> Any:
        """What the feed said last of a thing, to a station or (None) to operators."""
        seen = [op for op in self.ops if (op.coll, op.id, op.station) == (coll, thing_id, station)]
        return msgspec.json.decode(seen[-1].v)

    def letters(self) -> list[dict[str, Any]]:
        def read(work: Work) -> list[dict[str, Any]]:
            rows = work.execute(outbox_table.select().order_by(outbox_table.c.id)).mappings()
            return [{**row, "payload": msgspec.json.decode(row["payload"])} for row in rows]

        return self.store.read(read)
