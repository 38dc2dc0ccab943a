"""The way of an alarm through the cloud, in the log and in times: by its id and the keys of its
presses. Ids only: a log is no place for names, addresses and texts.

A line's facts are the mapping that it is made with, so that `--log-json` has them as fields.
"""

import logging
from typing import Any, Final

from cloud.alarms import events as e
from cloud.alarms.events import AlarmChanged, Event
from cloud.alarms.model import Alarm
from cloud.durable.feed import Entry
from cloud.observe import Counters
from cloud.observe.measures import HOP, STEP
from cloud.storage.bus import Bus
from cloud.storage.unit import Work

log = logging.getLogger(__name__)
STEPS: Final[dict[type[Event], str]] = {
    e.AlarmClaimed: "claimed",
    e.OfferMade: "offered",
    e.OfferAccepted: "accepted",
    e.ResponderArrived: "arrived",
    e.AlarmClosed: "closed",
}


class Trail:
    """Follows alarms. Listens inside the transaction, speaks after the commit."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    def listen(self, bus: Bus) -> None:
        """Every change of an alarm."""
        bus.on(AlarmChanged, self._on_alarm)

    def given(self, entry: Entry, listeners: int) -> None:
        """The feed has told these many listeners."""
        self._counters.since(HOP, "committed_told", entry.at_ms)
        for alarm in dict.fromkeys(op.id for op in entry.ops if op.coll == "alarms"):
            facts = {"alarm": alarm, "hop": "told", "seq": entry.seq, "listeners": listeners}
            log.info("alarm %(alarm)s: told as %(seq)d, to %(listeners)d listeners", facts)

    def _on_alarm(self, work: Work, changed: AlarmChanged) -> None:
        work.after_commit(lambda: self._changed(changed.alarm, changed.event))

    def _changed(self, alarm: Alarm, event: Event) -> None:
        facts = _facts(alarm, event)
        if "press" in facts:
            log.info("alarm %(alarm)s (%(no)s): %(hop)s, press %(press)s", facts)
        else:
            log.info("alarm %(alarm)s (%(no)s): %(hop)s", facts)
        if isinstance(event, e.AlarmRaised):
            self._counters.add(f"alarms.raised.{alarm.kind}")
            self._counters.since(HOP, "received_raised", event.press.received_at_ms)
            if event.press.age_ms is not None:
                self._counters.measure(HOP, "taken_received", event.press.age_ms / 1000)
        step = STEPS.get(type(event))
        if step is not None:
            self._counters.measure(STEP, step, (event.at_ms - alarm.raised_at_ms) / 1000)


def _facts(alarm: Alarm, event: Event) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "alarm": alarm.id,
        "no": alarm.no,
        "hop": type(event).__struct_config__.tag,
        "gateway": alarm.gateway,
        "rev": alarm.rev,
    }
    if event.by is not None:
        facts["by"] = event.by.id
    press = getattr(event, "press", None)
    if press is not None:
        facts["press"] = press.key
    offer = getattr(event, "offer", None)
    if offer is not None:
        facts["offer"] = offer.id
    return facts
