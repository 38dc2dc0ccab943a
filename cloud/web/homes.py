"""Homes with their residents, contacts and devices: seen by who may, entered by administrators."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Request, Response
from msgspec import UNSET, Meta, Struct, UnsetType

from cloud.identity import bounds
from cloud.identity.errors import Malformed, NotFound
from cloud.identity.policy import Action
from cloud.identity.scope import Scope
from cloud.registry import store
from cloud.registry.cards import DeviceCard, HomeKind
from cloud.registry.entries import (
    NO_WORDS,
    ContactEntry,
    HomeEntry,
    Id,
    Latitude,
    Longitude,
    ResidentEntry,
)
from cloud.registry.model import home_table
from cloud.registry.service import Edit
from cloud.storage.unit import Work
from cloud.web.calls import require_plan
from cloud.web.desk import (
    Commander,
    OnDesk,
    Visitor,
    allowed,
    command,
    read,
    read_noted,
    reply,
    say_more,
)
from cloud.web.forms import entered, form
from cloud.web.shapes import Entered, HomeDetail, HomeList, answer
from cloud.words import Words

Order = Annotated[int, Path(ge=1, le=99)]


class HomeForm(Struct, frozen=True):
    """A household. door_code: left out, it stays as it is. Residents and contacts that are named
    are entered or changed; those that are not stay."""

    id: Id
    area: str
    address: Words
    lat: Latitude
    lon: Longitude
    kind: HomeKind = HomeKind.REAL
    entry_notes: Words = NO_WORDS
    door_code: str | UnsetType | None = UNSET
    call_plan: str | None = None
    residents: tuple[ResidentEntry, ...] = ()
    contacts: tuple[ContactEntry, ...] = ()


class DeviceForm(Struct, frozen=True):
    """A device. uid: `<convention>:<address>`; topic: at the gateway's broker."""

    uid: Annotated[str, Meta(pattern="^[a-z0-9_]+:[!-~]+$", max_length=100)]
    home: str | None
    topic: Annotated[str, Meta(min_length=1, max_length=200)]
    key: Id
    kind: Id
    vendor: str
    model: str
    name: Words
    room: Words
    is_sos: bool
    profile: str | None = None


def home_routes() -> APIRouter:
    """`/api/homes…`, and what stands behind `/api/gateways/{id}`."""
    router = APIRouter(prefix="/api", tags=["homes"])
    _add_views(router)
    _add_homes(router)
    _add_removals(router)
    _add_devices(router)
    return router


def _add_views(router: APIRouter) -> None:
    @router.get("/homes", responses=answer(HomeList))
    async def list_homes(visit: Visitor, desk: OnDesk) -> Response:
        """Homes of the account's area: where they are and behind which gateway."""
        scope = desk.scope_of(allowed(visit, Action.SEE_REGISTRY))
        ours = scope.homes(home_table.c.id, home_table.c.area_id)
        return reply(HomeList(await read(desk, lambda work: store.homes(work, ours))))

    @router.get("/homes/{home_id}", responses=answer(HomeDetail))
    async def see_home(home_id: str, request: Request, visit: Visitor, desk: OnDesk) -> Response:
        """A home with who lives there, who is called and what stands in it; not its door code."""
        scope = desk.scope_of(allowed(visit, Action.SEE_REGISTRY))

        def see(work: Work) -> HomeDetail:
            bounds.require(work, scope, "home", home_id)
            home = store.home(work, home_id, store.areas(work))
            if home is None:
                raise NotFound("home", home_id)
            found = {
                "home": home,
                "contacts": store.contacts(work, home_id),
                "devices": store.devices(work, home_id),
            }
            return msgspec.convert(found, HomeDetail, from_attributes=True)

        return await read_noted(request, desk, visit, see)


