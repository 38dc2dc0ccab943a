"""How sign-in is slowed. Tries are counted before the password is looked at, so that many at
once gain nothing.

A try waits for the slowest of three counts: this account from this source, this account from
anywhere, this source for any account. A source where the account has signed in lately answers only
for itself: strangers who guess cannot keep a control room out.
"""

from hashlib import sha256
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

from sqlalchemy import delete, insert, select, update

from cloud.identity import store
from cloud.identity.errors import SlowDown
from cloud.identity.model import Account, attempt_table, known_source_table
from cloud.identity.policy import (
    ACCOUNT_ANYWHERE,
    ACCOUNT_HERE,
    CODE,
    FAILURES_FORGOTTEN_MS,
    SOURCE,
    SOURCE_KNOWN_MS,
    Pace,
    failures_after,
    wait_ms,
)
from cloud.storage.unit import Work


class Attempt(NamedTuple):
    """A try that may go on. account None: nobody has this login. counted: who was charged."""

    account: Account | None
    password_hash: str | None
    source: str
    counted: tuple[str, ...]


def begin_attempt(work: Work, login: str, address: str) -> Attempt:
    """As `check`, and the try is counted. Raises SlowDown, and then counts nothing."""
    attempt = check(work, login, address)
    for key in attempt.counted:
        _count(work, key)
    return attempt


def check(work: Work, login: str, address: str) -> Attempt:
    """Whether a try may go on now. login: in its normal spelling. Raises SlowDown."""
    source = source_of(address)
    account, password_hash = store.account_by_login(work, login) or (None, None)
    paces = {_hash("here", login, source): ACCOUNT_HERE}
    if account is None or not _is_known(work, account.id, source):
        paces[_hash("account", login)] = ACCOUNT_ANYWHERE
        paces[_hash("source", source)] = SOURCE
    wait = max(_wait_ms(work, key, pace) for key, pace in paces.items())
    if wait > 0:
        raise SlowDown(wait / 1000)
    return Attempt(account, password_hash, source, tuple(paces))


def succeed(work: Work, attempt: Attempt) -> None:
    """The password was right: the try is taken back, and the source is known from now on."""
    here, *others = attempt.counted
    work.execute(delete(attempt_table).where(attempt_table.c.key == here))
    for key in others:
        forgive(work, key)
    if attempt.account is not None:
        know_source(work, attempt.account.id, attempt.source)


def charge(work: Work, what: str, address: str, pace: Pace) -> str:
    """Count a try of another kind from this source, before it is looked at; a key for `forgive`.

    Raises SlowDown, and then counts nothing.
    """
    key = _hash(what, source_of(address))
    wait = _wait_ms(work, key, pace)
    if wait > 0:
        raise SlowDown(wait / 1000)
    _count(work, key)
    return key


def forgive(work: Work, key: str) -> None:
    """The try was right, and is taken back."""
    c = attempt_table.c
    less = update(attempt_table).where(c.key == key, c.failures > 0)
    work.execute(less.values(failures=c.failures - 1))


def begin_code(work: Work, account_id: str) -> None:
    """A try of the second step, counted as `begin_attempt`. Raises SlowDown."""
    key = _hash("code", account_id)
    if (wait := _wait_ms(work, key, CODE)) > 0:
        raise SlowDown(wait / 1000)
    _count(work, key)


def succeed_code(work: Work, account_id: str) -> None:
    """The code was right."""
    work.execute(delete(attempt_table).where(attempt_table.c.key == _hash("code", account_id)))


def know_source(work: Work, account_id: str, source: str) -> None:
    """The account has signed in from here."""
    c = known_source_table.c
    again = update(known_source_table).where(c.account_id == account_id, c.source == source)
    if work.execute(again.values(last_ms=work.now_ms)).rowcount == 0:
        values = {"account_id": account_id, "source": source, "last_ms": work.now_ms}
        work.execute(insert(known_source_table).values(**values))


def source_of(address: str) -> str:
    """A hash of where somebody comes from; of IPv6 the network, for one customer has all of it."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return _hash(address)
    if isinstance(parsed, IPv6Address):
        parsed = parsed.ipv4_mapped or parsed
    if isinstance(parsed, IPv6Address):
        return _hash(str(int(parsed) >> 64))
    return _hash(str(parsed))


def sweep_attempts(work: Work) -> int:
    """Forget counts that have lapsed and sources not seen for long; how many."""
    lapsed = attempt_table.c.last_ms <= work.now_ms - FAILURES_FORGOTTEN_MS
    unseen = known_source_table.c.last_ms <= work.now_ms - SOURCE_KNOWN_MS
    counts = work.execute(delete(attempt_table).where(lapsed)).rowcount
    return counts + work.execute(delete(known_source_table).where(unseen)).rowcount


def _is_known(work: Work, account_id: str, source: str) -> bool:
    c = known_source_table.c
    since_ms = work.now_ms - SOURCE_KNOWN_MS
    known = select(c.source).where(
        c.account_id == account_id, c.source == source, c.last_ms > since_ms
    )
    return work.execute(known).first() is not None


def _wait_ms(work: Work, key: str, pace: Pace) -> int:
    c = attempt_table.c
    row = work.execute(select(c.failures, c.last_ms).where(c.key == key)).first()
    return 0 if row is None else wait_ms(pace, row.failures, row.last_ms, work.now_ms)


def _count(work: Work, key: str) -> None:
    c = attempt_table.c
    row = work.execute(select(c.failures, c.last_ms).where(c.key == key)).first()
    if row is None:
        work.execute(insert(attempt_table).values(key=key, failures=1, last_ms=work.now_ms))
        return
    failures = failures_after(row.failures, row.last_ms, work.now_ms)
    counted = update(attempt_table).where(c.key == key)
    work.execute(counted.values(failures=failures, last_ms=work.now_ms))


def _hash(*parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()
