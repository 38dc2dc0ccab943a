"""The last value of everything a home's devices have said: one row a home, one JSON document."""

from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct
from sqlalchemy import insert, select, update

from cloud.registry.model import last_value_table
from cloud.storage.unit import Work

TEXT_CHARS_MAX: Final = 256  # a longer text is cut: it is shown, not evaluated
Value = bool | int | float | str


class LastValue(Struct, frozen=True, omit_defaults=True):
    """Value, UCUM unit, and when it was so."""

    v: Value
    at_ms: int
    u: str | None = None


class LastRow(NamedTuple):
    """One reading to be kept as the last one."""

    device: str
    measurement: str
    value: Value
    unit: str | None
    at_ms: int


Document = dict[str, dict[str, LastValue]]  # device uid → measurement → last value
_decode = msgspec.json.Decoder(Document).decode
_encode = msgspec.json.Encoder().encode


def merged(document: Document, rows: Iterable[LastRow]) -> Document:
    """The document with these readings. The newer one stands; of equal ones, the later in order."""
    result = {device: dict(values) for device, values in document.items()}
    for row in rows:
        values = result.setdefault(row.device, {})
        before = values.get(row.measurement)
        if before is None or before.at_ms <= row.at_ms:
            value = row.value[:TEXT_CHARS_MAX] if isinstance(row.value, str) else row.value
            values[row.measurement] = LastValue(value, row.at_ms, row.unit)
    return result


def merge(work: Work, home_id: str, rows: Iterable[LastRow]) -> None:
    """Keep the last values of a home."""
    c = last_value_table.c
    stored = work.execute(select(c.document).where(c.home_id == home_id)).scalar()
    document = _encode(merged(_decode(stored) if stored else {}, rows))
    if stored is None:
        work.execute(
            insert(last_value_table).values(home_id=home_id, document=document, at_ms=work.now_ms)
        )
    elif document != stored:
        changed = update(last_value_table).where(c.home_id == home_id)
        work.execute(changed.values(document=document, at_ms=work.now_ms))


def last_values(work: Work, home_id: str) -> Document:
    """Everything known of a home; empty where nothing was ever heard."""
    c = last_value_table.c
    stored = work.execute(select(c.document).where(c.home_id == home_id)).scalar()
    return _decode(stored) if stored else {}


def last_seen_ms(values: dict[str, LastValue]) -> int | None:
    """When a device last said anything."""
    return max((value.at_ms for value in values.values()), default=None)
