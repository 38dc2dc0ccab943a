"""How gateways get their certificates. They have no session: a code or a good certificate is their
only credential."""

from functools import partial

import anyio.to_thread
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from cloud.fleet.enrolment import Enrolment
from cloud.web.desk import reply
from cloud.web.shapes import answer
from contract.enrolment import (
    CODE_CHARS_MAX,
    ENROL_PATH,
    PEM_CHARS_MAX,
    PROOF_CHARS_MAX,
    RENEW_PATH,
    Enrolled,
    EnrolRequest,
    RenewRequest,
)


class EnrolBody(BaseModel):
    """A one-time code and a certificate request (PEM)."""

    code: str = Field(min_length=1, max_length=CODE_CHARS_MAX)
    csr: str = Field(min_length=1, max_length=PEM_CHARS_MAX)


class RenewBody(BaseModel):
    """The present certificate, a request with a new key, and that request signed with the present
    key (base 64)."""

    certificate: str = Field(min_length=1, max_length=PEM_CHARS_MAX)
    csr: str = Field(min_length=1, max_length=PEM_CHARS_MAX)
    proof: str = Field(min_length=1, max_length=PROOF_CHARS_MAX)


def enrol_routes(enrolment: Enrolment) -> APIRouter:
    """`/api/enrol` and `/api/renew`."""
    router = APIRouter(tags=["gateways"])

    @router.post(ENROL_PATH, responses=answer(Enrolled))
    async def enrol(body: EnrolBody, request: Request) -> Response:
        """A certificate for a one-time code."""
        asked = EnrolRequest(body.code, body.csr)
        ask = partial(enrolment.enrol, asked, _address(request))
        return reply(await anyio.to_thread.run_sync(ask))

    @router.post(RENEW_PATH, responses=answer(Enrolled))
    async def renew(body: RenewBody, request: Request) -> Response:
        """The next certificate for a good one."""
        asked = RenewRequest(body.certificate, body.csr, body.proof)
        ask = partial(enrolment.renew, asked, _address(request))
        return reply(await anyio.to_thread.run_sync(ask))

    return router


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"
