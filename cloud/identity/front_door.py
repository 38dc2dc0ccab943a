"""The front door: sign-in, sign-out, and who is behind a cookie.

It joins transactions, because the slow hash must stand between them and never inside one.
"""

from typing import NamedTuple

from cloud.identity import audit, pacing, second_factor, sessions, store
from cloud.identity.errors import (
    BadCode,
    BadCredentials,
    BadCsrf,
    CodeNeeded,
    NotSignedIn,
    SecondFactorNeeded,
    SignInAgain,
)
from cloud.identity.model import Account
from cloud.identity.passwords import Passwords
from cloud.identity.policy import (
    LOGIN_CHARS_MAX,
    PASSWORD_CHARS_MAX,
    SECOND_FACTOR,
    TOUCH_EVERY_MS,
    Standing,
    normal_login,
)
from cloud.identity.sessions import SignedIn
from cloud.identity.tokens import Secrets, csrf_of, hash_of, is_same
from cloud.storage.store import Priority, Store
from cloud.storage.unit import Work


class Visit(NamedTuple):
    """Somebody's request within a session. has_second: it was opened with a second factor."""

    account: Account
    session_id: str
    csrf: str
    standing: Standing
    has_second: bool = False

    def require_command(self, csrf: str | None) -> None:
        """Raises BadCsrf for a request that is not our page's, SignInAgain past its time."""
        if csrf is None or not is_same(self.csrf, csrf):
            raise BadCsrf
        if self.standing is not Standing.FULL:
            raise SignInAgain

    def require_second(self) -> None:
        """Raises SecondFactorNeeded for a role that acts only with one."""
        if self.account.role in SECOND_FACTOR and not self.has_second:
            raise SecondFactorNeeded


