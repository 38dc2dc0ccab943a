"""Shapes of what other rooms encode: alarms, offers, candidates, stations, units. Nothing is built
of them here: they describe the JSON in the OpenAPI document, and tests hold real answers to them.
"""

from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from cloud.alarms import model
from cloud.alarms.model import DeviceCard, HomeCard, Person, ResidentCard
from cloud.alarms.views import INNER
from cloud.dispatch.model import REPORT_WORDS, OfferState
from cloud.rules.model import AlarmKind, Severity
from cloud.words import Words


class Contact(Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody who may be called; order 1 first."""

    order: int
    name: str
    name_en: str
    relation: str
    relation_en: str
    phone: str
    has_key: bool


# Of each word one of those that dispatch knows; text only where something was written.
_WORDS: Final[list[tuple[str, Any]]] = [(name, Literal[w]) for name, w in REPORT_WORDS.items()]
Report: Final = msgspec.defstruct(
    "Report",
    [*_WORDS, ("text", str | UnsetType, UNSET)],
    module=__name__,
    namespace={"__doc__": "What a responder found and did."},
    frozen=True,
    forbid_unknown_fields=True,
)


class OfferOfAlarm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An offer as its alarm carries it. Times in ms since 1970, distances on the ground in m."""

    id: str
    alarm_id: str
    state: OfferState
    rev: int
    station: Person
    responder: Person | None
    offered_at_ms: int
    expires_at_ms: int
    accepted_at_ms: int | None
    departed_at_ms: int | None
    arrived_at_ms: int | None
    reported_at_ms: int | None
    distance_m: int | None
    travel_s: int | None
    rank: int
    attempt: int
    decline_reason: str | None
    report: Report | None  # type: ignore[valid-type]  # made of the words above


class OfferedAlarm(Struct, frozen=True, forbid_unknown_fields=True):
    """What a responder is told. door_code: for the station, from acceptance until arrival."""

    no: str
    kind: AlarmKind
    severity: Severity
    say: Words
    home: HomeCard | None
    resident: ResidentCard | None
    device: DeviceCard | None
    hazards: tuple[Words, ...]
    conditions: tuple[Words, ...]
    entry_notes: Words | None
    door_code: str | None
    contacts: tuple[Contact, ...]


class Offer(OfferOfAlarm, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An alarm offered to a station."""

    alarm: OfferedAlarm


class Station(Struct, frozen=True, forbid_unknown_fields=True):
    """A service station, WGS-84 degrees."""

    id: str
    name: str
    name_en: str
    phone: str
    lat: float
    lon: float


class Candidate(Struct, frozen=True, forbid_unknown_fields=True):
    """A station that could be sent. on_duty, free: people; load: cases in hand."""

    station: Station
    distance_m: int
    travel_s: int
    on_duty: int
    free: int
    load: int
    recommended: bool
    reasons: tuple[Words, ...]
    responder: Person | None


class Unit(Struct, frozen=True, forbid_unknown_fields=True):
    """A responder, at their station's place."""

    id: str
    name: str
    name_en: str
    station_id: str
    on_duty: bool
    state: Literal["free", "offered", "accepted", "departed", "arrived"]
    lat: float | None
    lon: float | None
    rev: int


def _shown(field: msgspec.structs.FieldInfo) -> tuple[str, Any]:
    return field.name, (OfferOfAlarm | None) if field.name == "offer" else field.type


Alarm: Final = msgspec.defstruct(
    "Alarm",
    [_shown(each) for each in msgspec.structs.fields(model.Alarm) if each.name not in INNER],
    module=__name__,
    namespace={"__doc__": "A case that a person must handle. rev rises with each thing it meets."},
    frozen=True,
    forbid_unknown_fields=True,
)
