"""Tasmota: `tele/<topic>/SENSOR`, `…/LWT`, `stat/<topic>/RESULT`, `…/STATUS8`. Pure.

From tasmota.github.io/docs (MQTT, Buttons-and-Switches, Zigbee, DeepSleep). FullTopic may order the
levels otherwise, so the last one decides. What a device says of itself in the retained
`tasmota/discovery/<mac>/config` is remembered: its address, its words for online, its sleep.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import msgspec

from contract.messages import RegisteredDevice
from contract.vocabulary import Measurement
from edge.dialects.catalogue import Catalogue
from edge.dialects.profile import Profiles
from edge.dialects.tasmota_fields import tell_sensors, tell_zigbee, zigbee_reports
from edge.dialects.telling import Device, Sent, Telling, by_key, unreadable
from edge.dialects.values import NOT_JSON, epoch_ms, instant_ms, number, parsed, spoken, text_of
from edge.meaning import NOT_KNOWN, Heard

CONVENTION: Final = "tasmota"
UID: Final = "tasmota:"
PAYLOAD_BYTES_MAX: Final = 256 * 1024
DEVICES_MAX: Final = 2_000  # that have announced themselves
M = Measurement

_PREFIXES: Final = frozenset({"tele", "stat", "cmnd"})
_SENSORS: Final = frozenset({"SENSOR", "STATUS8", "STATUS10"})
_CONTROL: Final = re.compile(r"(BUTTON|SWITCH)(\d{1,2})", re.IGNORECASE)
_TAILS: Final = _SENSORS | {"LWT", "RESULT", "STATE"}
_ANNOUNCED: Final = re.compile(r".*/discovery/([0-9A-Fa-f]{12})/(config|sensors)")
_RELEASED: Final = frozenset({"clear"})  # after a button was held
_ON: Final = {"on": True, "off": False}


class _Announced(NamedTuple):
    """What a device says of itself."""

    mac: str
    online: str = "Online"
    offline: str = "Offline"
    is_sleeper: bool = False


class Tasmota:
    """Hears all devices of a broker, and the Zigbee devices behind them."""

    def __init__(self, profiles: Profiles, _catalogue: Catalogue) -> None:
        self._profiles = profiles
        self._devices: dict[str, Device] = {}  # by place: the topic without prefix and last level
        self._announced: dict[str, _Announced] = {}  # by place

    def configure(self, devices: Iterable[RegisteredDevice]) -> None:
        """Replaces the registry's devices."""
        self._devices = by_key(devices, lambda device: place_of(device.topic), self._profiles)

    def hear(self, topic: str, payload: bytes, retain: bool) -> Heard:
        """NOT_KNOWN where topic and form of the message are nobody's of ours."""
        announced = _ANNOUNCED.fullmatch(topic)
        if announced is not None:
            return self._announce(announced[1], announced[2], payload)
        above, _, tail = topic.rpartition("/")
        is_control = _CONTROL.fullmatch(tail) is not None and "stat" in above.split("/")
        if not above or not (tail in _TAILS or is_control):
            return self._other(above)
        place = place_of(topic)
        device = self._devices.get(place) or self._stranger(place)
        if tail == "LWT":
            return self._online(place, device, payload, retain)
        if not payload:
            return Heard(CONVENTION, ignored=("empty",))
        value = parsed(payload) if len(payload) <= PAYLOAD_BYTES_MAX else NOT_JSON
        telling = Telling(CONVENTION, device, is_retained=retain)
        if is_control:
            _control(telling, tail.capitalize(), text_of(payload) if value is NOT_JSON else value)
        elif not isinstance(value, dict):
            return unreadable(
                CONVENTION, device, f"what came on its topic {tail} is no JSON object"
            )
        elif tail in _SENSORS or tail == "RESULT":
            return self._sensors(telling, place, value, retain)
        else:
            _state(telling, value)
        return telling.heard()

    @staticmethod
    def example(says: Mapping[str, object]) -> Sent:
        """A message with these fields."""
        return "tele/example/SENSOR", msgspec.json.encode(says)

    def _other(self, above: str) -> Heard:
        """What a known device says besides (POWER, INFO1 …), and what it is told."""
        place, is_theirs = place_of(above), not _PREFIXES.isdisjoint(above.split("/"))
        is_known = is_theirs and (place in self._devices or place in self._announced)
        return Heard(CONVENTION, ignored=("other",)) if is_known else NOT_KNOWN

    # ------------------------------------------------------------ devices

    def _stranger(self, place: str) -> Device:
        announced = self._announced.get(place)
        return Device(f"{UID}{place if announced is None else announced.mac}")

    def _announce(self, mac: str, what: str, payload: bytes) -> Heard:
        """`t` topic, `onln`, `ofln` words of its will, `dslp` whether it sleeps between reports."""
        said = parsed(payload) if what == "config" and len(payload) <= PAYLOAD_BYTES_MAX else None
        topic = said.get("t") if isinstance(said, dict) else None
        has_room = topic in self._announced or len(self._announced) < DEVICES_MAX
        if isinstance(said, dict) and isinstance(topic, str) and has_room:
            self._announced[topic] = _Announced(
                mac=mac.lower(),
                online=str(said.get("onln") or "Online"),
                offline=str(said.get("ofln") or "Offline"),
                is_sleeper=bool(number(said.get("dslp"))),
            )
        return Heard(CONVENTION, ignored=("announcement",))

    def _online(self, place: str, device: Device, payload: bytes, retain: bool) -> Heard:
        """A device that sleeps between reports says Offline each time, which is no fault."""
        announced = self._announced.get(place) or _Announced("")
        word = text_of(payload)
        if word not in (announced.online, announced.offline):
            return NOT_KNOWN
        is_online = word == announced.online
        if announced.is_sleeper and not is_online:
            return Heard(CONVENTION, ignored=("asleep",))
        telling = Telling(CONVENTION, device, is_retained=retain)
        telling.add(M.ONLINE, is_online, "/LWT")
        return telling.heard()

    # ------------------------------------------------------------ what a message says

    def _sensors(
        self, telling: Telling, place: str, message: Mapping[str, object], retain: bool
    ) -> Heard:
        sensors = message.get("StatusSNS")
        values = sensors if isinstance(sensors, dict) else message
        telling.time_ms = _time(values)
        reports = zigbee_reports(values)
        if reports:
            return _joined([self._zigbee(place, each, retain) for each in reports])
        controls = {name: value for name, value in values.items() if _CONTROL.fullmatch(name)}
        for name, value in controls.items():
            _control(telling, name, value)
        tell_sensors(telling, {k: value for k, value in values.items() if k not in controls})
        return telling.heard()

    def _zigbee(self, place: str, report: tuple[str, Mapping[str, object]], retain: bool) -> Heard:
        """A device behind a Zigbee bridge: registered by address or name, else under its bridge."""
        key, fields = report
        above, _, own_level = place.rpartition("/")
        if above and own_level in (str(fields.get("Device"))[2:], fields.get("Name"), key):
            place = above  # SetOption89: a topic for each device
        names = [str(each) for each in (fields.get("Device"), fields.get("Name"), key) if each]
        places = [f"{place}/{name}" for name in names]
        bridge = self._devices.get(place) or self._stranger(place)
        own = next((self._devices[each] for each in places if each in self._devices), None)
        stranger = Device("/".join((bridge.uid, *names[:1])), profile=bridge.profile)
        telling = Telling(CONVENTION, own or stranger, is_retained=retain)
        tell_zigbee(telling, fields)
        return telling.heard()


