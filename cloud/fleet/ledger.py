"""What a CA has signed and taken back: lines of JSON, appended, on disk before anything is done.

It lies beside the key and not in the store, so that a restored backup of the store never brings a
stolen gateway back (docs/decisions/0012).
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from cloud.fleet.certificates import Kind
from cloud.fleet.errors import BrokenLedger

_encode = msgspec.json.Encoder().encode


class Issued(Struct, frozen=True, tag_field="what", tag="issued"):
    """A certificate was signed. serial: hexadecimal."""

    serial: str
    name: str
    kind: Kind
    at_ms: int
    until_ms: int


class Revoked(Struct, frozen=True, tag_field="what", tag="revoked"):
    """A certificate is good no more."""

    serial: str
    name: str
    at_ms: int
    reason: str


Entry = Issued | Revoked
_decode: Final = msgspec.json.Decoder(Entry).decode


class Standing:
    """What follows from a ledger. newest: by name; denied: names whose newest certificate is
    revoked, since when."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.issued: dict[str, Issued] = {}
        self.revoked: dict[str, Revoked] = {}
        self.newest: dict[str, Issued] = {}
        self.count = 0
        for entry in entries:
            self.count += 1
            if isinstance(entry, Issued):
                self.issued[entry.serial] = entry
                self.newest[entry.name] = entry
            else:
                self.revoked[entry.serial] = entry
        self.denied = {
            name: self.revoked[issued.serial].at_ms
            for name, issued in self.newest.items()
            if issued.serial in self.revoked
        }

    def in_force(self, what: str) -> list[Issued]:
        """Certificates of this name or serial that nobody has revoked."""
        serial = what.lower().removeprefix("0x").lstrip("0")
        return [
            each
            for each in self.issued.values()
            if each.serial not in self.revoked and (each.name == what or each.serial == serial)
        ]


class Ledger:
    """One file. Whoever appends holds the CA's lock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: tuple[int, int, int] | None = None
        self._standing = Standing()

    def standing(self) -> Standing:
        """As of now; cheap while nothing has changed. Raises BrokenLedger."""
        try:
            status = self.path.stat()
            stamp = (status.st_ino, status.st_size, status.st_mtime_ns)
            if stamp != self._stamp:
                self._standing = Standing(self._entries())
                self._stamp = stamp
        except OSError as error:
            raise BrokenLedger(self.path, f"cannot be read: {error.strerror}") from error
        return self._standing

    def append(self, entries: Iterable[Entry]) -> None:
        """Durable when it returns. A line that a crash cut short never happened and is removed."""
        lines = b"".join(_encode(entry) + b"\n" for entry in entries)
        with self.path.open("r+b") as file:
            whole = file.read()
            file.truncate(whole.rfind(b"\n") + 1)
            file.seek(0, os.SEEK_END)
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())

    def _entries(self) -> list[Entry]:
        whole, _, _cut_short = self.path.read_bytes().rpartition(b"\n")
        entries = []
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                entries.append(_decode(line))
            except msgspec.DecodeError as error:
                raise BrokenLedger(self.path, f"line {number} is damaged ({error})") from error
        return entries
