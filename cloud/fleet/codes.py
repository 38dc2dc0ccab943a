"""One-time enrolment codes: stored as hashes, each for one gateway and one key.

Takes a unit of work, never commits.
"""

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Table, Text, delete, insert, or_, select
from sqlalchemy import update as sql_update

from cloud.fleet.errors import BadCode, BadName
from cloud.identity.tokens import Secrets, hash_of
from cloud.registry.model import gateway_table
from cloud.storage.schema import metadata
from cloud.storage.unit import Work

CODE_S: Final = 24 * 3600

code_table: Final = Table(
    "enrolment_code",
    metadata,
    Column("code_hash", Text, primary_key=True),
    Column("gateway_id", Text, ForeignKey("gateway.id"), nullable=False, index=True),
    Column("expires_ms", BigInteger, nullable=False, index=True),
    Column("used_by", Text),  # hash of the one key that it was used for
)


def make_code(work: Work, gateway_id: str, secrets: Secrets, lifetime_s: int = CODE_S) -> str:
    """For an installer; codes made before for the same gateway are worth nothing now.

    Raises BadName for a gateway that is not in the registry.
    """
    known = select(gateway_table.c.id).where(gateway_table.c.id == gateway_id)
    if work.execute(known).first() is None:
        raise BadName(f"there is no gateway '{gateway_id}'; enter it in the registry first")
    code = secrets.password()
    work.execute(delete(code_table).where(code_table.c.gateway_id == gateway_id))
    work.execute(
        insert(code_table).values(
            code_hash=hash_of(code),
            gateway_id=gateway_id,
            expires_ms=work.now_ms + lifetime_s * 1000,
        )
    )
    return code


def open_codes(work: Work) -> dict[str, int]:
    """Gateways that a code is waiting for, and until when it is good."""
    c = code_table.c
    found = select(c.gateway_id, c.expires_ms).where(
        c.used_by.is_(None), c.expires_ms > work.now_ms
    )
    return {row.gateway_id: row.expires_ms for row in work.execute(found)}


def redeem(work: Work, code: str, key: str) -> str:
    """The gateway that a code is for. Good once; again for the same key, whose answer may have been
    lost on the way. Raises BadCode."""
    c = code_table.c
    is_good = (
        (c.code_hash == hash_of(code.strip().lower()))
        & (c.expires_ms > work.now_ms)
        & or_(c.used_by.is_(None), c.used_by == key)
    )
    if work.execute(sql_update(code_table).where(is_good).values(used_by=key)).rowcount != 1:
        raise BadCode
    return str(work.execute(select(c.gateway_id).where(is_good)).scalar_one())


def sweep_codes(work: Work) -> int:
    """Forget those that are too old; how many."""
    return work.execute(delete(code_table).where(code_table.c.expires_ms <= work.now_ms)).rowcount
