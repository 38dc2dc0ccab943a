"""Rows of the journal as messages of the wire. Ages and dates are written anew each time a row is
said. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

from contract.envelope import encode
from contract.lanes import ROW_LANES, Lane
from contract.messages import Batch, DeviceRows, Gap, RowExtra
from contract.messages import Row as WireRow
from contract.properties import ROW_EXPIRY_S, Identity, to_properties
from contract.topics import up_topic
from edge.clock import Now
from edge.journal.limits import age_ms
from edge.journal.model import Hole, Row, Taken
from edge.link import Outgoing

PLAIN: Final = RowExtra()


class Speaker(NamedTuple):
    """Who says it, and when."""

    gateway: str
    journal: str
    boot: str
    now: Now
    is_synced: bool


def message_of(
    who: Speaker,
    lane: Lane,
    rows: Sequence[Row],
    gaps: Sequence[Hole] = (),
    run: Literal["live", "backlog"] = "live",
) -> Outgoing:
    """One batch with its identity outside the body as well. Raises Malformed above the wire's
    limit."""
    dated = [(dated_ms(row, who), row) for row in rows]
    t0_ms = min((at_ms for at_ms, _ in dated), default=who.now.wall_ms)
    batch = Batch(
        gateway=who.gateway,
        journal=who.journal,
        boot=who.boot,
        lane=lane.value,
        t0_ms=max(0, t0_ms),
        sent_ms=who.now.wall_ms,
        devices=_by_device(dated, max(0, t0_ms), who),
        gaps=[Gap(gap.first, gap.last, gap.last - gap.first + 1, gap.reason) for gap in gaps],
        run=run,
        clock="synced" if who.is_synced else "unsynced",
    )
    encoded = encode(batch)
    numbers = [*(row.seq for row in rows), *(n for gap in gaps for n in (gap.first, gap.last))]
    identity = Identity(who.journal, lane, min(numbers), max(numbers))
    return Outgoing(
        up_topic(who.gateway, lane),
        encoded.payload,
        content_type=encoded.content_type,
        properties=tuple(to_properties(identity)),
        expiry_s=ROW_EXPIRY_S if lane in ROW_LANES else None,
    )


def dated_ms(row: Row, who: Speaker) -> int:
    """When it happened. A wall clock that was wrong then and is right now is corrected, within one
    boot."""
    taken = row.entry.taken
    if row.entry.time_ms is not None:
        return row.entry.time_ms
    if not taken.is_synced and who.is_synced and taken.boot == who.boot:
        return who.now.wall_ms - (who.now.monotonic_ms - taken.monotonic_ms)
    return taken.wall_ms


def _by_device(dated: Iterable[tuple[int, Row]], t0_ms: int, who: Speaker) -> list[DeviceRows]:
    devices: dict[str, DeviceRows] = {}
    for at_ms, row in dated:
        entry = row.entry
        rows = devices.setdefault(entry.device, DeviceRows(entry.device, [])).rows
        extra = _extra(row, who)
        rows.append(
            WireRow(
                at_ms - t0_ms,
                row.seq,
                entry.name,
                entry.value,
                entry.unit,
                None if extra == PLAIN else extra,
            )
        )
    return list(devices.values())


def _extra(row: Row, who: Speaker) -> RowExtra:
    entry = row.entry
    is_dated_by_age = entry.lane in ROW_LANES
    return RowExtra(
        q=entry.quality.value,
        tq=entry.time_quality,
        r=entry.is_retained,
        ch=entry.channel,
        path=entry.path,
        age_ms=_age(entry.taken, who) if is_dated_by_age else None,
        rep=entry.rep,
        cancels=entry.cancels,
        raw=entry.raw,
        topic=entry.topic if entry.raw is not None else None,
    )


def _age(taken: Taken, who: Speaker) -> int | None:
    return age_ms(taken, who.now, who.boot, who.is_synced)
