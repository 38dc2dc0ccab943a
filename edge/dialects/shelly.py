"""Shelly of the second generation and newer: `<prefix>/status/<component>:<n>`,
`<prefix>/events/rpc`, `<prefix>/online`. Pure.

From shelly-api-docs.shelly.cloud (gen2: Notifications, MQTT, the pages of the components). The
prefix is the device's id unless its owner chose another. What a `bthomesensor` or an input
measures, only a profile can say.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import msgspec

from contract.messages import RegisteredDevice
from contract.vocabulary import Measurement
from edge.dialects.catalogue import Catalogue
from edge.dialects.profile import Profiles
from edge.dialects.telling import Device, Sent, Telling, by_key, unreadable
from edge.dialects.units import SAME, Factors, scaled
from edge.dialects.values import NOT_JSON, epoch_ms, number, parsed, spoken, text_of
from edge.meaning import NOT_KNOWN, Heard

CONVENTION: Final = "shelly_gen2"
UID: Final = "shelly:"
PAYLOAD_BYTES_MAX: Final = 256 * 1024
PARTS_MAX: Final = 512  # components or events of one message
M = Measurement

_STATUS: Final = re.compile(r"(?P<prefix>.+)/status/(?P<component>[a-z0-9_]+(:\d{1,6})?)", re.ASCII)
_UNNUMBERED: Final = frozenset(
    "sys wifi eth ble cloud mqtt ws bthome knx matter modbus plugs_ui ui rpc zigbee".split()
)
_NOTIFICATIONS: Final = frozenset({"NotifyStatus", "NotifyFullStatus", "NotifyEvent"})
_REACHABLE: Final = {"true": True, "false": False}
_WH: Final[Factors] = (0.001, 0)


class _Number(NamedTuple):
    """A field of a component's status. path: its keys, from outside in."""

    path: tuple[str, ...]
    measurement: Measurement
    factors: Factors = SAME


# What switches, covers and lights measure; their temperature is that of the relay, not the room's.
_LOAD: Final = (
    _Number(("apower",), M.POWER),
    _Number(("voltage",), M.VOLTAGE),
    _Number(("aenergy", "total"), M.ENERGY, _WH),
    _Number(("temperature", "tC"), M.DEVICE_TEMPERATURE),
)
_NUMBERS: Final[Mapping[str, tuple[_Number, ...]]] = {
    **dict.fromkeys(("switch", "cover", "light", "pm1", "rgb", "rgbw", "cct", "rgbcct"), _LOAD),
    "temperature": (_Number(("tC",), M.TEMPERATURE),),
    "humidity": (_Number(("rh",), M.HUMIDITY),),
    "illuminance": (_Number(("lux",), M.ILLUMINANCE),),
    "voltmeter": (_Number(("voltage",), M.VOLTAGE),),
    "devicepower": (
        _Number(("battery", "percent"), M.BATTERY),
        _Number(("battery", "V"), M.BATTERY_VOLTAGE),
    ),
    "em": (_Number(("total_act_power",), M.POWER),),
    "em1": (_Number(("act_power",), M.POWER), _Number(("voltage",), M.VOLTAGE)),
    "emdata": (_Number(("total_act",), M.ENERGY, _WH),),
    "em1data": (_Number(("total_act_energy",), M.ENERGY, _WH),),
    "thermostat": (_Number(("current_C",), M.TEMPERATURE),),
    "blutrv": (
        _Number(("current_C",), M.TEMPERATURE),
        _Number(("battery",), M.BATTERY),
        _Number(("rssi",), M.RSSI),
    ),
    "bthomedevice": (_Number(("battery",), M.BATTERY), _Number(("rssi",), M.RSSI)),
    "presencezone": (_Number(("num_objects",), M.PEOPLE_COUNT),),
    "wifi": (_Number(("rssi",), M.RSSI),),
}
_FLAGS: Final[Mapping[str, tuple[str, Measurement]]] = {
    "smoke": ("alarm", M.SMOKE),
    "flood": ("alarm", M.WATER_LEAK),
    "occupancy": ("value", M.OCCUPANCY),
    "presencezone": ("state", M.OCCUPANCY),
}
# Components whose one value means what a profile says.
_ASK_PROFILE: Final = {"bthomesensor": "value", "input": "state", "boolean": "value"}
_ALARMS: Final = {"alarm": (True, False), "alarm_off": (False, False), "alarm_test": (True, True)}
# `btn_down` and `btn_up` frame a press that follows under its own name.
_PUSHES: Final = {
    f"{how}_{word}": press
    for how, press in (
        ("single", "single"), ("double", "double"), ("triple", "triple"), ("long", "long"),
        ("hold", "hold"),
    )
    for word in ("push", "press")
} | {"press": "single"}  # fmt: skip


