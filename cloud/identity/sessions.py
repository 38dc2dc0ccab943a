"""Server-side sessions and one-time sign-in links. Takes a unit of work, never commits."""

from typing import Final, NamedTuple

from sqlalchemy import delete, insert, or_, select, update

from cloud.identity import store
from cloud.identity.errors import LinkGone
from cloud.identity.events import SessionEnded, SessionOpened
from cloud.identity.model import Account, link_table, session_table, ticket_table
from cloud.identity.policy import FEED_FRESH_MS, SESSION_LIMITS, TOUCH_EVERY_MS
from cloud.identity.tokens import Secrets, csrf_of, hash_of
from cloud.storage.unit import Work

LINK_S: Final = 24 * 3600
TICKET_S: Final = 300


class SignedIn(NamedTuple):
    """A new session. token: the cookie's value, known to nobody but its holder from now on."""

    account: Account
    session_id: str
    token: str
    csrf: str
    expires_ms: int


def open_session(
    work: Work,
    account: Account,
    token: str,
    *,
    how: str = "password",
    has_second: bool = False,
) -> SignedIn:
    """A session under a token that was never used before. has_second: both steps were passed."""
    limits = SESSION_LIMITS[account.role]
    session_id = work.new_id("se")
    expires_ms = work.now_ms + limits.absolute_s * 1000
    work.execute(
        insert(session_table).values(
            token_hash=hash_of(token),
            id=session_id,
            account_id=account.id,
            created_ms=work.now_ms,
            active_ms=work.now_ms,
            feed_ms=None,
            idle_ms=limits.idle_s * 1000,
            expires_ms=expires_ms,
            has_second=has_second,
        )
    )
    work.publish(SessionOpened(session_id, account.id, how))
    return SignedIn(account, session_id, token, csrf_of(token), expires_ms)


def end_session(work: Work, token: str) -> None:
    """Harmless where there is none."""
    _end(work, session_table.c.token_hash == hash_of(token))


def end_all(work: Work, account_id: str, but: str = "") -> None:
    """Every session, link and half-made sign-in of an account. but: the id of one that goes on."""
    _end(work, (session_table.c.account_id == account_id) & (session_table.c.id != but))
    for table in (link_table, ticket_table):
        work.execute(delete(table).where(table.c.account_id == account_id))


def pass_second(work: Work, session_id: str) -> None:
    """The session's holder has shown the second factor."""
    row = session_table.c.id == session_id
    work.execute(update(session_table).where(row).values(has_second=True))


def touch(work: Work, session_id: str, *, is_feed: bool = False) -> None:
    """Write down that a session is used, or that a feed of it is open. At most once a minute."""
    c = session_table.c
    column = c.feed_ms if is_feed else c.active_ms
    is_due = or_(column.is_(None), column <= work.now_ms - TOUCH_EVERY_MS)
    values = {"active_ms": work.now_ms, **({"feed_ms": work.now_ms} if is_feed else {})}
    work.execute(update(session_table).where(c.id == session_id, is_due).values(**values))


def link_path(link_token: str) -> str:
    """Where a one-time link leads, below the platform's address. The token stands behind a `#`, so
    that no server sees it in a log."""
    return f"/login#link={link_token}"


def make_link(work: Work, account_id: str, secrets: Secrets, lifetime_s: int = LINK_S) -> str:
    """A token that signs an account in once; links made for it before are worth nothing now."""
    token = secrets.token()
    work.execute(delete(link_table).where(link_table.c.account_id == account_id))
    work.execute(
        insert(link_table).values(
            token_hash=hash_of(token),
            account_id=account_id,
            expires_ms=work.now_ms + lifetime_s * 1000,
        )
    )
    return token


def use_link(work: Work, link_token: str) -> Account:
    """Whose link it is; the link is gone with it. Raises LinkGone."""
    c = link_table.c
    used = delete(link_table).where(c.token_hash == hash_of(link_token), c.expires_ms > work.now_ms)
    account_id = work.execute(used.returning(c.account_id)).scalar()
    account = None if account_id is None else store.account(work, account_id)
    if account is None:
        raise LinkGone
    return account


def make_ticket(work: Work, account_id: str, how: str, secrets: Secrets) -> tuple[str, int]:
    """Stands for the first step of a sign-in until the second is passed; with when it lapses."""
    token, expires_ms = secrets.token(), work.now_ms + TICKET_S * 1000
    values = {"token_hash": hash_of(token), "account_id": account_id, "how": how}
    work.execute(insert(ticket_table).values(**values, expires_ms=expires_ms))
    return token, expires_ms


def ticket_owner(work: Work, ticket: str) -> tuple[Account, str] | None:
    """Whose first step it stands for, and how that was taken; None where it has lapsed."""
    c = ticket_table.c
    found = select(c.account_id, c.how)
    live = found.where(c.token_hash == hash_of(ticket), c.expires_ms > work.now_ms)
    row = work.execute(live).first()
    account = store.account(work, row.account_id) if row else None
    return (account, row.how) if row and account else None


def end_ticket(work: Work, ticket: str) -> None:
    """It has been used."""
    work.execute(delete(ticket_table).where(ticket_table.c.token_hash == hash_of(ticket)))


def sweep_sessions(work: Work) -> int:
    """Delete sessions and links that are worth nothing any more; how many."""
    c = session_table.c
    is_watched = c.feed_ms >= work.now_ms - FEED_FRESH_MS
    is_over = or_(c.expires_ms <= work.now_ms, c.active_ms + c.idle_ms <= work.now_ms)
    over = delete(session_table).where(is_over, or_(c.feed_ms.is_(None), ~is_watched))
    old = delete(link_table).where(link_table.c.expires_ms <= work.now_ms)
    lapsed = delete(ticket_table).where(ticket_table.c.expires_ms <= work.now_ms)
    return sum(work.execute(each).rowcount for each in (over, old, lapsed))


def _end(work: Work, condition: object) -> None:
    c = session_table.c
    for row in work.execute(select(c.id, c.account_id).where(condition)).all():  # type: ignore[arg-type]
        work.execute(delete(session_table).where(c.id == row.id))
        work.publish(SessionEnded(row.id, row.account_id))
