"""The demo's registry from config/demo/: areas, stations, and the homes with their gateway.

Entering it again changes nothing; nothing is ever removed by it.
"""

from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from cloud.dictionary import BadConfiguration, read_as
from cloud.registry.cards import DeviceCard, HomeKind
from cloud.registry.entries import (
    AreaEntry,
    CallPlanEntry,
    DeviceEntry,
    GatewayEntry,
    HomeEntry,
    StationEntry,
)
from cloud.registry.service import Edit
from cloud.storage.unit import Work
from cloud.words import Words


class _Areas(Struct, frozen=True):
    areas: tuple[AreaEntry, ...]


class _Stations(Struct, frozen=True):
    stations: tuple[StationEntry, ...]


class Community(Struct, frozen=True):
    """Homes that share one gateway and one Zigbee2MQTT bridge; the shape of homes.yaml."""

    gateway: str
    base_topic: str
    community: AreaEntry
    rooms: dict[str, Words]
    kinds: dict[str, Words]
    call_plans: tuple[CallPlanEntry, ...]
    homes: tuple[HomeEntry, ...]

    def device_card(self, home_id: str, entry: DeviceEntry) -> DeviceCard:
        """The device as the registry keeps it. Raises KeyError where room or kind has no name."""
        return DeviceCard(
            uid=f"z2m:{entry.ieee}",
            gateway_id=self.gateway,
            home_id=home_id,
            topic=f"{self.base_topic}/{entry.friendly_name}",
            key=entry.key,
            kind=entry.kind,
            vendor=entry.vendor,
            model=entry.model,
            name=self.kinds[entry.kind],
            room=self.rooms[entry.room],
            profile=entry.profile,
            is_sos=entry.is_sos,
        )


class Demo(Struct, frozen=True):
    """Everything that the demo enters."""

    areas: tuple[AreaEntry, ...]
    stations: tuple[StationEntry, ...]
    community: Community


def read_demo(config_dir: Path, homes_max: int | None = None) -> Demo:
    """The files of `<config_dir>/demo`, of its homes the first ones.

    Raises BadConfiguration, naming the file and the place.
    """
    folder = config_dir / "demo"
    homes = folder / "homes.yaml"
    community = read_as(homes, Community)
    for home in community.homes:
        for device in home.devices:
            if device.kind not in community.kinds or device.room not in community.rooms:
                raise BadConfiguration(
                    f"{homes}: {home.id}, device {device.key}: its kind '{device.kind}' or room"
                    f" '{device.room}' has no name; add it to kinds or rooms"
                )
    return Demo(
        areas=read_as(folder / "areas.yaml", _Areas).areas,
        stations=read_as(folder / "stations.yaml", _Stations).stations,
        community=replace(community, homes=community.homes[:homes_max]),
    )


def apply_demo(work: Work, demo: Demo) -> None:
    """Enter it, in one edit. Its homes are of kind `simulated`."""
    town = demo.community
    with Edit(work) as edit:
        for area in (*demo.areas, town.community):
            edit.area(area)
        edit.gateway(GatewayEntry(town.gateway, town.community.id, town.community.name))
        for plan in town.call_plans:
            edit.call_plan(plan)
        for home in town.homes:
            edit.home(town.gateway, replace(home, kind=HomeKind.SIMULATED))
            for device in home.devices:
                edit.device(town.device_card(home.id, device))
        for station in demo.stations:
            edit.station(station)


def load_demo(work: Work, config_dir: Path, homes_max: int | None = None) -> None:
    """Read and enter the demo's registry. Raises BadConfiguration."""
    apply_demo(work, read_demo(config_dir, homes_max))
