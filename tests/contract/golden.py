"""Reads contract/golden: what was once said between home and cloud, for the tests of both sides."""

import base64
import hashlib
from pathlib import Path
from typing import Final, NamedTuple

from contract.envelope import JSON, JSON_DEFLATE

FOLDER: Final = Path(__file__).resolve().parent.parent.parent / "contract" / "golden"


class Golden(NamedTuple):
    """One message as it was sent."""

    name: str
    payload: bytes
    content_type: str


def golden(direction: str) -> list[Golden]:
    """All of `up` or `down`, of every version."""
    return [_read(file) for file in sorted(FOLDER.glob(f"v*/{direction}-*"))]


def listed() -> dict[str, str]:
    """Digest by file name, as SHA256SUMS has it."""
    lines = [line for sums in FOLDER.glob("v*/SHA256SUMS") for line in sums.read_text().split("\n")]
    return {name: digest for digest, name in (line.split() for line in lines if line)}


def present() -> dict[str, str]:
    """Digest by file name, as the files are."""
    files = [file for file in FOLDER.glob("v*/*-*") if file.is_file()]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _read(file: Path) -> Golden:
    if file.suffix == ".b64":
        return Golden(file.name, base64.b64decode(file.read_bytes()), JSON_DEFLATE)
    return Golden(file.name, file.read_bytes(), JSON)
