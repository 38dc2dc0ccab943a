"""What must be so once the faults have stopped and everything has drained. Each sentence is a
broken promise."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import select

from cloud.alarms import store as alarm_store
from cloud.alarms.events import (
    AlarmEscalated,
    AlarmRaised,
    AlarmReleased,
    Event,
    PressEchoed,
    PressRepeated,
)
from cloud.alarms.model import Alarm, Press
from cloud.alarms.store import alarm_table
from cloud.durable import feed, timers
from cloud.durable.outbox import OutboxState, outbox_table
from cloud.durable.received import event_table, quarantine_table
from cloud.storage.unit import Work
from contract.envelope import JSON, JSON_DEFLATE, decode_up
from contract.lanes import INTERVAL_LANES
from contract.messages import Batch, Row
from contract.vocabulary import Measurement
from edge.journal.schema import connect_to_read
from tests.simulation.cell import POISON, POLICY, done_table, witness_table
from tests.simulation.gateway import GATEWAY
from tests.simulation.people import People
from tests.simulation.world import World

TOO_LATE: Final = "its time is over"
JUMP_MS_MAX: Final = 60_000  # how far small jumps of the cloud's clock may add up


class _Told(NamedTuple):
    """A press in a history."""

    device: str
    is_ringing: bool


def is_drained(world: World) -> bool:
    """Nothing waits for anything any more."""
    journal, store = world.gateway.journal, world.cell.store
    if journal is None or store is None or any(journal.view.counts().values()):
        return False
    if not (world.home_broker.is_at_rest and world.cloud_broker.is_at_rest):
        return False
    return store.read(lambda work: timers.next_due_ms(work) is None and not _pending(work))


def broken_promises(world: World, people: People) -> list[str]:
    """Empty is right."""
    store, journal = world.cell.store, world.gateway.journal
    if store is None or journal is None:
        return ["edge or cloud did not come back"]
    found = [*world.surprises, *world.home_broker.troubles, *world.cloud_broker.troubles]

    def look(work: Work) -> list[str]:
        return [
            *_drained(work, world),
            *_presses(work, people),
            *_rows(work, world),
            *_readings(work, people),
            *(f"hash chain: {each}" for each in alarm_store.broken_chains(work)),
            *_feed(work, world),
            *_escalations(work),
            *_letters(work, world),
            *_set_aside(work),
        ]

    return found + store.read(look)


def final_state(world: World) -> str:
    """Everything that was decided, for comparing two runs."""
    store = world.cell.store
    if store is None:
        return ""
    rows = store.read(lambda w: w.execute(select(alarm_table.c.id, alarm_table.c.head)).all())
    return repr(sorted(tuple(row) for row in rows))


# ---------------------------------------------------------------- presses


def _presses(work: Work, people: People) -> Iterator[str]:
    """Each acknowledged press rings once; what the edge has marked may be told again."""
    told: dict[str, list[_Told]] = defaultdict(list)
    marked = {key for key, row in _event_rows(work) if row.x is not None and row.x.rep is not None}
    for alarm in _all_alarms(work):
        for event in _history(work, alarm.id):
            press = _press_of(event)
            if press is None:
                continue
            is_ringing = press.key not in marked
            told[press.key].append(_Told(press.device or "", is_ringing))
            if isinstance(event, PressEchoed) and is_ringing:
                yield f"{press.key} was taken for an echo, and the edge had not marked it"
    yield from (f"{key} is told {len(each)} times" for key, each in told.items() if len(each) > 1)
    rings = Counter(each.device for [each, *_] in told.values() if each.is_ringing)
    for device in sorted(rings.keys() | people.pressed.keys()):
        most = people.pressed[device]
        least = most - people.forgiven[device]
        if not least <= rings[device] <= most:
            yield f"{device}: {most} presses acknowledged, {rings[device]} ring"
    calls = {key for key, row in _event_rows(work) if _is_call(key, row)}
    yield from (f"{key} is stored and in no history" for key in sorted(calls - told.keys()))


def _is_call(key: str, row: Row) -> bool:
    return "/alarm/" in key and row.name == Measurement.SOS


def _press_of(event: Event) -> Press | None:
    return event.press if isinstance(event, AlarmRaised | PressRepeated | PressEchoed) else None


# ---------------------------------------------------------------- rows and readings


def _rows(work: Work, world: World) -> Iterator[str]:
    """What the edge was told is stored, is; who called was told that it is received."""
    journal = world.gateway.journal
    assert journal is not None
    stored = {key for key, _ in _event_rows(work)}
    for lane, seq, name, rep, acked in _journal_rows(world):
        key = f"{GATEWAY}/{journal.id}/{lane}/{seq}"
        if acked is None and lane in ("alarm", "event"):
            yield f"{key} was never acknowledged"
        elif acked is not None and key not in stored:
            yield f"{key} was acknowledged and is not stored"
        if name == Measurement.SOS and rep is None and lane == "alarm":
            heard = f"{journal.id}/{seq}/received"
            if all(said["id"] != heard for said in world.said):
                yield f"{key}: the resident was not told that it is received"


def _readings(work: Work, people: People) -> Iterator[str]:
    """Each reading is judged once, or kept as evidence beside one that cannot be."""
    kept = set(_evidence(work))
    judged = Counter(
        work.execute(
            select(witness_table.c.value).where(witness_table.c.name == Measurement.TEMPERATURE)
        ).scalars()
    )
    for value in people.measured:
        times = judged[value]
        if times > 1 or (times == 0 and value not in people.forgiven_values | kept):
            yield f"the reading {value} was judged {times} times"
    keys = Counter(work.execute(select(witness_table.c.key)).scalars())
    yield from (f"{key} was judged {n} times" for key, n in keys.items() if n > 1)


def _drained(work: Work, world: World) -> Iterator[str]:
    journal = world.gateway.journal
    assert journal is not None
    waiting = {lane: n for lane, n in journal.view.counts().items() if n}
    if waiting:
        yield f"the edge still holds {waiting}"
    for lane in INTERVAL_LANES:
        stands = journal.view.lanes()[lane]
        if stands.highest and stands.acked != ((1, stands.highest),):
            yield f"lane {lane}: {stands.highest} given, acknowledged {stands.acked}"
    due_ms = timers.next_due_ms(work)
    if due_ms is not None:
        yield f"a timer still waits, due at {due_ms}, now {work.now_ms}"


def _set_aside(work: Work) -> Iterator[str]:
    for row in work.execute(select(quarantine_table)):
        if not any(float(value) >= POISON for value in _values(row.payload)):
            yield f"quarantined: {row.topic}: {row.reason}"


def _evidence(work: Work) -> Iterator[str]:
    for payload in work.execute(select(quarantine_table.c.payload)).scalars():
        yield from _values(payload)


def _values(payload: bytes) -> Iterator[str]:
    """Temperatures in a message that was put aside."""
    batch = decode_up(payload, JSON if payload.startswith(b"{") else JSON_DEFLATE)
    assert isinstance(batch, Batch)
    rows = [row for device in batch.devices for row in device.rows]
    yield from (str(row.value) for row in rows if row.name == Measurement.TEMPERATURE)


# ---------------------------------------------------------------- the cloud's own work


def _feed(work: Work, world: World) -> Iterator[str]:
    seqs = list(work.execute(select(feed.feed_table.c.seq).order_by("seq")).scalars())
    head = feed.head(work)[1]
    if seqs != list(range(1, head + 1)):
        yield f"the feed has holes: {len(seqs)} entries up to {head}"
    if world.cell.hub.seq != head:
        yield f"the hub stands at {world.cell.hub.seq}, the feed at {head}"


def _escalations(work: Work) -> Iterator[str]:
    """By the policy: no step early, none twice, all done where nobody has taken the alarm."""
    for alarm in _all_alarms(work):
        since_ms, done = 0, 0
        for event in _history(work, alarm.id):
            if isinstance(event, AlarmRaised | AlarmReleased):
                since_ms, done = event.at_ms, 0
            elif isinstance(event, AlarmEscalated):
                step = event.mark.step
                if step <= done:
                    yield f"alarm {alarm.no}: step {step} was done twice"
                if event.at_ms < since_ms + POLICY.steps[step - 1].after_s * 1000:
                    yield f"alarm {alarm.no}: step {step} was done early"
                done = step
        if alarm.is_waiting and done < len(POLICY.steps):
            yield f"alarm {alarm.no}: nobody has taken it, and it stands at step {done}"


def _letters(work: Work, world: World) -> Iterator[str]:
    """Said while it was true, or not at all; a wall clock that jumped may take it for over."""
    yield from (f"letter {letter} is pending for ever" for letter in _pending(work))
    heard = {said["id"] for said in world.said}
    done_ms = {row.letter: row.at_ms for row in work.execute(select(done_table))}
    c = outbox_table.c
    for row in work.execute(select(c.id, c.state, c.trouble, c.expires_ms)):
        if row.state == OutboxState.DEAD and row.trouble != TOO_LATE:
            yield f"letter {row.id} is dead: {row.trouble}"
        is_silent = row.state == OutboxState.DONE and row.id not in heard
        is_in_time = done_ms.get(row.id, 0) < row.expires_ms - JUMP_MS_MAX
        if is_silent and is_in_time and not world.has_jumped:
            yield f"letter {row.id} is done, and nobody has heard it"


def _pending(work: Work) -> list[str]:
    c = outbox_table.c
    return list(work.execute(select(c.id).where(c.state == OutboxState.PENDING)).scalars())


# ---------------------------------------------------------------- reading


def _all_alarms(work: Work) -> list[Alarm]:
    ids = work.execute(select(alarm_table.c.id).order_by(alarm_table.c.no)).scalars()
    found = (alarm_store.find(work, alarm_id) for alarm_id in list(ids))
    return [kept.alarm for kept in found if kept is not None]


def _history(work: Work, alarm_id: str) -> list[Event]:
    return [row.event for row in alarm_store.history(work, alarm_id)]


def _event_rows(work: Work) -> list[tuple[str, Row]]:
    c = event_table.c
    rows = work.execute(select(c.gateway, c.journal, c.lane, c.seq, c.row))
    return [
        (f"{r.gateway}/{r.journal}/{r.lane}/{r.seq}", msgspec.json.decode(r.row, type=Row))
        for r in rows
    ]


def _journal_rows(world: World) -> list[Any]:
    db = connect_to_read(world.gateway.folder / "journal.db")
    try:
        sql = "SELECT lane, seq, name, rep, acked_ms FROM rows WHERE lane IN ('alarm', 'event')"
        return db.execute(sql).fetchall()
    except sqlite3.Error as error:
        raise AssertionError("the journal cannot be read") from error
    finally:
        db.close()
