"""The same message of another installation: other device ids, names and topic prefixes.

What a convention fixes stays; so does what a message means. Nothing that a decoder may rely on
is lost: a Zigbee2MQTT bridge of another base topic introduces itself, as each bridge does.
"""

import re
from collections.abc import Iterator
from random import Random
from typing import Any, Final, TypeVar

import msgspec

from anju.messages_file import Case, Device, Spoken
from edge.dialects.exposes import meaning_of

# Levels of topics that the conventions fix; so are those in capitals, and fields as topics.
_FIXED: Final = frozenset(
    "tele stat cmnd events rpc status online state config sensor binary_sensor text_sensor event"
    " climate switch light cover fan number select lock homeassistant application device gateway up"
    " join ack txack log location integration bridge availability action set get devices info"
    " groups logging response request debug command discovery".split()
)
_FIXED_LEVEL: Final = re.compile(r"\w+:\d+|[A-Z][A-Z_]*\d*|\w*\$.*")
# Fields of payloads that name somebody or something, and nothing that is measured.
_NAMING: Final = frozenset(
    "devEui deviceName applicationName tenantName tenantId applicationId deviceProfileId devAddr"
    " gatewayId deduplicationId src dst uniq_id unique_id mac friendly_name ieee_address ieeeAddr"
    " friendlyName Name Device".split()
)
_ZIGBEE: Final = "zigbee2mqtt"
_HEX: Final = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ADDRESS: Final = re.compile(r"0x[0-9A-Fa-f]{4,16}")
_LETTERS: Final = "abcdefghijkmnpqrstuvwxyz"
HEX_CHARS_MIN: Final = 8
_Said = TypeVar("_Said", Case, Spoken)


def permuted(case: Case, random: Random) -> Case:
    """random: of the case, so that each has names of its own."""
    names = {name: _other(name, random) for name in sorted(_names(case), key=len, reverse=True)}
    context = tuple(_renamed(spoken, names) for spoken in case.context)
    other = _renamed(case, names)
    if case.convention == _ZIGBEE:
        base = names.get(case.topic.partition("/")[0], _ZIGBEE)
        info = {"version": "2.6.0", "coordinator": {"type": "EmberZNet"}}
        context = (Spoken(f"{base}/bridge/info", info, retain=True), *context)
    return msgspec.structs.replace(other, context=context, device=_device(case.device, names))


def _device(device: Device | None, names: dict[str, str]) -> Device | None:
    """A profile may name its fields by a topic's levels."""
    if device is None or not isinstance(device.profile, dict):
        return device
    profile = {_topic(key, names): meaning for key, meaning in device.profile.items()}
    return msgspec.structs.replace(device, profile=profile)


def _names(case: Case) -> set[str]:
    names: set[str] = set()
    everything: list[Case | Spoken] = [case, *case.context]
    for said in everything:
        names |= {level for level in said.topic.split("/") if not _is_fixed(level)}
        names |= set(_named(said.payload))
    return {name for name in names if len(name) > 1}


def _is_fixed(level: str) -> bool:
    return (
        level in _FIXED
        or _FIXED_LEVEL.fullmatch(level) is not None
        or meaning_of(level, {}) is not None
    )


def _named(value: Any) -> Iterator[str]:
    """Names in fields that are there for it, and addresses as keys."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if _ADDRESS.fullmatch(key):
                yield key
            if key in _NAMING and isinstance(inner, str) and "/" not in inner:
                yield inner
            yield from _named(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _named(inner)


def _other(name: str, random: Random) -> str:
    """A name of the same kind: hexadecimal of the same length, an address, a UUID, a word."""
    if _UUID.fullmatch(name):
        return "-".join(_hex(len(part), random) for part in name.split("-"))
    if _ADDRESS.fullmatch(name):
        return "0x" + _hex(len(name) - 2, random).upper()
    if _HEX.fullmatch(name) and len(name) >= HEX_CHARS_MIN:
        other = _hex(len(name), random)
        return other.upper() if name.upper() == name and name.lower() != name else other
    return "".join(random.choice(_LETTERS) for _ in range(5)) + f"-{random.randrange(1000)}"


def _hex(length: int, random: Random) -> str:
    return "".join(random.choice("0123456789abcdef") for _ in range(length))


def _renamed(said: _Said, names: dict[str, str]) -> _Said:
    payload = said.payload
    if said.payload_encoding is None:
        payload = _replaced(payload, names)
    return msgspec.structs.replace(said, topic=_topic(said.topic, names), payload=payload)


def _replaced(value: Any, names: dict[str, str], key: str = "") -> Any:
    """Names in the fields that are for them, addresses as keys, and topics. A word that happens to
    be somebody's name stays."""
    if isinstance(value, dict):
        return {
            names.get(key, key) if _ADDRESS.fullmatch(key) else key: _replaced(inner, names, key)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_replaced(inner, names, key) for inner in value]
    if isinstance(value, str) and (key in _NAMING or "/" in value):
        return _topic(value, names)
    return value


def _topic(text: str, names: dict[str, str]) -> str:
    return "/".join(names.get(level, level) for level in text.split("/"))
