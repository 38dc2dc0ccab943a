"""One message into one transaction: read it, leave out what is known, store, judge, and say what
may be acknowledged. Everything that decides about loss and duplicates in the cloud is here."""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

import msgspec

from cloud.durable import received
from cloud.durable.received import INTERVALS_MAX, EventRow, LaneKey, Reject
from cloud.ingest.judge import Fact, Judge, Technical
from cloud.ingest.source import Delivery
from cloud.storage.unit import Work
from contract.envelope import decode_up
from contract.errors import Malformed
from contract.intervals import Interval, holds, merged, of
from contract.lanes import INTERVAL_LANES, ROW_LANES, Lane, Notice, lane_of
from contract.messages import Ack, Batch, Done, Hello, Refusal, Row
from contract.properties import Identity, fingerprint, from_properties
from contract.vocabulary import SPECS, Measurement

REFUSED_MAX: Final = 1000  # rows of one message, whatever its properties say
SEQ_MAX: Final = 2**53 - 1
HELLO_SEQS_MAX: Final = 5000  # rows confirmed in answer to one hello; the rest when they come again
_NAMES: Final = {m.value: lane_of(m) for m in Measurement}
_NOTICES: Final = {notice.value for notice in Notice}
_MILLIS_MAX: Final = 2**53 - 1  # contract.messages.Millis
_encode = msgspec.json.Encoder().encode


class Answer(NamedTuple):
    """An acknowledgement that may leave once the transaction is durable.

    batch: readings that the time series must have too before it may; nothing: numbers under which
    there is nothing for it, as they are refused or lie below the first that the journal holds.
    """

    gateway: str
    ack: Ack
    batch: Batch | None = None
    nothing: Interval = (1, 0)


class Denied(Protocol):
    """Which gateways are revoked; `fleet.deny.DenyList` is one."""

    def since_ms(self, gateway: str) -> int | None:
        """Since when; None for one that is welcome."""

    def turned_away(self, gateway: str, now_ms: int) -> None:
        """One message of it was put aside."""


