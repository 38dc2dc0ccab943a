"""What can be asked of an alarm. Imperative; `by` is the person who asks, None where the system
does."""

from typing import Any

from msgspec import Raw, Struct

from cloud.alarms.model import EscalationMark, Person, Press, Where
from cloud.rules.model import AlarmKind, Severity
from cloud.words import Words


class OfferRef(Struct, frozen=True):
    """Which offer, of which station, taken by whom."""

    id: str
    station: Person
    responder: Person | None = None
    attempt: int = 1
    travel_s: int | None = None


class Raise(Struct, frozen=True, kw_only=True):
    """A detection that folds into nothing."""

    alarm_id: str
    no: str
    kind: AlarmKind
    severity: Severity
    fold_key: str
    rule: str
    version: str
    say: Words
    press: Press
    where: Where
    evidence: dict[str, Any] = {}


class Repeat(Struct, frozen=True):
    """Another press while the alarm is open: counts and rings again, also for who has claimed
    it. severity: where it is worse than before."""

    press: Press
    say: Words
    where: Where = Where()
    severity: Severity | None = None


class Echo(Struct, frozen=True):
    """The same press told or delivered again: kept as evidence, nothing more."""

    press: Press


class Cancel(Struct, frozen=True):
    """The resident takes the call back. The condition clears; somebody still asks whether all is
    well."""

    press: Press


class Clear(Struct, frozen=True):
    """What was detected holds no more. Somebody still looks after it."""

    press: Press


class Claim(Struct, frozen=True):
    """An operator takes it."""

    by: Person


class Release(Struct, frozen=True):
    """The operator gives it back to all."""

    by: Person


class Note(Struct, frozen=True):
    """Something worth keeping."""

    by: Person
    text: str


class Reveal(Struct, frozen=True):
    """The operator looks at the door code."""

    by: Person


class Offer(Struct, frozen=True):
    """Dispatch has offered it to a station. view: the offer's JSON."""

    offer: OfferRef
    view: Raw
    by: Person | None = None


class AcceptOffer(Struct, frozen=True):
    """A responder goes."""

    offer: OfferRef
    view: Raw


class EndOffer(Struct, frozen=True):
    """The offer came to nothing. why: declined, expired, withdrawn; reason: the decliner's;
    is_last: no station is left."""

    offer: OfferRef
    view: Raw
    why: str
    reason: str | None = None
    is_last: bool = True


class Depart(Struct, frozen=True):
    """The responder is on the way."""

    offer: OfferRef
    view: Raw


class Arrive(Struct, frozen=True):
    """The responder is there. distance_m: how far from the home they stood, where known."""

    offer: OfferRef
    view: Raw
    distance_m: int | None = None
    override_reason: str | None = None


class Report(Struct, frozen=True):
    """What the responder found and did."""

    offer: OfferRef
    view: Raw
    report: dict[str, Any]


class Close(Struct, frozen=True):
    """The operator ends it with an outcome."""

    by: Person
    outcome: str
    sub_reason: str | None = None
    note: str | None = None
    follow_up: str | None = None


class Escalate(Struct, frozen=True):
    """Nobody has acted in time: the next people are told. why: `unclaimed` or `console_silent`."""

    mark: EscalationMark
    actions: tuple[str, ...]
    why: str = "unclaimed"


Command = (
    Raise
    | Repeat
    | Echo
    | Cancel
    | Clear
    | Claim
    | Release
    | Note
    | Reveal
    | Offer
    | AcceptOffer
    | EndOffer
    | Depart
    | Arrive
    | Report
    | Close
    | Escalate
)
