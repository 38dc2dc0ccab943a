"""Signing in and out, and an operator's shift."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Final

import anyio.to_thread
from fastapi import APIRouter, Cookie, Request, Response
from pydantic import BaseModel, Field

from cloud.identity import shifts, store
from cloud.identity.errors import BadCsrf
from cloud.identity.front_door import Visit
from cloud.identity.policy import SECOND_FACTOR, Action
from cloud.identity.sessions import SignedIn
from cloud.storage.unit import Work
from cloud.web.desk import (
    COOKIE,
    Commander,
    Desk,
    OnDesk,
    Visitor,
    allowed,
    command,
    is_own_origin,
    read,
    reply,
    source_of,
)
from cloud.web.shapes import PROBLEM, SessionShown, ShiftShown, answer

COOKIE_S: Final = 30 * 24 * 3600  # the server's own limits end a session earlier
CookieToken = Annotated[str | None, Cookie(alias=COOKIE)]


class SignIn(BaseModel):
    """Login and password."""

    login: str = Field(min_length=1, max_length=200)
    password: str = Field(min_length=1, max_length=1000)


class UseLink(BaseModel):
    """A one-time link's token."""

    token: str = Field(min_length=1, max_length=200)


class SecondStep(BaseModel):
    """The first step's ticket, and a code of the app or a recovery code."""

    ticket: str = Field(min_length=1, max_length=200)
    code: str = Field(min_length=1, max_length=40)


class StartShift(BaseModel):
    """Whether the console can be heard."""

    audio_ok: bool


def session_routes() -> APIRouter:
    """Who somebody is."""
    router = APIRouter(prefix="/api", tags=["session"])

    @router.post("/session", responses=answer(SessionShown))
    async def sign_in(
        body: SignIn, request: Request, desk: OnDesk, cookie: CookieToken = None
    ) -> Response:
        """Sign in with login and password; sets the session's cookie."""
        enter = partial(desk.front_door.sign_in, body.login, body.password)
        return await _enter(request, desk, enter, cookie)

    @router.post("/session/link", responses=answer(SessionShown))
    async def use_link(
        body: UseLink, request: Request, desk: OnDesk, cookie: CookieToken = None
    ) -> Response:
        """Sign in with a one-time link."""
        return await _enter(request, desk, partial(desk.front_door.use_link, body.token), cookie)

    @router.post("/session/second", responses=answer(SessionShown))
    async def second_step(
        body: SecondStep, request: Request, desk: OnDesk, cookie: CookieToken = None
    ) -> Response:
        """The code, after a first step that was refused as `code_needed`."""
        enter = partial(desk.front_door.second_step, body.ticket, body.code)
        return await _enter(request, desk, enter, cookie)

    @router.get("/session", responses=answer(SessionShown))
    async def who_am_i(visit: Visitor, desk: OnDesk) -> Response:
        """The account behind the cookie."""
        return reply(await _session(desk, visit))

    @router.delete("/session", status_code=204, responses=PROBLEM)
    async def sign_out(
        _visit: Commander, request: Request, desk: OnDesk, cookie: CookieToken = None
    ) -> Response:
        """End the session."""
        if cookie is not None:
            await anyio.to_thread.run_sync(desk.front_door.sign_out, cookie, source_of(request))
        response = Response(status_code=204)
        response.delete_cookie(COOKIE)
        return response

    return router


def shift_routes(claimed_alarms: Callable[[Work, str], list[str]]) -> APIRouter:
    """An operator's duty. claimed_alarms: ids of open alarms that an account has in hand."""
    router = APIRouter(prefix="/api", tags=["shift"])

    @router.post("/shift", responses=answer(ShiftShown))
    async def start_shift(
        body: StartShift, request: Request, visit: Commander, desk: OnDesk
    ) -> Response:
        """Go on shift."""
        account = allowed(visit, Action.KEEP_SHIFT)
        start = partial(shifts.start_shift, account_id=account.id, audio_ok=body.audio_ok)
        return await command(request, desk, visit, lambda work: ShiftShown(start(work)))

    @router.delete("/shift", responses=answer(ShiftShown))
    async def end_shift(request: Request, visit: Commander, desk: OnDesk) -> Response:
        """Go off shift; refused while alarms are in hand."""
        account = allowed(visit, Action.KEEP_SHIFT)

        def end(work: Work) -> ShiftShown:
            in_hand = claimed_alarms(work, account.id)
            return ShiftShown(shifts.end_shift(work, account.id, in_hand))

        return await command(request, desk, visit, end)

    return router


async def _enter(
    request: Request,
    desk: Desk,
    enter: Callable[..., SignedIn],
    cookie: str | None,
) -> Response:
    if not is_own_origin(request):
        raise BadCsrf
    enter = partial(enter, address=source_of(request), replaces=cookie)
    signed_in = await anyio.to_thread.run_sync(enter)
    visit = await anyio.to_thread.run_sync(desk.front_door.visit, signed_in.token)
    response = reply(await _session(desk, visit))
    response.set_cookie(
        COOKIE,
        signed_in.token,
        max_age=COOKIE_S,
        httponly=True,
        samesite="strict",
        secure=desk.is_secure,
    )
    return response


async def _session(desk: Desk, visit: Visit) -> SessionShown:
    """With the shift that is under way, so that a reloaded console stays on it."""
    account = visit.account
    needs_second = account.role in SECOND_FACTOR and not visit.has_second

    def see(work: Work) -> SessionShown:
        shift = store.open_shift(work, account.id)
        has_password = store.password_hash(work, account.id) is not None
        return SessionShown(account, visit.csrf, work.now_ms, shift, needs_second, has_password)

    return await read(desk, see)
