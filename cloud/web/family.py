"""What a family's account sees: homes whose residents have consented, and of them only that.

Of a home with two residents those who have not consented stay unnamed.
"""

from fastapi import APIRouter, Request, Response
from sqlalchemy import select

from cloud.alarms import store as alarms
from cloud.identity.consent import Purpose, standing_residents
from cloud.identity.policy import Action
from cloud.identity.scope import Scope
from cloud.registry import store
from cloud.registry.last_values import last_seen_ms, last_values
from cloud.registry.model import home_table
from cloud.storage.unit import Work
from cloud.web.desk import OnDesk, Visitor, allowed, read_noted
from cloud.web.shapes import FamilyAlarm, FamilyHome, FamilyList, FamilyResident, answer


def family_routes() -> APIRouter:
    """`/api/family`."""
    router = APIRouter(prefix="/api/family", tags=["family"])

    @router.get("", responses=answer(FamilyList))
    async def see_family(request: Request, visit: Visitor, desk: OnDesk) -> Response:
        """Homes for which a consent stands, with their open alarms."""
        account = allowed(visit, Action.SEE_FAMILY)
        scope = desk.scope_of(account)

        def see(work: Work) -> FamilyList:
            ours = scope.homes(home_table.c.id, home_table.c.area_id)
            called = _alarms(work, scope)
            return FamilyList(
                [
                    FamilyHome(
                        id=home.id,
                        residents=_residents(work, home.id, account.id),
                        last_seen_ms=_last_seen_ms(work, home.id),
                        alarms=called.get(home.id, []),
                    )
                    for home in store.homes(work, ours)
                ]
            )

        return await read_noted(request, desk, visit, see)

    return router


def _alarms(work: Work, scope: Scope) -> dict[str, list[FamilyAlarm]]:
    found: dict[str, list[FamilyAlarm]] = {}
    for each in alarms.open_alarms_seen(work, scope):
        if each.home is not None:
            shown = FamilyAlarm(
                each.id, each.no, each.kind, each.severity, each.handling, each.raised_at_ms
            )
            found.setdefault(each.home.id, []).append(shown)
    return found


def _residents(work: Work, home_id: str, account_id: str) -> list[FamilyResident]:
    named = _ids(work, account_id, Purpose.SEE_HOME)
    healthy = _ids(work, account_id, Purpose.SEE_HEALTH)
    return [
        FamilyResident(
            card.id, card.name, card.name_en, card.conditions if card.id in healthy else None
        )
        for card in store.residents(work, home_id)
        if card.id in named
    ]


def _ids(work: Work, account_id: str, purpose: Purpose) -> set[str]:
    standing = standing_residents(account_id, purpose).subquery()
    return set(work.execute(select(standing)).scalars())


def _last_seen_ms(work: Work, home_id: str) -> int | None:
    values = last_values(work, home_id).values()
    return max((ms for each in values if (ms := last_seen_ms(each)) is not None), default=None)
