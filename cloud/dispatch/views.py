"""Offers, units, candidates and stations as pages get them. Reads the registry, changes nothing."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from cloud.alarms.commands import OfferRef
from cloud.alarms.model import Alarm, Person
from cloud.dispatch.model import UNDER_WAY, Offer, OfferState
from cloud.dispatch.ranking import Candidate
from cloud.registry.cards import ContactCard, HomeCard, ResponderCard, StationCard
from cloud.registry.registry import Registry
from cloud.registry.store import door_code_of
from cloud.storage.unit import Work
from cloud.words import Dictionary

DOOR_CODE_STATES: Final = frozenset({OfferState.ACCEPTED, OfferState.DEPARTED})
_TOLD: Final = ("no", "kind", "severity", "say", "home", "resident", "device")
_INNER: Final = ("station_id", "responder_id", "ended_at_ms")
_SHOWN: Final = tuple(name for name in Offer.__struct_fields__ if name not in _INNER)


def station_person(registry: Registry, station_id: str) -> Person:
    """A station by name; its id where it is no longer registered."""
    card = registry.station_card(station_id)
    if card is None:
        return Person(station_id, station_id, station_id)
    return Person(card.id, card.name.zh, card.name.en)


def responder_person(registry: Registry, responder_id: str | None) -> Person | None:
    """A responder by name."""
    if responder_id is None:
        return None
    card = registry.responder_card(responder_id)
    return _named(card) if card else Person(responder_id, responder_id, responder_id)


def offer_ref(registry: Registry, offer: Offer) -> OfferRef:
    """What the alarm's history keeps of it."""
    return OfferRef(
        offer.id,
        station_person(registry, offer.station_id),
        responder_person(registry, offer.responder_id),
        offer.attempt,
        offer.travel_s,
    )


def short_view(registry: Registry, offer: Offer) -> dict[str, Any]:
    """The offer without its copy of the alarm."""
    return {name: getattr(offer, name) for name in _SHOWN} | {
        "station": station_person(registry, offer.station_id),
        "responder": responder_person(registry, offer.responder_id),
    }


def short_json(registry: Registry, offer: Offer) -> msgspec.Raw:
    """`short_view`, encoded."""
    return msgspec.Raw(msgspec.json.encode(short_view(registry, offer)))


def offer_view(
    work: Work, registry: Registry, offer: Offer, alarm: Alarm, *, is_for_station: bool
) -> dict[str, Any]:
    """The offer with what its people need to know of the alarm.

    is_for_station: with the door code between acceptance and arrival; operators look at it by
    Reveal, which is written down.
    """
    home = registry.home_card(alarm.home.id) if alarm.home else None
    is_told = is_for_station and home is not None and offer.state in DOOR_CODE_STATES
    code = door_code_of(work, home.id) if is_told and home else None
    contacts = registry.contacts_of(home.id) if home and offer.state in UNDER_WAY else ()
    told = {name: getattr(alarm, name) for name in _TOLD} | _health(home, alarm)
    return short_view(registry, offer) | {
        "alarm": told
        | {
            "entry_notes": home.entry_notes if home else None,
            "door_code": code,
            "contacts": [contact_view(each) for each in contacts],
        }
    }


def candidate_view(
    candidate: Candidate, station: StationCard, free: Iterable[ResponderCard], words: Dictionary
) -> dict[str, Any]:
    """A station that could be asked. responder: who would probably go."""
    first = next(iter(free), None)
    reasons = [words.say(f"dispatch.{each.key}", **each.facts) for each in candidate.reasons]
    return {
        "station": station_view(station),
        "distance_m": candidate.distance_m,
        "travel_s": candidate.travel_s,
        "on_duty": candidate.on_duty,
        "free": candidate.free,
        "load": candidate.load,
        "recommended": candidate.is_recommended,
        "reasons": reasons,
        "responder": _named(first) if first else None,
    }


def unit_view(
    person: ResponderCard, station: StationCard, *, state: str, is_on_duty: bool, rev: int
) -> dict[str, Any]:
    """A responder as the map has them: at their station, for nobody is tracked."""
    return {
        "id": person.id,
        "name": person.name,
        "name_en": person.name_en,
        "station_id": station.id,
        "on_duty": is_on_duty,
        "state": state,
        "lat": station.lat,
        "lon": station.lon,
        "rev": rev,
    }


def station_view(card: StationCard) -> dict[str, Any]:
    """A station with its telephone and place."""
    name = {"name": card.name.zh, "name_en": card.name.en}
    return {"id": card.id, **name, "phone": card.phone, "lat": card.lat, "lon": card.lon}


def contact_view(card: ContactCard) -> dict[str, Any]:
    """Somebody who may be called."""
    return {
        "order": card.order,
        "name": card.name,
        "name_en": card.name_en,
        "relation": card.relation.zh,
        "relation_en": card.relation.en,
        "phone": card.phone,
        "has_key": card.has_key,
    }


def _named(card: ResponderCard) -> Person:
    return Person(card.id, card.name, card.name_en)


def _health(home: HomeCard | None, alarm: Alarm) -> dict[str, Any]:
    """What the resident suffers from, and what to beware of."""
    people = home.residents if home else ()
    wanted = alarm.resident.id if alarm.resident else None
    card = next((each for each in people if each.id == wanted), None)
    return {
        "hazards": card.hazards if card else (),
        "conditions": card.conditions if card else (),
    }
