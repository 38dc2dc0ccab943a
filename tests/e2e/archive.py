"""The smallest PMTiles files (version 3): tiles of one zoom, written by hand as the format has it.

https://github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md
"""

import struct
import zlib
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Final

HEADER_BYTES: Final = 127
UNCOMPRESSED: Final = 1
Cell = tuple[int, int, int]  # zoom, column, row


class TileKind(IntEnum):
    """As the header numbers them."""

    MVT = 1
    PNG = 2


def archive(kind: TileKind, tiles: dict[Cell, bytes]) -> bytes:
    """tiles: all of one zoom."""
    numbered = sorted((tile_id(cell), data) for cell, data in tiles.items())
    ids = [number for number, _ in numbered]
    lengths = [len(data) for _, data in numbered]
    steps = [b - a for a, b in zip([0, *ids], ids, strict=False)]
    offsets = [sum(lengths[:n]) for n in range(len(lengths))]
    directory = b"".join(
        map(varint, [len(ids), *steps, *[1] * len(ids), *lengths, *[at + 1 for at in offsets]])
    )
    metadata = b"{}"
    body = b"".join(data for _, data in numbered)
    meta_at = HEADER_BYTES + len(directory)
    body_at = meta_at + len(metadata)
    places = (HEADER_BYTES, len(directory), meta_at, len(metadata), body_at, 0, body_at, len(body))
    [zoom] = {zoom for zoom, _, _ in tiles}
    count = len(tiles)
    flags = (1, UNCOMPRESSED, UNCOMPRESSED, kind, zoom, zoom)
    world = (-1800000000, -850000000, 1800000000, 850000000)
    header = b"PMTiles\x03" + struct.pack("<8Q3Q", *places, count, count, count)
    header += struct.pack("<6B", *flags) + struct.pack("<4iB2i", *world, zoom, 0, 0)
    return header + directory + metadata + body


def tile_id(cell: Cell) -> int:
    """Along Hilbert's curve, after all coarser tiles."""
    zoom, x, y = cell
    found = (4**zoom - 1) // 3
    side = 1 << zoom
    half = side >> 1
    while half:
        right, low = int(x & half > 0), int(y & half > 0)
        found += half * half * ((3 * right) ^ low)
        if not low:
            if right:
                x, y = side - 1 - x, side - 1 - y
            x, y = y, x
        half >>= 1
    return found


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def png(side: int, colour: tuple[int, int, int], dot: tuple[float, float] | None = None) -> bytes:
    """One colour; around `dot` (shares of the side) nine black pixels."""
    rows = [bytearray(bytes(colour) * side) for _ in range(side)]
    if dot is not None:
        x, y = int(dot[0] * side), int(dot[1] * side)
        for row in rows[max(0, y - 1) : y + 2]:
            row[max(0, x - 1) * 3 : (x + 2) * 3] = bytes(len(row[max(0, x - 1) * 3 : (x + 2) * 3]))
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    head = struct.pack(">2I5B", side, side, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(name + data))
    return struct.pack(">I", len(data)) + name + data + check


def layer(name: str, kind: int, geometry: Iterable[int], /, **told: str) -> bytes:
    """A vector tile with one layer more: one feature of kind 1 point, 2 line, 3 polygon."""
    tags = b"".join(varint(n) * 2 for n in range(len(told)))
    shape = b"".join(map(varint, geometry))
    feature = _field(2, tags) + varint(3 << 3) + varint(kind) + _field(4, shape)
    keys = b"".join(_field(3, key.encode()) for key in told)
    values = b"".join(_field(4, _field(1, value.encode())) for value in told.values())
    version = varint(15 << 3) + varint(2)
    return _field(3, version + _field(1, name.encode()) + _field(2, feature) + keys + values)


def line(points: Sequence[tuple[int, int]], *, is_ring: bool = False) -> list[int]:
    """Commands of a geometry: move, line, close. Extent 4096."""
    steps, at = [], (0, 0)
    for point in points:
        steps += [_zigzag(point[0] - at[0]), _zigzag(point[1] - at[1])]
        at = point
    lines = [(len(points) - 1) << 3 | 2] if len(points) > 1 else []
    return [1 << 3 | 1, *steps[:2], *lines, *steps[2:], *([15] if is_ring else [])]


def _field(number: int, data: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(data)) + data


def _zigzag(n: int) -> int:
    return n << 1 if n >= 0 else (-n << 1) - 1