class FrontDoor:
    """Everybody comes through here. Safe from any thread; blocks while a password is hashed."""

    def __init__(self, to: Store, passwords: Passwords, secrets: Secrets) -> None:
        self._store, self._passwords, self._secrets = to, passwords, secrets

    def sign_in(
        self, login: str, password: str, address: str, replaces: str | None = None
    ) -> SignedIn:
        """A new session. replaces: the token that the browser held before; it ends.

        Raises BadCredentials, CodeNeeded, or SlowDown for a source or account that has failed too
        often.
        """
        if len(login) > LOGIN_CHARS_MAX or len(password) > PASSWORD_CHARS_MAX:
            raise BadCredentials
        spelling = normal_login(login)
        self._store.read(lambda work: pacing.check(work, spelling, address))
        attempt = self._store.write(lambda work: pacing.begin_attempt(work, spelling, address))
        is_right = self._passwords.is_right(attempt.password_hash, password)
        account, stored = attempt.account, attempt.password_hash
        if not is_right or account is None or stored is None:
            self._refuse(account, address)
            raise BadCredentials
        newer = self._passwords.hash(password) if self._passwords.is_outdated(stored) else None

        def enter(work: Work) -> SignedIn | CodeNeeded:
            if store.account_by_login(work, spelling) != (account, stored):
                raise BadCredentials  # changed while the hash was being checked
            pacing.succeed(work, attempt)
            if newer is not None:
                store.replace_hash(work, account.id, newer)
            return self._go_on(work, account, _Way("password", address, replaces))

        return _let_in(self._store.write(enter))

    def use_link(self, link_token: str, address: str, replaces: str | None = None) -> SignedIn:
        """A new session from a one-time link. Raises LinkGone or CodeNeeded."""

        def enter(work: Work) -> SignedIn | CodeNeeded:
            account = sessions.use_link(work, link_token)
            pacing.know_source(work, account.id, pacing.source_of(address))
            return self._go_on(work, account, _Way("link", address, replaces))

        return _let_in(self._store.write(enter))

    def second_step(
        self, ticket: str, code: str, address: str, replaces: str | None = None
    ) -> SignedIn:
        """A new session from the ticket of a first step and a code. Raises BadCode or SlowDown."""

        def enter(work: Work) -> SignedIn | None:
            owner = sessions.ticket_owner(work, ticket)
            if owner is None:
                return None
            account, how = owner
            pacing.begin_code(work, account.id)
            if not second_factor.is_right(work, account.id, code):
                _note(work, account, "sign_in_refused", address, how="code")
                return None  # and the try stays counted
            pacing.succeed_code(work, account.id)
            sessions.end_ticket(work, ticket)
            way = _Way(f"{how}+code", address, replaces)
            return self._open(work, account, way, has_second=True)

        signed_in = self._store.write(enter)
        if signed_in is None:
            raise BadCode
        return signed_in

    def change_password(self, visit: Visit, old: str | None, new: str, address: str) -> None:
        """One's own; every other session ends. old: may be missing where there is none yet.

        Raises BadCredentials or SlowDown.
        """
        account = visit.account
        stored = self._store.read(lambda work: store.password_hash(work, account.id))
        if stored is not None and not self._is_old(account, old, stored, address):
            raise BadCredentials
        newer = self._passwords.hash(new)

        def change(work: Work) -> None:
            if store.password_hash(work, account.id) != stored:
                raise BadCredentials  # changed meanwhile
            store.replace_hash(work, account.id, newer)
            sessions.end_all(work, account.id, but=visit.session_id)
            _note(work, account, "password_changed", address)

        self._store.write(change)

    def sign_out(self, token: str, address: str = "") -> None:
        """End a session; harmless where there is none."""

        def leave(work: Work) -> None:
            found = store.session_by_hash(work, hash_of(token))
            if found is not None:
                _note(work, found.account, "sign_out", address)
            sessions.end_session(work, token)

        self._store.write(leave)

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
        return Visit(found.account, found.id, csrf_of(token), found.standing, found.has_second)

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

    def _is_old(self, account: Account, old: str | None, stored: str, address: str) -> bool:
        """Guessing it here is no faster than at the door."""
        attempt = self._store.write(lambda work: pacing.begin_attempt(work, account.login, address))
        if not self._passwords.is_right(stored, old or ""):
            return False
        self._store.write(lambda work: pacing.succeed(work, attempt))
        return True

    def _go_on(self, work: Work, account: Account, way: "_Way") -> SignedIn | CodeNeeded:
        """After the first step: in, or to the second one."""
        if second_factor.is_enrolled(work, account.id):
            return CodeNeeded(*sessions.make_ticket(work, account.id, way.how, self._secrets))
        return self._open(work, account, way)

    def _open(
        self, work: Work, account: Account, way: "_Way", *, has_second: bool = False
    ) -> SignedIn:
        if way.replaces is not None:
            sessions.end_session(work, way.replaces)
        _note(work, account, "sign_in", way.address, how=way.how)
        token = self._secrets.token()
        return sessions.open_session(work, account, token, how=way.how, has_second=has_second)

    def _refuse(self, account: Account | None, address: str) -> None:
        # An unknown login is not written down: it may be a password typed into the wrong field.
        # That there was none is, so that both take as long.
        deed = _deed(account, "sign_in_refused", address, how="password")
        self._store.write(lambda work: audit.write_down(work, deed))


class _Way(NamedTuple):
    """How somebody comes in. replaces: the token of the session that ends by it."""

    how: str
    address: str
    replaces: str | None


def _let_in(entered: SignedIn | CodeNeeded) -> SignedIn:
    """Raised only now: the ticket had to be committed."""
    if isinstance(entered, CodeNeeded):
        raise entered
    return entered


def _note(work: Work, account: Account, what: str, address: str, **data: str) -> None:
    audit.write_down(work, _deed(account, what, address, **data))


def _deed(account: Account | None, what: str, address: str, **data: str) -> audit.Deed:
    who, area = (account.id, account.area_id or "") if account else ("", "")
    return audit.Deed(who, what, "", area, address, data)
