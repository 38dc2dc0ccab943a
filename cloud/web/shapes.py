"""The answers of the interface as types: handlers build them, the OpenAPI document describes them.

Alarms, offers, stations and units are given as their rooms show them; `…Json` names their schema.
"""

from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from cloud.alarms.model import Person, ResidentCard
from cloud.identity.model import Account, Shift
from cloud.timeseries.model import Trace
from cloud.words import Words

REF: Final = "#/components/schemas/{name}"
AlarmJson = Annotated[Any, Meta(extra_json_schema={"$ref": REF.format(name="Alarm")})]
OfferJson = Annotated[Any, Meta(extra_json_schema={"$ref": REF.format(name="Offer")})]
CandidateJson = Annotated[Any, Meta(extra_json_schema={"$ref": REF.format(name="Candidate")})]
ContactJson = Annotated[Any, Meta(extra_json_schema={"$ref": REF.format(name="Contact")})]
StationJson = Annotated[Any, Meta(extra_json_schema={"$ref": REF.format(name="Station")})]
UnitJson = Annotated[Any, Meta(extra_json_schema={"$ref": REF.format(name="Unit")})]


class SessionShown(Struct, frozen=True):
    """Who is signed in. csrf: to be sent as x-csrf with every command."""

    account: Account
    csrf: str
    server_time_ms: int
    shift: Shift | None


class ShiftShown(Struct, frozen=True):
    """A shift; none where there was none to end."""

    shift: Shift | None


class AlarmShown(Struct, frozen=True):
    """An alarm as it stands now."""

    alarm: AlarmJson


class AlarmList(Struct, frozen=True):
    """Alarms; the open ones oldest first, all of them newest first."""

    alarms: list[AlarmJson]


class HistoryEntry(Struct, frozen=True):
    """One thing that happened to an alarm. data: what belongs to its type."""

    n: int
    at_ms: int
    type: str
    by: Person | None
    data: dict[str, Any]


class ResidentShown(ResidentCard, frozen=True, kw_only=True):
    """The resident whom the alarm is about, with what a helper must know."""

    conditions: tuple[Words, ...] = ()
    hazards: tuple[Words, ...] = ()


class DeviceShown(Struct, frozen=True):
    """A device of the home. battery: percent, where it tells."""

    uid: str
    name: Words
    room: Words
    model: str
    battery: float | None
    last_seen_ms: int | None


class AlarmDetail(Struct, frozen=True):
    """Everything that an operator needs at hand for one alarm."""

    alarm: AlarmJson
    history: list[HistoryEntry]
    contacts: list[ContactJson]
    resident: ResidentShown | None
    devices: list[DeviceShown]
    call_plan: tuple[Words, ...]
    offers: list[OfferJson]
    entry_notes: Words | None


class DoorCode(Struct, frozen=True):
    """The code of the home's door; null where the registry has none."""

    door_code: str | None


class CandidateList(Struct, frozen=True):
    """Stations that could be sent, best first."""

    candidates: list[CandidateJson]


class OfferShown(Struct, frozen=True):
    """An offer as it stands now."""

    offer: OfferJson


class OfferList(Struct, frozen=True):
    """Offers that are not over."""

    offers: list[OfferJson]


class StationList(Struct, frozen=True):
    """Service stations."""

    stations: list[StationJson]


class UnitList(Struct, frozen=True):
    """Responders, free or under way."""

    units: list[UnitJson]


class HomeShown(Struct, frozen=True):
    """A home with its resident and devices."""

    id: str
    address: Words
    area: Words
    resident: ResidentCard | None
    devices: list[DeviceShown]


class HomeReadings(Struct, frozen=True):
    """One measurement of a home, in buckets of width_ms over [from_ms, to_ms)."""

    home_id: str
    measurement: str
    unit: str | None
    from_ms: int
    to_ms: int
    width_ms: int
    traces: list[Trace]


class DutyShown(Struct, frozen=True):
    """Whether a responder is on duty now."""

    responder_id: str
    on_duty: bool


class Alive(Struct, frozen=True):
    """The process answers."""

    ok: bool


class RejectedList(Struct, frozen=True):
    """Messages that could not be used, with their bytes in base 64."""

    rejected: list[dict[str, Any]]


class Fault(Struct, frozen=True):
    """What could not be done. code: for the page's dictionary; message: for developers."""

    code: str
    message: str
    data: dict[str, Any]


class Problem(Struct, frozen=True):
    """The one form of an error."""

    error: Fault


def _content(shape: type[Struct], text: str) -> dict[str, Any]:
    schema = {"$ref": REF.format(name=shape.__name__)}
    return {"description": text, "content": {"application/json": {"schema": schema}}}


PROBLEM: Final[dict[int | str, dict[str, Any]]] = {"default": _content(Problem, "Not done")}


def answer(shape: type[Struct]) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses`: this shape where it works, a Problem where it does not."""
    return {200: _content(shape, shape.__doc__ or ""), **PROBLEM}