def place_of(topic: str) -> str:
    """A device's place: its topic without prefix and last level."""
    levels = topic.split("/")
    if len(levels) > 1 and (levels[-1] in _TAILS or _CONTROL.fullmatch(levels[-1])):
        levels.pop()
    prefix = next((n for n, level in enumerate(levels) if level in _PREFIXES), None)
    if prefix is not None and len(levels) > 1:
        del levels[prefix]
    return "/".join(levels)


def _time(values: Mapping[str, object]) -> int | None:
    """`Time` is local and says nothing, unless it has an offset or is a number of seconds."""
    time = values.get("Time")
    told_ms = instant_ms(time) if isinstance(time, str) else epoch_ms(time)
    return epoch_ms(values.get("Epoch")) or told_ms


def _control(telling: Telling, name: str, value: object) -> None:
    """`"Switch1":"ON"`, `{"Action":"TRIPLE"}`; a switch means what a profile says."""
    if isinstance(value, dict):
        value = value.get("Action", value.get("ACTION"))
    word = spoken(value)
    numbered = _CONTROL.fullmatch(name)
    channel = None if numbered is None else numbered[2]
    if word is None:
        telling.cannot_read(f"its field {name} cannot be understood")
    elif name.startswith("Button") and word not in _RELEASED:
        telling.gesture(word, word, name, channel)
    elif telling.by_profile(name, word, channel):
        return
    elif telling.device.calls_by_press and word in _ON:
        telling.add(M.SOS, _ON[word], name, channel)
    else:
        telling.ignore("no_profile")


def _state(telling: Telling, message: Mapping[str, object]) -> None:
    wifi = message.get("Wifi")
    signal = number(wifi.get("Signal")) if isinstance(wifi, dict) else None
    if signal is not None:
        telling.add(M.RSSI, signal, "Wifi.Signal")


def _joined(parts: list[Heard]) -> Heard:
    """Several devices in one message."""
    if len(parts) == 1:
        return parts[0]
    return Heard(
        CONVENTION,
        tuple(reading for part in parts for reading in part.readings),
        next((part.unreadable for part in parts if part.unreadable is not None), None),
        tuple(word for part in parts for word in part.ignored),
        tuple(reading for part in parts for reading in part.quiet),
    )


DIALECT: Final = Tasmota
