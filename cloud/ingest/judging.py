"""The judge in production: registry, last values, rules and alarms, in the facts' transaction."""

import logging
from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import groupby
from typing import Final

from cloud.alarms import service as alarms
from cloud.alarms.folding import fold_key
from cloud.alarms.model import (
    AlarmKind,
    DeviceCard,
    HomeCard,
    Press,
    Where,
)
from cloud.alarms.service import Call
from cloud.alarms.views import resident_of
from cloud.durable.outbox import finish_letters
from cloud.ingest.judge import Fact, Technical
from cloud.observe import Counters
from cloud.registry import cards
from cloud.registry.last_values import LastRow, merge
from cloud.registry.registry import Registry
from cloud.registry.sightings import saw_unregistered
from cloud.rules import state as rule_state
from cloud.rules.engine import RuleSet, step
from cloud.rules.model import Detection, Happening, HomeState, Severity
from cloud.storage.unit import Work
from cloud.words import Dictionary, Words, fill
from contract.lanes import Lane, Notice, Quality
from contract.topics import partition_of
from contract.vocabulary import SPECS, Measurement

log = logging.getLogger(__name__)
TECHNICAL_RULE: Final = "technical"
UNIT_CHARS_MAX: Final = 64
_NOTICES: Final = {notice.value for notice in Notice}


class HomeJudge:
    """See Judge. Facts of a home are judged in order; unregistered devices are counted, and rung
    for where they may have called."""

    def __init__(
        self, registry: Registry, rules: RuleSet, words: Dictionary, counters: Counters
    ) -> None:
        self._registry, self._rules, self._words = registry, rules, words
        self._counters = counters

    def judge(self, work: Work, facts: Sequence[Fact]) -> None:
        """See Judge."""
        for fact in facts[:1]:  # they are of one message, and so of one lane
            self._counters.add(f"ingest.rows.{fact.lane}", len(facts))
        known: list[tuple[str, cards.DeviceCard, Fact]] = []
        strangers: list[Fact] = []
        for fact in facts:
            device = self._registry.device_of(fact.gateway, fact.device)
            if fact.row.name in _NOTICES:
                self._notice(work, fact, device)
            elif device is None or device.home_id is None:
                strangers.append(fact)
            else:
                known.append((device.home_id, device, fact))
        if strangers:
            self._sight(work, strangers)
        # Homes in order of id, so that two owners cannot wait for each other.
        known.sort(key=lambda each: each[0])
        for home_id, of_home in groupby(known, key=lambda each: each[0]):
            self._judge_home(work, home_id, [(device, fact) for _, device, fact in of_home])

    def report(self, work: Work, case: Technical) -> None:
        """See Judge."""
        reason = case.reason
        if case.gateway and self._registry.gateway_card(case.gateway) is None:
            reason = "unregistered_gateway"
        press = Press(case.key, case.gateway, case.received_ms, device=case.device)
        self._technical(work, press, reason, case.detail, None)

    def confirm(self, work: Work, command_ids: Sequence[str]) -> None:
        """See Judge."""
        for letter in finish_letters(work, list(command_ids)):
            work.after_commit(partial(_confirmed, letter))

    # ------------------------------------------------------------ a home

    def _judge_home(
        self, work: Work, home_id: str, facts: Sequence[tuple[cards.DeviceCard, Fact]]
    ) -> None:
        merge(work, home_id, (_last_row(fact) for _, fact in facts))
        self._follow_rules(work, home_id, facts)
        for device, fact in facts:
            if fact.row.name == Measurement.SOS_CANCEL and fact.row.value is True:
                key = fold_key(AlarmKind.SOS, home_id, fact.gateway)
                alarms.take_back(work, fact.cancels, key, _press(fact, device.uid))

    def _follow_rules(
        self, work: Work, home_id: str, facts: Sequence[tuple[cards.DeviceCard, Fact]]
    ) -> None:
        concerned = [
            (device, fact)
            for device, fact in facts
            if self._rules.concerned(Measurement(fact.row.name))
        ]
        if not concerned:
            return
        before = rule_state.load(work, home_id)
        state: HomeState = before or {}
        for device, fact in concerned:
            state, detections, troubles = step(self._rules, state, _happening(fact))
            for trouble in troubles:
                self._counters.trouble(f"rule.{trouble.rule}", trouble.text, work.now_ms)
            for detection in detections:
                self._raise(work, home_id, device, fact, detection)
        if state != (before or {}):
            gateway = concerned[0][1].gateway
            rule_state.keep(work, home_id, partition_of(gateway), state, is_new=before is None)

    def _raise(
        self, work: Work, home_id: str, device: cards.DeviceCard, fact: Fact, found: Detection
    ) -> None:
        home = self._registry.home_card(home_id)
        alarms.raise_call(
            work,
            Call(
                kind=AlarmKind.SOS,
                severity=found.severity,
                fold_key=fold_key(AlarmKind.SOS, home_id, fact.gateway),
                rule=found.rule,
                version=found.version,
                say=fill(found.say, self._facts_of(home, device)),
                press=_press(fact, device.uid),
                where=_where(home, device, work.now_ms),
                repeats=fact.repeats,
                evidence=found.evidence,
            ),
        )

    def _facts_of(
        self, home: cards.HomeCard | None, device: cards.DeviceCard
    ) -> dict[str, Words | str]:
        resident = home.resident if home else None
        name = (
            Words(resident.name, resident.name_en)
            if resident
            else self._words.say("alarm.resident_unknown")
        )
        return {"resident": name, "room": device.room, "device": device.name}

    # ------------------------------------------------------------ what cannot be judged

    def _sight(self, work: Work, strangers: Sequence[Fact]) -> None:
        self._counters.add("ingest.unregistered", len(strangers))
        for (gateway, device), times in Counter((f.gateway, f.device) for f in strangers).items():
            if not saw_unregistered(work, gateway, device, times):
                break  # there are too many to count each: the next ones would only cost time
        for fact in strangers:
            self._ring_for_stranger(work, fact)

    def _ring_for_stranger(self, work: Work, fact: Fact) -> None:
        is_call = SPECS[Measurement(fact.row.name)].is_alarm and fact.row.value is True
        quality = Quality(fact.row.x.q) if fact.row.x else Quality.OK
        if not is_call or quality is Quality.TEST or fact.lane is not Lane.ALARM:
            return
        is_gateway_known = self._registry.gateway_card(fact.gateway) is not None
        reason = "unregistered" if is_gateway_known else "unregistered_gateway"
        self._technical(work, _press(fact, fact.device), reason, fact.row.name, fact.repeats)

    def _notice(self, work: Work, fact: Fact, device: cards.DeviceCard | None) -> None:
        detail = str(fact.row.value)
        where = device.uid if device else fact.device
        self._technical(work, _press(fact, where), fact.row.name, detail, fact.repeats, device)

    def _technical(
        self,
        work: Work,
        press: Press,
        reason: str,
        detail: str,
        repeats: str | None,
        device: cards.DeviceCard | None = None,
    ) -> None:
        home_id = device.home_id if device else self._registry.home_of_gateway(press.gateway)
        home = self._registry.home_card(home_id) if home_id else None
        gateway = self._registry.gateway_card(press.gateway)
        where = _where(home, device, work.now_ms)
        if home is None and gateway is not None:
            where = Where(area_code=gateway.area_path[-1])
        shown = device.name if device else press.device or "?"
        alarms.raise_call(
            work,
            Call(
                kind=AlarmKind.TECHNICAL,
                severity=Severity.HIGH,
                fold_key=fold_key(AlarmKind.TECHNICAL, home_id, press.gateway, reason),
                rule=TECHNICAL_RULE,
                version="1",
                say=self._words.say(
                    f"technical.{reason}", gateway=press.gateway or "?", device=shown
                ),
                press=press,
                where=where,
                repeats=repeats,
                evidence={"reason": reason, "detail": detail[:500]},
            ),
        )


