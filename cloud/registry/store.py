"""Queries of the registry: rows into cards. Nothing is kept in memory here."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, RowMapping, or_, select

from cloud.registry.cards import (
    AreaCard,
    AreaKind,
    ContactCard,
    DeviceCard,
    GatewayCard,
    HomeCard,
    HomeKind,
    ResidentCard,
    ResponderCard,
    StationCard,
)
from cloud.registry.entries import CallPlanEntry
from cloud.registry.model import (
    agreement_table,
    area_table,
    call_plan_table,
    contact_table,
    device_table,
    duty_table,
    gateway_table,
    home_table,
    resident_table,
    responder_table,
    revision_table,
    station_table,
)
from cloud.storage.unit import Work
from cloud.words import Words

Areas = dict[str, AreaCard]


class GatewayBoard(NamedTuple):
    """A gateway with everything behind it. devices: by uid; by_topic: by the uid that an edge
    makes of a topic while it does not know the device's address."""

    card: GatewayCard
    homes: tuple[str, ...]
    devices: dict[str, DeviceCard]
    by_topic: dict[str, DeviceCard]


class HomeRow(Struct, frozen=True):
    """A home in a list: nothing of who lives there."""

    id: str
    kind: HomeKind
    address: Words
    area_id: str
    gateway_id: str


class Duty(NamedTuple):
    """One stretch of duty; to_ms None: until somebody ends it."""

    responder_id: str
    from_ms: int
    to_ms: int | None

    def is_on(self, now_ms: int) -> bool:
        """Whether it covers this instant."""
        return self.from_ms <= now_ms and (self.to_ms is None or now_ms < self.to_ms)


def areas(work: Work) -> Areas:
    """The whole tree by id."""
    rows = {row["id"]: row for row in work.execute(select(area_table)).mappings()}
    return {area_id: _area(row, _path(area_id, rows)) for area_id, row in rows.items()}


def areas_that(work: Work, condition: ColumnElement[bool]) -> list[AreaCard]:
    """Nodes of the tree that meet the condition, in order of id."""
    tree = areas(work)
    found = select(area_table.c.id).where(condition).order_by(area_table.c.id)
    return [tree[area_id] for area_id in work.execute(found).scalars()]


def is_root(work: Work, area_id: str) -> bool:
    """Whether it is the top of the tree."""
    c = area_table.c
    found = select(c.id).where(c.id == area_id, c.parent_id.is_(None))
    return work.execute(found).first() is not None


def gateways(work: Work, condition: ColumnElement[bool]) -> list[GatewayCard]:
    """Gateways that meet the condition, in order of id."""
    tree = areas(work)
    found = select(gateway_table).where(condition).order_by(gateway_table.c.id)
    return [
        GatewayCard(row["id"], _words(row, "name"), tree[row["area_id"]].path, row["revision"])
        for row in work.execute(found).mappings()
    ]


def homes(work: Work, condition: ColumnElement[bool]) -> list[HomeRow]:
    """Homes that meet the condition, in order of id."""
    found = select(home_table).where(condition).order_by(home_table.c.id)
    return [
        HomeRow(
            row["id"],
            HomeKind(row["kind"]),
            _words(row, "address"),
            row["area_id"],
            row["gateway_id"],
        )
        for row in work.execute(found).mappings()
    ]


def gateway_of(work: Work, home_id: str) -> str | None:
    """The one gateway of a home."""
    c = home_table.c
    found: str | None = work.execute(select(c.gateway_id).where(c.id == home_id)).scalar()
    return found


def devices(work: Work, home_id: str) -> list[DeviceCard]:
    """What stands in a home, in order of uid."""
    c = device_table.c
    found = select(device_table).where(c.home_id == home_id).order_by(c.uid)
    return [_device(row) for row in work.execute(found).mappings()]


