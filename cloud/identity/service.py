"""Accounts, and what they may do where. Takes a unit of work, never commits."""

from typing import Any, Final, Literal

from msgspec import Struct
from sqlalchemy import Table, insert, select, update

from cloud.identity import second_factor, sessions, store
from cloud.identity.errors import LoginTaken, Malformed, NotPermitted
from cloud.identity.model import Account, account_table
from cloud.identity.policy import (
    LOGIN_CHARS_MAX,
    Action,
    Role,
    normal_login,
    permits,
)
from cloud.identity.tokens import Secrets
from cloud.registry.model import area_table, responder_table, station_table
from cloud.storage.unit import Work

_BOUND: Final = {Role.STATION: "station", Role.RESPONDER: "responder"}


class AccountEntry(Struct, frozen=True):
    """What an administrator enters of somebody. station: of a station's desk and its people."""

    login: str
    role: Role
    name: str
    name_en: str
    area: str | None = None
    station: str | None = None
    responder: str | None = None
    lang: Literal["zh", "en"] = "zh"


def add_account(work: Work, entry: AccountEntry, password_hash: str | None) -> Account:
    """A new account. password_hash None: it signs in by link only.

    Raises LoginTaken; Malformed where login, area, station or responder is not there.
    """
    account_id = work.new_id("ac")
    values = _values(work, account_id, entry)
    kept = {"id": account_id, "password_hash": password_hash}
    work.execute(
        insert(account_table).values(**kept, **values, is_active=True, created_ms=work.now_ms)
    )
    return Account(id=account_id, **{**values, "role": entry.role})


def change_account(work: Work, account_id: str, entry: AccountEntry) -> None:
    """Another name, role or area. Whoever is signed in is out, and comes in again as what they are
    from now on. Raises as `add_account`."""
    row = account_table.c.id == account_id
    work.execute(update(account_table).where(row).values(**_values(work, account_id, entry)))
    sessions.end_all(work, account_id)


def change_password(work: Work, account_id: str, password_hash: str) -> None:
    """A new password ends every session that the old one opened."""
    store.replace_hash(work, account_id, password_hash)
    sessions.end_all(work, account_id)


def deactivate(work: Work, account_id: str) -> None:
    """Nobody signs in with it any more, and whoever is signed in is out now; its history stays."""
    _set_active(work, account_id, False)
    sessions.end_all(work, account_id)


def activate(work: Work, account_id: str) -> None:
    """It may sign in again, as before."""
    _set_active(work, account_id, True)


def reset(work: Work, account_id: str, secrets: Secrets) -> str:
    """As new: no password, no second factor, no session. The token of the link that leads in."""
    row = account_table.c.id == account_id
    work.execute(update(account_table).where(row).values(password_hash=None))
    second_factor.remove(work, account_id)
    sessions.end_all(work, account_id)
    return sessions.make_link(work, account_id, secrets)


def _set_active(work: Work, account_id: str, is_active: bool) -> None:
    row = account_table.c.id == account_id
    work.execute(update(account_table).where(row).values(is_active=is_active))


def require(account: Account, action: Action) -> None:
    """Raises NotPermitted unless the account's role is granted this."""
    if not permits(account.role, action):
        raise NotPermitted(account.role, action)


def _values(work: Work, account_id: str, entry: AccountEntry) -> dict[str, Any]:
    login = normal_login(entry.login)
    if not 0 < len(login) <= LOGIN_CHARS_MAX:
        raise Malformed(f"a login has 1 to {LOGIN_CHARS_MAX} characters")
    if bound := _BOUND.get(entry.role):
        if getattr(entry, bound) is None:
            raise Malformed(f"an account of role {entry.role} needs its {bound}")
    _must_exist(work, area_table, entry.area)
    _must_exist(work, station_table, entry.station)
    _must_exist(work, responder_table, entry.responder)
    c = account_table.c
    if work.execute(select(c.id).where(c.login == login, c.id != account_id)).first() is not None:
        raise LoginTaken(login)
    return {
        "login": login,
        "name": entry.name,
        "name_en": entry.name_en,
        "role": str(entry.role),
        "lang": entry.lang,
        "area_id": entry.area,
        "station_id": entry.station,
        "responder_id": entry.responder,
    }


def _must_exist(work: Work, table: Table, thing_id: str | None) -> None:
    if thing_id is None:
        return
    if work.execute(select(table.c.id).where(table.c.id == thing_id)).first() is None:
        raise Malformed(f"there is no {table.name} '{thing_id}'; enter it in the registry first")
