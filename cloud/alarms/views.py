"""The alarm as pages get it: its own JSON without what only the machine needs."""

from typing import Any, Final

import msgspec

from cloud.alarms.model import Alarm, ResidentCard
from cloud.registry.cards import HomeCard

INNER: Final = ("fold_key", "rule", "area_code", "offer_id", "closed_at_ms")
SEX: Final = {"f": "female", "m": "male"}  # the registry's letter → the pages' word
_encode = msgspec.json.Encoder().encode
_SHOWN: Final = tuple(name for name in Alarm.__struct_fields__ if name not in INNER)


def resident_of(home: HomeCard, now_ms: int) -> ResidentCard | None:
    """Whom an alarm of this home is about, as pages name them."""
    card = home.resident
    if card is None:
        return None
    age, sex = card.age_at(now_ms), SEX[card.sex]
    return ResidentCard(card.id, card.name, card.name_en, age, sex, card.lives_alone)


def alarm_view(alarm: Alarm) -> dict[str, Any]:
    """The fields of the interface, in order."""
    return {name: getattr(alarm, name) for name in _SHOWN}


def alarm_json(alarm: Alarm) -> bytes:
    """Encoded once for the feed and everybody who listens."""
    return _encode(alarm_view(alarm))