class Intake:
    """Applies deliveries. Holds no state: everything it remembers is in the received."""

    def __init__(self, judge: Judge, epoch: str, denied: Denied | None = None) -> None:
        self._judge, self._epoch, self._denied = judge, epoch, denied

    def take(self, work: Work, delivery: Delivery) -> list[Answer]:
        """Raises nothing for bad input; an exception means that the store or our own code
        failed."""
        if delivery.fault is not None:
            return self.reject(work, delivery, "topic", delivery.fault)
        if self._denied and (since_ms := self._denied.since_ms(delivery.gateway)) is not None:
            return self._turn_away(work, delivery, self._denied, since_ms)
        return self._read(work, delivery)

    def _read(self, work: Work, delivery: Delivery) -> list[Answer]:
        try:
            message = decode_up(delivery.payload, delivery.content_type)
            if message.gateway != delivery.gateway:
                raise Malformed(
                    f"gateway {message.gateway} wrote on the topic of {delivery.gateway}"
                )
            if isinstance(message, Batch) and message.lane != delivery.lane.value:
                raise Malformed(f"lane {message.lane} on the topic of {delivery.lane.value}")
        except Malformed as error:
            return self.reject(work, delivery, "undecodable", str(error))
        if isinstance(message, Hello):
            return self._greet(work, message)
        if isinstance(message, Done):
            self._judge.confirm(work, message.cmds)
            return []
        if delivery.lane in ROW_LANES:
            return [self._take_rows(work, delivery, message)]
        return [self._take_intervals(work, delivery, message)]

    def reject(self, work: Work, delivery: Delivery, reason: str, detail: str) -> list[Answer]:
        """Keep the bytes; on the alarm lane also raise a technical alarm, once; refuse by name."""
        identity = _identity_of(delivery)
        key = _reject_key(delivery, identity)
        is_new = received.quarantine(
            work,
            Reject(
                key,
                delivery.gateway,
                delivery.topic,
                delivery.lane,
                f"{reason}: {detail}",
                delivery.payload,
            ),
        )
        if is_new and delivery.lane is Lane.ALARM:
            case = Technical(key, delivery.gateway, None, reason, detail, delivery.received_ms)
            self._judge.report(work, case)
        if identity is None:
            return []
        return [self._refuse(work, delivery.gateway, identity, f"{reason}: {detail}"[:200])]

    def _turn_away(
        self, work: Work, delivery: Delivery, denied: Denied, since_ms: int
    ) -> list[Answer]:
        """What a revoked gateway says is kept once a lane, counted, and never answered. Its first
        call is a technical alarm: whoever holds it may still be in need."""
        gateway = delivery.gateway
        key = f"revoked:{gateway}/{since_ms}/{delivery.lane}"
        reject = Reject(
            key, gateway, delivery.topic, delivery.lane, "revoked: by the CA", delivery.payload
        )
        is_new = received.quarantine(work, reject)
        if is_new and delivery.lane is Lane.ALARM:
            detail = "its certificate was revoked"
            case = Technical(key, gateway, None, "revoked", detail, delivery.received_ms)
            self._judge.report(work, case)
        work.after_commit(lambda: denied.turned_away(gateway, delivery.received_ms))
        return []

    def _refuse(self, work: Work, gateway: str, identity: Identity, why: str) -> Answer:
        """By number. Readings count as applied besides: else they would come again for ever, and
        hold up the backlog behind them."""
        first, last = identity.first, min(identity.last, identity.first + REFUSED_MAX - 1)
        ack = Ack(
            journal=identity.journal,
            lane=identity.lane.value,
            cloud_epoch=self._epoch,
            refused=[Refusal(seq, why) for seq in range(first, last + 1)],
        )
        if identity.lane in ROW_LANES:
            return Answer(gateway, ack)
        key = LaneKey(gateway, identity.journal, identity.lane)
        before = received.applied(work, key)
        now = list(merged([*(before or ()), (first, last)]))
        if len(now) > INTERVALS_MAX:
            now = before or []
            ack.refused = []
        elif now != before:
            received.keep_applied(work, key, now, is_new=before is None)
        ack.intervals = now
        return Answer(gateway, ack, nothing=(first, last) if ack.refused else (1, 0))

    # ------------------------------------------------------------ alarm and event lanes

    def _take_rows(self, work: Work, delivery: Delivery, batch: Batch) -> Answer:
        key = LaneKey(delivery.gateway, batch.journal, delivery.lane)
        rows = [(device.id, row) for device in batch.devices for row in device.rows]
        known = received.known_seqs(work, key, [row.seq for _, row in rows])
        fresh = [(device, row) for device, row in rows if row.seq not in known]
        refused = {row.seq: why for _, row in fresh if (why := _why_refused(row, delivery.lane))}
        received.store_events(
            work,
            key,
            [_event(batch, device, row, refused) for device, row in fresh],
            delivery.received_ms,
        )
        for device, row in fresh:
            if row.seq in refused:
                self._report_refused(work, delivery, key, device, row.seq, refused[row.seq])
        facts = [
            _fact(delivery, batch, device, row) for device, row in fresh if row.seq not in refused
        ]
        if facts:
            self._judge.judge(work, facts)
        ack = Ack(
            journal=batch.journal,
            lane=delivery.lane.value,
            cloud_epoch=self._epoch,
            seqs=[row.seq for _, row in rows if row.seq not in refused],
            refused=[Refusal(seq, why) for seq, why in refused.items()],
        )
        return Answer(delivery.gateway, ack)

    def _report_refused(
        self, work: Work, delivery: Delivery, key: LaneKey, device: str, seq: int, why: str
    ) -> None:
        if delivery.lane is Lane.ALARM:
            reason, _, detail = why.partition(": ")
            press, received_ms = _row_key(key, seq), delivery.received_ms
            case = Technical(press, delivery.gateway, device, reason, detail, received_ms)
            self._judge.report(work, case)

    # ------------------------------------------------------------ data and health lanes

    def _take_intervals(self, work: Work, delivery: Delivery, batch: Batch) -> Answer:
        key = LaneKey(delivery.gateway, batch.journal, delivery.lane)
        before = received.applied(work, key)
        done = before or []
        rows = [(device.id, row) for device in batch.devices for row in device.rows]
        fresh = [each for each in rows if not holds(done, each[1].seq)]
        gaps = ((gap.first, gap.last) for gap in batch.gaps)
        now = list(merged([*done, *of(row.seq for _, row in fresh), *gaps]))
        if len(now) > INTERVALS_MAX:
            # Too scattered to remember: apply nothing, acknowledge what is known, and the edge
            # sends the older rows first.
            now, fresh = done, []
        if now != done:
            received.keep_applied(work, key, now, is_new=before is None)
        # A reading that the home broker delivered twice is the same reading.
        told = [each for each in fresh if each[1].name in _NAMES and not _is_repeat(each[1])]
        facts = [_fact(delivery, batch, device, row) for device, row in told]
        if facts:
            self._judge.judge(work, facts)
        ack = Ack(
            journal=batch.journal, lane=delivery.lane.value, cloud_epoch=self._epoch, intervals=now
        )
        return Answer(delivery.gateway, ack, batch)

    # ------------------------------------------------------------ session start

    def _greet(self, work: Work, hello: Hello) -> list[Answer]:
        answers: list[Answer] = []
        for name, held in hello.lanes.items():
            key = LaneKey(hello.gateway, hello.journal, Lane(name))
            ack = Ack(journal=hello.journal, lane=name, cloud_epoch=self._epoch, hello=True)
            if key.lane in INTERVAL_LANES:
                ack.intervals = received.begin_at(work, key, held.lowest)
            else:
                # Beyond its highest too: a disk that has forgotten rows would give their numbers
                # again, and a press would pass for a repetition.
                stored = received.stored_between(work, key, held.lowest, SEQ_MAX, HELLO_SEQS_MAX)
                ack.seqs = [seq for seq, why in stored if why is None]
                ack.refused = [Refusal(seq, why) for seq, why in stored if why is not None]
            answers.append(Answer(hello.gateway, ack, nothing=(1, held.lowest - 1)))
        return answers


