"""Offers in the store, one row each, and what the feed was last told of each responder."""

from typing import Final, NamedTuple

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    insert,
    select,
    true,
    update,
)

from cloud.alarms.errors import NotFound, StaleRevision
from cloud.dispatch.model import Offer
from cloud.identity.scope import Scope
from cloud.storage.schema import metadata
from cloud.storage.unit import Work

offer_table: Final = Table(
    "offer",
    metadata,
    Column("id", Text, primary_key=True),
    Column("alarm_id", Text, nullable=False),
    Column("station_id", Text, nullable=False),
    Column("area_code", Text, nullable=False),  # the alarm's, for the scope of operators
    Column("is_open", Boolean, nullable=False),
    Column("offered_at_ms", BigInteger, nullable=False),
    Column("rev", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("ix_offer_open", "is_open", "station_id"),
    Index("ix_offer_alarm", "alarm_id"),
)
unit_table: Final = Table(
    "unit",
    metadata,
    Column("id", Text, primary_key=True),  # the responder's
    Column("rev", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("is_on_duty", Boolean, nullable=False),
)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Offer).decode


class UnitRow(NamedTuple):
    """What the feed was last told of a responder."""

    rev: int
    state: str
    is_on_duty: bool


def insert_offer(work: Work, offer: Offer, area_code: str) -> None:
    """A new offer."""
    work.execute(
        insert(offer_table).values(
            id=offer.id,
            alarm_id=offer.alarm_id,
            station_id=offer.station_id,
            area_code=area_code,
            is_open=True,
            offered_at_ms=offer.offered_at_ms,
            rev=offer.rev,
            body=_encode(offer),
        )
    )


def save_offer(work: Work, before: Offer, offer: Offer) -> None:
    """The offer after a step. Raises StaleRevision where somebody was in between."""
    row = (offer_table.c.id == offer.id) & (offer_table.c.rev == before.rev)
    values = {"is_open": offer.is_open, "rev": offer.rev, "body": _encode(offer)}
    if work.execute(update(offer_table).where(row).values(values)).rowcount != 1:
        raise StaleRevision(f"offer {offer.id} was changed by somebody else; read it again")


def find_offer(work: Work, offer_id: str) -> Offer | None:
    """The offer of this id."""
    body = work.execute(select(offer_table.c.body).where(offer_table.c.id == offer_id)).scalar()
    return None if body is None else _decode(body)


def get_offer(work: Work, offer_id: str) -> Offer:
    """As `find_offer`. Raises NotFound."""
    return _found(offer_id, find_offer(work, offer_id))


def get_own(work: Work, offer_id: str, station_id: str) -> Offer:
    """As `get_offer`; another station's does not exist for who asks. Raises NotFound."""
    c = offer_table.c
    own = select(c.body).where(c.id == offer_id, c.station_id == station_id)
    body = work.execute(own).scalar()
    return _found(offer_id, None if body is None else _decode(body))


def offers_of_alarm(work: Work, alarm_id: str) -> list[Offer]:
    """Every offer that was made of an alarm, first attempt first."""
    c = offer_table.c
    rows = work.execute(select(c.body).where(c.alarm_id == alarm_id))
    return sorted((_decode(row.body) for row in rows), key=lambda offer: offer.attempt)


def open_offers(work: Work, station_id: str | None = None) -> list[Offer]:
    """Open offers of one station or all, oldest first: for what happens by itself."""
    return _open(work, true() if station_id is None else offer_table.c.station_id == station_id)


def open_offers_seen(work: Work, scope: Scope) -> list[Offer]:
    """Offers that have not ended and are for the scope's eyes, oldest first."""
    return _open(work, scope.rows(offer_table.c.area_code, offer_table.c.station_id))


def _open(work: Work, condition: ColumnElement[bool]) -> list[Offer]:
    c = offer_table.c
    found = select(c.body).where(c.is_open.is_(True), condition)
    rows = work.execute(found.order_by(c.offered_at_ms, c.id))
    return [_decode(row.body) for row in rows]


def _found(offer_id: str, offer: Offer | None) -> Offer:
    if offer is None:
        raise NotFound(f"there is no offer {offer_id}", id=offer_id)
    return offer


def unit_rows(work: Work, responder_ids: list[str]) -> dict[str, UnitRow]:
    """What the feed was told, by responder."""
    c = unit_table.c
    rows = work.execute(select(unit_table).where(c.id.in_(responder_ids)))
    return {row.id: UnitRow(row.rev, row.state, row.is_on_duty) for row in rows}


def keep_unit(work: Work, responder_id: str, row: UnitRow) -> None:
    """What the feed is told now."""
    values = row._asdict()
    known = update(unit_table).where(unit_table.c.id == responder_id).values(values)
    if work.execute(known).rowcount == 0:
        work.execute(insert(unit_table).values(id=responder_id, **values))
