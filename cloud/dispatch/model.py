"""What an offer is. Frozen; JSON of the offer is made in views."""

from enum import StrEnum
from typing import Any, Final

from msgspec import Struct


class OfferState(StrEnum):
    """Where an offer stands."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    DEPARTED = "departed"
    ARRIVED = "arrived"
    REPORTED = "reported"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


UNDER_WAY: Final = frozenset({OfferState.ACCEPTED, OfferState.DEPARTED, OfferState.ARRIVED})
ENDED: Final = frozenset(
    {OfferState.REPORTED, OfferState.DECLINED, OfferState.EXPIRED, OfferState.WITHDRAWN}
)
DECLINE_REASONS: Final = ("busy", "too_far", "not_qualified", "vehicle", "other")
REPORT_WORDS: Final = {
    "found": ("conscious_ok", "injured", "unwell", "unconscious", "not_home", "no_entry"),
    "action": ("helped_up", "first_aid", "called_120", "reassured", "none"),
    "handover": ("family", "hospital", "stays_home", "neighbour"),
    "follow_up": ("none", "visit_today", "doctor", "device_check"),
}
TEXT_CHARS_MAX: Final = 2000


class Offer(Struct, frozen=True, kw_only=True):
    """An alarm offered to a station. attempt: the how-manieth of its alarm; rank: of its station.

    responder_id: None until somebody has accepted, or where it was offered to nobody by name.
    """

    id: str
    alarm_id: str
    station_id: str
    offered_at_ms: int
    expires_at_ms: int
    distance_m: int
    travel_s: int
    rank: int
    attempt: int
    state: OfferState = OfferState.OFFERED
    rev: int = 1
    responder_id: str | None = None
    accepted_at_ms: int | None = None
    departed_at_ms: int | None = None
    arrived_at_ms: int | None = None
    reported_at_ms: int | None = None
    ended_at_ms: int | None = None
    decline_reason: str | None = None
    report: dict[str, Any] | None = None

    @property
    def is_open(self) -> bool:
        """Somebody still has to answer or to do something."""
        return self.state not in ENDED


class Crew(Struct, frozen=True):
    """Who answers an offer: a station, and which of its people.

    responder_id None: the station's tablet, which speaks for whoever goes.
    """

    station_id: str
    responder_id: str | None = None
