"""Accounts, for administrators: of their own area and everything below it."""

from collections.abc import Callable

from fastapi import APIRouter, Request, Response

from cloud.identity import bounds, service, sessions
from cloud.identity.errors import Malformed, OwnAccount
from cloud.identity.front_door import Visit
from cloud.identity.model import Account
from cloud.identity.policy import Action
from cloud.identity.scope import Scope
from cloud.identity.service import AccountEntry, add_account
from cloud.storage.unit import Work
from cloud.web.desk import Commander, Desk, OnDesk, Visitor, allowed, command, read, reply, say_more
from cloud.web.forms import entered, form
from cloud.web.shapes import AccountList, AccountMade, AccountShown, LinkMade, answer


def account_routes() -> APIRouter:
    """`/api/accounts…`."""
    router = APIRouter(prefix="/api/accounts", tags=["accounts"])

    @router.get("", responses=answer(AccountList))
    async def list_accounts(visit: Visitor, desk: OnDesk) -> Response:
        """By login, also those that may not sign in any more."""
        scope = desk.scope_of(allowed(visit, Action.SEE_OFFICE))
        rows = await read(desk, lambda work: bounds.accounts_of(work, scope))
        return reply(AccountList([AccountShown(*row) for row in rows]))

    @router.post("", responses=answer(AccountMade), openapi_extra=form(AccountEntry))
    async def create(request: Request, visit: Commander, desk: OnDesk) -> Response:
        """A new account, and the one-time link that leads in."""
        scope = desk.scope_of(allowed(visit, Action.KEEP_ACCOUNTS))
        entry = await entered(request, AccountEntry)

        def make(work: Work) -> AccountMade:
            _require_ours(work, scope, entry)
            account = add_account(work, entry, None)
            say_more(work, account=account.id, role=account.role)
            return AccountMade(account, sessions.make_link(work, account.id, desk.secrets))

        return await command(request, desk, visit, make, is_kept=False)

    _add_changes(router)
    _add_links(router)
    return router


def _add_changes(router: APIRouter) -> None:
    @router.put("/{account_id}", responses=answer(LinkMade), openapi_extra=form(AccountEntry))
    async def change(account_id: str, request: Request, visit: Commander, desk: OnDesk) -> Response:
        """Another name, role, area or station; whoever is signed in is out now."""
        scope = desk.scope_of(allowed(visit, Action.KEEP_ACCOUNTS))
        entry = await entered(request, AccountEntry)

        def enter(work: Work, account_id: str) -> None:
            _require_ours(work, scope, entry)
            service.change_account(work, account_id, entry)
            say_more(work, role=entry.role)

        return await _change(request, desk, visit, account_id, enter)

    @router.post("/{account_id}/disable", responses=answer(LinkMade))
    async def disable(
        account_id: str, request: Request, visit: Commander, desk: OnDesk
    ) -> Response:
        """Nobody signs in with it, and whoever is signed in is out now."""
        return await _change(request, desk, visit, account_id, _disable)

    @router.post("/{account_id}/enable", responses=answer(LinkMade))
    async def enable(account_id: str, request: Request, visit: Commander, desk: OnDesk) -> Response:
        """It may sign in again, as before."""
        return await _change(request, desk, visit, account_id, _enable)


def _add_links(router: APIRouter) -> None:
    @router.post("/{account_id}/link", responses=answer(LinkMade))
    async def new_link(
        account_id: str, request: Request, visit: Commander, desk: OnDesk
    ) -> Response:
        """A new one-time link; the one before is worth nothing."""

        def make(work: Work, account_id: str) -> str:
            return sessions.make_link(work, account_id, desk.secrets)

        return await _change(request, desk, visit, account_id, make)

    @router.post("/{account_id}/reset", responses=answer(LinkMade))
    async def reset(account_id: str, request: Request, visit: Commander, desk: OnDesk) -> Response:
        """As new: no password, no second factor, no session; and a one-time link."""

        def make(work: Work, account_id: str) -> str:
            return service.reset(work, account_id, desk.secrets)

        return await _change(request, desk, visit, account_id, make)


def _disable(work: Work, account_id: str) -> None:
    service.deactivate(work, account_id)


def _enable(work: Work, account_id: str) -> None:
    service.activate(work, account_id)


async def _change(
    request: Request,
    desk: Desk,
    visit: Visit,
    account_id: str,
    change: Callable[[Work, str], str | None],
) -> Response:
    """Of somebody else's account; the answer holds the new link, where there is one."""
    keeper: Account = allowed(visit, Action.KEEP_ACCOUNTS)
    scope = desk.scope_of(keeper)

    def act(work: Work) -> LinkMade:
        bounds.require(work, scope, "account", account_id)
        if account_id == keeper.id:
            raise OwnAccount
        return LinkMade(account_id, change(work, account_id))

    return await command(request, desk, visit, act, is_kept=False)


def _require_ours(work: Work, scope: Scope, entry: AccountEntry) -> None:
    """Nobody makes an account that sees more than its maker."""
    if entry.area is None:
        raise Malformed("an account needs its area, by which it is administered")
    for kind, thing_id in (
        ("area", entry.area),
        ("station", entry.station),
        ("responder", entry.responder),
    ):
        if thing_id is not None:
            bounds.require(work, scope, kind, thing_id)