def _add_homes(router: APIRouter) -> None:
    @router.put(
        "/gateways/{gateway_id}/homes", responses=answer(Entered), openapi_extra=form(HomeForm)
    )
    async def put_home(
        gateway_id: str, request: Request, visit: Commander, desk: OnDesk
    ) -> Response:
        """Enter or change a home behind a gateway."""
        account = allowed(visit, Action.EDIT_REGISTRY)
        scope, body = desk.scope_of(account), await entered(request, HomeForm)

        def enter(work: Work) -> Entered:
            bounds.require(work, scope, "gateway", gateway_id)
            bounds.require(work, scope, "area", body.area)
            bounds.is_known(work, scope, "home", body.id)
            require_plan(work, desk, account, body.call_plan)
            for resident in body.residents:
                bounds.is_known(work, scope, "resident", resident.id)
            with Edit(work) as edit:
                edit.home(gateway_id, _entry(work, body))
            say_more(work, id=body.id)
            return Entered(body.id)

        return await command(request, desk, visit, enter)


def _add_removals(router: APIRouter) -> None:
    @router.delete("/homes/{home_id}/contacts/{order}", responses=answer(Entered))
    async def remove_contact(
        home_id: str, order: Order, request: Request, visit: Commander, desk: OnDesk
    ) -> Response:
        """Nobody calls this person any more."""
        scope = desk.scope_of(allowed(visit, Action.KEEP_CALLS))

        def remove(work: Work) -> Entered:
            bounds.require(work, scope, "home", home_id)
            with Edit(work) as edit:
                edit.remove_contact(home_id, order)
            return Entered(home_id)

        return await command(request, desk, visit, remove)

    @router.delete("/residents/{resident_id}", responses=answer(Entered))
    async def remove_resident(
        resident_id: str, request: Request, visit: Commander, desk: OnDesk
    ) -> Response:
        """Lives there no longer. What was recorded of their alarms stays."""
        scope = desk.scope_of(allowed(visit, Action.EDIT_REGISTRY))

        def remove(work: Work) -> Entered:
            bounds.require(work, scope, "resident", resident_id)
            with Edit(work) as edit:
                edit.remove_resident(resident_id)
            return Entered(resident_id)

        return await command(request, desk, visit, remove)


def _add_devices(router: APIRouter) -> None:
    @router.put(
        "/gateways/{gateway_id}/devices", responses=answer(Entered), openapi_extra=form(DeviceForm)
    )
    async def put_device(
        gateway_id: str, request: Request, visit: Commander, desk: OnDesk
    ) -> Response:
        """Enter or change a device of a home, or of the gateway's community."""
        scope = desk.scope_of(allowed(visit, Action.EDIT_REGISTRY))
        body = await entered(request, DeviceForm)

        def enter(work: Work) -> Entered:
            bounds.require(work, scope, "gateway", gateway_id)
            if body.home is not None:
                _require_behind(work, scope, gateway_id, body.home)
            with Edit(work) as edit:
                edit.device(_card(gateway_id, body))
            say_more(work, id=body.uid)
            return Entered(body.uid)

        return await command(request, desk, visit, enter)

    @router.delete("/gateways/{gateway_id}/devices/{uid}", responses=answer(Entered))
    async def remove_device(
        gateway_id: str, uid: str, request: Request, visit: Commander, desk: OnDesk
    ) -> Response:
        """It is not the gateway's any more."""
        scope = desk.scope_of(allowed(visit, Action.EDIT_REGISTRY))

        def remove(work: Work) -> Entered:
            bounds.require(work, scope, "gateway", gateway_id)
            with Edit(work) as edit:
                edit.remove_device(gateway_id, uid)
            return Entered(uid)

        return await command(request, desk, visit, remove)


def _entry(work: Work, body: HomeForm) -> HomeEntry:
    """Whoever does not know the door code does not wipe it out."""
    fields = msgspec.structs.asdict(body)
    if body.door_code is UNSET:
        fields["door_code"] = store.door_code_of(work, body.id)
    return HomeEntry(**fields)


def _card(gateway_id: str, body: DeviceForm) -> DeviceCard:
    fields = msgspec.structs.asdict(body)
    return DeviceCard(gateway_id=gateway_id, home_id=fields.pop("home"), **fields)


def _require_behind(work: Work, scope: Scope, gateway_id: str, home_id: str) -> None:
    bounds.require(work, scope, "home", home_id)
    if store.gateway_of(work, home_id) != gateway_id:
        raise Malformed(f"home {home_id} is not behind gateway {gateway_id}; move it first")
