"""Devices that were heard but are not registered: counted and shown, never silently ignored."""

from typing import Final

from msgspec import Struct
from sqlalchemy import ColumnElement, exists, func, insert, select, update

from cloud.registry.model import device_table, sighting_table
from cloud.storage.unit import Work

SIGHTINGS_OF_GATEWAY_MAX: Final = 1000  # a gateway that invents addresses must not fill the store

BRIDGE: Final = "/bridge"  # of one that tells of itself: no device that anybody could register


class Sighting(Struct, frozen=True):
    """An unregistered device at a gateway."""

    gateway_id: str
    uid: str
    first_seen_ms: int
    last_seen_ms: int
    times: int


def saw_unregistered(work: Work, gateway_id: str, uid: str, count: int = 1) -> bool:
    """Count messages of an unregistered device; False where the gateway has too many of them."""
    if uid.endswith(BRIDGE):
        return True
    c = sighting_table.c
    again = update(sighting_table).where(c.gateway_id == gateway_id, c.uid == uid)
    if work.execute(again.values(last_seen_ms=work.now_ms, count=c["count"] + count)).rowcount:
        return True
    known = select(func.count()).select_from(sighting_table).where(c.gateway_id == gateway_id)
    if work.execute(known).scalar_one() >= SIGHTINGS_OF_GATEWAY_MAX:
        return False
    work.execute(
        insert(sighting_table).values(
            gateway_id=gateway_id,
            uid=uid,
            first_seen_ms=work.now_ms,
            last_seen_ms=work.now_ms,
            count=count,
        )
    )
    return True


def unregistered(work: Work, condition: ColumnElement[bool], limit: int = 200) -> list[Sighting]:
    """Those that meet the condition and have not been registered since, newest first."""
    c, known = sighting_table.c, device_table.c
    is_known = exists().where(known.gateway_id == c.gateway_id, known.uid == c.uid)
    columns = (c.gateway_id, c.uid, c.first_seen_ms, c.last_seen_ms, c["count"].label("times"))
    query = select(*columns).where(condition, ~is_known)
    rows = work.execute(query.order_by(c.last_seen_ms.desc(), c.uid).limit(limit))
    return [
        Sighting(row.gateway_id, row.uid, row.first_seen_ms, row.last_seen_ms, row.times)
        for row in rows
    ]
