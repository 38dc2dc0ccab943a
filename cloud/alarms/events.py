"""What has happened to an alarm. Past tense; each is one row of its history and one revision."""

from typing import Any

from msgspec import Raw, Struct

from cloud.alarms.commands import OfferRef
from cloud.alarms.model import Alarm, DeviceCard, EscalationMark, Outcome, Person, Press
from cloud.rules.model import Severity
from cloud.words import Words


class Happened(Struct, frozen=True, kw_only=True, tag_field="type"):
    """When, and by whom; None: by the system or the resident."""

    at_ms: int
    by: Person | None = None


class AlarmRaised(Happened, frozen=True, tag="raised"):
    """A new case. alarm: its first state."""

    alarm: Alarm
    press: Press
    rule: str
    version: str
    evidence: dict[str, Any]


class PressRepeated(Happened, frozen=True, tag="repeated"):
    """The resident calls again."""

    press: Press
    say: Words
    device: DeviceCard | None = None
    severity: Severity | None = None


class PressEchoed(Happened, frozen=True, tag="echoed"):
    """A press that is known already came in again."""

    press: Press


class CallTakenBack(Happened, frozen=True, tag="cancelled"):
    """The resident says that all is well."""

    press: Press


class ConditionCleared(Happened, frozen=True, tag="cleared"):
    """What was detected holds no more."""

    press: Press


class AlarmClaimed(Happened, frozen=True, tag="claimed"):
    """An operator has it."""


class AlarmReleased(Happened, frozen=True, tag="released"):
    """Nobody has it any more."""


class NoteAdded(Happened, frozen=True, tag="noted"):
    """Somebody wrote something down."""

    text: str


class DoorCodeRevealed(Happened, frozen=True, tag="revealed"):
    """Somebody looked at the door code."""


class OfferMade(Happened, frozen=True, tag="offered"):
    """A station was asked."""

    offer: OfferRef
    view: Raw


class OfferAccepted(Happened, frozen=True, tag="accepted"):
    """A responder goes: help is coming."""

    offer: OfferRef
    view: Raw


class OfferEnded(Happened, frozen=True, tag="offer_ended"):
    """The station does not come."""

    offer: OfferRef
    view: Raw
    why: str
    reason: str | None = None
    is_last: bool = True


class ResponderDeparted(Happened, frozen=True, tag="departed"):
    """On the way."""

    offer: OfferRef
    view: Raw


class ResponderArrived(Happened, frozen=True, tag="arrived"):
    """At the door."""

    offer: OfferRef
    view: Raw
    distance_m: int | None = None
    override_reason: str | None = None


class ResponderReported(Happened, frozen=True, tag="reported"):
    """What was found and done."""

    offer: OfferRef
    view: Raw
    report: dict[str, Any]


class AlarmClosed(Happened, frozen=True, tag="closed"):
    """Done, with an outcome."""

    outcome: Outcome
    sub_reason: str | None = None
    note: str | None = None
    follow_up: str | None = None


class AlarmEscalated(Happened, frozen=True, tag="escalated"):
    """Further people were told."""

    mark: EscalationMark
    actions: tuple[str, ...]
    why: str


Event = (
    AlarmRaised
    | PressRepeated
    | PressEchoed
    | CallTakenBack
    | ConditionCleared
    | AlarmClaimed
    | AlarmReleased
    | NoteAdded
    | DoorCodeRevealed
    | OfferMade
    | OfferAccepted
    | OfferEnded
    | ResponderDeparted
    | ResponderArrived
    | ResponderReported
    | AlarmClosed
    | AlarmEscalated
)


class AlarmChanged(Struct, frozen=True):
    """The domain event of this room: an alarm after one thing that happened to it. Published
    inside the transaction."""

    alarm: Alarm
    event: Event
