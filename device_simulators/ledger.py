"""The ledger of a torture run: what a broker acknowledged, on disk before anybody counts on it."""

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from device_simulators.torture import Entry

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Entry)


class Ledger:
    """Appends; one JSON object a line, synced."""

    def __init__(self, file: Path) -> None:
        self._out = file.open("ab")

    def append(self, entries: Iterable[Entry]) -> None:
        """On disk when it returns: one sync for all of them."""
        lines = b"".join(_encoder.encode(entry) + b"\n" for entry in entries)
        if lines:
            self._out.write(lines)
            self._out.flush()
            os.fsync(self._out.fileno())

    def close(self) -> None:
        """Safe to call twice."""
        self._out.close()


def read_ledger(file: Path) -> list[Entry]:
    """All whole lines; a last one that was cut short was never counted on."""
    *lines, _torn = file.read_bytes().split(b"\n")
    return [_decoder.decode(line) for line in lines]
