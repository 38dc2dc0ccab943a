"""Follows the rules of homes and gateways, inside the transaction that took their facts in: what
they conclude becomes alarms, what they remember is kept."""

from collections.abc import Sequence
from typing import Final

import msgspec

from cloud.alarms import service as alarms
from cloud.alarms.folding import fold_key
from cloud.alarms.model import Press, Where
from cloud.alarms.service import Call
from cloud.ingest.judge import Fact
from cloud.ingest.places import where_of, where_of_gateway
from cloud.observe import Counters
from cloud.registry import cards
from cloud.registry.registry import Registry
from cloud.rules import state as rule_state
from cloud.rules.engine import RuleSet, Step, heard, pass_time, step
from cloud.rules.model import Clearing, Detection, Happening, HomeState
from cloud.rules.state import GATEWAY, Due
from cloud.storage.unit import Work
from cloud.words import Dictionary, Words, fill
from contract.lanes import Lane, Quality
from contract.topics import partition_of
from contract.vocabulary import Measurement

CLOCK_MS_MAX: Final = 30 * 86_400_000  # homes keep less: what is older was dated by no set clock
Device = cards.DeviceCard | None


class Follower:
    """The rules at work. One state a home, and one a gateway, each in a row of its own."""

    def __init__(
        self, registry: Registry, rules: RuleSet, words: Dictionary, counters: Counters
    ) -> None:
        self._registry, self._rules, self._words = registry, rules, words
        self._counters = counters

    def follow(
        self, work: Work, home_id: str, facts: Sequence[tuple[cards.DeviceCard, Fact]]
    ) -> None:
        """Facts of one home, in order."""
        before = self._load(work, home_id)
        state = before or HomeState()
        gateway = facts[0][1].gateway
        for device, fact in facts:
            result = step(self._rules, state, happening_of(fact, device))
            state = result.state
            self._note(work, result)
            self._tell(work, home_id, gateway, result, fact)
        self._keep(work, home_id, gateway, before, state)

    def heard(self, work: Work, gateway: str) -> None:
        """A gateway has said something; one that nobody has registered cannot fall silent."""
        if not self._rules.of_gateway or self._registry.gateway_card(gateway) is None:
            return
        subject = f"{GATEWAY}{gateway}"
        before = self._load(work, subject)
        result = heard(self._rules, before or HomeState(), work.now_ms)
        self._note(work, result)
        self._tell(work, None, gateway, result, None)
        self._keep(work, subject, gateway, before, result.state)

    def look_again(self, work: Work, due: Due) -> None:
        """Its time has come. A home that the registry has no more is forgotten."""
        before = self._load(work, due.subject)
        if before is None:
            return
        is_gateway = due.subject.startswith(GATEWAY)
        home_id = None if is_gateway else due.subject
        gateway = due.subject.removeprefix(GATEWAY) if is_gateway else self._gateway_of(home_id)
        if gateway is None or self._registry.gateway_card(gateway) is None:
            rule_state.forget(work, due.subject)
            return
        link_ms = 0
        state = before
        if home_id is not None:
            other = self._load(work, f"{GATEWAY}{gateway}")
            link_ms = other.link_ms if other else 0
            state = self._without_strangers(home_id, before)
        result = pass_time(self._rules, state, work.now_ms, link_ms)
        self._note(work, result)
        self._tell(work, home_id, gateway, result, None)
        self._keep(work, due.subject, gateway, before, result.state)

    # ------------------------------------------------------------ what is remembered

    def _gateway_of(self, home_id: str | None) -> str | None:
        home = self._registry.home_card(home_id) if home_id else None
        return home.gateway_id if home else None

    def _without_strangers(self, home_id: str, state: HomeState) -> HomeState:
        """A device that was taken away is not silent."""
        known = {device.uid for device in self._registry.devices_of(home_id)}
        return state.only(known)

    def _load(self, work: Work, subject: str) -> HomeState | None:
        """What is remembered and cannot be read begins anew: no call may wait for its repair."""
        try:
            return rule_state.load(work, subject)
        except msgspec.DecodeError as error:
            self._counters.add("rules.failed")
            self._counters.trouble("rules.state", f"{subject}: {error}", work.now_ms)
            rule_state.forget(work, subject)
            return None

    def _keep(
        self, work: Work, subject: str, gateway: str, before: HomeState | None, state: HomeState
    ) -> None:
        if state != before:
            partition = partition_of(gateway)
            rule_state.keep(work, subject, partition, state, is_new=before is None)

    def _note(self, work: Work, result: Step) -> None:
        for trouble in result.troubles:
            self._counters.add("rules.failed")
            self._counters.trouble(f"rule.{trouble.rule}", trouble.text, work.now_ms)
        if result.detections:
            self._counters.add("rules.detections", len(result.detections))

    # ------------------------------------------------------------ what people are told

    def _tell(
        self, work: Work, home_id: str | None, gateway: str, result: Step, fact: Fact | None
    ) -> None:
        told: set[str] = set()
        for found in result.detections:
            key = found.key if found.key not in told else f"{found.key}/{found.rule}"
            told.add(key)
            # What was due comes with a fact too, and is none of it.
            mine = fact if fact and found.evidence.get("fact") == fact.key else None
            self._detected(work, home_id, gateway, found, key, mine)
        for clearing in result.clearings:
            self._cleared(work, home_id, gateway, clearing)

    def _detected(
        self,
        work: Work,
        home_id: str | None,
        gateway: str,
        found: Detection,
        key: str,
        fact: Fact | None,
    ) -> None:
        device = self._registry.device_of(gateway, found.device) if found.device else None
        press = _press(work, home_id or gateway, gateway, found, key, device, fact)
        if found.takes_back:
            self._take_back(work, home_id, gateway, found, press, fact)
            return
        call = Call(
            kind=found.kind,
            severity=found.severity,
            fold_key=fold_key(found.kind, home_id, gateway, found.rule),
            rule=found.rule,
            version=found.version,
            say=fill(found.say, self._facts_of(home_id, gateway, device, found)),
            press=press,
            where=self._where(home_id, gateway, device, work.now_ms),
            repeats=fact.repeats if fact else None,
            evidence=found.evidence,
        )
        if found.is_rise:
            alarms.worsen(work, call)
        else:
            alarms.raise_call(work, call)

    def _take_back(
        self,
        work: Work,
        home_id: str | None,
        gateway: str,
        found: Detection,
        press: Press,
        fact: Fact | None,
    ) -> None:
        named = fact.cancels if fact else None
        for kind in found.takes_back:
            if alarms.take_back(work, named, fold_key(kind, home_id, gateway), press):
                return

    def _cleared(self, work: Work, home_id: str | None, gateway: str, clearing: Clearing) -> None:
        key = f"{home_id or gateway}/{clearing.key}"
        press = Press(key, gateway, work.now_ms, pressed_at_ms=clearing.at_ms)
        folded = fold_key(clearing.kind, home_id, gateway, clearing.rule)
        alarms.clear(work, folded, clearing.rule, press)

    def _where(self, home_id: str | None, gateway: str, device: Device, now_ms: int) -> Where:
        if home_id is None:
            return where_of_gateway(self._registry, gateway, None, None, now_ms)
        return where_of(self._registry.home_card(home_id), device, now_ms)

    def _facts_of(
        self, home_id: str | None, gateway: str, device: Device, found: Detection
    ) -> dict[str, Words | str]:
        home = self._registry.home_card(home_id) if home_id else None
        card = self._registry.gateway_card(gateway)
        facts: dict[str, Words | str] = {
            "resident": self._words.say("alarm.resident_unknown"),
            "room": self._words.say("alarm.room_unknown"),
            "device": card.name if card and not home_id else self._words.say("alarm.device_any"),
            **found.facts,
        }
        if home and home.resident:
            facts["resident"] = Words(home.resident.name, home.resident.name_en)
        if device is not None:
            facts |= {"room": device.room, "device": device.name}
        return facts


