"""What residents have consented to, for each purpose and each account that it lets look.

A consent is written down by somebody who heard or read it, and can be withdrawn at any time; rows
are never deleted, so that it can be shown later what was allowed when. Never commits.
"""

from enum import StrEnum
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    RowMapping,
    Select,
    Table,
    Text,
    insert,
    select,
    update,
)

from cloud.identity.errors import AlreadyGiven, NotFound
from cloud.identity.model import account_table
from cloud.registry.model import resident_table
from cloud.storage.schema import metadata
from cloud.storage.unit import Work


class Purpose(StrEnum):
    """What it is for. Health is apart from everything else (PIPL articles 28 and 29)."""

    SEE_HOME = "see_home"  # that all is well or not, alarms and how they go on
    SEE_HEALTH = "see_health"  # conditions
    PUSH = "push"  # messages to the family's phone


class How(StrEnum):
    """How the resident said so."""

    PAPER = "paper"
    IN_PERSON = "in_person"
    TELEPHONE = "telephone"


class Consent(Struct, frozen=True):
    """One consent. recorded_by, withdrawn_by: accounts; withdrawn_ms None: it stands."""

    id: str
    resident_id: str
    account_id: str
    purpose: Purpose
    how: How
    given_ms: int
    recorded_by: str
    withdrawn_ms: int | None = None
    withdrawn_by: str | None = None


consent_table: Final = Table(
    "consent",
    metadata,
    Column("id", Text, primary_key=True),
    Column("resident_id", Text, nullable=False, index=True),  # outlives the resident's row
    Column("account_id", Text, ForeignKey(account_table.c.id), nullable=False, index=True),
    Column("purpose", Text, nullable=False),
    Column("how", Text, nullable=False),
    Column("given_ms", BigInteger, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("withdrawn_ms", BigInteger),
    Column("withdrawn_by", Text),
)
_stands = consent_table.c.withdrawn_ms.is_(None)
Index(
    "ix_consent_stands",
    consent_table.c.resident_id,
    consent_table.c.account_id,
    consent_table.c.purpose,
    unique=True,
    sqlite_where=_stands,
    postgresql_where=_stands,
)


def give(
    work: Work, resident_id: str, account_id: str, purpose: Purpose, how: How, by: str
) -> Consent:
    """Write a consent down. Raises AlreadyGiven."""
    if _standing(work, resident_id, account_id, purpose) is not None:
        raise AlreadyGiven
    consent = Consent(
        work.new_id("co"), resident_id, account_id, purpose, how, work.now_ms, recorded_by=by
    )
    values = {name: getattr(consent, name) for name in consent.__struct_fields__}
    work.execute(insert(consent_table).values(**values))
    return consent


def withdraw(work: Work, resident_id: str, consent_id: str, by: str) -> Consent:
    """From now on it does not stand; one that was withdrawn stays as it was. Raises NotFound."""
    c = consent_table.c
    theirs = (c.id == consent_id) & (c.resident_id == resident_id)
    ends = update(consent_table).where(theirs, c.withdrawn_ms.is_(None))
    work.execute(ends.values(withdrawn_ms=work.now_ms, withdrawn_by=by))
    row = work.execute(select(consent_table).where(theirs)).mappings().first()
    if row is None:
        raise NotFound("consent", consent_id)
    return _consent(row)


def consents_of(work: Work, resident_id: str) -> list[Consent]:
    """Of a resident, also those that were withdrawn, newest first."""
    c = consent_table.c
    found = select(consent_table).where(c.resident_id == resident_id)
    rows = work.execute(found.order_by(c.given_ms.desc(), c.id)).mappings()
    return [_consent(row) for row in rows]


def standing_residents(account_id: str, purpose: Purpose) -> Select[Any]:
    """Ids of the residents who let an account look, to be put into a query."""
    c = consent_table.c
    return select(c.resident_id).where(
        c.account_id == account_id, c.purpose == str(purpose), c.withdrawn_ms.is_(None)
    )


def standing_homes(account_id: str, purpose: Purpose) -> Select[Any]:
    """Ids of their homes, to be put into a query."""
    c = resident_table.c
    return select(c.home_id).where(c.id.in_(standing_residents(account_id, purpose)))


def _standing(work: Work, resident_id: str, account_id: str, purpose: Purpose) -> str | None:
    c = consent_table.c
    row = (c.resident_id == resident_id) & (c.account_id == account_id)
    found = select(c.id).where(row, c.purpose == str(purpose), c.withdrawn_ms.is_(None))
    consent_id: str | None = work.execute(found).scalar()
    return consent_id


def _consent(row: RowMapping) -> Consent:
    return Consent(
        row["id"],
        row["resident_id"],
        row["account_id"],
        Purpose(row["purpose"]),
        How(row["how"]),
        row["given_ms"],
        row["recorded_by"],
        row["withdrawn_ms"],
        row["withdrawn_by"],
    )
