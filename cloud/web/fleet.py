"""Gateways as machines, for administrators: codes with which they enrol, their certificates, and
how that ends."""

from functools import partial

import anyio.to_thread
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from cloud.durable.received import last_heard
from cloud.fleet import ledger
from cloud.fleet.authority import Authority
from cloud.fleet.codes import CODE_S, make_code, open_codes
from cloud.fleet.enrolment import Enrolment
from cloud.fleet.errors import NoAuthority, NothingToRevoke
from cloud.fleet.ledger import Standing
from cloud.identity import bounds
from cloud.identity.policy import Action
from cloud.registry import sightings, store
from cloud.registry.cards import GatewayCard
from cloud.registry.model import gateway_table, sighting_table
from cloud.storage.unit import Work
from cloud.web.desk import Commander, OnDesk, Visitor, allowed, command, read, reply, say_more
from cloud.web.shapes import (
    Certificate,
    CodeMade,
    FleetList,
    GatewayStanding,
    Revoked,
    SightingList,
    answer,
)


class Revocation(BaseModel):
    """Why; the ledger keeps it for ever."""

    reason: str = Field(min_length=1, max_length=200)


def fleet_routes(gateways: Authority, enrolment: Enrolment) -> APIRouter:
    """`/api/fleet`, `/api/sightings`, and what ends in `/code` and `/revoke`."""
    router = APIRouter(prefix="/api", tags=["gateways"])
    _add_views(router, gateways, enrolment)

    @router.post("/gateways/{gateway_id}/code", responses=answer(CodeMade))
    async def issue_code(
        gateway_id: str, request: Request, visit: Commander, desk: OnDesk
    ) -> Response:
        """A one-time code for `anju edge enrol`, told only now; the one before is worth nothing."""
        scope = desk.scope_of(allowed(visit, Action.KEEP_GATEWAYS))
        await anyio.to_thread.run_sync(enrolment.require_ready)

        def make(work: Work) -> CodeMade:
            bounds.require(work, scope, "gateway", gateway_id)
            code = make_code(work, gateway_id, desk.secrets)
            return CodeMade(gateway_id, code, work.now_ms + CODE_S * 1000)

        return await command(request, desk, visit, make, is_kept=False)

    @router.post("/gateways/{gateway_id}/revoke", responses=answer(Revoked))
    async def revoke(
        gateway_id: str, body: Revocation, request: Request, visit: Commander, desk: OnDesk
    ) -> Response:
        """Every certificate of it, for good. Its connection ends within seconds; what it still
        sends is put aside."""
        scope = desk.scope_of(allowed(visit, Action.KEEP_GATEWAYS))
        await read(desk, lambda work: bounds.require(work, scope, "gateway", gateway_id))
        # In the ledger before the audit: where the store fails now, the gateway is out all the
        # same, and asking again writes the audit.
        taken = await anyio.to_thread.run_sync(_revoke, gateways, gateway_id, body.reason)

        def end(work: Work) -> Revoked:
            say_more(work, serial=taken.serial)
            return Revoked(gateway_id, taken.at_ms)

        return await command(request, desk, visit, end)

    return router


def _add_views(router: APIRouter, gateways: Authority, enrolment: Enrolment) -> None:
    @router.get("/fleet", responses=answer(FleetList))
    async def see_fleet(visit: Visitor, desk: OnDesk) -> Response:
        """Gateways of the account's area with their certificates; and whether any can enrol."""
        scope = desk.scope_of(allowed(visit, Action.SEE_OFFICE))
        standing = await anyio.to_thread.run_sync(partial(_standing, gateways))

        def see(work: Work) -> FleetList:
            heard, codes = last_heard(work), open_codes(work)
            cards = store.gateways(work, scope.rows(gateway_table.c.area_id))
            return FleetList(
                [_shown(each, standing, heard.get(each.id), codes.get(each.id)) for each in cards],
                _can_enrol(enrolment),
            )

        return reply(await read(desk, see))

    @router.get("/sightings", responses=answer(SightingList))
    async def list_sightings(visit: Visitor, desk: OnDesk) -> Response:
        """Devices that were heard and are not registered, newest first."""
        scope = desk.scope_of(allowed(visit, Action.SEE_REGISTRY))
        ours = scope.gateways(sighting_table.c.gateway_id)
        seen = await read(desk, lambda work: sightings.unregistered(work, ours))
        return reply(SightingList(seen))


def _revoke(gateways: Authority, gateway_id: str, reason: str) -> ledger.Revoked:
    """The newest certificate's end; also where it was taken back before. Raises NothingToRevoke."""
    try:
        gateways.revoke(gateway_id, reason)
    except NothingToRevoke:
        if gateway_id not in gateways.standing().denied:
            raise
    standing = gateways.standing()
    return standing.revoked[standing.newest[gateway_id].serial]


def _standing(gateways: Authority) -> Standing:
    return gateways.standing() if gateways.is_there else Standing()


def _can_enrol(enrolment: Enrolment) -> bool:
    try:
        enrolment.require_ready()
    except NoAuthority:
        return False
    return True


def _shown(
    card: GatewayCard, standing: Standing, heard_ms: int | None, code_until_ms: int | None
) -> GatewayStanding:
    issued = standing.newest.get(card.id)
    certificate = None
    if issued is not None:
        revoked = standing.revoked.get(issued.serial)
        certificate = Certificate(
            issued.serial,
            issued.at_ms,
            issued.until_ms,
            revoked.at_ms if revoked else None,
            revoked.reason if revoked else None,
        )
    return GatewayStanding(
        card.id, card.name, card.area_path[-1], certificate, code_until_ms, heard_ms
    )
