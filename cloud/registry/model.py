"""Tables of the registry. Words in two languages are two columns; lists of words are JSON."""

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
)

from cloud.storage.schema import metadata


def _words(name: str) -> tuple[Column[str], Column[str]]:
    return (
        Column(f"{name}_zh", Text, nullable=False, default=""),
        Column(f"{name}_en", Text, nullable=False, default=""),
    )


area_table: Final = Table(
    "area",
    metadata,
    Column("id", Text, primary_key=True),
    Column("parent_id", Text, ForeignKey("area.id")),
    Column("kind", Text, nullable=False),
    *_words("name"),
)

gateway_table: Final = Table(
    "gateway",
    metadata,
    Column("id", Text, primary_key=True),
    Column("area_id", Text, ForeignKey("area.id"), nullable=False),
    Column("partition", Integer, nullable=False),
    Column("revision", BigInteger, nullable=False, default=1),
    *_words("name"),
)

call_plan_table: Final = Table(
    "call_plan",
    metadata,
    Column("id", Text, primary_key=True),
    # homes there and below may use it
    Column("area_id", Text, ForeignKey("area.id"), nullable=False),
    *_words("name"),
    Column("steps", JSON, nullable=False),  # [{zh, en}], in order
)

home_table: Final = Table(
    "home",
    metadata,
    Column("id", Text, primary_key=True),
    Column("area_id", Text, ForeignKey("area.id"), nullable=False, index=True),
    # exactly one at a time
    Column("gateway_id", Text, ForeignKey("gateway.id"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    *_words("address"),
    Column("lat", Float, nullable=False),
    Column("lon", Float, nullable=False),
    *_words("entry_notes"),
    Column("door_code", Text),
    Column("call_plan_id", Text, ForeignKey("call_plan.id")),
)

resident_table: Final = Table(
    "resident",
    metadata,
    Column("id", Text, primary_key=True),
    Column("home_id", Text, ForeignKey("home.id"), nullable=False, index=True),
    Column("place", Integer, nullable=False, default=1),  # 1: the one to ask for first
    Column("name", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("birth_year", Integer, nullable=False),
    Column("sex", Text, nullable=False),
    Column("lives_alone", Boolean, nullable=False),
    Column("care_level", Integer, nullable=False),
    Column("conditions", JSON, nullable=False),
    Column("hazards", JSON, nullable=False),
)

contact_table: Final = Table(
    "contact",
    metadata,
    Column("home_id", Text, ForeignKey("home.id"), primary_key=True),
    Column("order", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    *_words("relation"),
    Column("phone", Text, nullable=False),
    Column("has_key", Boolean, nullable=False),
)

device_table: Final = Table(
    "device",
    metadata,
    Column("gateway_id", Text, ForeignKey("gateway.id"), primary_key=True),
    # `<convention>:<address>`; of the addresses only Zigbee's are unique in the world
    Column("uid", Text, primary_key=True),
    Column("home_id", Text, ForeignKey("home.id"), index=True),
    Column("topic", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("vendor", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("profile", Text),
    *_words("name"),
    *_words("room"),
    Column("is_sos", Boolean, nullable=False),
)

station_table: Final = Table(
    "station",
    metadata,
    Column("id", Text, primary_key=True),
    Column("area_id", Text, ForeignKey("area.id"), nullable=False),
    *_words("name"),
    Column("phone", Text, nullable=False),
    Column("lat", Float, nullable=False),
    Column("lon", Float, nullable=False),
)

agreement_table: Final = Table(
    "dispatch_agreement",
    metadata,
    Column("station_id", Text, ForeignKey("station.id"), primary_key=True),
    Column("area_id", Text, ForeignKey("area.id"), primary_key=True),
)

responder_table: Final = Table(
    "responder",
    metadata,
    Column("id", Text, primary_key=True),
    Column("station_id", Text, ForeignKey("station.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("skills", JSON, nullable=False),
)

duty_table: Final = Table(
    "duty",
    metadata,
    Column("responder_id", Text, ForeignKey("responder.id"), primary_key=True),
    Column("from_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("to_ms", BigInteger),  # None: until somebody ends it
    Index("ix_duty_to", "to_ms"),
)

revision_table: Final = Table(
    "registry_revision",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # the one row has id 1
    Column("revision", BigInteger, nullable=False),
)

removal_table: Final = Table(
    "removal",  # wanted by one person, carried out by a second one
    metadata,
    Column("id", Text, primary_key=True),
    Column("area_id", Text, ForeignKey("area.id"), nullable=False, index=True),
    Column("reason", Text, nullable=False),
    Column("homes", JSON, nullable=False),  # ids
    Column("residents", JSON, nullable=False),  # ids
    Column("count", JSON, nullable=False),  # what would go, as it was when it was asked for
    Column("state", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_ms", BigInteger, nullable=False),
    Column("decided_by", Text),
    Column("decided_ms", BigInteger, index=True),
    Column("saved", LargeBinary),  # JSON: the rows that went, as long as they can come back
)

sighting_table: Final = Table(
    "unregistered_sighting",
    metadata,
    Column("gateway_id", Text, primary_key=True),
    Column("uid", Text, primary_key=True),
    Column("first_seen_ms", BigInteger, nullable=False),
    Column("last_seen_ms", BigInteger, nullable=False, index=True),
    Column("count", BigInteger, nullable=False),
)

last_value_table: Final = Table(
    "last_value",
    metadata,
    Column("home_id", Text, ForeignKey("home.id"), primary_key=True),
    Column("document", LargeBinary, nullable=False),  # JSON: {device: {measurement: {v, u, at_ms}}}
    Column("at_ms", BigInteger, nullable=False),
)
