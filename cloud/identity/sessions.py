"""Server-side sessions and one-time sign-in links. Takes a unit of work, never commits."""

from typing import Final, NamedTuple

from sqlalchemy import delete, insert, or_, select, update

from cloud.identity import store
from cloud.identity.errors import LinkGone
from cloud.identity.events import SessionEnded, SessionOpened
from cloud.identity.model import Account, link_table, session_table
from cloud.identity.policy import FEED_FRESH_MS, SESSION_LIMITS, TOUCH_EVERY_MS
from cloud.identity.tokens import Secrets, csrf_of, hash_of
from cloud.storage.unit import Work

LINK_S: Final = 24 * 3600


class SignedIn(NamedTuple):
    """A new session. token: the cookie's value, known to nobody but its holder from now on."""

    account: Account
    session_id: str
    token: str
    csrf: str
    expires_ms: int


def open_session(work: Work, account: Account, token: str, *, how: str = "password") -> SignedIn:
    """A session under a token that was never used before."""
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
        )
    )
    work.publish(SessionOpened(session_id, account.id, how))
    return SignedIn(account, session_id, token, csrf_of(token), expires_ms)


def end_session(work: Work, token: str) -> None:
    """Harmless where there is none."""
    _end(work, session_table.c.token_hash == hash_of(token))


def end_all(work: Work, account_id: str) -> None:
    """Every session and link of an account."""
    _end(work, session_table.c.account_id == account_id)
    work.execute(delete(link_table).where(link_table.c.account_id == account_id))


def touch(work: Work, session_id: str, *, is_feed: bool = False) -> None:
    """Write down that a session is used, or that a feed of it is open. At most once a minute."""
    c = session_table.c
    column = c.feed_ms if is_feed else c.active_ms
    is_due = or_(column.is_(None), column <= work.now_ms - TOUCH_EVERY_MS)
    values = {"active_ms": work.now_ms, **({"feed_ms": work.now_ms} if is_feed else {})}
    work.execute(update(session_table).where(c.id == session_id, is_due).values(**values))


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


def use_link(work: Work, link_token: str, token: str) -> SignedIn:
    """Sign in by link; the link is gone with it. Raises LinkGone."""
    c = link_table.c
    used = delete(link_table).where(c.token_hash == hash_of(link_token), c.expires_ms > work.now_ms)
    account_id = work.execute(used.returning(c.account_id)).scalar()
    account = None if account_id is None else store.account(work, account_id)
    if account is None:
        raise LinkGone
    return open_session(work, account, token, how="link")


def sweep_sessions(work: Work) -> int:
    """Delete sessions and links that are worth nothing any more; how many."""
    c = session_table.c
    is_watched = c.feed_ms >= work.now_ms - FEED_FRESH_MS
    is_over = or_(c.expires_ms <= work.now_ms, c.active_ms + c.idle_ms <= work.now_ms)
    over = delete(session_table).where(is_over, or_(c.feed_ms.is_(None), ~is_watched))
    old = delete(link_table).where(link_table.c.expires_ms <= work.now_ms)
    return work.execute(over).rowcount + work.execute(old).rowcount


def _end(work: Work, condition: object) -> None:
    c = session_table.c
    for row in work.execute(select(c.id, c.account_id).where(condition)).all():  # type: ignore[arg-type]
        work.execute(delete(session_table).where(c.id == row.id))
        work.publish(SessionEnded(row.id, row.account_id))
