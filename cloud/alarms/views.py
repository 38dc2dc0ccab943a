"""The alarm as pages get it: its own JSON without what only the machine needs."""

from typing import Any, Final

import msgspec

from cloud.alarms.model import Alarm

INNER: Final = ("fold_key", "rule", "area_code", "offer_id", "closed_at_ms")
_encode = msgspec.json.Encoder().encode
_SHOWN: Final = tuple(name for name in Alarm.__struct_fields__ if name not in INNER)


def alarm_view(alarm: Alarm) -> dict[str, Any]:
    """The fields of the interface, in order."""
    return {name: getattr(alarm, name) for name in _SHOWN}


def alarm_json(alarm: Alarm) -> bytes:
    """Encoded once for the feed and everybody who listens."""
    return _encode(alarm_view(alarm))
