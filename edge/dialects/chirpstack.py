"""ChirpStack v4: `application/<id>/device/<devEui>/event/<type>`, JSON. Pure.

From chirpstack.io/docs (integrations, event types) and its integration.proto. `object` is what the
network server's codec made of the bytes; without it, the profile of the model may read them. There
is no last will for a radio device, so nothing here says that one is offline.
"""

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from contract.messages import RegisteredDevice
from contract.vocabulary import Measurement
from edge.dialects.catalogue import Catalogue
from edge.dialects.lorawan import is_test, tell_fields
from edge.dialects.profile import Profiles
from edge.dialects.telling import Device, Sent, Telling, by_key, unreadable
from edge.dialects.values import NOT_JSON, instant_ms, number, parsed
from edge.meaning import NOT_KNOWN, Heard

CONVENTION: Final = "chirpstack_v4"
UID: Final = "lorawan:"
PAYLOAD_BYTES_MAX: Final = 256 * 1024
GATEWAYS_MAX: Final = 64  # of one uplink
M = Measurement

_EVENT: Final = re.compile(r"(.*/)?event/(?P<type>[a-z]+)", re.ASCII)
_EUI: Final = re.compile(r"(?:^|[/:])([0-9a-fA-F]{16})(?=/event/|$)")
_BATTERY_UNKNOWN: Final = "batteryLevelUnavailable"


class ChirpStack:
    """Hears the devices of all applications; remembers nothing but the registry."""

    def __init__(self, profiles: Profiles, _catalogue: Catalogue) -> None:
        self._profiles = profiles
        self._devices: dict[str, Device] = {}  # by device EUI

    def configure(self, devices: Iterable[RegisteredDevice]) -> None:
        """Replaces the registry's devices."""
        self._devices = by_key(
            devices, lambda device: eui_of(device.topic) or eui_of(device.id), self._profiles
        )

    def hear(self, topic: str, payload: bytes, retain: bool) -> Heard:
        """NOT_KNOWN where topic and form of the message are nobody's of ours."""
        event = _EVENT.fullmatch(topic)
        if event is None:
            return NOT_KNOWN
        value = parsed(payload) if len(payload) <= PAYLOAD_BYTES_MAX else NOT_JSON
        info = value.get("deviceInfo") if isinstance(value, dict) else None
        eui = eui_of(topic)
        if not eui and isinstance(info, dict):
            eui = eui_of(str(info.get("devEui")))
        if not eui:
            return NOT_KNOWN
        device = self._devices.get(eui) or self._stranger(eui, info)
        if not isinstance(value, dict):
            return unreadable(CONVENTION, device, "its event is no JSON object")
        telling = Telling(CONVENTION, device, is_retained=retain)
        telling.time_ms, telling.dated_by = instant_ms(value.get("time")), "gateway"
        told = {"up": _uplink, "status": _status, "location": _location}.get(event["type"])
        if told is None:
            telling.ignore(event["type"])
        else:
            told(telling, value)
        return telling.heard()

    @staticmethod
    def example(says: Mapping[str, object]) -> Sent:
        """A message with these fields; `bytes` (hexadecimal) and `port` instead: not decoded."""
        raw, port = says.get("bytes"), says.get("port")
        carried: dict[str, object] = {"object": says}
        if isinstance(raw, str):
            carried = {"data": b64encode(bytes.fromhex(raw)).decode(), "fPort": port}
        eui = "0102030405060708"
        return f"application/1/device/{eui}/event/up", msgspec.json.encode(carried)

    def _stranger(self, eui: str, info: object) -> Device:
        """Nobody has registered it, but the server names the model that it was made for."""
        name = info.get("deviceProfileName") if isinstance(info, dict) else None
        profile = self._profiles.of_model("", name) if isinstance(name, str) else None
        return Device(f"{UID}{eui}", profile=profile)


def eui_of(text: str) -> str:
    """The device EUI in a topic or an id, in lower case; empty where there is none."""
    found = _EUI.search(text)
    return "" if found is None else found[1].lower()


def _uplink(telling: Telling, event: Mapping[str, object]) -> None:
    # A frame that is sent again, as its acknowledgement was lost, has its number still.
    if isinstance(event.get("fCnt"), int):
        telling.occurrence = f"{event.get('devAddr')}/{event['fCnt']}"
    fields, data = event.get("object"), event.get("data")
    if not isinstance(fields, dict) or not fields:
        fields = _read(telling, data, event.get("fPort"))
    telling.is_test = is_test(fields)
    tell_fields(telling, fields)
    strongest = _strongest(event.get("rxInfo"))
    if strongest is not None:
        telling.add(M.RSSI, strongest, "rxInfo.rssi")


def _read(telling: Telling, data: object, port: object) -> Mapping[str, object]:
    """The bytes by the table of the device's profile."""
    if not data:
        telling.ignore("empty")
        return {}
    frame = None if telling.device.profile is None else telling.device.profile.frame
    if frame is None:
        telling.cannot_read("nobody has decoded its bytes, and its profile cannot either")
        return {}
    try:
        values = frame.read(b64decode(str(data), validate=True), port)
    except (binascii.Error, ValueError):
        values = None
    if values is None:
        telling.cannot_read("its bytes are none that its profile knows")
        return {}
    return values


def _status(telling: Telling, event: Mapping[str, object]) -> None:
    """What the network asks a device for: its battery in percent, unless it hangs on a cable."""
    level = number(event.get("batteryLevel"))
    if (
        level is not None
        and not event.get(_BATTERY_UNKNOWN)
        and not event.get("externalPowerSource")
    ):
        telling.add(M.BATTERY, level, "batteryLevel")


def _location(telling: Telling, event: Mapping[str, object]) -> None:
    place = event.get("location")
    for name in (M.LATITUDE, M.LONGITUDE):
        value = number(place.get(name.value)) if isinstance(place, dict) else None
        if value is not None:
            telling.add(name, value, f"location.{name.value}")


def _strongest(received: object) -> float | None:
    """The signal of the gateway that heard it best."""
    if not isinstance(received, list):
        return None
    levels = (
        number(each.get("rssi")) for each in received[:GATEWAYS_MAX] if isinstance(each, dict)
    )
    return max((level for level in levels if level is not None), default=None)


DIALECT: Final = ChirpStack
