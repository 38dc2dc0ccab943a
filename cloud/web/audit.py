"""The audit, for auditors."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from cloud.identity import audit
from cloud.identity.policy import Action
from cloud.storage.unit import Work
from cloud.web.desk import OnDesk, Visitor, allowed, read, reply
from cloud.web.shapes import AuditEntry, AuditList, answer

ENTRIES_MAX: Final = 500
Before = Annotated[int | None, Query(ge=1, le=2**53, description="only rows below this number")]


def audit_routes() -> APIRouter:
    """`/api/audit`."""
    router = APIRouter(prefix="/api/audit", tags=["audit"])

    @router.get("", responses=answer(AuditList))
    async def see_audit(visit: Visitor, desk: OnDesk, before: Before = None) -> Response:
        """What accounts of the area did and read, newest first, at most 500; and the head."""
        scope = desk.scope_of(allowed(visit, Action.READ_AUDIT))

        def see(work: Work) -> AuditList:
            ours = scope.rows(audit.audit_table.c.area)
            found = audit.entries(work, ours, before, ENTRIES_MAX)
            rows = [AuditEntry(each.n, each.at_ms, each.deed, each.hash) for each in found]
            return AuditList(rows, *audit.head(work))

        return reply(await read(desk, see))

    return router