def home(work: Work, home_id: str, tree: Areas) -> HomeCard | None:
    """A home with its residents and call plan; None where there is no such home."""
    row = work.execute(select(home_table).where(home_table.c.id == home_id)).mappings().first()
    if row is None:
        return None
    tree = tree if row["area_id"] in tree else areas(work)
    path = tree[row["area_id"]].path
    return HomeCard(
        id=home_id,
        kind=HomeKind(row["kind"]),
        address=_words(row, "address"),
        area_id=row["area_id"],
        area=_read_aloud(tree[area_id] for area_id in path),
        area_path=path,
        lat=row["lat"],
        lon=row["lon"],
        entry_notes=_words(row, "entry_notes"),
        gateway_id=row["gateway_id"],
        residents=residents(work, home_id),
        call_plan=_call_plan(work, row["call_plan_id"]),
        call_plan_id=row["call_plan_id"],
    )


def contacts(work: Work, home_id: str) -> tuple[ContactCard, ...]:
    """Who may be called for a home, in order."""
    c = contact_table.c
    rows = work.execute(select(contact_table).where(c.home_id == home_id).order_by(c.order))
    return tuple(
        ContactCard(
            row["order"],
            row["name"],
            row["name_en"],
            _words(row, "relation"),
            row["phone"],
            row["has_key"],
        )
        for row in rows.mappings()
    )


def door_code_of(work: Work, home_id: str) -> str | None:
    """The code of a home's door. Who asks for it must write down that they did."""
    code: str | None = work.execute(
        select(home_table.c.door_code).where(home_table.c.id == home_id)
    ).scalar()
    return code


def gateway(work: Work, gateway_id: str, tree: Areas) -> GatewayBoard | None:
    """A gateway with the homes and devices behind it; None where there is no such gateway."""
    found = select(gateway_table).where(gateway_table.c.id == gateway_id)
    row = work.execute(found).mappings().first()
    if row is None:
        return None
    tree = tree if row["area_id"] in tree else areas(work)
    card = GatewayCard(gateway_id, _words(row, "name"), tree[row["area_id"]].path, row["revision"])
    behind = select(home_table.c.id).where(home_table.c.gateway_id == gateway_id)
    homes = tuple(work.execute(behind.order_by(home_table.c.id)).scalars())
    known = select(device_table).where(device_table.c.gateway_id == gateway_id)
    rows = work.execute(known.order_by(device_table.c.uid)).mappings()
    devices = [_device(each) for each in rows]
    return GatewayBoard(
        card,
        homes,
        {device.uid: device for device in devices},
        {_uid_of_topic(device): device for device in devices},
    )


def gateway_revisions(work: Work) -> dict[str, int]:
    """Of every gateway: how often what its edge must know has changed."""
    c = gateway_table.c
    return {row.id: row.revision for row in work.execute(select(c.id, c.revision).order_by(c.id))}


def stations(work: Work) -> dict[str, StationCard]:
    """Every station with its people, by id."""
    agreed: dict[str, set[str]] = {}
    for row in work.execute(select(agreement_table)).mappings():
        agreed.setdefault(row["station_id"], set()).add(row["area_id"])
    people: dict[str, list[ResponderCard]] = {}
    for row in work.execute(select(responder_table).order_by(responder_table.c.id)).mappings():
        people.setdefault(row["station_id"], []).append(_responder(row))
    rows = work.execute(select(station_table).order_by(station_table.c.id)).mappings()
    return {
        row["id"]: StationCard(
            id=row["id"],
            area_id=row["area_id"],
            name=_words(row, "name"),
            phone=row["phone"],
            lat=row["lat"],
            lon=row["lon"],
            serves=frozenset({row["area_id"]} | agreed.get(row["id"], set())),
            responders=tuple(people.get(row["id"], ())),
        )
        for row in rows
    }


