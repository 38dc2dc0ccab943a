"""What an account may see and touch. The feed and the requests ask here, so that they agree."""

from collections.abc import Collection, Mapping
from typing import Final

from cloud.durable.feed import Op
from cloud.identity.model import Account
from cloud.identity.policy import Action, Role, permits
from cloud.live.hub import Scope
from cloud.registry.registry import Registry

COLLECTIONS: Final[Mapping[str, Action]] = {
    "alarms": Action.SEE_ALARMS,
    "offers": Action.SEE_OFFERS,
    "units": Action.SEE_UNITS,
}
OF_A_STATION: Final = (Role.STATION, Role.RESPONDER)


def scope_of(
    registry: Registry, account: Account, wanted: Collection[str] = tuple(COLLECTIONS)
) -> Scope:
    """Everything below the account's area, or what concerns its station. May read the store.

    An account that has neither area nor station sees nothing.
    """
    permitted = frozenset(
        each for each in wanted if each in COLLECTIONS and permits(account.role, COLLECTIONS[each])
    )
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


def sees(scope: Scope, collection: str, area: str, station: str | None = None) -> bool:
    """Whether a thing of this area and station is for the account's eyes."""
    return scope.sees(Op("put", collection, "", 0, area=area, station=station))  # type: ignore[arg-type]
