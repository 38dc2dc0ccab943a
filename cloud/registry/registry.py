"""The registry as the alarm path reads it: cards in memory, loaded at need, forgotten at change.

A lookup sees what is committed, not what the caller's own transaction has just entered.
"""

import threading
from collections.abc import Callable, Collection, Hashable
from typing import Any, Final, Generic, Protocol, TypeVar

from cloud.registry import store
from cloud.registry.cards import (
    AreaCard,
    ContactCard,
    DeviceCard,
    GatewayCard,
    HomeCard,
    ResponderCard,
    StationCard,
    StationNear,
)
from cloud.registry.events import RegistryChanged
from cloud.storage.bus import Bus
from cloud.storage.unit import Work
from cloud.travel.estimate import Place, great_circle_m
from contract.messages import Config, RegisteredDevice

CARDS_MAX: Final = 50_000  # of each kind in memory; the ones loaded first make room
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
T = TypeVar("T")


class Reader(Protocol):
    """Runs a function on what is committed; `Store.read` is one."""

    def __call__(self, fn: Callable[[Work], T], /) -> T:
        """The function's result."""


class _Shelf(Generic[K, V]):
    """Cards by key. What was being read while its key was forgotten is given out, but not kept."""

    def __init__(self, load: Callable[[K], V]) -> None:
        self._load = load
        self._cards: dict[K, V] = {}
        self._forgotten = 0
        self._lock = threading.Lock()

    def get(self, key: K) -> V:
        try:
            return self._cards[key]
        except KeyError:
            forgotten = self._forgotten
        card = self._load(key)
        with self._lock:
            if forgotten == self._forgotten:
                if len(self._cards) >= CARDS_MAX:
                    del self._cards[next(iter(self._cards))]
                self._cards[key] = card
        return card

    def forget(self, keys: Collection[K] | None = None) -> None:
        """These, or all."""
        with self._lock:
            self._forgotten += 1
            if keys is None:
                self._cards.clear()
            else:
                for key in keys:
                    self._cards.pop(key, None)


