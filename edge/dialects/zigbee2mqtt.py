"""Zigbee2MQTT: `<base>/<friendly name>` and its side topics, `<base>/bridge/…` for the whole. Pure.

From zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages.html; a friendly name may hold slashes.
State: what the registry and the bridges' retained `bridge/devices` say of each device.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import msgspec

from contract.messages import RegisteredDevice
from contract.vocabulary import Measurement
from edge.dialects.catalogue import Catalogue
from edge.dialects.device import told
from edge.dialects.exposes import Features, features_of
from edge.dialects.profile import ZIGBEE2MQTT, Profile, Profiles
from edge.dialects.telling import Device, Sent
from edge.dialects.values import NOT_JSON, parsed, spoken, text_of
from edge.meaning import NOT_KNOWN, Heard, Reading, Unreadable, heard

CONVENTION: Final = ZIGBEE2MQTT
UID: Final = "z2m:"
DEFAULT_BASE: Final = "zigbee2mqtt"
BASES_MAX: Final = 16
ANNOUNCED_MAX: Final = 2_000  # devices of one bridge; a Zigbee network holds some hundred
PAYLOAD_BYTES_MAX: Final = 2 * 1024 * 1024  # a real bridge/devices is large
FIELDS_MAX: Final = 512  # of one message
_AVAILABILITY: Final = "availability"
_COMMAND: Final = "set"  # or `get`: what others ask of a device, never its own words
_REACHABLE: Final = {"online": True, "offline": False}


class _Announced(NamedTuple):
    """A device as its bridge lists it."""

    ieee: str
    name: str
    vendor: str
    model: str
    features: Features


class _Place(NamedTuple):
    """Whose topic it is. side: the side topic; empty for the device's own."""

    device: Device
    side: str = ""


