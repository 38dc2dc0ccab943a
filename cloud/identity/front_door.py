"""The front door: sign-in, sign-out, and who is behind a cookie.

It joins transactions, because the slow hash must stand between them and never inside one.
"""

from typing import NamedTuple

from cloud.identity import pacing, sessions, store
from cloud.identity.errors import BadCredentials, BadCsrf, NotSignedIn, SignInAgain
from cloud.identity.model import Account
from cloud.identity.passwords import Passwords
from cloud.identity.policy import (
    LOGIN_CHARS_MAX,
    PASSWORD_CHARS_MAX,
    TOUCH_EVERY_MS,
    Standing,
    normal_login,
)
from cloud.identity.sessions import SignedIn
from cloud.identity.tokens import Secrets, csrf_of, hash_of, is_same
from cloud.storage.store import Priority, Store
from cloud.storage.unit import Work


class Visit(NamedTuple):
    """Somebody's request within a session."""

    account: Account
    session_id: str
    csrf: str
    standing: Standing

    def require_command(self, csrf: str | None) -> None:
        """Raises BadCsrf for a request that is not our page's, SignInAgain past its time."""
        if csrf is None or not is_same(self.csrf, csrf):
            raise BadCsrf
        if self.standing is not Standing.FULL:
            raise SignInAgain


class FrontDoor:
    """Everybody comes through here. Safe from any thread; blocks while a password is hashed."""

    def __init__(self, to: Store, passwords: Passwords, secrets: Secrets) -> None:
        self._store, self._passwords, self._secrets = to, passwords, secrets

    def sign_in(
        self, login: str, password: str, address: str, replaces: str | None = None
    ) -> SignedIn:
        """A new session. replaces: the token that the browser held before; it ends.

        Raises BadCredentials, or SlowDown for a source or account that has failed too often.
        """
        if len(login) > LOGIN_CHARS_MAX or len(password) > PASSWORD_CHARS_MAX:
            raise BadCredentials
        spelling = normal_login(login)
        self._store.read(lambda work: pacing.check(work, spelling, address))
        attempt = self._store.write(lambda work: pacing.begin_attempt(work, spelling, address))
        is_right = self._passwords.is_right(attempt.password_hash, password)
        account, stored = attempt.account, attempt.password_hash
        if not is_right or account is None or stored is None:
            raise BadCredentials
        newer = self._passwords.hash(password) if self._passwords.is_outdated(stored) else None

        def enter(work: Work) -> SignedIn:
            if store.account_by_login(work, spelling) != (account, stored):
                raise BadCredentials  # changed while the hash was being checked
            pacing.succeed(work, attempt)
            if newer is not None:
                store.replace_hash(work, account.id, newer)
            return self._open(work, account, replaces)

        return self._store.write(enter)

    def use_link(self, link_token: str, address: str, replaces: str | None = None) -> SignedIn:
        """A new session from a one-time link. Raises LinkGone."""

        def enter(work: Work) -> SignedIn:
            signed_in = sessions.use_link(work, link_token, self._secrets.token())
            pacing.know_source(work, signed_in.account.id, pacing.source_of(address))
            if replaces is not None:
                sessions.end_session(work, replaces)
            return signed_in

        return self._store.write(enter)

    def sign_out(self, token: str) -> None:
        """End a session; harmless where there is none."""
        self._store.write(lambda work: sessions.end_session(work, token))

    def visit(self, token: str | None) -> Visit:
        """Who is behind a cookie. Using a session keeps it from idling out. Raises NotSignedIn."""
        if not token:
            raise NotSignedIn
        found, now_ms = self._store.read(
            lambda work: (store.session_by_hash(work, hash_of(token)), work.now_ms)
        )
        if found is None:
            raise NotSignedIn
        if now_ms - found.active_ms >= TOUCH_EVERY_MS:
            self._touch(found.id, is_feed=False)
        return Visit(found.account, found.id, csrf_of(token), found.standing)

    def feed_is_open(self, session_id: str) -> bool:
        """Called once a minute for each open feed, from its opening on; False: close the feed."""
        if self._store.read(lambda work: store.session_by_id(work, session_id)) is None:
            return False
        self._touch(session_id, is_feed=True)
        return True

    def _touch(self, session_id: str, *, is_feed: bool) -> None:
        # Nobody waits for it: where the store is away, the next request writes it down.
        self._store.submit(
            lambda work: sessions.touch(work, session_id, is_feed=is_feed), Priority.HOUSEKEEPING
        )

    def _open(self, work: Work, account: Account, replaces: str | None) -> SignedIn:
        if replaces is not None:
            sessions.end_session(work, replaces)
        return sessions.open_session(work, account, self._secrets.token())
