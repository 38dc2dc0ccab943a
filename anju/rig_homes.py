"""The homes and devices of a rig's run, as an installation's registry would have them."""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from anju.site import FIRST_HOME
from cloud.registry.cards import DeviceCard
from cloud.registry.entries import GatewayEntry, HomeEntry, ResidentEntry
from cloud.registry.registry import Registry
from cloud.registry.service import Edit
from cloud.storage.unit import Work
from cloud.words import Words
from contract.messages import RegisteredDevice


def enter_homes(
    work: Work, registry: Registry, gateway: str, devices: Sequence[RegisteredDevice]
) -> None:
    """Behind one gateway, all where the demo's first home stands, which must be there."""
    near = registry.home_card(FIRST_HOME)
    assert near is not None  # noqa: S101 - the demo has it
    place = HomeEntry(FIRST_HOME, near.area_id, near.address, near.lat, near.lon)
    with Edit(work) as edit:
        edit.gateway(GatewayEntry(gateway, near.area_id, Words(gateway, gateway)))
        for home in _homes_of(devices):
            edit.home(gateway, _home(place, home))
        for device in devices:
            edit.device(_card(gateway, device))


def _homes_of(devices: Iterable[RegisteredDevice]) -> Iterable[str]:
    return dict.fromkeys(device.home for device in devices)


def _home(near: HomeEntry, home_id: str) -> HomeEntry:
    resident = ResidentEntry(f"pe-{home_id}", home_id, home_id, age=80, sex="f", lives_alone=True)
    where = Words(home_id, home_id)
    return replace(near, id=home_id, address=where, residents=(resident,))


def _card(gateway: str, device: RegisteredDevice) -> DeviceCard:
    return DeviceCard(
        uid=device.id,
        gateway_id=gateway,
        home_id=device.home,
        topic=device.topic,
        key=device.id,
        kind="button" if device.is_sos else "climate",
        vendor=device.vendor,
        model=device.model,
        name=Words(device.id, device.id),
        room=Words(device.home, device.home),
        is_sos=device.is_sos,
    )
