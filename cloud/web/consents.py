"""What residents have consented to: written down and withdrawn by operators and administrators."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from cloud.identity import bounds, consent, store
from cloud.identity.consent import How, Purpose
from cloud.identity.errors import Malformed
from cloud.identity.policy import Action, Role
from cloud.storage.unit import Work
from cloud.web.desk import Commander, OnDesk, Visitor, allowed, command, read, reply
from cloud.web.shapes import ConsentList, ConsentShown, answer


class ConsentBody(BaseModel):
    """Whom the resident lets look, for what, and how they said so."""

    account_id: str = Field(min_length=1, max_length=64)
    purpose: Purpose
    how: How


def consent_routes() -> APIRouter:
    """`/api/residents/{id}/consents…`."""
    router = APIRouter(prefix="/api/residents/{resident_id}/consents", tags=["consents"])

    @router.get("", responses=answer(ConsentList))
    async def list_consents(resident_id: str, visit: Visitor, desk: OnDesk) -> Response:
        """Those that stand and those that were withdrawn, newest first."""
        scope = desk.scope_of(allowed(visit, Action.KEEP_CONSENTS))

        def see(work: Work) -> ConsentList:
            bounds.require(work, scope, "resident", resident_id)
            return ConsentList(consent.consents_of(work, resident_id))

        return reply(await read(desk, see))

    @router.post("", responses=answer(ConsentShown))
    async def give(
        resident_id: str, body: ConsentBody, request: Request, visit: Commander, desk: OnDesk
    ) -> Response:
        """Write one down."""
        account = allowed(visit, Action.KEEP_CONSENTS)
        scope = desk.scope_of(account)

        def write(work: Work) -> ConsentShown:
            bounds.require(work, scope, "resident", resident_id)
            bounds.require(work, scope, "account", body.account_id)
            family = store.account(work, body.account_id)
            if family is None or family.role is not Role.FAMILY:
                raise Malformed("a consent lets a family account look; name one that may sign in")
            return ConsentShown(
                consent.give(work, resident_id, family.id, body.purpose, body.how, by=account.id)
            )

        return await command(request, desk, visit, write)

    @router.delete("/{consent_id}", responses=answer(ConsentShown))
    async def withdraw(
        resident_id: str, consent_id: str, request: Request, visit: Commander, desk: OnDesk
    ) -> Response:
        """From now on it does not stand: the family sees nothing more by it."""
        account = allowed(visit, Action.KEEP_CONSENTS)
        scope = desk.scope_of(account)

        def end(work: Work) -> ConsentShown:
            bounds.require(work, scope, "resident", resident_id)
            return ConsentShown(consent.withdraw(work, resident_id, consent_id, by=account.id))

        return await command(request, desk, visit, end)

    return router
