"""Bytes on the wire: JSON, deflated above 1 KiB, the form named in MQTT 5's content type."""

import zlib
from typing import Any, Final, TypeVar

import msgspec

from contract.errors import Malformed, UnknownVersion
from contract.messages import VERSION, Batch, DownMessage, UpMessage

JSON: Final = "application/vnd.anju.v1+json"
JSON_DEFLATE: Final = "application/vnd.anju.v1+json+deflate"
MESSAGE_BYTES_MAX: Final = 256 * 1024
DEFLATE_ABOVE_BYTES: Final = 1024
INFLATED_BYTES_MAX: Final = 2 * 1024 * 1024
ROWS_MAX: Final = 5000  # of one batch, ten times what an edge sends: who takes it holds the store

M = TypeVar("M", bound=UpMessage | DownMessage)
_encoder = msgspec.json.Encoder()
_up: "msgspec.json.Decoder[UpMessage]" = msgspec.json.Decoder(UpMessage)
_down: "msgspec.json.Decoder[DownMessage]" = msgspec.json.Decoder(DownMessage)
_any = msgspec.json.Decoder(dict[str, Any])


class Encoded(msgspec.Struct):
    """A payload and the content type that says how to read it."""

    payload: bytes
    content_type: str


def encode(message: UpMessage | DownMessage) -> Encoded:
    """Raises Malformed above 256 KiB: the caller must send less at a time."""
    payload, content_type = _encoder.encode(message), JSON
    if len(payload) > DEFLATE_ABOVE_BYTES:
        payload, content_type = zlib.compress(payload, 6), JSON_DEFLATE
    if len(payload) > MESSAGE_BYTES_MAX:
        raise Malformed(f"message of {len(payload)} bytes is over the limit of {MESSAGE_BYTES_MAX}")
    return Encoded(payload, content_type)


def decode_up(payload: bytes, content_type: str | None = JSON) -> UpMessage:
    """Raises Malformed or UnknownVersion; never anything else, whatever the bytes."""
    message = _decode(_up, payload, content_type)
    if isinstance(message, Batch):
        _check_batch(message)
    return message


def decode_down(payload: bytes, content_type: str | None = JSON) -> DownMessage:
    """Raises Malformed or UnknownVersion; never anything else, whatever the bytes."""
    return _decode(_down, payload, content_type)


def _decode(decoder: "msgspec.json.Decoder[M]", payload: bytes, content_type: str | None) -> M:
    data = _inflate(payload, content_type)
    try:
        message = decoder.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _version_error(data) or Malformed(
            f"not a message of version {VERSION}: {error}"
        ) from error
    if message.v != VERSION:
        raise UnknownVersion(f"version {message.v} is not known here; this side reads {VERSION}")
    return message


def _inflate(payload: bytes, content_type: str | None) -> bytes:
    if len(payload) > MESSAGE_BYTES_MAX:
        raise Malformed(f"message of {len(payload)} bytes is over the limit of {MESSAGE_BYTES_MAX}")
    if content_type in (JSON, None):
        return payload
    if content_type != JSON_DEFLATE:
        raise Malformed(
            f"content type '{content_type}' is not known; expected {JSON} or {JSON_DEFLATE}"
        )
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(payload, INFLATED_BYTES_MAX)
    except zlib.error as error:
        raise Malformed(f"deflated body cannot be read: {error}") from error
    if inflater.unconsumed_tail or not inflater.eof:
        raise Malformed(f"deflated body is cut short or larger than {INFLATED_BYTES_MAX} bytes")
    return data


def _version_error(data: bytes) -> UnknownVersion | None:
    try:
        version = _any.decode(data).get("v", VERSION)
    except (msgspec.DecodeError, RecursionError):
        return None
    return (
        None
        if version == VERSION
        else UnknownVersion(f"version {version!r} is not known here; this side reads {VERSION}")
    )


def _check_batch(batch: Batch) -> None:
    rows = sum(len(device.rows) for device in batch.devices)
    if not batch.gaps and rows == 0:
        raise Malformed("a batch without rows or gaps says nothing")
    if rows > ROWS_MAX or len(batch.gaps) > ROWS_MAX:
        raise Malformed(f"a batch carries at most {ROWS_MAX} rows and as many gaps")
    if batch.lane == "alarm" and rows != 1:
        raise Malformed("a batch on the alarm lane carries exactly one row")
    if any(gap.first > gap.last for gap in batch.gaps):
        raise Malformed("a gap ends before it begins")
