"""One alarm with everything that an operator needs at hand, put together from the rooms."""

from typing import Any, Final

import msgspec

from cloud.alarms import store
from cloud.alarms.events import AlarmRaised, Event
from cloud.alarms.model import Alarm
from cloud.alarms.store import HistoryRow
from cloud.alarms.views import alarm_view
from cloud.dispatch.views import contact_view
from cloud.registry.cards import DeviceCard, HomeCard
from cloud.registry.last_values import LastValue, last_seen_ms, last_values
from cloud.registry.registry import Registry
from cloud.storage.unit import Work
from cloud.web.shapes import AlarmDetail, DeviceShown, HistoryEntry, ResidentShown
from contract.vocabulary import Measurement

_OWN: Final = ("type", "at_ms", "by")  # what a history entry says of every event


def detail(
    work: Work, registry: Registry, alarm: Alarm, offers: list[dict[str, Any]]
) -> AlarmDetail:
    """The alarm, and its home as the registry has it today."""
    home = registry.home_card(alarm.home.id) if alarm.home else None
    return AlarmDetail(
        alarm=alarm_view(alarm),
        history=[_entry(row) for row in store.history(work, alarm.id)],
        contacts=[contact_view(each) for each in registry.contacts_of(home.id)] if home else [],
        resident=_resident(alarm, home),
        devices=devices_of(work, registry, home) if home else [],
        call_plan=home.call_plan if home else (),
        offers=offers,
        entry_notes=home.entry_notes if home else None,
    )


def _entry(row: HistoryRow) -> HistoryEntry:
    event = row.event
    fields = ((name, getattr(event, name)) for name in event.__struct_fields__)
    data = {name: _told(event, name, value) for name, value in fields if name not in _OWN}
    tag = str(type(event).__struct_config__.tag)
    return HistoryEntry(row.n, event.at_ms, tag, event.by, data)


def _told(event: Event, name: str, value: Any) -> Any:
    if isinstance(event, AlarmRaised) and name == "alarm":
        return alarm_view(event.alarm)
    return value


def _resident(alarm: Alarm, home: HomeCard | None) -> ResidentShown | None:
    """As the alarm names the resident; conditions and hazards as they are known today."""
    if alarm.resident is None:
        return None
    known = home.residents if home else ()
    card = next((each for each in known if each.id == alarm.resident.id), None)
    return ResidentShown(
        **msgspec.structs.asdict(alarm.resident),
        conditions=card.conditions if card else (),
        hazards=card.hazards if card else (),
    )


def devices_of(work: Work, registry: Registry, home: HomeCard) -> list[DeviceShown]:
    """A home's devices, each with its battery and when it was last heard."""
    values = last_values(work, home.id)
    return [_device(card, values.get(card.uid, {})) for card in registry.devices_of(home.id)]


def _device(card: DeviceCard, values: dict[str, LastValue]) -> DeviceShown:
    battery = values.get(Measurement.BATTERY)
    return DeviceShown(
        uid=card.uid,
        name=card.name,
        room=card.room,
        model=card.model,
        battery=battery.v if battery and isinstance(battery.v, int | float) else None,
        last_seen_ms=last_seen_ms(values),
    )
