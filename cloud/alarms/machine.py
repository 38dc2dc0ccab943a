"""The life of an alarm, as data: TRANSITIONS says which command is possible in which handling.

`decide` gives what happens or a typed error and changes nothing; `evolve` applies one event. Pure.
"""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Raw
from msgspec.structs import replace

from cloud.alarms import commands as c
from cloud.alarms import events as e
from cloud.alarms.errors import (
    ClaimedByOther,
    IllegalStep,
    InvalidOutcome,
    InvalidText,
    NotYours,
)
from cloud.alarms.model import SUB_REASONS, TARGETS, Alarm, Condition, Handling, Outcome, Person

H = Handling
NOTE_CHARS_MAX: Final = 4000
OPEN: Final = (H.UNCLAIMED, H.CLAIMED, H.OFFERED, H.ACCEPTED, H.ARRIVED, H.REPORTED)
IN_HAND: Final = (H.CLAIMED, H.OFFERED, H.ACCEPTED, H.ARRIVED, H.REPORTED)
_State = Handling | None  # None: there is no alarm yet


def _rows() -> dict[tuple[_State, type[c.Command]], Handling]:
    table: dict[tuple[_State, type[c.Command]], Handling] = {(None, c.Raise): H.UNCLAIMED}
    for state in OPEN:
        for kind in (c.Repeat, c.Echo, c.Cancel, c.Clear, c.Note, c.Escalate):
            table[state, kind] = state
    table[H.CLOSED, c.Echo] = H.CLOSED  # evidence belongs to its case, however late it comes
    table[H.CLOSED, c.Note] = H.CLOSED
    table[H.UNCLAIMED, c.Claim] = H.CLAIMED
    for state in IN_HAND:
        table[state, c.Reveal] = state
        table[state, c.Close] = H.CLOSED
        # Offers run on while the alarm changes hands, so a released alarm may be in any of these.
        table[state, c.Claim] = state
        table[state, c.Release] = H.UNCLAIMED if state is H.CLAIMED else state
    for state in (H.UNCLAIMED, H.CLAIMED, H.OFFERED):
        table[state, c.Offer] = H.OFFERED
    table[H.REPORTED, c.Offer] = H.OFFERED  # the first ones could not get in: others are sent
    table[H.OFFERED, c.AcceptOffer] = H.ACCEPTED
    for state in (H.OFFERED, H.ACCEPTED, H.ARRIVED):
        table[state, c.EndOffer] = H.CLAIMED
    table[H.ACCEPTED, c.Depart] = H.ACCEPTED
    table[H.ACCEPTED, c.Arrive] = H.ARRIVED
    table[H.ARRIVED, c.Report] = H.REPORTED
    return table


TRANSITIONS: Final[Mapping[tuple[_State, type[c.Command]], Handling]] = _rows()


def decide(alarm: Alarm | None, command: c.Command, now_ms: int) -> tuple[e.Event, ...]:
    """What the command makes happen; nothing where it has been done already.

    Raises ClaimedByOther, NotYours, IllegalStep, InvalidOutcome or InvalidText.
    """
    state = alarm.handling if alarm else None
    if isinstance(command, c.Claim) and alarm is not None:
        return _claim(alarm, command, now_ms)
    if (state, type(command)) not in TRANSITIONS:
        raise IllegalStep(state.value if state else None, type(command).__name__.lower())
    if alarm is None:
        assert isinstance(command, c.Raise)  # noqa: S101 - the table says so
        return (_raise(command, now_ms),)
    return _decide_open(alarm, command, now_ms)


def _raise(command: c.Raise, now_ms: int) -> e.AlarmRaised:
    press, where = command.press, command.where
    alarm = Alarm(
        id=command.alarm_id,
        no=command.no,
        kind=command.kind,
        severity=command.severity,
        fold_key=command.fold_key,
        gateway=press.gateway,
        raised_at_ms=now_ms,
        received_at_ms=press.received_at_ms,
        last_press_at_ms=press.happened_at_ms,
        say=command.say,
        rule=command.rule,
        pressed_at_ms=press.pressed_at_ms,
        age_at_receipt_ms=press.age_ms,
        is_late=press.is_late,
        area_code=where.area_code,
        home=where.home,
        resident=where.resident,
        device=where.device,
        targets=TARGETS[command.severity],
    )
    return e.AlarmRaised(
        at_ms=now_ms,
        alarm=alarm,
        press=press,
        rule=command.rule,
        version=command.version,
        evidence=command.evidence,
    )


