"""Service stations and their people, as the map and the dispatch drawer need them."""

from fastapi import APIRouter, Response

from cloud.dispatch.service import DispatchDesk
from cloud.dispatch.views import station_view
from cloud.identity.model import Account
from cloud.identity.policy import Action, is_in_scope
from cloud.registry.cards import StationCard
from cloud.registry.registry import Registry
from cloud.storage.unit import Work
from cloud.web.desk import OnDesk, Visitor, allowed, read, reply
from cloud.web.scope import OF_A_STATION, scope_of, station_of
from cloud.web.shapes import StationList, UnitList, answer


def station_routes(dispatch: DispatchDesk) -> APIRouter:
    """`/api/stations`, `/api/units`."""
    router = APIRouter(prefix="/api", tags=["stations"])

    @router.get("/stations", responses=answer(StationList))
    async def list_stations(visit: Visitor, desk: OnDesk) -> Response:
        """Stations of the account's area, with telephone and place."""
        account = allowed(visit, Action.SEE_STATIONS)

        def see(_work: Work) -> StationList:
            known = desk.registry.stations()
            return StationList(
                [station_view(each) for each in known if is_for(desk.registry, account, each)]
            )

        return reply(await read(desk, see))

    @router.get("/units", responses=answer(UnitList))
    async def list_units(visit: Visitor, desk: OnDesk) -> Response:
        """Responders of the account's station or area, free or under way."""
        account = allowed(visit, Action.SEE_UNITS)

        def see(work: Work) -> UnitList:
            scope = scope_of(desk.registry, account)
            if scope.station is not None:
                return UnitList(dispatch.units(work, station_id=scope.station))
            return UnitList(dispatch.units(work, areas=scope.areas))

        return reply(await read(desk, see))

    return router


def is_for(registry: Registry, account: Account, station: StationCard) -> bool:
    """Whether the account may deal with a station: its own, or one that lies in its area."""
    if account.role in OF_A_STATION:
        return station.id == station_of(registry, account)
    area = registry.area_card(station.area_id)
    return area is not None and is_in_scope(account.area_id, area.path)
