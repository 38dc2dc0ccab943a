"""Alarms for operators: the queue, one alarm with all that is known, and what can be done with it.

An alarm outside the account's area is as good as none: it is not found.
"""

from collections.abc import Callable
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from cloud.alarms import commands as c
from cloud.alarms import store
from cloud.alarms.errors import ClaimedByOther, NotFound
from cloud.alarms.machine import NOTE_CHARS_MAX
from cloud.alarms.model import Alarm, Outcome, Person
from cloud.alarms.service import handle
from cloud.alarms.views import alarm_view
from cloud.dispatch.service import DispatchDesk
from cloud.identity.front_door import Visit
from cloud.identity.model import Account
from cloud.identity.policy import Action
from cloud.registry.store import door_code_of
from cloud.storage.unit import Work
from cloud.web.case import detail
from cloud.web.desk import (
    Commander,
    Desk,
    OnDesk,
    Visitor,
    allowed,
    command,
    read,
    read_noted,
    reply,
)
from cloud.web.shapes import (
    AlarmDetail,
    AlarmList,
    AlarmShown,
    CandidateList,
    DoorCode,
    OfferShown,
    answer,
)

ALARMS_MAX: Final = 500
WORD_CHARS_MAX: Final = 64
Word = Annotated[str, Field(max_length=WORD_CHARS_MAX)]


class NoteBody(BaseModel):
    """What is worth keeping."""

    text: str = Field(max_length=NOTE_CHARS_MAX)


class CloseBody(BaseModel):
    """What it turned out to be. follow_up: `visit` where somebody should look in again."""

    outcome: Word = Field(json_schema_extra={"enum": list(Outcome)})
    sub_reason: Word | None = None
    note: str | None = Field(None, max_length=NOTE_CHARS_MAX)
    follow_up: Word | None = None


class DispatchBody(BaseModel):
    """Which station to ask; none: the best one."""

    station_id: Word | None = None


def alarm_routes(dispatch: DispatchDesk) -> APIRouter:
    """`/api/alarms…`."""
    router = APIRouter(prefix="/api/alarms", tags=["alarms"])
    _add_views(router, dispatch)
    _add_commands(router)
    _add_dispatch(router, dispatch)
    return router


def _add_views(router: APIRouter, dispatch: DispatchDesk) -> None:
    @router.get("", responses=answer(AlarmList))
    async def list_alarms(
        visit: Visitor, desk: OnDesk, state: Annotated[Literal["open", "all"], Query()] = "open"
    ) -> Response:
        """What is open, oldest first; or all, newest first, at most 500."""
        account = allowed(visit, Action.SEE_ALARMS)
        return reply(await read(desk, lambda work: _list(work, desk, account, state)))

    @router.get("/{alarm_id}", responses=answer(AlarmDetail))
    async def see_alarm(alarm_id: str, request: Request, visit: Visitor, desk: OnDesk) -> Response:
        """One alarm with its history and everything that helps to handle it."""
        account = allowed(visit, Action.SEE_ALARMS)

        def see(work: Work) -> AlarmDetail:
            alarm = _seen(work, desk, account, alarm_id)
            return detail(work, desk.registry, alarm, dispatch.offers_of(work, alarm.id))

        return await read_noted(request, desk, visit, see)

    @router.get("/{alarm_id}/candidates", responses=answer(CandidateList))
    async def see_candidates(alarm_id: str, visit: Visitor, desk: OnDesk) -> Response:
        """Stations that could be sent, best first, each with what speaks for and against it."""
        account = allowed(visit, Action.HANDLE_ALARMS)

        def see(work: Work) -> CandidateList:
            alarm = _seen(work, desk, account, alarm_id)
            return CandidateList(dispatch.candidates(work, alarm.id))

        return reply(await read(desk, see))


