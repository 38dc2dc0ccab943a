"""What is done when a home calls: call plans, which of them it follows, and whom to tell."""

from fastapi import APIRouter, Request, Response
from msgspec import Struct
from sqlalchemy import ColumnElement, or_

from cloud.identity import bounds
from cloud.identity.errors import OutOfScope
from cloud.identity.model import Account
from cloud.identity.policy import Action
from cloud.registry import store
from cloud.registry.entries import CallPlanEntry, ContactEntry
from cloud.registry.model import call_plan_table
from cloud.registry.service import Edit
from cloud.storage.unit import Work
from cloud.web.desk import (
    Commander,
    Desk,
    OnDesk,
    Visitor,
    allowed,
    command,
    read,
    reply,
    say_more,
)
from cloud.web.forms import entered, form
from cloud.web.shapes import CallPlanList, Entered, answer


class CallsForm(Struct, frozen=True):
    """call_plan: null for none. Contacts that are named are entered or changed; the others stay."""

    call_plan: str | None
    contacts: tuple[ContactEntry, ...] = ()


def call_routes() -> APIRouter:
    """`/api/call-plans…`, `/api/homes/{id}/calls`."""
    router = APIRouter(prefix="/api", tags=["calls"])
    _add_plans(router)

    @router.put("/homes/{home_id}/calls", responses=answer(Entered), openapi_extra=form(CallsForm))
    async def put_calls(home_id: str, request: Request, visit: Commander, desk: OnDesk) -> Response:
        """What the operator is to do and whom to tell when this home calls."""
        account = allowed(visit, Action.KEEP_CALLS)
        scope, body = desk.scope_of(account), await entered(request, CallsForm)

        def enter(work: Work) -> Entered:
            bounds.require(work, scope, "home", home_id)
            require_plan(work, desk, account, body.call_plan)
            with Edit(work) as edit:
                edit.calls(home_id, body.call_plan, body.contacts)
            return Entered(home_id)

        return await command(request, desk, visit, enter)

    return router


def require_plan(work: Work, desk: Desk, account: Account, plan_id: str | None) -> None:
    """A home may follow a plan that the account sees. Raises OutOfScope."""
    plans = store.call_plans(work, _plans_of(desk, account))
    if plan_id is not None and plan_id not in {each.id for each in plans}:
        raise OutOfScope


def _plans_of(desk: Desk, account: Account) -> ColumnElement[bool]:
    """Plans of the account's own areas, and of those above, which hold for it too."""
    area = desk.registry.area_card(account.area_id or "")
    above = call_plan_table.c.area_id.in_(area.path if area else ())
    return or_(desk.scope_of(account).rows(call_plan_table.c.area_id), above)


def _add_plans(router: APIRouter) -> None:
    @router.get("/call-plans", responses=answer(CallPlanList))
    async def list_plans(visit: Visitor, desk: OnDesk) -> Response:
        """Call plans that homes of the account's area may follow."""
        ours = _plans_of(desk, allowed(visit, Action.SEE_REGISTRY))
        return reply(CallPlanList(await read(desk, lambda work: store.call_plans(work, ours))))

    @router.put("/call-plans", responses=answer(Entered), openapi_extra=form(CallPlanEntry))
    async def put_plan(request: Request, visit: Commander, desk: OnDesk) -> Response:
        """Enter or change a call plan; homes that follow it do so at once."""
        scope = desk.scope_of(allowed(visit, Action.KEEP_CALLS))
        entry = await entered(request, CallPlanEntry)

        def enter(work: Work) -> Entered:
            bounds.is_known(work, scope, "call plan", entry.id)
            bounds.require(work, scope, "area", entry.area)
            with Edit(work) as edit:
                edit.call_plan(entry)
            say_more(work, id=entry.id)
            return Entered(entry.id)

        return await command(request, desk, visit, enter)

    @router.delete("/call-plans/{plan_id}", responses=answer(Entered))
    async def remove_plan(
        plan_id: str, request: Request, visit: Commander, desk: OnDesk
    ) -> Response:
        """Refused as long as homes follow it."""
        scope = desk.scope_of(allowed(visit, Action.KEEP_CALLS))

        def remove(work: Work) -> Entered:
            bounds.require(work, scope, "call plan", plan_id)
            with Edit(work) as edit:
                edit.remove_call_plan(plan_id)
            return Entered(plan_id)

        return await command(request, desk, visit, remove)