def _claim(alarm: Alarm, command: c.Claim, now_ms: int) -> tuple[e.Event, ...]:
    if alarm.claimed_by is not None:
        if alarm.claimed_by.id == command.by.id and alarm.is_open:
            return ()  # asked twice: it is theirs
        if alarm.is_open:
            raise ClaimedByOther(alarm.claimed_by)
    if not alarm.is_open:
        raise IllegalStep(alarm.handling.value, "claim")
    return (e.AlarmClaimed(at_ms=now_ms, by=command.by),)


def _decide_open(alarm: Alarm, command: c.Command, now_ms: int) -> tuple[e.Event, ...]:
    if isinstance(command, c.Repeat | c.Echo | c.Cancel | c.Clear):
        return (_from_home(command, now_ms),)
    match command:
        case c.Note(by, text):
            return (e.NoteAdded(at_ms=now_ms, by=by, text=_checked_text(text)),)
        case c.Release(by):
            _require_owner(alarm, by)
            return (e.AlarmReleased(at_ms=now_ms, by=by),)
        case c.Reveal(by):
            _require_owner(alarm, by)
            return (e.DoorCodeRevealed(at_ms=now_ms, by=by),)
        case c.Close():
            _require_owner(alarm, command.by)
            return (_close(command, now_ms),)
        case c.Escalate(mark, actions, why):
            return (e.AlarmEscalated(at_ms=now_ms, mark=mark, actions=actions, why=why),)
        case _:
            return (_offer_event(alarm, command, now_ms),)


def _from_home(command: c.Repeat | c.Echo | c.Cancel | c.Clear, now_ms: int) -> e.Event:
    match command:
        case c.Repeat(press, say, where, severity):
            return e.PressRepeated(
                at_ms=now_ms, press=press, say=say, device=where.device, severity=severity
            )
        case c.Echo(press):
            return e.PressEchoed(at_ms=now_ms, press=press)
        case c.Cancel(press):
            return e.CallTakenBack(at_ms=now_ms, press=press)
        case c.Clear(press):
            return e.ConditionCleared(at_ms=now_ms, press=press)


def _offer_event(alarm: Alarm, command: c.Command, now_ms: int) -> e.Event:
    match command:
        case c.Offer(offer, view, by):
            if by is not None:
                _require_owner(alarm, by)
            return e.OfferMade(at_ms=now_ms, by=by, offer=offer, view=view)
        case c.AcceptOffer(offer, view):
            _require_current(alarm, offer, command)
            return e.OfferAccepted(at_ms=now_ms, by=offer.responder, offer=offer, view=view)
        case c.EndOffer(offer, view, why, reason, is_last):
            _require_current(alarm, offer, command)
            return e.OfferEnded(
                at_ms=now_ms, offer=offer, view=view, why=why, reason=reason, is_last=is_last
            )
        case c.Depart(offer, view):
            _require_current(alarm, offer, command)
            return e.ResponderDeparted(at_ms=now_ms, by=offer.responder, offer=offer, view=view)
        case c.Arrive(offer, view, distance_m, override_reason):
            _require_current(alarm, offer, command)
            return e.ResponderArrived(
                at_ms=now_ms,
                by=offer.responder,
                offer=offer,
                view=view,
                distance_m=distance_m,
                override_reason=override_reason,
            )
        case c.Report(offer, view, report):
            _require_current(alarm, offer, command)
            return e.ResponderReported(
                at_ms=now_ms, by=offer.responder, offer=offer, view=view, report=report
            )
        case _:
            raise IllegalStep(alarm.handling.value, type(command).__name__.lower())


def _close(command: c.Close, now_ms: int) -> e.AlarmClosed:
    if command.outcome not in Outcome.__members__.values():
        known = ", ".join(Outcome)
        raise InvalidOutcome(f"'{command.outcome}' is no outcome; one of {known}")
    outcome = Outcome(command.outcome)
    if command.sub_reason is not None and command.sub_reason not in SUB_REASONS[outcome]:
        known = ", ".join(SUB_REASONS[outcome])
        raise InvalidOutcome(f"'{command.sub_reason}' does not go with {outcome}; one of {known}")
    return e.AlarmClosed(
        at_ms=now_ms,
        by=command.by,
        outcome=outcome,
        sub_reason=command.sub_reason,
        note=_checked_text(command.note) if command.note else None,
        follow_up=command.follow_up,
    )


