"""What an account may see: as a condition of queries, and as a look at one change of the feed.

The only place that knows it. Requests, snapshots and the feed all ask here, so that they agree;
queries take a scope, so that nothing is read first and left out later.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import ColumnElement, and_, false, or_, select, true

from cloud.durable.feed import Op
from cloud.identity.consent import Purpose, standing_homes
from cloud.identity.model import Account
from cloud.identity.policy import Action, Role, permits
from cloud.registry.model import gateway_table
from cloud.registry.registry import Registry

COLLECTIONS: Final[Mapping[str, Action]] = {
    "alarms": Action.SEE_ALARMS,
    "offers": Action.SEE_OFFERS,
    "units": Action.SEE_UNITS,
}
OF_A_STATION: Final = (Role.STATION, Role.RESPONDER)
Column = ColumnElement[Any]


class Scope(Struct, frozen=True):
    """What an account may see: areas (None: the whole cell), or what concerns one station, or the
    homes whose residents have consented that this family account looks. collections: of the feed.
    """

    areas: frozenset[str] | None
    station: str | None
    collections: frozenset[str]
    family: str | None = None

    def sees(self, op: Op) -> bool:
        """Whether this change concerns the account."""
        return op.coll in self.collections and self.covers(op.area, op.station)

    def covers(self, area: str, station: str | None = None) -> bool:
        """Whether a thing of this area and station is the account's; `rows` says it in SQL.

        A thing without an area (an alarm of a gateway that nobody knows) is for every area.
        """
        if self.family is not None:
            return False
        if self.station is not None:
            return station == self.station
        return self.areas is None or (bool(self.areas) and (not area or area in self.areas))

    def rows(self, area: Column, station: Column | None = None) -> Column:
        """The condition for rows with these columns."""
        if self.family is not None:
            return false()
        if self.station is not None:
            return false() if station is None else station == self.station
        if self.areas is None:
            return true()
        return or_(area.in_(sorted(self.areas)), area == "") if self.areas else false()

    def homes(self, home: Column, area: Column, purpose: Purpose = Purpose.SEE_HOME) -> Column:
        """As `rows`, for rows of homes: a family's are those where a consent stands."""
        if self.family is None:
            return self.rows(area)
        return home.in_(standing_homes(self.family, purpose))

    def gateways(self, gateway: Column) -> Column:
        """As `rows`, for rows that only name a gateway; an unknown one is for every area."""
        c = gateway_table.c
        theirs = gateway.in_(select(c.id).where(self.rows(c.area_id)))
        is_unknown = and_(gateway.not_in(select(c.id)), true() if self.covers("") else false())
        return or_(theirs, is_unknown)


WHOLE: Final = Scope(None, None, frozenset())


def scope_of(
    registry: Registry, account: Account, wanted: Collection[str] = tuple(COLLECTIONS)
) -> Scope:
    """Everything below the account's area, or what concerns its station. May read the store.

    An account that has neither area nor station sees nothing.
    """
    permitted = frozenset(
        each for each in wanted if each in COLLECTIONS and permits(account.role, COLLECTIONS[each])
    )
    if account.role is Role.FAMILY:
        return Scope(frozenset(), None, permitted, account.id)
    if account.role in OF_A_STATION:
        return Scope(frozenset(), station_of(registry, account), permitted)
    if account.area_id is None:
        return Scope(frozenset(), None, frozenset())
    return Scope(registry.areas_under(account.area_id), None, permitted)


def station_of(registry: Registry, account: Account) -> str:
    """The station that an account works for; an empty text, which is no station, where none."""
    if account.station_id is not None:
        return account.station_id
    responder = registry.responder_card(account.responder_id) if account.responder_id else None
    return responder.station_id if responder else ""
