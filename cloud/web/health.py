"""Health: is the process alive, is it ready, what is in trouble; and what could not be
understood."""

from base64 import b64encode
from collections.abc import Callable
from typing import Final

import anyio.to_thread
from fastapi import APIRouter, Response

from cloud.durable.received import quarantine_table, rejected
from cloud.identity.policy import Action
from cloud.observe.readiness import Ready
from cloud.web.desk import OnDesk, Visitor, allowed, read, reply
from cloud.web.shapes import Alive, RejectedList, answer

READY: Final = {**answer(Ready), 503: answer(Ready)[200]}


def health_routes(look: Callable[[], Ready]) -> APIRouter:
    """`/health/live`, `/health/ready`. look: may ask the store."""
    router = APIRouter(tags=["health"])

    @router.get("/health/live", responses=answer(Alive))
    async def live() -> Response:
        """The process answers."""
        return reply(Alive(True))

    @router.get("/health/ready", responses=READY)
    async def ready() -> Response:
        """Every part that an alarm needs is there; 503 and which one is not, otherwise."""
        state = await anyio.to_thread.run_sync(look)
        return reply(state, 200 if state.ok else 503)

    return router


def rejected_routes() -> APIRouter:
    """`/api/rejected`."""
    router = APIRouter(tags=["health"])

    @router.get("/api/rejected", responses=answer(RejectedList))
    async def see_rejected(visit: Visitor, desk: OnDesk) -> Response:
        """Messages that could not be used, newest first, with their bytes in base 64."""
        account = allowed(visit, Action.SEE_REJECTED)
        scope = desk.scope_of(account)
        condition = scope.gateways(quarantine_table.c.gateway)
        found = await read(desk, lambda work: rejected(work, condition))
        for each in found:
            each["payload"] = b64encode(each["payload"]).decode()
        return reply(RejectedList(found))

    return router