class Zigbee2Mqtt:
    """Hears all bridges of one home broker; other base topics are learnt from what bridges say."""

    def __init__(self, profiles: Profiles, catalogue: Catalogue) -> None:
        self._profiles, self._catalogue = profiles, catalogue
        self._registered: tuple[RegisteredDevice, ...] = ()
        self._announced: dict[str, tuple[_Announced, ...]] = {DEFAULT_BASE: ()}  # by base topic
        self._devices: dict[str, Device] = {}  # by topic

    def configure(self, devices: Iterable[RegisteredDevice]) -> None:
        """Replaces the registry's devices."""
        self._registered = tuple(devices)
        self._join()

    def hear(self, topic: str, payload: bytes, retain: bool) -> Heard:
        """NOT_KNOWN where topic and form of the message are nobody's of ours."""
        self._learn_base(topic, payload)
        base = self._base_of(topic)
        if base is not None and topic.startswith(f"{base}/bridge/"):
            return self._bridge(base, topic.removeprefix(f"{base}/bridge/"), payload, retain)
        value = parsed(payload) if len(payload) <= PAYLOAD_BYTES_MAX else NOT_JSON
        if base is None and _is_plain(topic, value):
            base = topic.partition("/")[0]  # not introduced, yet no other software says so
        place = self._place(topic, base, is_object=isinstance(value, dict))
        if place is None:
            return NOT_KNOWN
        if place.side == _COMMAND:
            return Heard(CONVENTION, ignored=("command",))
        if not payload:  # how the retained message of a removed or renamed device is cleared
            return Heard(CONVENTION, ignored=("empty",))
        if place.side == _AVAILABILITY:
            return _availability(place.device, payload, retain, "/availability")
        if not place.side:
            return _state(place.device, value, retain)
        return _attribute(place, value, payload, retain)

    @staticmethod
    def example(says: Mapping[str, object]) -> Sent:
        """A message with these fields."""
        return f"{DEFAULT_BASE}/example", msgspec.json.encode(says)

    # ------------------------------------------------------------ topics

    def _base_of(self, topic: str) -> str | None:
        bases = (base for base in self._announced if topic.startswith(f"{base}/"))
        return max(bases, key=len, default=None)

    def _place(self, topic: str, base: str | None, *, is_object: bool) -> _Place | None:
        """Whose topic it is: a known device's, else by its form one that nobody has named yet."""
        owner, rest = self._known(topic)
        if owner is not None and _is_command(rest):
            return _Place(owner, _COMMAND)
        if owner is not None and (not rest or rest == _AVAILABILITY):
            return _Place(owner, rest)
        if owner is not None and "/" not in rest and not is_object:
            return _Place(owner, rest)
        if base is None:
            return None
        name = topic.removeprefix(f"{base}/")
        above, _, last = name.rpartition("/")
        if _is_command(name.partition("/")[2]):
            return _Place(_stranger(above), _COMMAND)
        if above and (last == _AVAILABILITY or not is_object):  # an attribute in its own topic
            return _Place(_stranger(above), last)
        return _Place(_stranger(name))

    def _known(self, topic: str) -> tuple[Device | None, str]:
        """The device whose topic this is or begins, and the rest."""
        place = topic
        while place:
            if place in self._devices:
                return self._devices[place], topic[len(place) + 1 :]
            place = place.rpartition("/")[0]
        return None, ""

    # ------------------------------------------------------------ bridges

    def _learn_base(self, topic: str, payload: bytes) -> None:
        base, _, what = topic.rpartition("/bridge/")
        if not base or base in self._announced or len(self._announced) == BASES_MAX:
            return
        if len(payload) <= PAYLOAD_BYTES_MAX and _introduces(what, payload):
            self._announced[base] = ()
            self._join()

    def _bridge(self, base: str, what: str, payload: bytes, retain: bool) -> Heard:
        """Logs, answers and events of the bridge quote devices but are none of their messages."""
        if what == "state":
            return _availability(Device(f"{UID}{base}/bridge"), payload, retain, what)
        if what != "devices" or not payload:
            return Heard(CONVENTION, ignored=("bridge",))
        listed = parsed(payload) if len(payload) <= PAYLOAD_BYTES_MAX else NOT_JSON
        if not isinstance(listed, list):
            return Heard(CONVENTION, ignored=("unreadable",))
        announced = (_announced(each) for each in listed[:ANNOUNCED_MAX])
        self._announced[base] = tuple(each for each in announced if each is not None)
        self._join()
        return Heard(CONVENTION, ignored=("bridge",))

    # ------------------------------------------------------------ devices

    def _join(self) -> None:
        """Makes the devices anew: the registry names them, their bridge describes them."""
        mine = {device.topic: device for device in self._registered if self._is_mine(device)}
        by_id = {device.id: device for device in mine.values()}
        self._devices = {
            topic: self._registered_device(device, None) for topic, device in mine.items()
        }
        for base, announced in self._announced.items():
            for each in announced:
                topic, uid = f"{base}/{each.name}", f"{UID}{each.ieee}"
                # Renamed at the bridge, the device is still known by its address.
                device = mine.get(topic) or by_id.get(uid) or mine.get(f"{base}/{each.ieee}")
                self._devices[topic] = (
                    self._announced_device(each)
                    if device is None
                    else self._registered_device(device, each)
                )

    def _is_mine(self, device: RegisteredDevice) -> bool:
        """A registry's id begins with the convention; one without any may be ours."""
        return (
            device.id.startswith(UID)
            or ":" not in device.id
            or self._base_of(device.topic) is not None
        )

    def _registered_device(self, device: RegisteredDevice, announced: _Announced | None) -> Device:
        names = [(device.vendor, device.model)]
        if announced is not None:
            names.append((announced.vendor, announced.model))
        return Device(
            uid=device.id,
            is_known=True,
            is_sos=device.is_sos,
            profile=self._profiles.named(device.profile) or self._profile(names),
            features=(announced and announced.features) or self._features(names),
        )

    def _announced_device(self, announced: _Announced) -> Device:
        names = [(announced.vendor, announced.model)]
        return Device(
            uid=f"{UID}{announced.ieee}",
            is_known=True,
            profile=self._profile(names),
            features=announced.features or self._features(names),
        )

    def _profile(self, names: list[tuple[str, str]]) -> Profile | None:
        found = (self._profiles.of_model(vendor, model) for vendor, model in names)
        return next((profile for profile in found if profile is not None), None)

    def _features(self, names: list[tuple[str, str]]) -> Features:
        found = (self._catalogue.features(vendor, model) for vendor, model in names)
        return next((features for features in found if features), {})