def _is_repeat(row: Row) -> bool:
    return row.x is not None and row.x.rep is not None


def _identity_of(delivery: Delivery) -> Identity | None:
    """What the properties say, where the topic bears them out."""
    identity = from_properties(delivery.properties)
    is_borne_out = identity is not None and identity.lane is delivery.lane
    return identity if is_borne_out and delivery.fault is None else None


def _reject_key(delivery: Delivery, identity: Identity | None) -> str:
    """Never the key of a row: bytes that bear a row's number must not stand in for the row."""
    if identity is None:
        return f"sha256:{fingerprint(delivery.topic, delivery.payload)}"
    return f"rejected:{delivery.gateway}/{identity.journal}/{identity.lane}/{identity.first}"


def _row_key(key: LaneKey, seq: int) -> str:
    return f"{key.gateway}/{key.journal}/{key.lane.value}/{seq}"


def _why_refused(row: Row, lane: Lane) -> str | None:
    if lane is Lane.ALARM and row.name in _NOTICES:
        return None
    if row.name not in _NAMES:
        return f"unknown_name: '{row.name[:64]}' is no word of ours"
    spec = SPECS[Measurement(row.name)]
    if lane is Lane.ALARM and spec.type == "bool" and not isinstance(row.value, bool):
        return f"undecodable: '{row.name}' is true or false, not of type {type(row.value).__name__}"
    return None


def _event(batch: Batch, device: str, row: Row, refused: dict[int, str]) -> EventRow:
    happened_ms = _happened_ms(batch, row)
    return EventRow(row.seq, device, row.name, _encode(row), happened_ms, refused.get(row.seq))


def _happened_ms(batch: Batch, row: Row) -> int:
    """By the edge's wall clock, which may say anything; no time is a reason to lose a row."""
    return min(max(batch.t0_ms + row.dt_ms, 0), _MILLIS_MAX)


def _fact(delivery: Delivery, batch: Batch, device: str, row: Row) -> Fact:
    key = LaneKey(delivery.gateway, batch.journal, delivery.lane)
    extra = row.x
    age_ms = extra.age_ms if extra else None
    return Fact(
        key=_row_key(key, row.seq),
        gateway=delivery.gateway,
        journal=batch.journal,
        lane=delivery.lane,
        device=device,
        row=row,
        happened_ms=_happened_ms(batch, row),
        received_ms=delivery.received_ms,
        age_ms=None if age_ms is None else min(age_ms + delivery.waited_s * 1000, _MILLIS_MAX),
        repeats=_row_key(key, extra.rep) if extra and extra.rep else None,
        cancels=_row_key(key, extra.cancels) if extra and extra.cancels else None,
    )


def merge_answers(answers: Sequence[Answer]) -> list[Answer]:
    """One acknowledgement for each gateway, journal and lane, in the order of the first of each."""
    merged: dict[tuple[str, str, str, bool], Ack] = {}
    for answer in answers:
        ack = answer.ack
        held = merged.setdefault((answer.gateway, ack.journal, ack.lane, ack.hello), ack)
        if held is not ack:
            held.seqs += ack.seqs
            held.refused += ack.refused
            held.intervals = ack.intervals
    return [Answer(key[0], ack) for key, ack in merged.items()]
