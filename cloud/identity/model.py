"""Accounts and shifts as types, and the tables of identity. Of tokens only hashes are stored."""

from typing import Final, Literal

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
)

from cloud.identity.policy import Role
from cloud.registry.model import area_table, responder_table, station_table
from cloud.storage.schema import metadata


class Account(Struct, frozen=True):
    """Somebody who may sign in. area_id: what they may see, with everything below it."""

    id: str
    login: str
    name: str
    name_en: str
    role: Role
    lang: Literal["zh", "en"]
    area_id: str | None = None
    station_id: str | None = None
    responder_id: str | None = None


class Shift(Struct, frozen=True):
    """An operator's duty. audio_ok: whether the console said last that it can be heard."""

    id: str
    account_id: str
    started_ms: int
    audio_ok: bool
    ended_ms: int | None = None


account_table: Final = Table(
    "account",
    metadata,
    Column("id", Text, primary_key=True),
    Column("login", Text, nullable=False, unique=True),
    Column("password_hash", Text),  # argon2id; None: signs in by link only
    Column("name", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("lang", Text, nullable=False),
    Column("area_id", Text, ForeignKey(area_table.c.id)),
    Column("station_id", Text, ForeignKey(station_table.c.id)),
    Column("responder_id", Text, ForeignKey(responder_table.c.id)),
    Column("is_active", Boolean, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)

session_table: Final = Table(
    "session",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("account_id", Text, ForeignKey(account_table.c.id), nullable=False, index=True),
    Column("created_ms", BigInteger, nullable=False),
    Column("active_ms", BigInteger, nullable=False),
    Column("feed_ms", BigInteger),  # when a feed of it was last known to be open
    Column("idle_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False, index=True),
    Column("has_second", Boolean, nullable=False),  # whether the second step was passed
)

link_table: Final = Table(
    "sign_in_link",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("account_id", Text, ForeignKey(account_table.c.id), nullable=False, index=True),
    Column("expires_ms", BigInteger, nullable=False, index=True),
)

ticket_table: Final = Table(
    "sign_in_ticket",  # between the first step and the second
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("account_id", Text, ForeignKey(account_table.c.id), nullable=False, index=True),
    Column("how", Text, nullable=False),
    Column("expires_ms", BigInteger, nullable=False, index=True),
)

totp_table: Final = Table(
    "totp",
    metadata,
    Column("account_id", Text, ForeignKey(account_table.c.id), primary_key=True),
    Column("secret", Text),  # base 32; a code cannot be checked by a hash of it
    Column("pending", Text),  # one that is being set up, and does not count yet
    Column("last_step", BigInteger, nullable=False),  # a code works once
)

recovery_code_table: Final = Table(
    "recovery_code",
    metadata,
    Column("account_id", Text, ForeignKey(account_table.c.id), primary_key=True),
    Column("code_hash", Text, primary_key=True),
)

attempt_table: Final = Table(
    "sign_in_attempt",
    metadata,
    Column("key", Text, primary_key=True),  # hash: neither logins nor addresses are kept
    Column("failures", Integer, nullable=False),
    Column("last_ms", BigInteger, nullable=False, index=True),
)

known_source_table: Final = Table(
    "known_source",
    metadata,
    Column("account_id", Text, ForeignKey(account_table.c.id), primary_key=True),
    Column("source", Text, primary_key=True),  # hash
    Column("last_ms", BigInteger, nullable=False, index=True),
)

shift_table: Final = Table(
    "shift",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, ForeignKey(account_table.c.id), nullable=False),
    Column("started_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),
    Column("audio_ok", Boolean, nullable=False),
)
_is_open = shift_table.c.ended_ms.is_(None)
Index(
    "ix_shift_open",
    shift_table.c.account_id,
    unique=True,
    sqlite_where=_is_open,
    postgresql_where=_is_open,
)

answer_table: Final = Table(
    "idempotent_answer",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request_hash", Text, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("created_ms", BigInteger, nullable=False, index=True),
)
