"""The registry's areas, stations and gateways: seen by who may, entered by administrators.

What is entered again is changed. Everybody stays within the area of their account.
"""

from fastapi import APIRouter, Request, Response
from sqlalchemy import select, update

from cloud.identity import bounds
from cloud.identity.errors import Malformed, OutOfScope
from cloud.identity.model import Account, account_table
from cloud.identity.policy import Action
from cloud.identity.scope import Scope
from cloud.registry import store
from cloud.registry.entries import AreaEntry, GatewayEntry, ResponderEntry, StationEntry
from cloud.registry.model import area_table, gateway_table
from cloud.registry.service import Edit
from cloud.storage.unit import Work
from cloud.web.desk import Commander, Desk, OnDesk, Visitor, allowed, command, read, reply, say_more
from cloud.web.forms import entered, form
from cloud.web.shapes import AreaList, Entered, GatewayList, ResponderList, answer


def registry_routes() -> APIRouter:
    """`/api/areas`, `/api/stations`, `/api/gateways`."""
    router = APIRouter(prefix="/api", tags=["registry"])
    _add_areas(router)
    _add_stations(router)
    _add_people(router)
    _add_gateways(router)
    return router


def _add_areas(router: APIRouter) -> None:
    @router.get("/areas", responses=answer(AreaList))
    async def list_areas(visit: Visitor, desk: OnDesk) -> Response:
        """The account's area and everything below it."""
        scope = desk.scope_of(allowed(visit, Action.SEE_REGISTRY))
        ours = scope.rows(area_table.c.id)
        return reply(AreaList(await read(desk, lambda work: store.areas_that(work, ours))))

    @router.put("/areas", responses=answer(Entered), openapi_extra=form(AreaEntry))
    async def put_area(request: Request, visit: Commander, desk: OnDesk) -> Response:
        """Enter an area below one's own, or change one. The root is entered first, once, by an
        administrator who has no area yet; it is theirs then."""
        account = allowed(visit, Action.EDIT_REGISTRY)
        entry = await entered(request, AreaEntry)

        def enter(work: Work) -> Entered:
            if account.area_id is None:
                _begin(work, account, entry)
            else:
                _require_below(work, desk, desk.scope_of(account), entry)
            with Edit(work) as edit:
                edit.area(entry)
            return _entered(work, entry.id)

        return await command(request, desk, visit, enter)


def _begin(work: Work, account: Account, entry: AreaEntry) -> None:
    """The first area of all."""
    if entry.parent is not None or work.execute(select(area_table.c.id)).first() is not None:
        raise OutOfScope
    with Edit(work) as edit:
        edit.area(entry)
    mine = update(account_table).where(account_table.c.id == account.id)
    work.execute(mine.values(area_id=entry.id))


def _require_below(work: Work, desk: Desk, scope: Scope, entry: AreaEntry) -> None:
    is_there = bounds.is_known(work, scope, "area", entry.id)
    if entry.parent is not None:
        bounds.require(work, scope, "area", entry.parent)
        if entry.parent in desk.registry.areas_under(entry.id):
            raise Malformed(f"area {entry.parent} lies below {entry.id}, so it cannot hold it")
    elif not (is_there and store.is_root(work, entry.id)):
        raise OutOfScope  # there is one root


def _add_stations(router: APIRouter) -> None:
    @router.put("/stations", responses=answer(Entered), openapi_extra=form(StationEntry))
    async def put_station(request: Request, visit: Commander, desk: OnDesk) -> Response:
        """Enter or change a station, with its agreements and people."""
        scope = desk.scope_of(allowed(visit, Action.EDIT_REGISTRY))
        entry = await entered(request, StationEntry)

        def enter(work: Work) -> Entered:
            bounds.is_known(work, scope, "station", entry.id)
            for area_id in (entry.area, *entry.agreements):
                bounds.require(work, scope, "area", area_id)
            for person in entry.responders:
                bounds.is_known(work, scope, "responder", person.id)
            with Edit(work) as edit:
                edit.station(entry)
            return _entered(work, entry.id)

        return await command(request, desk, visit, enter)


def _add_people(router: APIRouter) -> None:
    @router.get("/stations/{station_id}/responders", responses=answer(ResponderList))
    async def list_responders(station_id: str, visit: Visitor, desk: OnDesk) -> Response:
        """A station's people."""
        scope = desk.scope_of(allowed(visit, Action.SEE_REGISTRY))

        def see(work: Work) -> ResponderList:
            bounds.require(work, scope, "station", station_id)
            return ResponderList(store.responders(work, station_id))

        return reply(await read(desk, see))

    @router.put(
        "/stations/{station_id}/responders",
        responses=answer(Entered),
        openapi_extra=form(ResponderEntry),
    )
    async def put_responder(
        station_id: str, request: Request, visit: Commander, desk: OnDesk
    ) -> Response:
        """Enter or change one of a station's people."""
        scope = desk.scope_of(allowed(visit, Action.EDIT_REGISTRY))
        entry = await entered(request, ResponderEntry)

        def enter(work: Work) -> Entered:
            bounds.require(work, scope, "station", station_id)
            bounds.is_known(work, scope, "responder", entry.id)
            with Edit(work) as edit:
                edit.responder(station_id, entry)
            return _entered(work, entry.id)

        return await command(request, desk, visit, enter)


def _add_gateways(router: APIRouter) -> None:
    @router.get("/gateways", responses=answer(GatewayList))
    async def list_gateways(visit: Visitor, desk: OnDesk) -> Response:
        """Gateways of the account's area."""
        scope = desk.scope_of(allowed(visit, Action.SEE_REGISTRY))
        ours = scope.rows(gateway_table.c.area_id)
        return reply(GatewayList(await read(desk, lambda work: store.gateways(work, ours))))

    @router.put("/gateways", responses=answer(Entered), openapi_extra=form(GatewayEntry))
    async def put_gateway(request: Request, visit: Commander, desk: OnDesk) -> Response:
        """Enter or change a gateway."""
        scope = desk.scope_of(allowed(visit, Action.EDIT_REGISTRY))
        entry = await entered(request, GatewayEntry)

        def enter(work: Work) -> Entered:
            bounds.is_known(work, scope, "gateway", entry.id)
            bounds.require(work, scope, "area", entry.area)
            with Edit(work) as edit:
                edit.gateway(entry)
            return _entered(work, entry.id)

        return await command(request, desk, visit, enter)


def _entered(work: Work, thing_id: str) -> Entered:
    say_more(work, id=thing_id)
    return Entered(thing_id)