class ShellyGen2:
    """Hears all devices of a broker; remembers nothing but the registry."""

    def __init__(self, profiles: Profiles, _catalogue: Catalogue) -> None:
        self._profiles = profiles
        self._devices: dict[str, Device] = {}  # by prefix

    def configure(self, devices: Iterable[RegisteredDevice]) -> None:
        """Replaces the registry's devices."""
        self._devices = by_key(devices, lambda device: prefix_of(device.topic), self._profiles)

    def hear(self, topic: str, payload: bytes, retain: bool) -> Heard:
        """NOT_KNOWN where topic and form of the message are nobody's of ours."""
        prefix = prefix_of(topic)
        if prefix == topic:
            return NOT_KNOWN
        device = self._devices.get(prefix) or Device(f"{UID}{prefix}")
        rest = topic[len(prefix) + 1 :]
        if rest == "online":
            return _online(device, payload, retain)
        if not payload:
            return Heard(CONVENTION, ignored=("empty",))
        value = parsed(payload) if len(payload) <= PAYLOAD_BYTES_MAX else NOT_JSON
        if not isinstance(value, dict):
            return unreadable(
                CONVENTION, device, f"what came on its topic {rest} is no JSON object"
            )
        telling = Telling(CONVENTION, device, is_retained=retain)
        if rest == "events/rpc":
            _notification(telling, value)
        elif rest == "status/rpc":  # everything at once, as scripts publish it
            _all_of(telling, value)
        else:
            _component(telling, rest.removeprefix("status/"), value)
        return telling.heard()

    @staticmethod
    def example(says: Mapping[str, object]) -> Sent:
        """A notification of these components' status."""
        notice = {"method": "NotifyStatus", "params": says}
        return "example/events/rpc", msgspec.json.encode(notice)


def prefix_of(topic: str) -> str:
    """The device's part of one of its topics; a topic of another form as it is."""
    for tail in ("/events/rpc", "/online"):
        if topic.endswith(tail) and len(topic) > len(tail):
            return topic[: -len(tail)]
    status = _STATUS.fullmatch(topic)
    if status is None or (
        ":" not in status["component"] and status["component"] not in _UNNUMBERED
    ):
        return topic
    return status["prefix"]


def _online(device: Device, payload: bytes, retain: bool) -> Heard:
    is_online = _REACHABLE.get(text_of(payload) or "")
    if is_online is None:
        return NOT_KNOWN
    telling = Telling(CONVENTION, device, is_retained=retain)
    telling.add(M.ONLINE, is_online, "/online")
    return telling.heard()


def _notification(telling: Telling, message: Mapping[str, object]) -> None:
    method, params = str(message.get("method")), message.get("params")
    if method not in _NOTIFICATIONS or not isinstance(params, dict):
        telling.cannot_read("its message is no notification")
        return
    telling.time_ms = epoch_ms(params.get("ts"))
    if method == "NotifyEvent":
        events = params.get("events")
        for event in events[:PARTS_MAX] if isinstance(events, list) else ():
            if isinstance(event, dict):
                _event(telling, event)
        return
    _all_of(telling, params)


def _all_of(telling: Telling, components: Mapping[str, object]) -> None:
    system = components.get("sys")
    if isinstance(system, dict) and "unixtime" in system and system["unixtime"] is None:
        telling.time_ms = None  # its clock has not been set
    if len(components) > PARTS_MAX:
        telling.cannot_read(f"its message has more than {PARTS_MAX} components")
        return
    for name, status in components.items():
        if isinstance(status, dict):
            _component(telling, name, status)


def _component(telling: Telling, name: str, status: Mapping[str, object]) -> None:
    kind, _, id_ = name.partition(":")
    channel = id_ or None
    time_ms, own_ms = telling.time_ms, epoch_ms(status.get("last_updated_ts"))
    telling.time_ms = own_ms or time_ms
    for field in _NUMBERS.get(kind, ()):
        value = number(_at(status, field.path))
        if value is not None and not _is_mains(kind, status, value):
            path = f"{name}.{'.'.join(field.path)}"
            telling.add(field.measurement, scaled(value, field.factors), path, channel)
    if kind in _FLAGS:
        key, measurement = _FLAGS[kind]
        _flag(telling, measurement, status, f"{name}.{key}", channel)
    if kind in _ASK_PROFILE:
        _asked(telling, name, status.get(_ASK_PROFILE[kind]), channel)
    telling.time_ms = time_ms


def _flag(
    telling: Telling,
    measurement: Measurement,
    status: Mapping[str, object],
    path: str,
    channel: str | None,
) -> None:
    value = status.get(path.rpartition(".")[2])
    if isinstance(value, bool):
        telling.add(measurement, value, path, channel)
    elif value is not None:
        telling.cannot_read(f"its field {path} is neither true nor false")


def _asked(telling: Telling, name: str, value: object, channel: str | None) -> None:
    """A notification names only what changed; a button's input has no state at all."""
    if value is None or telling.by_profile(name, value, channel):
        return
    if telling.device.calls_by_press and name.startswith("input:") and isinstance(value, bool):
        telling.add(M.SOS, value, name, channel)
    else:
        telling.ignore("no_profile")


def _event(telling: Telling, event: Mapping[str, object]) -> None:
    name, word = event.get("component"), spoken(event.get("event"))
    if not isinstance(name, str) or word is None:
        return
    kind, _, id_ = name.partition(":")
    channel = id_ or None
    time_ms = telling.time_ms
    telling.time_ms = epoch_ms(event.get("ts")) or time_ms
    if kind in _FLAGS and word in _ALARMS:
        value, is_test = _ALARMS[word]
        telling.add(_FLAGS[kind][1], value, f"{name}.{word}", channel, is_test=is_test)
    elif word in _PUSHES:
        telling.gesture(word, _PUSHES[word], name, channel)
    elif not telling.by_profile(name, word, channel):
        telling.ignore("event")
    telling.time_ms = time_ms


def _is_mains(kind: str, status: Mapping[str, object], value: float) -> bool:
    """A device on its cable reports an empty battery that it does not have."""
    return kind == "devicepower" and value == 0 and _at(status, ("external", "present")) is True


def _at(status: Mapping[str, object], path: tuple[str, ...]) -> object:
    value: object = status
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


DIALECT: Final = ShellyGen2
