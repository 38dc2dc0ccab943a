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
    Press,
)
from cloud.alarms.service import Call
from cloud.durable.outbox import finish_letters
from cloud.ingest.following import Follower, press_of
from cloud.ingest.judge import Fact, Technical
from cloud.ingest.places import where_of_gateway
from cloud.observe import Counters
from cloud.registry import cards
from cloud.registry.last_values import LastRow, merge
from cloud.registry.registry import Registry
from cloud.registry.sightings import saw_unregistered
from cloud.rules.model import AlarmKind, Severity
from cloud.storage.unit import Work
from cloud.words import Dictionary
from contract.lanes import Lane, Notice, Quality
from contract.vocabulary import SPECS, Measurement

log = logging.getLogger(__name__)
TECHNICAL_RULE: Final = "technical"
UNIT_CHARS_MAX: Final = 64
_NOTICES: Final = {notice.value for notice in Notice}


class HomeJudge:
    """See Judge. Facts of a home are judged in order; unregistered devices are counted, and rung
    for where they may have called."""

    def __init__(
        self, registry: Registry, follower: Follower, words: Dictionary, counters: Counters
    ) -> None:
        self._registry, self._words, self._counters = registry, words, counters
        self._follower = follower

    def judge(self, work: Work, facts: Sequence[Fact]) -> None:
        """See Judge."""
        for fact in facts[:1]:  # they are of one message, and so of one gateway and lane
            self._counters.add(f"ingest.rows.{fact.lane}", len(facts))
            self._follower.heard(work, fact.gateway)
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
        self._follower.follow(work, home_id, facts)

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
        self._technical(work, press_of(fact, fact.device), reason, fact.row.name, fact.repeats)

    def _notice(self, work: Work, fact: Fact, device: cards.DeviceCard | None) -> None:
        detail = str(fact.row.value)
        where = device.uid if device else fact.device
        self._technical(work, press_of(fact, where), fact.row.name, detail, fact.repeats, device)

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
        where = where_of_gateway(self._registry, press.gateway, home, device, work.now_ms)
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


def _last_row(fact: Fact) -> LastRow:
    value = fact.row.value if fact.row.value is not None else ""
    # A clock that ran ahead once would otherwise keep its reading the newest until then.
    at_ms = min(fact.happened_ms, fact.received_ms)
    unit = fact.row.unit and fact.row.unit[:UNIT_CHARS_MAX]
    return LastRow(fact.device, fact.row.name, value, unit, at_ms)