def _is_plain(topic: str, value: object) -> bool:
    """Whether the message alone shows that it is of Zigbee2MQTT."""
    if not isinstance(value, dict):
        return False
    is_availability = topic.endswith(f"/{_AVAILABILITY}") and value.keys() == {"state"}
    return "linkquality" in value or (is_availability and spoken(value["state"]) in _REACHABLE)


def _is_command(rest: str) -> bool:
    """`set`, `get`, `set/<attribute>`, `<endpoint>/set`, behind a device's topic."""
    return not {"set", "get"}.isdisjoint(rest.split("/")[-2:])


def _stranger(name: str) -> Device:
    """A device that neither registry nor bridge has named yet."""
    return Device(f"{UID}{name}")


def _announced(listed: object) -> _Announced | None:
    """None for the coordinator, and for what has no address or name."""
    if not isinstance(listed, dict) or listed.get("type") == "Coordinator":
        return None
    ieee, name = listed.get("ieee_address"), listed.get("friendly_name")
    if not isinstance(ieee, str) or not isinstance(name, str):
        return None
    definition = listed.get("definition")
    if not isinstance(definition, dict):  # a model that the bridge does not support
        definition = {}
    vendor, model = definition.get("vendor"), definition.get("model")
    return _Announced(
        ieee=ieee,
        name=name,
        vendor=vendor if isinstance(vendor, str) else "",
        model=model if isinstance(model, str) else "",
        features=features_of(definition.get("exposes")),
    )


def _introduces(what: str, payload: bytes) -> bool:
    """Whether `<base>/bridge/<what>` is of Zigbee2MQTT: other software has bridges, too."""
    if what == "state":
        return _reachable(payload) is not None
    value = parsed(payload)
    if what == "info":
        return isinstance(value, dict) and {"version", "coordinator"} <= value.keys()
    first = value[0] if what == "devices" and isinstance(value, list) and value else None
    return isinstance(first, dict) and "ieee_address" in first


# ---------------------------------------------------------------- what a message says


def _state(device: Device, value: object, retain: bool) -> Heard:
    """All properties of a device in one object."""
    if not isinstance(value, dict):
        return _unreadable(device, "its message is no JSON object")
    if len(value) > FIELDS_MAX:
        return _unreadable(device, f"its message has more than {FIELDS_MAX} fields")
    return told(CONVENTION, device, value, is_retained=retain)


def _attribute(place: _Place, value: object, payload: bytes, retain: bool) -> Heard:
    """One property in its own topic, as text; also how an action is told a second time."""
    text = text_of(payload)
    if text is None:
        return _unreadable(place.device, f"what came on its topic {place.side} is no text")
    raw = text if value is NOT_JSON or place.side == "action" else value
    return told(CONVENTION, place.device, {place.side: raw}, is_retained=retain, has_own_topic=True)


def _availability(device: Device, payload: bytes, retain: bool, path: str) -> Heard:
    """`{"state": "online"}`, before version 2 also the bare word."""
    is_online = _reachable(payload)
    if is_online is None:
        return Heard(CONVENTION, ignored=("unreadable",))
    online = Reading(device.uid, Measurement.ONLINE, is_online, path=path, retained=retain)
    return heard(CONVENTION, (online,))


def _reachable(payload: bytes) -> bool | None:
    value = parsed(payload)
    state = value.get("state") if isinstance(value, dict) else value
    word = text_of(payload) if state is NOT_JSON else spoken(state)
    return None if word is None else _REACHABLE.get(word.strip())


def _unreadable(device: Device, reason: str) -> Heard:
    known = Unreadable(device.uid, reason) if device.is_known else None
    return Heard(CONVENTION, unreadable=known, ignored=("unreadable",))


DIALECT: Final = Zigbee2Mqtt