def responders(work: Work, station_id: str) -> list[ResponderCard]:
    """A station's people, in order of id."""
    c = responder_table.c
    found = select(responder_table).where(c.station_id == station_id).order_by(c.id)
    return [_responder(row) for row in work.execute(found).mappings()]


def duties(work: Work) -> tuple[Duty, ...]:
    """Stretches of duty that are not over."""
    c = duty_table.c
    still = or_(c.to_ms.is_(None), c.to_ms > work.now_ms)
    rows = work.execute(select(c.responder_id, c.from_ms, c.to_ms).where(still))
    return tuple(Duty(row.responder_id, row.from_ms, row.to_ms) for row in rows)


def revision(work: Work) -> int:
    """Rises with each change of the registry."""
    return work.execute(select(revision_table.c.revision)).scalar() or 0


def _path(area_id: str, rows: dict[str, RowMapping]) -> tuple[str, ...]:
    path: list[str] = []
    step: str | None = area_id
    while step is not None and step not in path:
        path.append(step)
        step = rows[step]["parent_id"]
    return tuple(reversed(path))


def _area(row: RowMapping, path: tuple[str, ...]) -> AreaCard:
    return AreaCard(row["id"], AreaKind(row["kind"]), _words(row, "name"), path)


def _read_aloud(path: Iterable[AreaCard]) -> Words:
    """Sub-district and community; the district goes without saying."""
    named = [area.name for area in path if area.kind is not AreaKind.DISTRICT]
    return Words("".join(name.zh for name in named), ", ".join(name.en for name in reversed(named)))


def residents(work: Work, home_id: str) -> tuple[ResidentCard, ...]:
    """Who lives in a home; the one to ask for first comes first."""
    c = resident_table.c
    rows = work.execute(select(resident_table).where(c.home_id == home_id).order_by(c.place))
    return tuple(
        ResidentCard(
            id=row["id"],
            name=row["name"],
            name_en=row["name_en"],
            birth_year=row["birth_year"],
            sex=row["sex"],
            lives_alone=row["lives_alone"],
            care_level=row["care_level"],
            conditions=_texts(row["conditions"]),
            hazards=_texts(row["hazards"]),
        )
        for row in rows.mappings()
    )


def call_plans(work: Work, condition: ColumnElement[bool]) -> list[CallPlanEntry]:
    """Call plans that meet the condition, in order of id."""
    found = select(call_plan_table).where(condition).order_by(call_plan_table.c.id)
    return [
        CallPlanEntry(row["id"], row["area_id"], _words(row, "name"), _texts(row["steps"]))
        for row in work.execute(found).mappings()
    ]


def _call_plan(work: Work, plan_id: str | None) -> tuple[Words, ...]:
    steps = select(call_plan_table.c.steps).where(call_plan_table.c.id == plan_id)
    return _texts(work.execute(steps).scalar() or [])


def _device(row: RowMapping) -> DeviceCard:
    return DeviceCard(
        uid=row["uid"],
        gateway_id=row["gateway_id"],
        home_id=row["home_id"],
        topic=row["topic"],
        key=row["key"],
        kind=row["kind"],
        vendor=row["vendor"],
        model=row["model"],
        name=_words(row, "name"),
        room=_words(row, "room"),
        profile=row["profile"],
        is_sos=row["is_sos"],
    )


def _uid_of_topic(device: DeviceCard) -> str:
    """`<convention>:<topic below its first level>`."""
    return f"{device.uid.partition(':')[0]}:{device.topic.partition('/')[2]}"


def _responder(row: RowMapping) -> ResponderCard:
    return ResponderCard(
        row["id"],
        row["station_id"],
        row["name"],
        row["name_en"],
        row["phone"],
        tuple(row["skills"]),
    )


def _words(row: RowMapping, name: str) -> Words:
    return Words(row[f"{name}_zh"], row[f"{name}_en"])


def _texts(stored: Any) -> tuple[Words, ...]:
    return msgspec.convert(stored, tuple[Words, ...])
