"""What the resident hears while people act: letters of the outbox for the home's gateway."""

from typing import Final, NamedTuple

from cloud.alarms.events import (
    AlarmChanged,
    AlarmClaimed,
    AlarmClosed,
    AlarmRaised,
    Event,
    OfferAccepted,
)
from cloud.alarms.model import Person
from cloud.durable.outbox import Outbox
from cloud.notify.edge_say import EDGE_SAY
from cloud.rules.model import AlarmKind
from cloud.storage.bus import Bus
from cloud.storage.unit import Work
from cloud.words import Dictionary, Words
from contract.messages import Say


class _Prompt(NamedTuple):
    key: str
    expires_ms: int  # said later it would no longer be true, or frighten


_PROMPTS: Final[dict[type[Event], _Prompt]] = {
    AlarmClaimed: _Prompt("operator_with_you", 120_000),
    OfferAccepted: _Prompt("help_is_coming", 600_000),
    AlarmClosed: _Prompt("closed", 600_000),
}


# What a resident must do before anybody can come, and that a fall was seen. Said once.
_WARNINGS: Final[dict[AlarmKind, _Prompt]] = {
    AlarmKind.FALL: _Prompt("fall_seen", 120_000),
    AlarmKind.SMOKE: _Prompt("smoke", 120_000),
    AlarmKind.GAS: _Prompt("gas", 120_000),
    AlarmKind.CARBON_MONOXIDE: _Prompt("carbon_monoxide", 120_000),
    AlarmKind.WATER_LEAK: _Prompt("water_leak", 120_000),
}
# Nobody at home has heard of these; a voice that says that a call is dealt with would frighten.
_UNHEARD: Final = (AlarmKind.INACTIVITY, AlarmKind.GATEWAY, AlarmKind.DEVICE)


class Prompts:
    """Tells a resident of a danger, that an operator is there, that help is coming, that all is
    done."""

    def __init__(self, outbox: Outbox, words: Dictionary) -> None:
        self._outbox, self._words = outbox, words

    def listen(self, bus: Bus) -> None:
        """Speaks of what happens to an alarm, in the same transaction."""
        bus.on(AlarmChanged, self._on_alarm)

    def _on_alarm(self, work: Work, change: AlarmChanged) -> None:
        alarm, prompt = change.alarm, _prompt_of(change)
        if prompt is None or alarm.home is None or alarm.resident is None:
            return
        words = self._words.say(f"say.{prompt.key}", **_facts(change.event))
        expires_ms = work.now_ms + prompt.expires_ms
        letter_id = f"say-{alarm.id}-{alarm.rev}"  # of this row of its history: posted once
        say = Say(
            id=letter_id,
            home=alarm.home.id,
            key=prompt.key,
            words={"zh": words.zh, "en": words.en},
            sent_ms=work.now_ms,
            expires_ms=expires_ms,
        )
        self._outbox.post(
            work,
            letter_id,
            EDGE_SAY,
            alarm.gateway,
            say,
            expires_ms=expires_ms,
            alarm_id=alarm.id,
        )


def _prompt_of(change: AlarmChanged) -> _Prompt | None:
    kind = change.alarm.kind
    if isinstance(change.event, AlarmRaised):
        return _WARNINGS.get(kind)
    is_coming = isinstance(change.event, OfferAccepted)  # they will ring at the door
    return None if kind in _UNHEARD and not is_coming else _PROMPTS.get(type(change.event))


def _facts(event: Event) -> dict[str, Words]:
    """Who comes, by name: a resident should know whom to let in."""
    if not isinstance(event, OfferAccepted):
        return {}
    station, responder = event.offer.station, event.offer.responder or event.offer.station
    return {"station": _name(station), "responder": _name(responder)}


def _name(person: Person) -> Words:
    return Words(person.name, person.name_en)
