"""Bytes of LoRaWAN devices as named values, by a table that is data. Pure.

A table stands in a profile (edge/profiles.py, docs/adding-a-device.md): behind a key come parts
such as `u16/10 temperature`, `u8&0x7f/10 battery_voltage`, `skip 4`.
"""

import re
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

import msgspec

_PART: Final = re.compile(
    r"(?P<again>again )?(?P<sign>[ui])(?P<bits>8|16|24|32)"
    r"(&(?P<mask>0x[0-9a-f]+))?(!(?P<none>0x[0-9a-f]+))?"
    r"(/(?P<over>\d+))?([*](?P<times>[0-9.]+))?(?P<plus>[+-][0-9.]+)? (?P<name>\w+)"
)
_SKIP: Final = re.compile(r"skip (\d{1,3})")
_LUX: Final = re.compile(r"two_channel_lux (\w+)")
_LUX_BYTES: Final = 4
PROTOCOL_2: Final = 2  # Decentlab's: version, device id, flags, then 16-bit words
FLAGS_AT, WORDS_AT = 3, 5

Values = dict[str, float]


class Part(NamedTuple):
    """One value in the bytes behind a key: raw / over × times + plus.

    name: empty for bytes to be passed over. again: a second look at the bytes before. none: the raw
    value that stands for "no sensor".
    """

    size: int
    name: str = ""
    is_signed: bool = False
    mask: int | None = None
    none: int | None = None
    over: int = 1
    times: float = 1
    plus: float = 0
    again: bool = False
    is_lux: bool = False

    def value_of(self, raw: bytes, order: Literal["little", "big"]) -> float | None:
        """None for a sensor that is not there."""
        if self.is_lux:
            return _two_channel_lux(raw)
        if self.none is not None and int.from_bytes(raw, order) == self.none:
            return None
        number = int.from_bytes(raw, order, signed=self.is_signed)
        if self.mask is not None:
            number &= self.mask
        return round(number / self.over * self.times + self.plus, 9)


class Frame(msgspec.Struct, frozen=True):
    """How the bytes of a model are read.

    kind `keys`: key, parts, key, parts …; `flags`: Decentlab's protocol 2, where bits say which
    groups of words follow, a key being the number of the bit. ports: FPorts that carry it; none
    named: all.
    """

    kind: Literal["keys", "flags"]
    order: Literal["little", "big"]
    groups: Mapping[bytes, tuple[Part, ...]]
    ports: tuple[int, ...] = ()

    def read(self, data: bytes, port: object) -> Values | None:
        """The values; none of a port without measurements. None where nothing can be read."""
        if self.ports and port not in self.ports:
            return {}
        return self._flagged(data) if self.kind == "flags" else self._keyed(data)

    def _keyed(self, data: bytes) -> Values | None:
        values: Values = {}
        sizes = sorted({len(key) for key in self.groups}, reverse=True)
        at = 0
        while at < len(data):
            key = next((k for n in sizes if (k := data[at : at + n]) in self.groups), None)
            if key is None:
                break  # what stands behind a key that we do not know cannot be found
            at = self._group(data, at + len(key), self.groups[key], values)
        return values if at else None

    def _flagged(self, data: bytes) -> Values | None:
        if len(data) < WORDS_AT or data[0] != PROTOCOL_2:
            return None
        values: Values = {}
        flags, at = int.from_bytes(data[FLAGS_AT:WORDS_AT], "big"), WORDS_AT
        for key, parts in sorted(self.groups.items()):
            if flags >> key[0] & 1:
                at = self._group(data, at, parts, values)
        return values

    def _group(self, data: bytes, at: int, parts: tuple[Part, ...], values: Values) -> int:
        """Reads a group; the place behind it. A group that is cut off gives nothing."""
        end = at + sum(part.size for part in parts if not part.again)
        if end > len(data):
            return len(data)
        for part in parts:
            at -= part.size if part.again else 0
            value = part.value_of(data[at : at + part.size], self.order) if part.name else None
            if value is not None:
                values[part.name] = value
            at += part.size
        return end


def parts_of(text: str) -> tuple[Part, ...]:
    """The parts of a line such as `i16/10 temperature, skip 4`. Raises ValueError with the part."""
    return tuple(_part(each.strip()) for each in text.split(",") if each.strip())


def _part(text: str) -> Part:
    skip, lux, found = _SKIP.fullmatch(text), _LUX.fullmatch(text), _PART.fullmatch(text)
    if skip is not None:
        return Part(int(skip[1]))
    if lux is not None:
        return Part(_LUX_BYTES, lux[1], is_lux=True)
    if found is None:
        raise ValueError(f"'{text}' is no part of a frame; expected such as `u16/10 temperature`")
    return Part(
        size=int(found["bits"]) // 8,
        name=found["name"],
        is_signed=found["sign"] == "i",
        mask=int(found["mask"], 16) if found["mask"] else None,
        none=int(found["none"], 16) if found["none"] else None,
        over=int(found["over"] or 1),
        times=float(found["times"] or 1),
        plus=float(found["plus"] or 0),
        again=bool(found["again"]),
    )


def _two_channel_lux(raw: bytes) -> float:
    """A light sensor that sees with and without infrared (Decentlab DL-IAM's data sheet)."""
    both, infrared = int.from_bytes(raw[:2], "big"), int.from_bytes(raw[2:], "big")
    return round(max(both - 1.64 * infrared, 0.59 * both - 0.86 * infrared, 0) * 1.5504, 9)
