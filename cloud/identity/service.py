"""Accounts, and what they may do where. Takes a unit of work, never commits."""

from typing import Final, Literal

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
    login = normal_login(entry.login)
    if not 0 < len(login) <= LOGIN_CHARS_MAX:
        raise Malformed(f"a login has 1 to {LOGIN_CHARS_MAX} characters")
    if bound := _BOUND.get(entry.role):
        if getattr(entry, bound) is None:
            raise Malformed(f"an account of role {entry.role} needs its {bound}")
    _must_exist(work, area_table, entry.area)
    _must_exist(work, station_table, entry.station)
    _must_exist(work, responder_table, entry.responder)
    taken = select(account_table.c.id).where(account_table.c.login == login)
    if work.execute(taken).first() is not None:
        raise LoginTaken(login)
    account = Account(
        id=work.new_id("ac"),
        login=login,
        name=entry.name,
        name_en=entry.name_en,
        role=entry.role,
        lang=entry.lang,
        area_id=entry.area,
        station_id=entry.station,
        responder_id=entry.responder,
    )
    work.execute(
        insert(account_table).values(
            id=account.id,
            login=login,
            password_hash=password_hash,
            name=account.name,
            name_en=account.name_en,
            role=str(account.role),
            lang=account.lang,
            area_id=account.area_id,
            station_id=account.station_id,
            responder_id=account.responder_id,
            is_active=True,
            created_ms=work.now_ms,
        )
    )
    return account


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


def _must_exist(work: Work, table: Table, thing_id: str | None) -> None:
    if thing_id is None:
        return
    if work.execute(select(table.c.id).where(table.c.id == thing_id)).first() is None:
        raise Malformed(f"there is no {table.name} '{thing_id}'; enter it in the registry first")