class Registry:
    """Lookups that cost no query once warm. Safe from any thread."""

    def __init__(self, read: Reader) -> None:
        self._read = read
        self._revision = -1
        self._areas = _Shelf[None, store.Areas](lambda _: read(store.areas))
        self._stations = _Shelf[None, dict[str, StationCard]](lambda _: read(store.stations))
        self._duties = _Shelf[None, tuple[store.Duty, ...]](lambda _: read(store.duties))
        self._homes = _Shelf[str, HomeCard | None](self._load_home)
        self._contacts = _Shelf[str, tuple[ContactCard, ...]](self._load_contacts)
        self._gateways = _Shelf[str, store.GatewayBoard | None](self._load_gateway)
        self._shelves: tuple[_Shelf[Any, Any], ...] = (
            self._areas,
            self._stations,
            self._duties,
            self._homes,
            self._contacts,
            self._gateways,
        )

    # ------------------------------------------------------------ devices and gateways

    def device_of(self, gateway_id: str, uid: str) -> DeviceCard | None:
        """The registered device behind this gateway, None where it is not registered there.

        A uid made of the device's topic (its bridge was not known to the edge yet) is found too.
        """
        board = self._gateways.get(gateway_id)
        if board is None:
            return None
        return board.devices.get(uid) or board.by_topic.get(uid)

    def devices_of(self, home_id: str) -> tuple[DeviceCard, ...]:
        """The devices of a home, in order of uid."""
        card = self._homes.get(home_id)
        board = self._gateways.get(card.gateway_id) if card else None
        devices = board.devices.values() if board else ()
        return tuple(device for device in devices if device.home_id == home_id)

    def gateway_card(self, gateway_id: str) -> GatewayCard | None:
        """A gateway; None where nobody has registered it."""
        board = self._gateways.get(gateway_id)
        return board.card if board else None

    def homes_of(self, gateway_id: str) -> tuple[str, ...]:
        """Ids of the homes behind a gateway."""
        board = self._gateways.get(gateway_id)
        return board.homes if board else ()

    def home_of_gateway(self, gateway_id: str) -> str | None:
        """The home of an unregistered device: the gateway's only one, None where it has several."""
        homes = self.homes_of(gateway_id)
        return homes[0] if len(homes) == 1 else None

    def gateway_config(self, gateway_id: str) -> Config | None:
        """What the gateway's edge is to know; None for a gateway that nobody has registered."""
        board = self._gateways.get(gateway_id)
        if board is None:
            return None
        devices = [_registered(device) for device in board.devices.values()]
        return Config(revision=board.card.revision, devices=devices)

    # ------------------------------------------------------------ homes

    def home_card(self, home_id: str) -> HomeCard | None:
        """A home; None where there is none of this id."""
        return self._homes.get(home_id)

    def contacts_of(self, home_id: str) -> tuple[ContactCard, ...]:
        """Who may be called, in order."""
        return self._contacts.get(home_id)

    # ------------------------------------------------------------ areas and stations

    def area_card(self, area_id: str) -> AreaCard | None:
        """A node of the tree."""
        return self._areas.get(None).get(area_id)

    def areas_under(self, area_id: str) -> frozenset[str]:
        """Ids of an area and everything below it: the scope of an account, for queries."""
        areas = self._areas.get(None)
        return frozenset(each.id for each in areas.values() if area_id in each.path)

    def stations(self) -> tuple[StationCard, ...]:
        """Every station, in order of id."""
        return tuple(self._stations.get(None).values())

    def station_card(self, station_id: str) -> StationCard | None:
        """A station with its people."""
        return self._stations.get(None).get(station_id)

    def responder_card(self, responder_id: str) -> ResponderCard | None:
        """One of the stations' people."""
        people = (each for station in self.stations() for each in station.responders)
        return next((each for each in people if each.id == responder_id), None)

    def stations_near(
        self, lat: float, lon: float, area_path: tuple[str, ...], limit: int = 3
    ) -> tuple[StationNear, ...]:
        """The nearest stations that may be sent into this area, as the crow flies."""
        near = [
            StationNear(
                station,
                great_circle_m(Place(lat, lon), Place(station.lat, station.lon)),
                station.area_id in area_path,
            )
            for station in self.stations()
            if station.is_serving(area_path)
        ]
        return tuple(sorted(near, key=lambda each: (each.distance_m, each.station.id))[:limit])

    def responders_on_duty(self, station_id: str, now_ms: int) -> tuple[ResponderCard, ...]:
        """The station's people who are on duty at this instant, free or not."""
        on_duty = {duty.responder_id for duty in self._duties.get(None) if duty.is_on(now_ms)}
        station = self.station_card(station_id)
        people = station.responders if station else ()
        return tuple(each for each in people if each.id in on_duty)

    # ------------------------------------------------------------ change

    def listen(self, bus: Bus) -> None:
        """Forget what changes, after the commit that changes it."""
        bus.on(RegistryChanged, self._on_changed)

    def refresh(self) -> bool:
        """Forget everything where another process has changed the registry; whether it has."""
        revision = self._read(store.revision)
        is_other = revision != self._revision
        if is_other:
            self.forget()
            self._revision = revision
        return is_other

    def forget(self) -> None:
        """Read everything anew at need."""
        for shelf in self._shelves:
            shelf.forget()

    def _on_changed(self, work: Work, event: RegistryChanged) -> None:
        work.after_commit(lambda: self._forget_changed(event))

    def _forget_changed(self, event: RegistryChanged) -> None:
        if event.is_wide:
            self.forget()
        else:
            self._homes.forget(event.homes)
            self._contacts.forget(event.homes)
            self._gateways.forget(event.gateways)
        if event.revision == self._revision + 1:
            self._revision = event.revision

    def _load_home(self, home_id: str) -> HomeCard | None:
        tree = self._areas.get(None)
        return self._read(lambda work: store.home(work, home_id, tree))

    def _load_contacts(self, home_id: str) -> tuple[ContactCard, ...]:
        return self._read(lambda work: store.contacts(work, home_id))

    def _load_gateway(self, gateway_id: str) -> store.GatewayBoard | None:
        tree = self._areas.get(None)
        return self._read(lambda work: store.gateway(work, gateway_id, tree))


def _registered(device: DeviceCard) -> RegisteredDevice:
    return RegisteredDevice(
        id=device.uid,
        home=device.home_id or "",
        topic=device.topic,
        is_sos=device.is_sos,
        vendor=device.vendor,
        model=device.model,
        profile=device.profile,
    )
