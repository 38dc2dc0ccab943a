"""Who could go: what the registry, the way and the open offers say of each station, ranked."""

from typing import Final, NamedTuple

from cloud.alarms.model import Alarm
from cloud.dispatch import store
from cloud.dispatch.model import UNDER_WAY, OfferState
from cloud.dispatch.ranking import Candidate, Standing, rank
from cloud.registry.cards import ResponderCard, StationCard
from cloud.registry.registry import Registry
from cloud.storage.unit import Work
from cloud.travel.estimate import Place, Travel

STATIONS_MAX: Final = 30  # nearest first; a district has tens
_REFUSED: Final = (OfferState.DECLINED, OfferState.EXPIRED)


class Pick(NamedTuple):
    """A ranked station. free: its people who are on duty and have no case."""

    candidate: Candidate
    station: StationCard
    free: tuple[ResponderCard, ...]


def find_picks(work: Work, registry: Registry, travel: Travel, alarm: Alarm) -> list[Pick]:
    """Best first; nobody where the alarm's home is not known."""
    home = registry.home_card(alarm.home.id) if alarm.home else None
    if home is None:
        return []
    offers = store.offers_of_alarm(work, alarm.id)
    asked = {offer.station_id for offer in offers if offer.state in _REFUSED}
    place = Place(home.lat, home.lon)
    standings: list[Standing] = []
    found: dict[str, tuple[StationCard, tuple[ResponderCard, ...]]] = {}
    for near in registry.stations_near(home.lat, home.lon, home.area_path, STATIONS_MAX):
        station, free = near.station, free_people(work, registry, near.station.id)
        found[station.id] = station, free
        standings.append(
            Standing(
                station.id,
                near.distance_m,
                travel.seconds(Place(station.lat, station.lon), place),
                on_duty=len(registry.responders_on_duty(station.id, work.now_ms)),
                free=len(free),
                load=len(store.open_offers(work, station.id)),
                is_own_area=near.is_own_area,
                has_been_asked=station.id in asked,
                skills=frozenset(skill for each in free for skill in each.skills),
            )
        )
    return [Pick(each, *found[each.station_id]) for each in rank(standings)]


def free_people(work: Work, registry: Registry, station_id: str) -> tuple[ResponderCard, ...]:
    """Who of a station is on duty and has no case."""
    offers = store.open_offers(work, station_id)
    busy = {offer.responder_id for offer in offers if offer.state in UNDER_WAY}
    on_duty = registry.responders_on_duty(station_id, work.now_ms)
    return tuple(each for each in on_duty if each.id not in busy)
