"""The second factor: codes of an app (TOTP, RFC 6238) and, for a lost phone, recovery codes.

A code works once, within half a minute of its time on either side. Never commits.
"""

from typing import Final, NamedTuple

import pyotp
from sqlalchemy import delete, insert, select, update

from cloud.identity.errors import BadCode
from cloud.identity.model import Account, recovery_code_table, totp_table
from cloud.identity.tokens import Secrets, hash_of, is_same
from cloud.storage.unit import Work

ISSUER: Final = "Anju"
STEP_S: Final = 30
STEPS_ASIDE: Final = (0, -1, 1)
RECOVERY_CODES: Final = 10


class Enrolment(NamedTuple):
    """What the account's holder puts into the app. uri: `otpauth://…`, for a QR code."""

    secret: str
    uri: str


def begin(work: Work, account: Account, secrets: Secrets) -> Enrolment:
    """A new secret; it counts from `confirm` on, and until then the one before does."""
    secret = secrets.seed()
    c = totp_table.c
    again = update(totp_table).where(c.account_id == account.id).values(pending=secret)
    if work.execute(again).rowcount == 0:
        work.execute(
            insert(totp_table).values(
                account_id=account.id, secret=None, pending=secret, last_step=0
            )
        )
    return Enrolment(
        secret, pyotp.TOTP(secret).provisioning_uri(name=account.login, issuer_name=ISSUER)
    )


def confirm(work: Work, account_id: str, code: str, secrets: Secrets) -> list[str]:
    """The app shows the right codes: it counts. Recovery codes, shown once. Raises BadCode."""
    c = totp_table.c
    pending: str | None = work.execute(select(c.pending).where(c.account_id == account_id)).scalar()
    step = None if pending is None else _step_of(pending, code, work.now_ms)
    if step is None:
        raise BadCode
    counts = update(totp_table).where(c.account_id == account_id)
    work.execute(counts.values(secret=pending, pending=None, last_step=step))
    _drop_recovery(work, account_id)
    codes = [secrets.password() for _ in range(RECOVERY_CODES)]
    for each in codes:
        values = {"account_id": account_id, "code_hash": hash_of(_plain(each))}
        work.execute(insert(recovery_code_table).values(**values))
    return codes


def is_enrolled(work: Work, account_id: str) -> bool:
    """Whether the account has a second factor."""
    c = totp_table.c
    found = select(c.account_id).where(c.account_id == account_id, c.secret.is_not(None))
    return work.execute(found).first() is not None


def is_right(work: Work, account_id: str, code: str) -> bool:
    """Whether a code is the account's; it is spent with the asking."""
    return _spend_code(work, account_id, code) or _spend_recovery(work, account_id, code)


def remove(work: Work, account_id: str) -> None:
    """The account has none any more, and must set one up anew."""
    work.execute(delete(totp_table).where(totp_table.c.account_id == account_id))
    _drop_recovery(work, account_id)


def _spend_code(work: Work, account_id: str, code: str) -> bool:
    c = totp_table.c
    mine = (c.account_id == account_id) & c.secret.is_not(None)
    secret: str | None = work.execute(select(c.secret).where(mine)).scalar()
    step = None if secret is None else _step_of(secret, code, work.now_ms)
    if step is None:
        return False
    spent = update(totp_table).where(mine, c.last_step < step).values(last_step=step)
    return work.execute(spent).rowcount == 1


def _spend_recovery(work: Work, account_id: str, code: str) -> bool:
    c = recovery_code_table.c
    mine = (c.account_id == account_id) & (c.code_hash == hash_of(_plain(code)))
    return work.execute(delete(recovery_code_table).where(mine)).rowcount == 1


def _step_of(secret: str, code: str, now_ms: int) -> int | None:
    """The step of time whose code this is, of those that count now."""
    now, totp = now_ms // 1000 // STEP_S, pyotp.TOTP(secret)
    given = code.replace(" ", "")
    steps = (now + aside for aside in STEPS_ASIDE)
    return next((step for step in steps if is_same(totp.generate_otp(step), given)), None)


def _drop_recovery(work: Work, account_id: str) -> None:
    mine = recovery_code_table.c.account_id == account_id
    work.execute(delete(recovery_code_table).where(mine))


def _plain(code: str) -> str:
    return "".join(each for each in code.casefold() if each.isalnum())
