"""The pump of one source: group, commit, settle, acknowledge. A group never fails whole."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from cloud.ingest.fence import advance_each
from cloud.ingest.intake import Answer, Intake, merge_answers
from cloud.ingest.source import Delivery, Publish, Source
from cloud.ingest.telemetry import Telemetry
from cloud.observe import Counters
from cloud.observe.measures import GROUP, HOP
from cloud.pumps import Signal, due_within
from cloud.storage.errors import Fenced, Unavailable
from cloud.storage.store import Priority, Store
from cloud.storage.unit import Work
from contract.envelope import encode
from contract.lanes import INTERVAL_LANES, ROW_LANES, Lane
from contract.messages import Ack
from contract.properties import from_properties
from contract.topics import down_topic

log = logging.getLogger(__name__)
GROUP_MS_MAX: Final = 20
GROUP_MESSAGES_MAX: Final = 200
ATTEMPTS_MAX: Final = 3
ACK_ROWS_MAX: Final = 1000  # of one acknowledgement; its message must stay below the wire's limit


class IngestPump:
    """Turns what a source has into commits. The alarm source has a pump and a priority of its
    own. overtaken: called until somebody ends this pump, once a newer owner has its partitions."""

    def __init__(
        self,
        name: str,
        source: Source,
        store: Store,
        intake: Intake,
        telemetry: Telemetry,
        publish: Publish,
        counters: Counters,
        *,
        generation: int,
        priority: Priority,
        signal: Signal,
        overtaken: Callable[[], None],
    ) -> None:
        self.name, self.signal = name, signal
        self._source, self._store, self._intake = source, store, intake
        self._telemetry, self._publish, self._counters = telemetry, publish, counters
        self._generation, self._priority = generation, priority
        self._overtaken, self._is_fenced = overtaken, False
        self._group: list[Delivery] = []

    def run_once(self, now_ms: int) -> int | None:
        """One group at most; nothing any more behind the fence."""
        if self._is_fenced:
            self._overtaken()
            return None
        try:
            return self._turn(now_ms)
        except Fenced:
            # No trouble of ours: what is not settled is the newer owner's. Trying again would
            # never end, and two owners would take the one session from each other meanwhile.
            self._is_fenced = True
            return now_ms

    def _turn(self, now_ms: int) -> int | None:
        room = GROUP_MESSAGES_MAX - len(self._group)
        arrived = self._source.poll(room)
        self._group += arrived
        _note_arrival(arrived)
        due_ms = self._commit_due_ms(now_ms)
        if due_ms is not None and due_ms <= now_ms:
            is_full = len(self._group) >= GROUP_MESSAGES_MAX
            self._commit()
            due_ms = now_ms if is_full else None  # a full group may have left messages behind
        return due_ms

    def _commit_due_ms(self, now_ms: int) -> int | None:
        if not self._group:
            return None
        is_urgent = any(delivery.lane is Lane.ALARM for delivery in self._group)
        if is_urgent or len(self._group) >= GROUP_MESSAGES_MAX:
            return now_ms
        return due_within(self._group[0].received_ms + GROUP_MS_MAX, now_ms, GROUP_MS_MAX)

    def _commit(self) -> None:
        try:
            answers = self._store.write(
                lambda work: self._take_all(work, self._group), self._priority
            )
        except (Unavailable, Fenced):
            raise  # nothing is settled; after a pause the group is tried again as it is
        except Exception:  # one bad message must not stop the good ones: find it
            log.exception("a group of %d messages failed; each is tried alone", len(self._group))
            self._counters.add("ingest.groups_failed")
            self._one_by_one()
            return
        group, self._group = self._group, []
        self._settle(group, answers)

    def _take_all(self, work: Work, group: Sequence[Delivery]) -> list[Answer]:
        advance_each(work, (d.partition for d in group), self._generation)
        return [answer for delivery in group for answer in self._intake.take(work, delivery)]

    def _one_by_one(self) -> None:
        for delivery in sorted(self._group, key=lambda d: d.lane is not Lane.ALARM):
            answers = self._alone(delivery)
            self._group.remove(delivery)
            self._settle([delivery], answers)

    def _alone(self, delivery: Delivery) -> list[Answer]:
        trouble = ""
        for _ in range(ATTEMPTS_MAX):
            try:
                return self._store.write(lambda w: self._take_all(w, [delivery]), self._priority)
            except (Unavailable, Fenced):
                raise
            except Exception as error:  # noqa: BLE001 - see _commit
                trouble = f"{type(error).__name__}: {error}"
        self._counters.add("ingest.quarantined")
        log.error(
            "message on %s is put aside after %d attempts: %s",
            delivery.topic,
            ATTEMPTS_MAX,
            trouble,
        )
        return self._put_aside(delivery, trouble)

    def _put_aside(self, delivery: Delivery, trouble: str) -> list[Answer]:
        try:
            return self._store.write(
                lambda work: self._intake.reject(work, delivery, "quarantined", trouble),
                self._priority,
            )
        except (Unavailable, Fenced):
            raise
        except Exception as error:
            # Unsettled, it would stop every alarm behind it. The edge keeps the row: nobody has
            # acknowledged it.
            log.exception("message on %s could not even be put aside", delivery.topic)
            self._counters.add("ingest.left_with_the_edge")
            self._counters.trouble(self.name, str(error), delivery.received_ms)
            return []

    def _settle(self, group: Sequence[Delivery], answers: Sequence[Answer]) -> None:
        self._source.settle([delivery.token for delivery in group])
        self._counters.add(f"messages.{self.name}", len(group))
        self._counters.measure(GROUP, self.name, len(group))
        for delivery in group:
            if delivery.lane is Lane.ALARM:
                self._counters.since(HOP, "received_committed", delivery.received_ms)
        at_once: list[Answer] = []
        for answer in answers:
            if answer.ack.lane not in INTERVAL_LANES:
                at_once.append(answer)
                continue
            self._counters.add(f"ingest.refused.{answer.ack.lane}", len(answer.ack.refused))
            if answer.ack.hello:
                at_once.append(answer._replace(ack=self._telemetry.greet(answer)))
            else:
                self._telemetry.offer(answer)
        for answer in merge_answers(at_once):
            self._trace(answer.gateway, answer.ack)
            self._send(answer.gateway, answer.ack)

    def _trace(self, gateway: str, ack: Ack) -> None:
        """Each call on its own line, and each row that the edge must keep."""
        if ack.lane not in ROW_LANES or ack.hello:
            return
        for seq in ack.seqs if ack.lane == Lane.ALARM.value else ():
            facts = {"press": _key(gateway, ack, seq), "gateway": gateway, "hop": "committed"}
            log.info("press %(press)s: committed", facts)
        for refusal in ack.refused:
            self._counters.add(f"ingest.refused.{ack.lane}")
            facts = {"press": _key(gateway, ack, refusal.seq), "gateway": gateway, "hop": "refused"}
            facts["why"] = refusal.reason.partition(":")[0]
            log.warning("press %(press)s: refused, %(why)s", facts)

    def _send(self, gateway: str, ack: Ack) -> None:
        for part in _parts(ack):
            encoded = encode(part)
            self._publish(down_topic(gateway, "ack"), encoded.payload, encoded.content_type)


def _key(gateway: str, ack: Ack, seq: int) -> str:
    """As the alarm's history names it, and the edge's log."""
    return f"{gateway}/{ack.journal}/{ack.lane}/{seq}"


def _note_arrival(arrived: Iterable[Delivery]) -> None:
    """Before the commit, by what the properties say: should that never come, here is a trace."""
    for delivery in arrived:
        if delivery.lane is Lane.ALARM:
            identity = from_properties(delivery.properties)
            journal, seq = (identity.journal, identity.first) if identity else ("?", 0)
            press = f"{delivery.gateway}/{journal}/{delivery.lane}/{seq}"
            facts = {"press": press, "gateway": delivery.gateway, "hop": "received"}
            log.info("press %(press)s: received", facts)


def _parts(ack: Ack) -> Iterator[Ack]:
    """The same in messages that the wire takes."""
    yield replace(ack, seqs=ack.seqs[:ACK_ROWS_MAX], refused=ack.refused[:ACK_ROWS_MAX])
    for at in range(ACK_ROWS_MAX, max(len(ack.seqs), len(ack.refused)), ACK_ROWS_MAX):
        end = at + ACK_ROWS_MAX
        yield replace(ack, seqs=ack.seqs[at:end], refused=ack.refused[at:end])
