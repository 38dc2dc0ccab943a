"""Removing homes, or several residents: one person asks and sees how much would go, a second one
confirms, and for 30 days it can be undone. Takes a unit of work, never commits.
"""

from collections.abc import Collection
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import ColumnElement, RowMapping, Select, Table, func, insert, or_, select, update

from cloud.registry.entries import Id
from cloud.registry.errors import HasChanged, Malformed, NotOpen, SamePerson, Unknown
from cloud.registry.events import HomeForgotten
from cloud.registry.model import (
    contact_table,
    device_table,
    home_table,
    removal_table,
    resident_table,
)
from cloud.registry.service import Edit
from cloud.storage.unit import Work

DAY_MS: Final = 24 * 3_600_000
OPEN_MS: Final = 7 * DAY_MS  # then nobody remembers why, and it is to be asked for anew
UNDO_MS: Final = 30 * DAY_MS
THINGS_MAX: Final = 200
_PARTS: Final = (home_table, resident_table, contact_table, device_table)  # in order of their keys
_BY_NAME: Final = {table.name: table for table in _PARTS}


class RemovalState(StrEnum):
    """How far a removal has come."""

    OPEN = "open"
    RUN_OUT = "run_out"  # nobody has decided in time; never stored
    REFUSED = "refused"
    DONE = "done"
    UNDONE = "undone"


class RemovalEntry(Struct, frozen=True):
    """What somebody wants removed. A home goes with everybody and everything in it."""

    reason: Annotated[str, Meta(min_length=1, max_length=200)]
    homes: Annotated[tuple[Id, ...], Meta(max_length=THINGS_MAX)] = ()
    residents: Annotated[tuple[Id, ...], Meta(max_length=THINGS_MAX)] = ()


class RemovalCount(Struct, frozen=True):
    """How much would go."""

    homes: int
    residents: int
    contacts: int
    devices: int


class Removal(Struct, frozen=True):
    """One removal as it stands. asked_by, decided_by: accounts. until_ms: of an open one, when it
    runs out; of one that is done, when it can no longer be undone."""

    id: str
    area_id: str
    reason: str
    homes: tuple[str, ...]
    residents: tuple[str, ...]
    count: RemovalCount
    state: RemovalState
    asked_by: str
    asked_ms: int
    decided_by: str | None
    decided_ms: int | None
    until_ms: int | None


def ask(work: Work, area_id: str, entry: RemovalEntry, by: str) -> Removal:
    """Nothing goes yet. Raises Malformed, Unknown."""
    if not entry.homes and not entry.residents:
        raise Malformed("a removal names homes or residents")
    for table, ids in ((home_table, entry.homes), (resident_table, entry.residents)):
        known = set(work.execute(select(table.c.id).where(table.c.id.in_(ids))).scalars())
        for missing in set(ids) - known:
            raise Unknown(table.name, missing)
    removal_id = work.new_id("rm")
    work.execute(
        insert(removal_table).values(
            id=removal_id,
            area_id=area_id,
            reason=entry.reason,
            homes=sorted(set(entry.homes)),
            residents=sorted(set(entry.residents)),
            count=msgspec.to_builtins(_count(work, entry.homes, entry.residents)),
            state=str(RemovalState.OPEN),
            asked_by=by,
            asked_ms=work.now_ms,
        )
    )
    return removal(work, removal_id)


def removal(work: Work, removal_id: str) -> Removal:
    """Raises Unknown."""
    return _shown(work, _row(work, removal_id))


def removals_that(work: Work, condition: ColumnElement[bool], limit: int = 200) -> list[Removal]:
    """Those that meet the condition, newest first."""
    found = select(removal_table).where(condition).order_by(removal_table.c.asked_ms.desc())
    return [_shown(work, row) for row in work.execute(found.limit(limit)).mappings()]


def confirm(work: Work, removal_id: str, by: str) -> Removal:
    """The second person says yes, and it goes. Raises SamePerson, NotOpen, HasChanged, Unknown."""
    wanted = _open(work, removal_id)
    if wanted.asked_by == by:
        raise SamePerson
    if _count(work, wanted.homes, wanted.residents) != wanted.count:
        raise HasChanged
    saved = {
        table.name: [dict(row) for row in work.execute(_rows(table, wanted)).mappings()]
        for table in _PARTS
    }
    with Edit(work) as edit:
        for resident_id in wanted.residents:
            edit.remove_resident(resident_id)
        for home_id in wanted.homes:
            edit.remove_home(home_id)
    return _decide(work, removal_id, RemovalState.DONE, by, msgspec.json.encode(saved))


