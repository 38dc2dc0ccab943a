"""One's own password and second factor."""

from functools import partial

import anyio.to_thread
import segno
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from cloud.identity import second_factor, sessions
from cloud.identity.errors import SecondFactorNeeded
from cloud.identity.front_door import Visit
from cloud.identity.policy import PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN
from cloud.storage.unit import Work
from cloud.web.desk import Commander, OnDesk, command, source_of
from cloud.web.shapes import PROBLEM, Enrolment, RecoveryCodes, answer


class CodeBody(BaseModel):
    """What the app shows."""

    code: str = Field(min_length=1, max_length=40)


class PasswordBody(BaseModel):
    """old: not needed while the account has no password."""

    old: str | None = Field(None, max_length=1000)
    new: str = Field(min_length=PASSWORD_CHARS_MIN, max_length=PASSWORD_CHARS_MAX)


def own_routes() -> APIRouter:
    """`/api/session/password`, `/api/session/second-factor…`."""
    router = APIRouter(prefix="/api/session", tags=["session"])

    @router.put("/password", status_code=204, responses=PROBLEM)
    async def change_password(
        body: PasswordBody, request: Request, visit: Commander, desk: OnDesk
    ) -> Response:
        """Every other session of the account ends."""
        change = partial(desk.front_door.change_password, visit, body.old, body.new)
        await anyio.to_thread.run_sync(change, source_of(request))
        return Response(status_code=204)

    @router.post("/second-factor", responses=answer(Enrolment))
    async def begin(request: Request, visit: Commander, desk: OnDesk) -> Response:
        """A secret for the app; it counts from its confirmation on."""

        def make(work: Work) -> Enrolment:
            _require_fresh(work, visit)
            secret, uri = second_factor.begin(work, visit.account, desk.secrets)
            return Enrolment(secret, uri, segno.make(uri, micro=False).svg_data_uri(scale=4))

        return await command(request, desk, visit, make, is_kept=False)

    @router.post("/second-factor/confirm", responses=answer(RecoveryCodes))
    async def confirm(body: CodeBody, request: Request, visit: Commander, desk: OnDesk) -> Response:
        """The app shows the right codes. Answers with recovery codes, which are told only now."""

        def count(work: Work) -> RecoveryCodes:
            _require_fresh(work, visit)
            codes = second_factor.confirm(work, visit.account.id, body.code, desk.secrets)
            sessions.pass_second(work, visit.session_id)
            return RecoveryCodes(codes)

        return await command(request, desk, visit, count, is_kept=False)

    return router


def _require_fresh(work: Work, visit: Visit) -> None:
    """Who has a second factor must have shown it to get another."""
    if not visit.has_second and second_factor.is_enrolled(work, visit.account.id):
        raise SecondFactorNeeded
