"""Where an alarm is, as the registry has it now."""

from cloud.alarms.model import DeviceCard, HomeCard, Where
from cloud.alarms.views import resident_of
from cloud.registry import cards
from cloud.registry.registry import Registry


def where_of(home: cards.HomeCard | None, device: cards.DeviceCard | None, now_ms: int) -> Where:
    """A home and a device in it; what nobody has registered stays empty."""
    spoke = DeviceCard(device.uid, device.name, device.room) if device else None
    if home is None:
        return Where(device=spoke)
    return Where(
        home=HomeCard(home.id, home.address, home.area, home.lat, home.lon, home.kind.value),
        resident=resident_of(home, now_ms),
        device=spoke,
        area_code=home.area_id,
    )


def where_of_gateway(
    registry: Registry,
    gateway: str,
    home: cards.HomeCard | None,
    device: cards.DeviceCard | None,
    now_ms: int,
) -> Where:
    """A gateway: at its only home, else in its area."""
    if home is None and (only := registry.home_of_gateway(gateway)):
        home = registry.home_card(only)
    where, card = where_of(home, device, now_ms), registry.gateway_card(gateway)
    if home is None and card is not None:
        where = Where(area_code=card.area_path[-1])
    return where
