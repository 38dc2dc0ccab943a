"""What the alarm path reads of the registry: frozen cards. Pure, so machines may take them.

Positions are WGS-84 degrees. A door code is on no card: reading one is an act of its own.
"""

from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Final, Literal

from msgspec import Struct

from cloud.words import Words

LOCAL: Final = timezone(timedelta(hours=8))  # a calendar year turns in Beijing time


def year_of(now_ms: int) -> int:
    """The calendar year that an instant falls in, in Beijing."""
    return datetime.fromtimestamp(now_ms / 1000, LOCAL).year


class AreaKind(StrEnum):
    """Levels of the tree."""

    DISTRICT = "district"
    SUBDISTRICT = "subdistrict"
    COMMUNITY = "community"


class HomeKind(StrEnum):
    """A property of the home, never a flag in a message."""

    REAL = "real"
    SIMULATED = "simulated"  # kept out of the figures of real areas
    CANARY = "canary"  # has its own ring and no part in figures


class AreaCard(Struct, frozen=True):
    """A node of the tree. path: ids from the root down to this area, itself included."""

    id: str
    kind: AreaKind
    name: Words
    path: tuple[str, ...]


class ResidentCard(Struct, frozen=True):
    """An elder who is cared for."""

    id: str
    name: str
    name_en: str
    birth_year: int
    sex: Literal["f", "m"]
    lives_alone: bool
    care_level: int = 0
    conditions: tuple[Words, ...] = ()
    hazards: tuple[Words, ...] = ()

    def age_at(self, now_ms: int) -> int:
        """Years reached in the calendar year of now_ms; the registry keeps no birthdays."""
        return year_of(now_ms) - self.birth_year


class HomeCard(Struct, frozen=True):
    """A household as the alarm needs it.

    area: the names a person reads (sub-district, community); area_path: ids from district to
    community, for scopes; residents: the one to ask for first comes first; call_plan: what the
    operator is to do and ask, in order.
    """

    id: str
    kind: HomeKind
    address: Words
    area_id: str
    area: Words
    area_path: tuple[str, ...]
    lat: float
    lon: float
    entry_notes: Words
    gateway_id: str
    residents: tuple[ResidentCard, ...] = ()
    call_plan: tuple[Words, ...] = ()
    call_plan_id: str | None = None

    @property
    def resident(self) -> ResidentCard | None:
        """The resident whom an alarm of this home is about, as long as nothing says otherwise."""
        return self.residents[0] if self.residents else None


class DeviceCard(Struct, frozen=True):
    """A registered device. home_id None: it belongs to the gateway's community, not to one home."""

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
    profile: str | None = None
    is_sos: bool = False


class ContactCard(Struct, frozen=True):
    """A person who may be told or asked, in order of priority."""

    order: int
    name: str
    name_en: str
    relation: Words
    phone: str
    has_key: bool


class GatewayCard(Struct, frozen=True):
    """An edge agent's gateway. revision rises with each change of its homes or devices."""

    id: str
    name: Words
    area_path: tuple[str, ...]
    revision: int


class ResponderCard(Struct, frozen=True):
    """One of a station's people."""

    id: str
    station_id: str
    name: str
    name_en: str
    phone: str
    skills: tuple[str, ...] = ()


class StationCard(Struct, frozen=True):
    """An offline service station.

    serves: areas, each with everything below it: its own and those of agreements.
    """

    id: str
    area_id: str
    name: Words
    phone: str
    lat: float
    lon: float
    serves: frozenset[str]
    responders: tuple[ResponderCard, ...] = ()

    def is_serving(self, area_path: tuple[str, ...]) -> bool:
        """Whether it may be sent into an area with this path."""
        return not self.serves.isdisjoint(area_path)


class StationNear(Struct, frozen=True):
    """A station, and how far away as the crow flies. is_own_area: no agreement is needed."""

    station: StationCard
    distance_m: float
    is_own_area: bool
