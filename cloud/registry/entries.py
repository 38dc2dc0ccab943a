"""What people enter into the registry: the shapes of its files and, later, of its forms.

Positions are WGS-84 degrees; an entry in another datum is converted before it comes here.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from cloud.registry.cards import AreaKind, HomeKind
from cloud.words import Words

Id = Annotated[str, Meta(min_length=1, max_length=64)]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Phone = Annotated[str, Meta(max_length=40)]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
NO_WORDS = Words("", "")


class AreaEntry(Struct, frozen=True):
    """A node of the tree. parent None: the root."""

    id: Id
    kind: AreaKind
    name: Words
    parent: str | None = None


class GatewayEntry(Struct, frozen=True):
    """A gateway and the area it stands in."""

    id: Id
    area: str
    name: Words


class ResidentEntry(Struct, frozen=True):
    """An elder. age: years today; the registry keeps the year of birth that it gives."""

    id: Id
    name: Name
    name_en: Name
    age: Annotated[int, Meta(ge=0, le=130)]
    sex: Literal["f", "m"]
    lives_alone: bool
    care_level: Annotated[int, Meta(ge=0, le=10)] = 0
    conditions: tuple[Words, ...] = ()
    hazards: tuple[Words, ...] = ()


class ContactEntry(Struct, frozen=True):
    """A person who may be told or asked; order 1 is asked first."""

    order: Annotated[int, Meta(ge=1, le=99)]
    name: Name
    name_en: Name
    relation: str
    relation_en: str
    phone: Phone
    has_key: bool


class CallPlanEntry(Struct, frozen=True):
    """What an operator is to do and ask when a home calls, in order. Homes of the area and below
    may use it."""

    id: Id
    area: str
    name: Words
    steps: Annotated[tuple[Words, ...], Meta(min_length=1, max_length=20)]


class DeviceEntry(Struct, frozen=True):
    """A device as an installer names it. room: a key of the file's rooms."""

    key: Id
    kind: Id
    room: str
    ieee: Annotated[str, Meta(pattern="^0x[0-9a-f]{16}$")]
    friendly_name: Id
    vendor: str
    model: str
    is_sos: bool
    profile: str | None = None


class HomeEntry(Struct, frozen=True):
    """A household with who lives there, who is called, and what stands in it."""

    id: Id
    area: str
    address: Words
    lat: Latitude
    lon: Longitude
    kind: HomeKind = HomeKind.REAL
    entry_notes: Words = NO_WORDS
    door_code: str | None = None
    call_plan: str | None = None
    residents: tuple[ResidentEntry, ...] = ()
    contacts: tuple[ContactEntry, ...] = ()
    devices: tuple[DeviceEntry, ...] = ()


class ResponderEntry(Struct, frozen=True):
    """One of a station's people. duty `all_day`: on duty until somebody ends it."""

    id: Id
    name: Name
    name_en: Name
    phone: Phone
    skills: tuple[str, ...] = ()
    duty: Literal["all_day"] | None = None


class StationEntry(Struct, frozen=True):
    """A service station. agreements: further areas that it may serve."""

    id: Id
    area: str
    name: Words
    phone: Phone
    lat: Latitude
    lon: Longitude
    agreements: tuple[str, ...] = ()
    responders: tuple[ResponderEntry, ...] = ()