def refuse(work: Work, removal_id: str, by: str) -> Removal:
    """Also by who asked for it: then it is withdrawn. Raises NotOpen, Unknown."""
    _open(work, removal_id)
    return _decide(work, removal_id, RemovalState.REFUSED, by, None)


def undo(work: Work, removal_id: str, by: str) -> Removal:
    """Everything stands as before. Raises NotOpen where that is too late, Unknown."""
    row = _row(work, removal_id)
    done = _shown(work, row)
    if done.state is not RemovalState.DONE or row["saved"] is None or done.until_ms is None:
        raise NotOpen(done.state)
    if work.now_ms >= done.until_ms:
        raise NotOpen("too old to be undone")
    with Edit(work) as edit:
        for name, rows in msgspec.json.decode(row["saved"]).items():
            edit.bring_back(_BY_NAME[name], rows)
    return _decide(work, removal_id, RemovalState.UNDONE, by, None)


def sweep_removals(work: Work) -> int:
    """Forget what can no longer be undone; of how many. Publishes HomeForgotten for each home that
    has not been entered anew."""
    c = removal_table.c
    is_old = (c.decided_ms <= work.now_ms - UNDO_MS) & c.saved.is_not(None)
    lists = work.execute(select(c.homes).where(is_old)).scalars().all()
    gone = {home_id for homes in lists for home_id in homes}
    anew = work.execute(select(home_table.c.id).where(home_table.c.id.in_(gone))).scalars()
    for home_id in sorted(gone.difference(anew)):
        work.publish(HomeForgotten(home_id))
    return work.execute(update(removal_table).where(is_old).values(saved=None)).rowcount


def _count(work: Work, homes: Collection[str], residents: Collection[str]) -> RemovalCount:
    def of(table: Table, condition: ColumnElement[bool]) -> int:
        found = select(func.count()).select_from(table).where(condition)
        return int(work.execute(found).scalar_one())

    c = resident_table.c
    return RemovalCount(
        homes=of(home_table, home_table.c.id.in_(homes)),
        residents=of(resident_table, or_(c.home_id.in_(homes), c.id.in_(residents))),
        contacts=of(contact_table, contact_table.c.home_id.in_(homes)),
        devices=of(device_table, device_table.c.home_id.in_(homes)),
    )


def _rows(table: Table, wanted: Removal) -> Select[Any]:
    if table is resident_table:
        alone = table.c.id.in_(wanted.residents)
        return select(table).where(or_(table.c.home_id.in_(wanted.homes), alone))
    key = table.c.id if table is home_table else table.c.home_id
    return select(table).where(key.in_(wanted.homes))


def _row(work: Work, removal_id: str) -> RowMapping:
    found = select(removal_table).where(removal_table.c.id == removal_id)
    row = work.execute(found).mappings().first()
    if row is None:
        raise Unknown("removal", removal_id)
    return row


def _open(work: Work, removal_id: str) -> Removal:
    found = removal(work, removal_id)
    if found.state is not RemovalState.OPEN:
        raise NotOpen(found.state)
    return found


def _decide(
    work: Work, removal_id: str, state: RemovalState, by: str, saved: bytes | None
) -> Removal:
    decided = update(removal_table).where(removal_table.c.id == removal_id)
    values = {"state": str(state), "decided_by": by, "decided_ms": work.now_ms, "saved": saved}
    work.execute(decided.values(**values))
    return removal(work, removal_id)


def _shown(work: Work, row: RowMapping) -> Removal:
    state, until_ms = RemovalState(row["state"]), None
    if state is RemovalState.OPEN:
        until_ms = row["asked_ms"] + OPEN_MS
        state = state if work.now_ms < until_ms else RemovalState.RUN_OUT
    elif state is RemovalState.DONE:
        until_ms = row["decided_ms"] + UNDO_MS
    return Removal(
        id=row["id"],
        area_id=row["area_id"],
        reason=row["reason"],
        homes=tuple(row["homes"]),
        residents=tuple(row["residents"]),
        count=msgspec.convert(row["count"], RemovalCount),
        state=state,
        asked_by=row["asked_by"],
        asked_ms=row["asked_ms"],
        decided_by=row["decided_by"],
        decided_ms=row["decided_ms"],
        until_ms=until_ms,
    )