def happening_of(fact: Fact, device: cards.DeviceCard) -> Happening:
    """The fact as rules take it. Its time: by the edge's monotonic age where that is known."""
    at_ms = fact.happened_ms
    if fact.age_ms is not None:
        at_ms = fact.received_ms - fact.age_ms
    elif fact.received_ms - at_ms > CLOCK_MS_MAX:
        at_ms = fact.received_ms
    return Happening(
        measurement=Measurement(fact.row.name),
        value=fact.row.value,
        device=device.uid,
        room=device.room.en.lower(),
        at_ms=min(at_ms, fact.received_ms),
        known_at_ms=fact.received_ms,
        key=fact.key,
        quality=_believed(fact),
        is_call=fact.lane is Lane.ALARM,
    )


def _believed(fact: Fact) -> Quality:
    """A call for help is never left out for being implausible."""
    quality = Quality(fact.row.x.q) if fact.row.x else Quality.OK
    is_call = fact.lane is Lane.ALARM and quality is Quality.IMPLAUSIBLE
    return Quality.OK if is_call else quality


def press_of(fact: Fact, device: str, key: str | None = None) -> Press:
    """The fact as an alarm's history tells it."""
    return Press(
        key=key or fact.key,
        gateway=fact.gateway,
        received_at_ms=fact.received_ms,
        journal=fact.journal,
        seq=fact.row.seq,
        device=device,
        pressed_at_ms=fact.happened_ms,
        age_ms=fact.age_ms,
    )


def _press(
    work: Work,
    subject: str,
    gateway: str,
    found: Detection,
    key: str,
    device: Device,
    fact: Fact | None,
) -> Press:
    uid = device.uid if device else None
    if fact is not None:
        return press_of(fact, found.device, key)
    return Press(
        key=f"{subject}/{key}",
        gateway=gateway,
        received_at_ms=work.now_ms,
        device=uid,
        pressed_at_ms=found.at_ms,
        age_ms=max(0, work.now_ms - found.at_ms),
    )
