"""The life of an offer, as data: TRANSITIONS says what may follow what. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from cloud.alarms.errors import IllegalStep
from cloud.dispatch.errors import InvalidReport, OfferGone
from cloud.dispatch.model import (
    DECLINE_REASONS,
    ENDED,
    REPORT_WORDS,
    TEXT_CHARS_MAX,
    Offer,
    OfferState,
)

S = OfferState


class Accept(Struct, frozen=True):
    """A responder goes."""

    responder_id: str


class Decline(Struct, frozen=True):
    """The station cannot."""

    reason: str


class Expire(Struct, frozen=True):
    """Nobody has answered in time."""


class Withdraw(Struct, frozen=True):
    """The alarm needs nobody any more."""


class Depart(Struct, frozen=True):
    """On the way."""

    responder_id: str


class Arrive(Struct, frozen=True):
    """At the door."""

    responder_id: str


class Report(Struct, frozen=True):
    """What was found and done."""

    responder_id: str
    report: dict[str, Any]


Command = Accept | Decline | Expire | Withdraw | Depart | Arrive | Report
TRANSITIONS: Final[Mapping[tuple[OfferState, type[Command]], OfferState]] = {
    (S.OFFERED, Accept): S.ACCEPTED,
    (S.OFFERED, Decline): S.DECLINED,
    (S.OFFERED, Expire): S.EXPIRED,
    (S.OFFERED, Withdraw): S.WITHDRAWN,
    (S.ACCEPTED, Decline): S.DECLINED,  # the bicycle breaks down: the next station is asked
    (S.ACCEPTED, Withdraw): S.WITHDRAWN,
    (S.ACCEPTED, Depart): S.DEPARTED,
    (S.ACCEPTED, Arrive): S.ARRIVED,  # a neighbour across the landing does not report a departure
    (S.DEPARTED, Decline): S.DECLINED,
    (S.DEPARTED, Withdraw): S.WITHDRAWN,
    (S.DEPARTED, Arrive): S.ARRIVED,
    (S.ARRIVED, Report): S.REPORTED,
    (S.ARRIVED, Withdraw): S.WITHDRAWN,
}
_STAMP: Final = {
    S.ACCEPTED: "accepted_at_ms",
    S.DEPARTED: "departed_at_ms",
    S.ARRIVED: "arrived_at_ms",
    S.REPORTED: "reported_at_ms",
}


def step(offer: Offer, command: Command, now_ms: int) -> Offer:
    """The offer after a command. Raises OfferGone, IllegalStep or InvalidReport; the offer is
    unchanged.

    Nobody but who has accepted goes on with it. An acceptance after the time-out is refused, also
    where the timer itself is late: the next station may be asked at this very moment.
    """
    target = TRANSITIONS.get((offer.state, type(command)))
    if target is None:
        raise _refusal(offer, command)
    changes = _changes(offer, command, now_ms)
    stamp = _STAMP.get(target)
    if stamp is not None:
        changes[stamp] = now_ms
    if target in ENDED:
        changes["ended_at_ms"] = now_ms
    return replace(offer, state=target, rev=offer.rev + 1, **changes)


def _refusal(offer: Offer, command: Command) -> Exception:
    is_taken = isinstance(command, Accept) and offer.state is not S.OFFERED
    if offer.state in ENDED or is_taken:
        return OfferGone(offer.state.value)
    return IllegalStep(offer.state.value, type(command).__name__.lower())


def _changes(offer: Offer, command: Command, now_ms: int) -> dict[str, Any]:
    match command:
        case Accept(responder_id):
            if now_ms >= offer.expires_at_ms:
                raise OfferGone(S.EXPIRED.value)
            return {"responder_id": responder_id}
        case Decline(reason):
            if reason not in DECLINE_REASONS:
                raise InvalidReport(f"'{reason}' is no reason; one of {', '.join(DECLINE_REASONS)}")
            return {"decline_reason": reason}
        case Depart(responder_id) | Arrive(responder_id):
            _require_own(offer, responder_id)
            return {}
        case Report(responder_id, report):
            _require_own(offer, responder_id)
            return {"report": checked_report(report)}
        case Expire() | Withdraw():
            return {}


def _require_own(offer: Offer, responder_id: str) -> None:
    if offer.responder_id != responder_id:
        raise OfferGone(offer.state.value)


def checked_report(report: Mapping[str, Any]) -> dict[str, Any]:
    """The four words and the free text. Raises InvalidReport, naming what is wrong."""
    checked: dict[str, Any] = {}
    for name, words in REPORT_WORDS.items():
        word = report.get(name)
        if word not in words:
            raise InvalidReport(f"{name} is '{word}'; one of {', '.join(words)}", field=name)
        checked[name] = word
    text = report.get("text")
    if text is not None:
        if not isinstance(text, str) or len(text) > TEXT_CHARS_MAX:
            raise InvalidReport(f"text has at most {TEXT_CHARS_MAX} characters", field="text")
        checked["text"] = text
    return checked
