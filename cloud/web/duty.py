"""Responders go on and off duty: by themselves, by their station's desk, by a supervisor."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from cloud.alarms.errors import NotFound
from cloud.identity.errors import OutOfScope
from cloud.identity.front_door import Visit
from cloud.identity.model import Account
from cloud.identity.policy import Action, Role
from cloud.registry.service import off_duty, on_duty
from cloud.storage.unit import Work
from cloud.web.desk import Commander, Desk, OnDesk, allowed, command
from cloud.web.shapes import DutyShown, answer

Whose = Annotated[str | None, Query(max_length=64, description="None: the account's own")]


def duty_routes() -> APIRouter:
    """`/api/duty`."""
    router = APIRouter(prefix="/api/duty", tags=["duty"])

    @router.post("", responses=answer(DutyShown))
    async def begin(
        request: Request, visit: Commander, desk: OnDesk, responder_id: Whose = None
    ) -> Response:
        """Go on duty, until somebody ends it."""
        return await _keep(request, desk, visit, responder_id, on_duty, is_on=True)

    @router.delete("", responses=answer(DutyShown))
    async def end(
        request: Request, visit: Commander, desk: OnDesk, responder_id: Whose = None
    ) -> Response:
        """Go off duty. What has been accepted goes on."""
        return await _keep(request, desk, visit, responder_id, off_duty, is_on=False)

    return router


async def _keep(
    request: Request,
    desk: Desk,
    visit: Visit,
    responder_id: str | None,
    change: Callable[[Work, str], None],
    *,
    is_on: bool,
) -> Response:
    account = allowed(visit, Action.KEEP_DUTY)

    def keep(work: Work) -> DutyShown:
        whose = _whose(desk, account, responder_id)
        change(work, whose)
        return DutyShown(whose, is_on)

    return await command(request, desk, visit, keep)


def _whose(desk: Desk, account: Account, responder_id: str | None) -> str:
    """Whose duty it is. Raises NotFound, or OutOfScope for somebody else's people."""
    wanted = responder_id or account.responder_id
    person = desk.registry.responder_card(wanted) if wanted else None
    station = desk.registry.station_card(person.station_id) if person else None
    if person is None or station is None:
        raise NotFound("whose duty? name a responder_id that the registry has")
    is_own = person.id == account.responder_id
    is_chief = account.role is not Role.RESPONDER and desk.scope_of(account).covers(
        station.area_id, station.id
    )
    if not (is_own or is_chief):
        raise OutOfScope
    return person.id