def _add_commands(router: APIRouter) -> None:
    @router.post("/{alarm_id}/claim", responses=answer(AlarmShown))
    async def claim(alarm_id: str, request: Request, visit: Commander, desk: OnDesk) -> Response:
        """Take it. Refused as `claimed_by_other`, with the alarm as it stands, if somebody has."""
        return await _handle(request, desk, visit, alarm_id, c.Claim)

    @router.post("/{alarm_id}/release", responses=answer(AlarmShown))
    async def release(alarm_id: str, request: Request, visit: Commander, desk: OnDesk) -> Response:
        """Give it back to all."""
        return await _handle(request, desk, visit, alarm_id, c.Release)

    @router.post("/{alarm_id}/note", responses=answer(AlarmShown))
    async def note(
        alarm_id: str, body: NoteBody, request: Request, visit: Commander, desk: OnDesk
    ) -> Response:
        """Write something down."""
        return await _handle(request, desk, visit, alarm_id, lambda by: c.Note(by, body.text))

    @router.post("/{alarm_id}/close", responses=answer(AlarmShown))
    async def close(
        alarm_id: str, body: CloseBody, request: Request, visit: Commander, desk: OnDesk
    ) -> Response:
        """End it with an outcome."""

        def closing(by: Person) -> c.Command:
            return c.Close(by, body.outcome, body.sub_reason, body.note, body.follow_up)

        return await _handle(request, desk, visit, alarm_id, closing)

    @router.post("/{alarm_id}/reveal", responses=answer(DoorCode))
    async def reveal(alarm_id: str, request: Request, visit: Commander, desk: OnDesk) -> Response:
        """The door code. Looking at it is written into the alarm's history."""
        account = allowed(visit, Action.REVEAL_DOOR_CODE)

        def look(work: Work) -> DoorCode:
            alarm = _seen(work, desk, account, alarm_id)
            handle(work, alarm_id, c.Reveal(person_of(account)))
            return DoorCode(door_code_of(work, alarm.home.id) if alarm.home else None)

        return await command(request, desk, visit, look, is_kept=False)


def _add_dispatch(router: APIRouter, dispatch: DispatchDesk) -> None:
    @router.post("/{alarm_id}/dispatch", responses=answer(OfferShown))
    async def send(
        alarm_id: str, body: DispatchBody, request: Request, visit: Commander, desk: OnDesk
    ) -> Response:
        """Offer it to a station; where that does not answer, the next one is asked by itself."""
        account = allowed(visit, Action.HANDLE_ALARMS)

        def ask(work: Work) -> OfferShown:
            _seen(work, desk, account, alarm_id)
            by = person_of(account)
            return OfferShown(dispatch.dispatch(work, alarm_id, by, body.station_id))

        return await command(request, desk, visit, ask)


async def _handle(
    request: Request,
    desk: Desk,
    visit: Visit,
    alarm_id: str,
    wish: Callable[[Person], c.Command],
) -> Response:
    """One command on an alarm that the account may handle; the answer is the alarm."""
    account = allowed(visit, Action.HANDLE_ALARMS)

    def act(work: Work) -> AlarmShown:
        alarm = _seen(work, desk, account, alarm_id)
        try:
            return AlarmShown(alarm_view(handle(work, alarm_id, wish(person_of(account)))))
        except ClaimedByOther as error:
            error.data["alarm"] = alarm_view(alarm)
            raise

    return await command(request, desk, visit, act)


def person_of(account: Account) -> Person:
    """The account as histories name it."""
    return Person(account.id, account.name, account.name_en)


def _list(work: Work, desk: Desk, account: Account, state: str) -> AlarmList:
    scope = desk.scope_of(account)
    if state == "all":
        found = store.latest_alarms_seen(work, scope, ALARMS_MAX)
    else:
        found = store.open_alarms_seen(work, scope)
    return AlarmList([alarm_view(alarm) for alarm in found])


def _seen(work: Work, desk: Desk, account: Account, alarm_id: str) -> Alarm:
    """The alarm, where it is for the account's eyes. Raises NotFound."""
    kept = store.find_seen(work, desk.scope_of(account), alarm_id)
    if kept is None:
        raise NotFound(f"there is no alarm {alarm_id}", id=alarm_id)
    return kept.alarm
