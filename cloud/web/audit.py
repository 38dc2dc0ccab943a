"""The audit, for auditors."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response
from sqlalchemy import or_

from cloud.identity import audit
from cloud.identity.policy import Action
from cloud.storage.unit import Work
from cloud.web.desk import OnDesk, Visitor, allowed, read, reply
from cloud.web.shapes import AuditChain, AuditEntry, AuditList, answer

ENTRIES_MAX: Final = 500
CHAIN_ROWS: Final = 10_000  # of a look from the page; `anju db check` walks all of it
Before = Annotated[int | None, Query(ge=1, le=2**53, description="only rows below this number")]
Text = Annotated[str | None, Query(min_length=1, max_length=100)]


def audit_routes() -> APIRouter:
    """`/api/audit`."""
    router = APIRouter(prefix="/api/audit", tags=["audit"])

    @router.get("", responses=answer(AuditList))
    async def see_audit(
        visit: Visitor, desk: OnDesk, before: Before = None, who: Text = None, about: Text = None
    ) -> Response:
        """What accounts of the area did and read, newest first, at most 500; and the head.

        who: an account's id; about: part of what was done, or of what to."""
        scope = desk.scope_of(allowed(visit, Action.READ_AUDIT))

        def see(work: Work) -> AuditList:
            c = audit.audit_table.c
            ours = scope.rows(c.area)
            if who is not None:
                ours &= c.who == who
            if about is not None:
                ours &= or_(
                    c.what.contains(about, autoescape=True),
                    c.target.contains(about, autoescape=True),
                )
            found = audit.entries(work, ours, before, ENTRIES_MAX)
            rows = [AuditEntry(each.n, each.at_ms, each.deed, each.hash) for each in found]
            return AuditList(rows, *audit.head(work))

        return reply(await read(desk, see))

    @router.get("/chain", responses=answer(AuditChain))
    async def see_chain(visit: Visitor, desk: OnDesk) -> Response:
        """Whether the newest 10,000 rows fit each other and the head."""
        allowed(visit, Action.READ_AUDIT)

        def see(work: Work) -> AuditChain:
            head = audit.head(work)
            after = max(0, head.n - CHAIN_ROWS)
            return AuditChain(after, *head, audit.broken(work, after=after))

        return reply(await read(desk, see))

    return router
