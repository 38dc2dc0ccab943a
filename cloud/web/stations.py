"""Service stations and their people, as the map and the dispatch drawer need them."""

from fastapi import APIRouter, Response

from cloud.dispatch.service import DispatchDesk
from cloud.dispatch.views import station_view
from cloud.identity.policy import Action
from cloud.storage.unit import Work
from cloud.web.desk import OnDesk, Visitor, allowed, read, reply
from cloud.web.shapes import StationList, UnitList, answer


def station_routes(dispatch: DispatchDesk) -> APIRouter:
    """`/api/stations`, `/api/units`."""
    router = APIRouter(prefix="/api", tags=["stations"])

    @router.get("/stations", responses=answer(StationList))
    async def list_stations(visit: Visitor, desk: OnDesk) -> Response:
        """Stations of the account's area, with telephone and place."""
        account = allowed(visit, Action.SEE_STATIONS)

        def see(_work: Work) -> StationList:
            scope = desk.scope_of(account)
            known = desk.registry.stations()
            return StationList(
                [station_view(each) for each in known if scope.covers(each.area_id, each.id)]
            )

        return reply(await read(desk, see))

    @router.get("/units", responses=answer(UnitList))
    async def list_units(visit: Visitor, desk: OnDesk) -> Response:
        """Responders of the account's station or area, free or under way."""
        account = allowed(visit, Action.SEE_UNITS)

        def see(work: Work) -> UnitList:
            return UnitList(dispatch.units(work, desk.scope_of(account)))

        return reply(await read(desk, see))

    return router
