"""Entering and changing what the registry holds. Takes a unit of work, never commits."""

import re
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Table,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from cloud.registry import store
from cloud.registry.cards import DeviceCard, year_of
from cloud.registry.entries import (
    AreaEntry,
    CallPlanEntry,
    ContactEntry,
    GatewayEntry,
    HomeEntry,
    ResidentEntry,
    ResponderEntry,
    StationEntry,
)
from cloud.registry.errors import InUse, Malformed, Unknown
from cloud.registry.events import DutyChanged, GatewayChanged, RegistryChanged
from cloud.registry.model import (
    agreement_table,
    area_table,
    call_plan_table,
    contact_table,
    device_table,
    duty_table,
    gateway_table,
    home_table,
    last_value_table,
    resident_table,
    responder_table,
    revision_table,
    station_table,
)
from cloud.storage.unit import Work
from cloud.words import Words
from contract.topics import GATEWAY_PATTERN, partition_of


class Edit:
    """One change of the registry, however many entries it has: `with Edit(work) as edit:`.

    What is entered twice stands once. At the end everybody who keeps cards or configurations is
    told once, and only where something is different from before.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._homes: set[str] = set()
        self._gateways: set[str] = set()
        self._is_wide = False

    def __enter__(self) -> "Edit":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None and (self._homes or self._gateways or self._is_wide):
            self._tell()

    def area(self, entry: AreaEntry) -> None:
        """A node of the tree. Raises Unknown for a parent that is not there yet."""
        if entry.parent is not None:
            self._must_exist(area_table, entry.parent)
        self._is_wide |= _put(
            self._work,
            area_table,
            id=entry.id,
            parent_id=entry.parent,
            kind=str(entry.kind),
            **_two("name", entry.name),
        )

    def gateway(self, entry: GatewayEntry) -> None:
        """A gateway. Raises Malformed for an id that the wire refuses, Unknown for its area."""
        if re.fullmatch(GATEWAY_PATTERN, entry.id) is None:
            raise Malformed(f"'{entry.id}' is no gateway id; it reads {GATEWAY_PATTERN}")
        self._must_exist(area_table, entry.area)
        values = {"area_id": entry.area, "partition": partition_of(entry.id)}
        if _put(self._work, gateway_table, id=entry.id, **values, **_two("name", entry.name)):
            self._gateways.add(entry.id)

    def call_plan(self, entry: CallPlanEntry) -> None:
        """What an operator is to do and ask, in order. Raises Unknown for its area."""
        self._must_exist(area_table, entry.area)
        self._is_wide |= _put(
            self._work,
            call_plan_table,
            id=entry.id,
            area_id=entry.area,
            steps=msgspec.to_builtins(entry.steps),
            **_two("name", entry.name),
        )

    def remove_call_plan(self, plan_id: str) -> None:
        """Raises InUse as long as homes follow it."""
        following = select(func.count()).where(home_table.c.call_plan_id == plan_id)
        if homes := self._work.execute(following).scalar_one():
            raise InUse(homes)
        self._work.execute(delete(call_plan_table).where(call_plan_table.c.id == plan_id))

    def calls(self, home_id: str, call_plan: str | None, contacts: Sequence[ContactEntry]) -> None:
        """What is done and who is told when a home calls. Contacts that are not named stay."""
        if call_plan is not None:
            self._must_exist(call_plan_table, call_plan)
        is_other = _put(self._work, home_table, id=home_id, call_plan_id=call_plan)
        for contact in contacts:
            is_other |= _put(self._work, contact_table, **_contact_values(home_id, contact))
        if is_other:
            self._homes.add(home_id)

    def home(self, gateway_id: str, entry: HomeEntry) -> None:
        """A home with residents and contacts; its devices are entered one by one.

        Raises Unknown for an area, gateway or call plan that is not there yet.
        """
        self._must_exist(area_table, entry.area)
        self._must_exist(gateway_table, gateway_id)
        if entry.call_plan is not None:
            self._must_exist(call_plan_table, entry.call_plan)
        before = self._gateway_before(entry.id)
        is_other = _put(self._work, home_table, **_home_values(gateway_id, entry))
        for place, resident in enumerate(entry.residents, start=1):
            values = _resident_values(self._work, entry.id, place, resident)
            is_other |= _put(self._work, resident_table, **values)
        for contact in entry.contacts:
            is_other |= _put(self._work, contact_table, **_contact_values(entry.id, contact))
        if is_other:
            self._homes.add(entry.id)
        if before != gateway_id:
            self._gateways |= {gateway_id} | ({before} if before else set())

    def device(self, card: DeviceCard) -> None:
        """A device. Raises Unknown for a gateway or home that is not there yet."""
        self._must_exist(gateway_table, card.gateway_id)
        if card.home_id is not None:
            self._must_exist(home_table, card.home_id)
        values = msgspec.to_builtins(card)
        words = {**_two("name", card.name), **_two("room", card.room)}
        del values["name"], values["room"]
        if _put(self._work, device_table, **values, **words):
            self._gateways.add(card.gateway_id)

    def remove_device(self, gateway_id: str, uid: str) -> None:
        """It is not the gateway's any more; harmless where it was not."""
        c = device_table.c
        gone = delete(device_table).where(c.gateway_id == gateway_id, c.uid == uid)
        if self._work.execute(gone).rowcount:
            self._gateways.add(gateway_id)

    def remove_contact(self, home_id: str, order: int) -> None:
        """Nobody calls this person any more."""
        c = contact_table.c
        gone = delete(contact_table).where(c.home_id == home_id, c.order == order)
        if self._work.execute(gone).rowcount:
            self._homes.add(home_id)

    def remove_resident(self, resident_id: str) -> None:
        """Lives there no longer. What was recorded of their alarms stays."""
        c = resident_table.c
        gone = delete(resident_table).where(c.id == resident_id).returning(c.home_id)
        self._homes |= set(self._work.execute(gone).scalars())

    def remove_home(self, home_id: str) -> None:
        """With who lives there, who is called and what stands in it. What was recorded of its
        alarms stays."""
        self._homes.add(home_id)
        for table in (contact_table, resident_table, device_table, last_value_table):
            gone = delete(table).where(table.c.home_id == home_id)
            self._work.execute(gone)
        gone = delete(home_table).where(home_table.c.id == home_id)
        self._gateways |= set(self._work.execute(gone.returning(home_table.c.gateway_id)).scalars())

    def bring_back(self, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
        """Rows of homes that were removed. What has been entered anew since is left as it is; a
        call plan that is gone is not followed. Raises Unknown where the home is gone by now."""
        for row in rows:
            if _is_there(self._work, table, row):
                continue
            values = dict(row)
            if table is not home_table:
                self._must_exist(home_table, row["home_id"])
            elif not _is_there(self._work, call_plan_table, {"id": row["call_plan_id"]}):
                values["call_plan_id"] = None
            self._work.execute(insert(table).values(**values))
            self._homes.add(row["id"] if table is home_table else row["home_id"])
            if table is not resident_table and table is not contact_table:
                self._gateways.add(row["gateway_id"])

    def responder(self, station_id: str, entry: ResponderEntry) -> None:
        """One of a station's people. Raises Unknown for a station that is not there yet."""
        self._must_exist(station_table, station_id)
        self._responder(station_id, entry)

    def station(self, entry: StationEntry) -> None:
        """A station with its agreements and people. Raises Unknown for an area."""
        for area_id in (entry.area, *entry.agreements):
            self._must_exist(area_table, area_id)
        self._is_wide |= _put(
            self._work,
            station_table,
            id=entry.id,
            area_id=entry.area,
            phone=entry.phone,
            lat=entry.lat,
            lon=entry.lon,
            **_two("name", entry.name),
        )
        for area_id in entry.agreements:
            values = {"station_id": entry.id, "area_id": area_id}
            self._is_wide |= _put(self._work, agreement_table, **values)
        for responder in entry.responders:
            self._responder(entry.id, responder)

    def _responder(self, station_id: str, entry: ResponderEntry) -> None:
        self._is_wide |= _put(
            self._work,
            responder_table,
            id=entry.id,
            station_id=station_id,
            name=entry.name,
            name_en=entry.name_en,
            phone=entry.phone,
            skills=list(entry.skills),
        )
        any_duty = select(duty_table.c.responder_id).where(duty_table.c.responder_id == entry.id)
        if entry.duty == "all_day" and self._work.execute(any_duty).first() is None:
            self._is_wide |= _put(
                self._work, duty_table, responder_id=entry.id, from_ms=0, to_ms=None
            )

    def _must_exist(self, table: Table, thing_id: str) -> None:
        if self._work.execute(select(table.c.id).where(table.c.id == thing_id)).first() is None:
            raise Unknown(table.name.replace("_", " "), thing_id)

    def _gateway_before(self, home_id: str) -> str | None:
        before = select(home_table.c.gateway_id).where(home_table.c.id == home_id)
        gateway_id: str | None = self._work.execute(before).scalar()
        return gateway_id

    def _tell(self) -> None:
        for gateway_id in sorted(self._gateways):
            rise = update(gateway_table).where(gateway_table.c.id == gateway_id)
            risen = rise.values(revision=gateway_table.c.revision + 1)
            revision = self._work.execute(risen.returning(gateway_table.c.revision)).scalar_one()
            self._work.publish(GatewayChanged(gateway_id, revision))
        _tell_registry(self._work, self._homes, self._gateways, self._is_wide)


def on_duty(work: Work, responder_id: str, until_ms: int | None = None) -> None:
    """Begin a stretch of duty now; one that is under way goes on. Raises Unknown."""
    station_id = _station_of(work, responder_id)
    c = duty_table.c
    under_way = and_(
        c.responder_id == responder_id,
        c.from_ms <= work.now_ms,
        or_(c.to_ms.is_(None), c.to_ms > work.now_ms),
    )
    if work.execute(select(c.from_ms).where(under_way)).first() is not None:
        return
    _put(work, duty_table, responder_id=responder_id, from_ms=work.now_ms, to_ms=until_ms)
    work.publish(DutyChanged(responder_id, station_id, True))
    _tell_registry(work, (), (), is_wide=True)


def off_duty(work: Work, responder_id: str) -> None:
    """End every stretch of duty that is under way; harmless where there is none. Raises Unknown."""
    station_id = _station_of(work, responder_id)
    c = duty_table.c
    open_ended = or_(c.to_ms.is_(None), c.to_ms > work.now_ms)
    under_way = and_(c.responder_id == responder_id, c.from_ms <= work.now_ms, open_ended)
    if work.execute(update(duty_table).where(under_way).values(to_ms=work.now_ms)).rowcount:
        work.publish(DutyChanged(responder_id, station_id, False))
        _tell_registry(work, (), (), is_wide=True)


def _station_of(work: Work, responder_id: str) -> str:
    found: str | None = work.execute(
        select(responder_table.c.station_id).where(responder_table.c.id == responder_id)
    ).scalar()
    if found is None:
        raise Unknown("responder", responder_id)
    return found


def _tell_registry(
    work: Work,
    homes: "Sequence[str] | set[str]",
    gateways: "Sequence[str] | set[str]",
    is_wide: bool,
) -> None:
    revision = store.revision(work) + 1
    _put(work, revision_table, id=1, revision=revision)
    work.publish(RegistryChanged(revision, frozenset(homes), frozenset(gateways), is_wide))


def _put(work: Work, table: Table, **entered: Any) -> bool:
    """Insert or update by primary key; whether anything is different from before."""
    values = {name: list(v) if isinstance(v, tuple) else v for name, v in entered.items()}  # JSON
    row = _row(table, values)
    before = work.execute(select(table).where(row)).mappings().first()
    if before is None:
        work.execute(insert(table).values(**values))
        return True
    changes = {name: value for name, value in values.items() if before[name] != value}
    if changes:
        work.execute(update(table).where(row).values(**changes))
    return bool(changes)


def _is_there(work: Work, table: Table, values: Mapping[str, Any]) -> bool:
    return work.execute(select(table).where(_row(table, values))).first() is not None


def _row(table: Table, values: Mapping[str, Any]) -> ColumnElement[bool]:
    return and_(*(column == values[column.name] for column in table.primary_key))


def _two(name: str, words: Words) -> dict[str, str]:
    return {f"{name}_zh": words.zh, f"{name}_en": words.en}


def _home_values(gateway_id: str, entry: HomeEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "area_id": entry.area,
        "gateway_id": gateway_id,
        "kind": str(entry.kind),
        "lat": entry.lat,
        "lon": entry.lon,
        "door_code": entry.door_code,
        "call_plan_id": entry.call_plan,
        **_two("address", entry.address),
        **_two("entry_notes", entry.entry_notes),
    }


def _resident_values(work: Work, home_id: str, place: int, entry: ResidentEntry) -> dict[str, Any]:
    values: dict[str, Any] = msgspec.to_builtins(entry)
    birth_year = year_of(work.now_ms) - values.pop("age")
    return {**values, "birth_year": birth_year, "home_id": home_id, "place": place}


def _contact_values(home_id: str, entry: ContactEntry) -> dict[str, Any]:
    return {
        "home_id": home_id,
        "order": entry.order,
        "name": entry.name,
        "name_en": entry.name_en,
        "relation_zh": entry.relation,
        "relation_en": entry.relation_en,
        "phone": entry.phone,
        "has_key": entry.has_key,
    }
