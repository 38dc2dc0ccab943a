"""Offers for stations and responders: what is asked of them, and each step of their way."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from cloud.dispatch.model import DECLINE_REASONS, REPORT_WORDS, TEXT_CHARS_MAX, Crew
from cloud.dispatch.service import DispatchDesk
from cloud.identity.front_door import Visit
from cloud.identity.model import Account
from cloud.identity.policy import Action
from cloud.identity.scope import station_of
from cloud.storage.unit import Work
from cloud.web.desk import Commander, Desk, OnDesk, Visitor, allowed, command, read_noted
from cloud.web.shapes import OfferList, OfferShown, answer

REASON_CHARS_MAX: Final = 500
Step = Callable[[Work, Crew], dict[str, Any]]


def _words(known: Sequence[str]) -> Any:
    """Says which words there are; whether it is one of them is for dispatch to judge."""
    return Field(max_length=64, json_schema_extra={"enum": list(known)})


class DeclineBody(BaseModel):
    """Why not."""

    reason: str = _words(DECLINE_REASONS)


class ArriveBody(BaseModel):
    """Where the responder stands, WGS-84 degrees, and why it counts although that is far off."""

    lat: Annotated[float, Field(ge=-90, le=90)] | None = None
    lon: Annotated[float, Field(ge=-180, le=180)] | None = None
    override_reason: str | None = Field(None, max_length=REASON_CHARS_MAX)


class ReportBody(BaseModel):
    """Four words and, if need be, a text."""

    found: str = _words(REPORT_WORDS["found"])
    action: str = _words(REPORT_WORDS["action"])
    handover: str = _words(REPORT_WORDS["handover"])
    follow_up: str = _words(REPORT_WORDS["follow_up"])
    text: str | None = Field(None, max_length=TEXT_CHARS_MAX)


def offer_routes(dispatch: DispatchDesk) -> APIRouter:
    """`/api/offers…`."""
    router = APIRouter(prefix="/api/offers", tags=["offers"])

    @router.get("", responses=answer(OfferList))
    async def list_offers(
        request: Request,
        visit: Visitor,
        desk: OnDesk,
        state: Annotated[Literal["open"], Query()] = "open",
    ) -> Response:
        """Offers that are not over: the station's own, or those of the account's area."""
        account = allowed(visit, Action.SEE_OFFERS)

        def see(work: Work) -> OfferList:
            return OfferList(dispatch.open_offers(work, desk.scope_of(account)))

        return await read_noted(request, desk, visit, see)

    _add_answers(router, dispatch)
    _add_way(router, dispatch)
    return router


def _add_answers(router: APIRouter, dispatch: DispatchDesk) -> None:
    @router.post("/{offer_id}/accept", responses=answer(OfferShown))
    async def accept(offer_id: str, request: Request, visit: Commander, desk: OnDesk) -> Response:
        """We go. A station's desk sends the first of its people who is free."""

        def step(work: Work, crew: Crew) -> dict[str, Any]:
            return dispatch.accept(work, offer_id, crew)

        return await _take(request, desk, visit, step)

    @router.post("/{offer_id}/decline", responses=answer(OfferShown))
    async def decline(
        offer_id: str, body: DeclineBody, request: Request, visit: Commander, desk: OnDesk
    ) -> Response:
        """We cannot; the next station is asked."""

        def step(work: Work, crew: Crew) -> dict[str, Any]:
            return dispatch.decline(work, offer_id, crew, body.reason)

        return await _take(request, desk, visit, step)


def _add_way(router: APIRouter, dispatch: DispatchDesk) -> None:
    @router.post("/{offer_id}/depart", responses=answer(OfferShown))
    async def depart(offer_id: str, request: Request, visit: Commander, desk: OnDesk) -> Response:
        """On the way."""

        def step(work: Work, crew: Crew) -> dict[str, Any]:
            return dispatch.depart(work, offer_id, crew)

        return await _take(request, desk, visit, step)

    @router.post("/{offer_id}/arrive", responses=answer(OfferShown))
    async def arrive(
        offer_id: str, body: ArriveBody, request: Request, visit: Commander, desk: OnDesk
    ) -> Response:
        """At the door."""

        def step(work: Work, crew: Crew) -> dict[str, Any]:
            return dispatch.arrive(work, offer_id, crew, **body.model_dump())

        return await _take(request, desk, visit, step)

    @router.post("/{offer_id}/report", responses=answer(OfferShown))
    async def report(
        offer_id: str, body: ReportBody, request: Request, visit: Commander, desk: OnDesk
    ) -> Response:
        """What was found and done."""

        def step(work: Work, crew: Crew) -> dict[str, Any]:
            return dispatch.report(work, offer_id, crew, body.model_dump(exclude_none=True))

        return await _take(request, desk, visit, step)


async def _take(request: Request, desk: Desk, visit: Visit, step: Step) -> Response:
    """A step of the account's crew. Never kept: the answer may hold a door code, and a step that
    is asked for again answers as it stands."""
    account = allowed(visit, Action.ANSWER_OFFERS)

    def go(work: Work) -> OfferShown:
        return OfferShown(step(work, _crew(desk, account)))

    return await command(request, desk, visit, go, is_kept=False)


def _crew(desk: Desk, account: Account) -> Crew:
    return Crew(station_of(desk.registry, account), account.responder_id)
