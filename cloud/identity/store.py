"""Queries of identity: rows into accounts, sessions and shifts."""

from typing import Any, NamedTuple

from sqlalchemy import RowMapping, select, update

from cloud.identity.model import Account, Shift, account_table, session_table, shift_table
from cloud.identity.policy import Role, Standing, standing
from cloud.storage.unit import Work


class Session(NamedTuple):
    """A session and whose it is."""

    id: str
    account: Account
    standing: Standing
    active_ms: int
    has_second: bool


def account(work: Work, account_id: str) -> Account | None:
    """An account that may sign in; None also for one that may no longer."""
    c = account_table.c
    found = select(account_table).where(c.id == account_id, c.is_active)
    row = work.execute(found).mappings().first()
    return None if row is None else as_account(row)


def account_by_login(work: Work, login: str) -> tuple[Account, str | None] | None:
    """An account that may sign in, with its password hash. login: in its normal spelling."""
    c = account_table.c
    found = select(account_table).where(c.login == login, c.is_active)
    row = work.execute(found).mappings().first()
    return None if row is None else (as_account(row), row["password_hash"])


def password_hash(work: Work, account_id: str) -> str | None:
    """None: the account signs in by link only."""
    c = account_table.c
    stored: str | None = work.execute(select(c.password_hash).where(c.id == account_id)).scalar()
    return stored


def replace_hash(work: Work, account_id: str, password_hash: str) -> None:
    """The same password, hashed with today's parameters; sessions go on."""
    row = account_table.c.id == account_id
    work.execute(update(account_table).where(row).values(password_hash=password_hash))


def accounts(work: Work) -> list[Account]:
    """Everybody who may sign in, by login."""
    found = select(account_table).where(account_table.c.is_active)
    rows = work.execute(found.order_by(account_table.c.login)).mappings()
    return [as_account(row) for row in rows]


def session_by_hash(work: Work, token_hash: str) -> Session | None:
    """A session that still stands, of an account that may sign in."""
    return _session(work, session_table.c.token_hash == token_hash)


def session_by_id(work: Work, session_id: str) -> Session | None:
    """As `session_by_hash`, for who holds the id only (an open feed)."""
    return _session(work, session_table.c.id == session_id)


def open_shift(work: Work, account_id: str) -> Shift | None:
    """The shift that somebody is on."""
    c = shift_table.c
    found = select(shift_table).where(c.account_id == account_id, c.ended_ms.is_(None))
    row = work.execute(found).mappings().first()
    return None if row is None else _shift(row)


def open_shifts(work: Work) -> list[Shift]:
    """Who is on shift, longest first."""
    found = select(shift_table).where(shift_table.c.ended_ms.is_(None))
    rows = work.execute(found.order_by(shift_table.c.started_ms)).mappings()
    return [_shift(row) for row in rows]


def _session(work: Work, condition: Any) -> Session | None:
    c = session_table.c
    found = select(
        c.id, c.account_id, c.active_ms, c.feed_ms, c.idle_ms, c.expires_ms, c.has_second
    )
    row = work.execute(found.where(condition)).first()
    if row is None:
        return None
    stands = standing(
        active_ms=row.active_ms,
        feed_ms=row.feed_ms,
        idle_ms=row.idle_ms,
        expires_ms=row.expires_ms,
        now_ms=work.now_ms,
    )
    owner = account(work, row.account_id)
    if owner is None or stands is Standing.ENDED:
        return None
    return Session(row.id, owner, stands, row.active_ms, row.has_second)


def as_account(row: RowMapping) -> Account:
    """A row of accounts."""
    return Account(
        id=row["id"],
        login=row["login"],
        name=row["name"],
        name_en=row["name_en"],
        role=Role(row["role"]),
        lang=row["lang"],
        area_id=row["area_id"],
        station_id=row["station_id"],
        responder_id=row["responder_id"],
    )


def _shift(row: RowMapping) -> Shift:
    return Shift(row["id"], row["account_id"], row["started_ms"], row["audio_ok"], row["ended_ms"])