def _confirmed(letter: str) -> None:
    log.info("letter %(letter)s: done", {"letter": letter, "hop": "done"})


def _press(fact: Fact, device: str) -> Press:
    return Press(
        key=fact.key,
        gateway=fact.gateway,
        received_at_ms=fact.received_ms,
        journal=fact.journal,
        seq=fact.row.seq,
        device=device,
        pressed_at_ms=fact.happened_ms,
        age_ms=fact.age_ms,
    )


def _happening(fact: Fact) -> Happening:
    return Happening(
        measurement=Measurement(fact.row.name),
        value=fact.row.value,
        device=fact.device,
        at_ms=fact.happened_ms,
        known_at_ms=fact.received_ms,
        key=fact.key,
        quality=_believed(fact),
    )


def _believed(fact: Fact) -> Quality:
    """A call for help is never left out for being implausible."""
    quality = Quality(fact.row.x.q) if fact.row.x else Quality.OK
    is_call = fact.lane is Lane.ALARM and quality is Quality.IMPLAUSIBLE
    return Quality.OK if is_call else quality


def _last_row(fact: Fact) -> LastRow:
    value = fact.row.value if fact.row.value is not None else ""
    # A clock that ran ahead once would otherwise keep its reading the newest until then.
    at_ms = min(fact.happened_ms, fact.received_ms)
    unit = fact.row.unit and fact.row.unit[:UNIT_CHARS_MAX]
    return LastRow(fact.device, fact.row.name, value, unit, at_ms)


def _where(home: cards.HomeCard | None, device: cards.DeviceCard | None, now_ms: int) -> Where:
    pressed = DeviceCard(device.uid, device.name, device.room) if device else None
    if home is None:
        return Where(device=pressed)
    return Where(
        home=HomeCard(home.id, home.address, home.area, home.lat, home.lon, home.kind.value),
        resident=resident_of(home, now_ms),
        device=pressed,
        area_code=home.area_id,
    )
