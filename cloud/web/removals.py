"""Removing homes or several residents: asked for by one administrator, confirmed by another."""

from collections.abc import Callable
from typing import Final

from fastapi import APIRouter, Request, Response

from cloud.alarms import store as alarms
from cloud.identity import bounds
from cloud.identity.errors import AlarmUnderWay, OutOfScope
from cloud.identity.front_door import Visit
from cloud.identity.policy import Action
from cloud.registry import removals
from cloud.registry.model import removal_table
from cloud.registry.removals import Removal, RemovalEntry
from cloud.storage.unit import Work
from cloud.web.desk import Commander, Desk, OnDesk, Visitor, allowed, command, read, reply, say_more
from cloud.web.forms import entered, form
from cloud.web.shapes import RemovalList, RemovalShown, answer

Step = Callable[[Work, str, str], Removal]
SHOWN_MAX: Final = 100


def removal_routes() -> APIRouter:
    """`/api/removals…`."""
    router = APIRouter(prefix="/api/removals", tags=["removals"])

    @router.get("", responses=answer(RemovalList))
    async def list_removals(visit: Visitor, desk: OnDesk) -> Response:
        """Newest first: what waits for a second person, and what was decided."""
        scope = desk.scope_of(allowed(visit, Action.SEE_OFFICE))
        ours = scope.rows(removal_table.c.area_id)
        found = await read(desk, lambda work: removals.removals_that(work, ours, SHOWN_MAX))
        return reply(RemovalList(found))

    @router.post("", responses=answer(RemovalShown), openapi_extra=form(RemovalEntry))
    async def ask(request: Request, visit: Commander, desk: OnDesk) -> Response:
        """Nothing goes yet; the answer says how much would."""
        account = allowed(visit, Action.EDIT_REGISTRY)
        scope, entry = desk.scope_of(account), await entered(request, RemovalEntry)

        def write(work: Work) -> RemovalShown:
            for home_id in entry.homes:
                bounds.require(work, scope, "home", home_id)
            for resident_id in entry.residents:
                bounds.require(work, scope, "resident", resident_id)
            if account.area_id is None:
                raise OutOfScope
            asked = removals.ask(work, account.area_id, entry, account.id)
            say_more(work, id=asked.id)
            return RemovalShown(asked)

        return await command(request, desk, visit, write)

    _add_steps(router)
    return router


def _add_steps(router: APIRouter) -> None:
    @router.post("/{removal_id}/confirm", responses=answer(RemovalShown))
    async def confirm(
        removal_id: str, request: Request, visit: Commander, desk: OnDesk
    ) -> Response:
        """It goes. Not by who asked for it, and not while somebody there is being helped."""

        def step(work: Work, removal_id: str, by: str) -> Removal:
            homes = removals.removal(work, removal_id).homes
            if open_ids := alarms.open_at(work, homes):
                raise AlarmUnderWay(open_ids)
            return removals.confirm(work, removal_id, by)

        return await _take(request, desk, visit, removal_id, step)

    @router.post("/{removal_id}/refuse", responses=answer(RemovalShown))
    async def refuse(removal_id: str, request: Request, visit: Commander, desk: OnDesk) -> Response:
        """Nothing goes; also for who asked and thinks better of it."""
        return await _take(request, desk, visit, removal_id, removals.refuse)

    @router.post("/{removal_id}/undo", responses=answer(RemovalShown))
    async def undo(removal_id: str, request: Request, visit: Commander, desk: OnDesk) -> Response:
        """Within 30 days everything stands as before."""
        return await _take(request, desk, visit, removal_id, removals.undo)


async def _take(
    request: Request, desk: Desk, visit: Visit, removal_id: str, step: Step
) -> Response:
    account = allowed(visit, Action.EDIT_REGISTRY)
    scope = desk.scope_of(account)

    def act(work: Work) -> RemovalShown:
        bounds.require(work, scope, "removal", removal_id)
        return RemovalShown(step(work, removal_id, account.id))

    return await command(request, desk, visit, act)
