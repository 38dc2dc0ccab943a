"""Whether a thing that somebody names is theirs, asked of the store with their scope. Also the
queries of accounts that take a scope."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, FromClause, select

from cloud.identity import store
from cloud.identity.errors import NotFound, OutOfScope
from cloud.identity.model import Account, account_table, totp_table
from cloud.identity.scope import Scope
from cloud.registry.model import (
    area_table,
    call_plan_table,
    gateway_table,
    home_table,
    removal_table,
    resident_table,
    responder_table,
    station_table,
)
from cloud.storage.unit import Work


class _Place(NamedTuple):
    """Where things of a kind lie."""

    rows: FromClause
    id: ColumnElement[Any]
    area: ColumnElement[Any]
    station: ColumnElement[Any] | None = None


_PLACES: Final[Mapping[str, _Place]] = {
    "area": _Place(area_table, area_table.c.id, area_table.c.id),
    "gateway": _Place(gateway_table, gateway_table.c.id, gateway_table.c.area_id),
    "home": _Place(home_table, home_table.c.id, home_table.c.area_id),
    "resident": _Place(resident_table.join(home_table), resident_table.c.id, home_table.c.area_id),
    "call plan": _Place(call_plan_table, call_plan_table.c.id, call_plan_table.c.area_id),
    "removal": _Place(removal_table, removal_table.c.id, removal_table.c.area_id),
    "station": _Place(
        station_table, station_table.c.id, station_table.c.area_id, station_table.c.id
    ),
    "responder": _Place(
        responder_table.join(station_table),
        responder_table.c.id,
        station_table.c.area_id,
        station_table.c.id,
    ),
    "account": _Place(account_table, account_table.c.id, account_table.c.area_id),
}


class AccountRow(NamedTuple):
    """An account as its keeper sees it."""

    account: Account
    is_active: bool
    has_password: bool
    has_second_factor: bool
    created_ms: int


def is_known(work: Work, scope: Scope, kind: str, thing_id: str) -> bool:
    """Whether there is such a thing. Raises OutOfScope where it is another's."""
    place = _PLACES[kind]
    condition = scope.rows(place.area, place.station).label("is_ours")
    found = select(condition).select_from(place.rows).where(place.id == thing_id)
    row = work.execute(found).first()
    if row is not None and not row.is_ours:
        raise OutOfScope
    return row is not None


def require(work: Work, scope: Scope, kind: str, thing_id: str) -> None:
    """Raises OutOfScope where it is another's, NotFound where there is none."""
    if not is_known(work, scope, kind, thing_id):
        raise NotFound(kind, thing_id)


def accounts_of(work: Work, scope: Scope) -> list[AccountRow]:
    """Accounts of the scope's areas by login, also those that may not sign in any more."""
    c = account_table.c
    has_second = totp_table.c.secret.is_not(None).label("has_second")
    found = select(account_table, has_second).outerjoin(totp_table)
    rows = work.execute(found.where(scope.rows(c.area_id)).order_by(c.login)).mappings()
    return [
        AccountRow(
            store.as_account(row),
            row["is_active"],
            row["password_hash"] is not None,
            row["has_second"],
            row["created_ms"],
        )
        for row in rows
    ]