def _require_owner(alarm: Alarm, by: Person) -> None:
    if alarm.claimed_by is None or alarm.claimed_by.id != by.id:
        raise NotYours(alarm.claimed_by)


def _require_current(alarm: Alarm, offer: c.OfferRef, command: c.Command) -> None:
    if alarm.offer_id != offer.id:
        raise IllegalStep(alarm.handling.value, type(command).__name__.lower())


def _checked_text(text: str) -> str:
    if not text.strip() or len(text) > NOTE_CHARS_MAX:
        raise InvalidText(f"a note has 1 to {NOTE_CHARS_MAX} characters")
    return text


# ---------------------------------------------------------------- evolve

_COMMAND_OF: Final[Mapping[type[e.Event], type[c.Command]]] = {
    e.PressRepeated: c.Repeat,
    e.PressEchoed: c.Echo,
    e.CallTakenBack: c.Cancel,
    e.ConditionCleared: c.Clear,
    e.AlarmClaimed: c.Claim,
    e.AlarmReleased: c.Release,
    e.NoteAdded: c.Note,
    e.DoorCodeRevealed: c.Reveal,
    e.OfferMade: c.Offer,
    e.OfferAccepted: c.AcceptOffer,
    e.OfferEnded: c.EndOffer,
    e.ResponderDeparted: c.Depart,
    e.ResponderArrived: c.Arrive,
    e.ResponderReported: c.Report,
    e.AlarmClosed: c.Close,
    e.AlarmEscalated: c.Escalate,
}


def evolve(alarm: Alarm | None, event: e.Event) -> Alarm:
    """The alarm after one event; its revision is the number of its events."""
    if isinstance(event, e.AlarmRaised):
        return replace(event.alarm, rev=1)
    assert alarm is not None  # noqa: S101 - every history begins with AlarmRaised
    handling = TRANSITIONS[alarm.handling, _COMMAND_OF[type(event)]]
    if handling is H.CLAIMED and alarm.claimed_by is None and isinstance(event, e.OfferEnded):
        handling = H.UNCLAIMED  # given back while a station was asked
    return replace(alarm, handling=handling, rev=alarm.rev + 1, **_changes(alarm, event))


def _changes(alarm: Alarm, event: e.Event) -> dict[str, Any]:
    match event:
        case e.PressRepeated():
            return _pressed_again(alarm, event)
        case e.CallTakenBack() | e.ConditionCleared():
            is_taken = isinstance(event, e.CallTakenBack) or alarm.is_cancelled_by_resident
            return {"condition": Condition.CLEARED, "is_cancelled_by_resident": is_taken}
        case e.AlarmClaimed():
            return {"claimed_by": event.by, "claimed_at_ms": event.at_ms}
        case e.AlarmReleased():
            return {"claimed_by": None, "claimed_at_ms": None}
        case e.AlarmClosed():
            return {
                "outcome": event.outcome,
                "sub_reason": event.sub_reason,
                "closed_at_ms": event.at_ms,
                "condition": Condition.CLEARED,
            }
        case e.AlarmEscalated():
            return {"escalation": event.mark}
        case (
            e.OfferMade()
            | e.OfferAccepted()
            | e.OfferEnded()
            | e.ResponderDeparted()
            | e.ResponderArrived()
            | e.ResponderReported()
        ):
            return {"offer_id": event.offer.id, "offer": Raw(bytes(event.view))}
        case _:
            return {}


def _pressed_again(alarm: Alarm, event: e.PressRepeated) -> dict[str, Any]:
    """Rings again; a call that was taken back stands again. It may become worse, never better."""
    is_worse = event.severity is not None and event.severity.is_above(alarm.severity)
    latest = max(alarm.last_press_at_ms, event.press.happened_at_ms)
    return {
        "presses": alarm.presses + 1,
        "last_press_at_ms": latest,
        "condition": Condition.ACTIVE,
        "is_cancelled_by_resident": False,
        "severity": event.severity if is_worse else alarm.severity,
        "targets": TARGETS[event.severity] if is_worse and event.severity else alarm.targets,
    }
