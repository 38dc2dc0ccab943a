"""The answers of the interface as types: handlers build them, the OpenAPI document describes them.

Alarms, offers, stations and units are given as their rooms show them; `…Json` names their schema.
"""

from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from cloud.alarms.model import Handling, Person, ResidentCard
from cloud.identity.audit import Deed
from cloud.identity.consent import Consent
from cloud.identity.model import Account, Shift
from cloud.registry.cards import AreaCard, ContactCard, GatewayCard, HomeKind, ResponderCard
from cloud.registry.entries import CallPlanEntry
from cloud.registry.removals import Removal
from cloud.registry.sightings import Sighting
from cloud.registry.store import HomeRow
from cloud.rules.model import AlarmKind, Severity
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
    """Who is signed in. csrf: to be sent as x-csrf with every command; needs_second_factor: the
    role acts only with one, and the account is to set it up."""

    account: Account
    csrf: str
    server_time_ms: int
    shift: Shift | None
    needs_second_factor: bool
    has_password: bool


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


class LastReading(Struct, frozen=True):
    """A state is 1 or 0."""

    device: str
    measurement: str
    at_ms: int
    value: float
    unit: str | None


class LastReadings(Struct, frozen=True):
    """What each device of a home said last of each measurement."""

    home_id: str
    readings: list[LastReading]


class DutyShown(Struct, frozen=True):
    """Whether a responder is on duty now."""

    responder_id: str
    on_duty: bool


class AccountShown(Struct, frozen=True):
    """An account as its keeper sees it."""

    account: Account
    is_active: bool
    has_password: bool
    has_second_factor: bool
    created_ms: int


class AccountList(Struct, frozen=True):
    """Accounts by login."""

    accounts: list[AccountShown]


class AccountMade(Struct, frozen=True):
    """A new account. link_token: for `/login#link=…`, once, within a day; told only now."""

    account: Account
    link_token: str


class LinkMade(Struct, frozen=True):
    """What was changed. link_token: of the new link, where one was made; told only now."""

    account_id: str
    link_token: str | None


class Enrolment(Struct, frozen=True):
    """A secret for the app. uri: `otpauth://…`; qr: the same as a picture, a data address."""

    secret: str
    uri: str
    qr: str


class RecoveryCodes(Struct, frozen=True):
    """Each signs in once instead of the app's code; told only now."""

    recovery_codes: list[str]


class AreaList(Struct, frozen=True):
    """Areas, each with its path from the root."""

    areas: list[AreaCard]


class ResponderList(Struct, frozen=True):
    """Responders."""

    responders: list[ResponderCard]


class GatewayList(Struct, frozen=True):
    """Gateways."""

    gateways: list[GatewayCard]


class HomeList(Struct, frozen=True):
    """Homes, with nothing of who lives there."""

    homes: list[HomeRow]


class RegisteredResident(Struct, frozen=True):
    """Who lives in a home."""

    id: str
    name: str
    name_en: str
    birth_year: int
    sex: str
    lives_alone: bool
    care_level: int
    conditions: tuple[Words, ...]
    hazards: tuple[Words, ...]


class RegisteredHome(Struct, frozen=True):
    """A home as the registry has it; the one to ask for first comes first."""

    id: str
    kind: HomeKind
    address: Words
    area_id: str
    lat: float
    lon: float
    entry_notes: Words
    gateway_id: str
    residents: tuple[RegisteredResident, ...]
    call_plan: tuple[Words, ...]
    call_plan_id: str | None


class DeviceRegistered(Struct, frozen=True):
    """A device as the registry has it."""

    uid: str
    gateway_id: str
    home_id: str | None
    topic: str
    key: str
    kind: str
    vendor: str
    model: str
    name: Words
    room: Words
    profile: str | None
    is_sos: bool


class HomeDetail(Struct, frozen=True):
    """A home with its people and devices."""

    home: RegisteredHome
    contacts: tuple[ContactCard, ...]
    devices: list[DeviceRegistered]


class Entered(Struct, frozen=True):
    """What was entered, changed or removed."""

    id: str


class CallPlanList(Struct, frozen=True):
    """Call plans."""

    call_plans: list[CallPlanEntry]


class Certificate(Struct, frozen=True):
    """A gateway's newest certificate. revoked_ms, reason: where it was taken back."""

    serial: str
    since_ms: int
    until_ms: int
    revoked_ms: int | None
    reason: str | None


class GatewayStanding(Struct, frozen=True):
    """A gateway as a machine. code_until_ms: a code waits for it; heard_ms: when it last sent
    readings or said what it has."""

    id: str
    name: Words
    area_id: str
    certificate: Certificate | None
    code_until_ms: int | None
    heard_ms: int | None


class FleetList(Struct, frozen=True):
    """Gateways. can_enrol: the installation has a CA and says where gateways find the broker."""

    gateways: list[GatewayStanding]
    can_enrol: bool


class CodeMade(Struct, frozen=True):
    """A one-time code for `anju edge enrol`; told only now."""

    gateway_id: str
    code: str
    expires_ms: int


class Revoked(Struct, frozen=True):
    """Its certificates are good no more."""

    gateway_id: str
    revoked_ms: int


class SightingList(Struct, frozen=True):
    """Devices that were heard and are not registered."""

    sightings: list[Sighting]


class RemovalShown(Struct, frozen=True):
    """A removal as it stands now."""

    removal: Removal


class RemovalList(Struct, frozen=True):
    """Removals, newest first."""

    removals: list[Removal]


class ConsentShown(Struct, frozen=True):
    """A consent as it stands now."""

    consent: Consent


class ConsentList(Struct, frozen=True):
    """Consents of a resident, newest first."""

    consents: list[Consent]


class FamilyAlarm(Struct, frozen=True):
    """An open alarm, and how far it has come."""

    id: str
    no: str
    kind: AlarmKind
    severity: Severity
    handling: Handling
    raised_at_ms: int


class FamilyResident(Struct, frozen=True):
    """A resident who has consented. conditions: null without a consent for health."""

    id: str
    name: str
    name_en: str
    conditions: tuple[Words, ...] | None


class FamilyHome(Struct, frozen=True):
    """A home for which a consent stands. last_seen_ms: when a device was heard last."""

    id: str
    residents: list[FamilyResident]
    last_seen_ms: int | None
    alarms: list[FamilyAlarm]


class FamilyList(Struct, frozen=True):
    """Homes for which a consent stands."""

    homes: list[FamilyHome]


class AuditEntry(Struct, frozen=True):
    """One row of the audit."""

    n: int
    at_ms: int
    deed: Deed
    hash: str


class AuditList(Struct, frozen=True):
    """Rows of the audit, newest first. head_n, head: the chain's last row, to be anchored."""

    entries: list[AuditEntry]
    head_n: int
    head: str


class AuditChain(Struct, frozen=True):
    """Whether the newest rows fit each other. after: rows up to this one were not looked at."""

    after: int
    head_n: int
    head: str
    problems: list[str]


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
