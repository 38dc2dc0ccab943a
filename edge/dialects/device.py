"""What a Zigbee2MQTT device says: by its profile, else its exposes, else the field's name. Pure."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import msgspec

from contract.lanes import Quality
from contract.vocabulary import SPECS, Kind, Measurement
from edge.dialects.exposes import meaning_of
from edge.dialects.telling import EMERGENCIES, PRESSES, TESTED, WORD_CHARS_MAX, Device
from edge.dialects.values import ON, instant_ms, spoken
from edge.meaning import Heard, Reading, Unreadable, Value, heard, quality_of

_CALLS: Final = frozenset({"action", "sos", "sos_alarm"})  # fields that may be a call for help
_NO_ACTION: Final = frozenset({"", "none"})  # sent after a press by Zigbee2MQTT before 2.0
# Zigbee2MQTT before 2.0: `illuminance` is the raw measure, `illuminance_lux` the light.
_RAW_BESIDE: Final = {"illuminance": "illuminance_lux"}


class Said(NamedTuple):
    """One thing that a field says."""

    measurement: Measurement
    value: Value
    channel: str | None = None


def told(
    convention: str,
    device: Device,
    fields: Mapping[str, object],
    *,
    is_retained: bool,
    has_own_topic: bool = False,
) -> Heard:
    """What one message says. has_own_topic: the field was a topic, not part of a JSON object."""
    time_ms = instant_ms(fields.get("last_seen"))
    is_test = spoken(fields.get("test")) in ON
    readings: list[Reading] = []
    ignored: list[str] = []
    unreadable = None
    for name, raw in fields.items():
        if raw is None or _RAW_BESIDE.get(name) in fields:
            continue
        if name == "action" and spoken(raw) in _NO_ACTION:
            ignored.append("action_empty")
            continue
        said = said_by(device, name, raw)
        if not said and name in _CALLS:
            unreadable = Unreadable(device.uid, f"its field {name} cannot be understood")
        readings.extend(
            Reading(
                device=device.uid,
                measurement=each.measurement,
                value=each.value,
                unit=SPECS[each.measurement].unit,
                path=f"/{name}" if has_own_topic else name,
                channel=each.channel,
                quality=_quality(each, is_test=is_test),
                time_ms=time_ms,
                time_quality="received" if time_ms is None else "device",
                retained=is_retained,
            )
            for each in said
        )
    return heard(convention, _apart(readings), ignored, unreadable if device.is_known else None)


def said_by(device: Device, name: str, raw: object) -> tuple[Said, ...]:
    """What one field says; nothing for a field or value without a meaning of ours."""
    meant = None if device.profile is None else device.profile.meaning_of(name, raw)
    if meant is not None:
        return tuple(Said(measurement, value) for measurement, value in meant.items())
    if name == "action":
        return _action(device, raw)
    meaning = meaning_of(name, device.features)
    if meaning is None:
        return ()
    value = meaning.value_of(raw)
    return () if value is None else (Said(meaning.measurement, value, meaning.channel),)


def _action(device: Device, raw: object) -> tuple[Said, ...]:
    """A call for help, else a button. Of a call button that knows only presses, each is a call."""
    if not isinstance(raw, str) or len(raw) > WORD_CHARS_MAX:
        return ()
    word = raw.strip().casefold()
    if word in EMERGENCIES or (
        device.is_sos and word.partition("_")[0] in PRESSES and not _has_emergency(device)
    ):
        return (Said(Measurement.SOS, True),)
    return (Said(Measurement.BUTTON, raw),)


def _has_emergency(device: Device) -> bool:
    feature = device.features.get("action")
    return feature is not None and not EMERGENCIES.isdisjoint(map(spoken, feature.values))


def _quality(said: Said, *, is_test: bool) -> Quality:
    if is_test and said.measurement in TESTED:
        return Quality.TEST
    return quality_of(said.measurement, said.value)


def _apart(readings: list[Reading]) -> Iterator[Reading]:
    """Of two fields that mean the same (occupancy, presence) one gets its name as channel."""
    named = {(r.measurement, r.channel) for r in readings if r.path == r.measurement.value}
    seen: set[tuple[Measurement, str | None]] = set()
    for reading in readings:
        key = (reading.measurement, reading.channel)
        is_first = reading.path == reading.measurement.value if key in named else key not in seen
        seen.add(key)
        if is_first or SPECS[reading.measurement].kind is Kind.EVENT:
            yield reading
        else:
            yield msgspec.structs.replace(reading, channel=reading.path)
