"""The pump of one source: group, commit, settle, acknowledge. A group never fails whole."""

import logging
from collections.abc import Sequence
from typing import Final

from cloud.ingest.fence import advance_each
from cloud.ingest.intake import Answer, Intake, merge_answers
from cloud.ingest.source import Delivery, Publish, Source
from cloud.observe import Counters
from cloud.pumps import Signal
from cloud.storage.errors import Fenced, Unavailable
from cloud.storage.store import Priority, Store
from cloud.storage.unit import Work
from contract.envelope import encode
from contract.lanes import INTERVAL_LANES, Lane
from contract.messages import Ack
from contract.topics import down_topic

log = logging.getLogger(__name__)
GROUP_MS_MAX: Final = 20
GROUP_MESSAGES_MAX: Final = 200
ATTEMPTS_MAX: Final = 3
DATA_ACK_EVERY_MS: Final = 1000
HELD_ACKS_MAX: Final = 50_000


class IngestPump:
    """Turns what a source has into commits. The alarm source has a pump and a priority of its
    own."""

    def __init__(
        self,
        name: str,
        source: Source,
        store: Store,
        intake: Intake,
        publish: Publish,
        counters: Counters,
        *,
        generation: int,
        priority: Priority,
        signal: Signal,
    ) -> None:
        self.name, self.signal = name, signal
        self._source, self._store, self._intake = source, store, intake
        self._publish, self._counters = publish, counters
        self._generation, self._priority = generation, priority
        self._group: list[Delivery] = []
        self._held: dict[
            tuple[str, str, str], Ack
        ] = {}  # data acknowledgements, at most one a second
        self._sent_ms: dict[str, int] = {}

    def run_once(self, now_ms: int) -> int | None:
        """One group at most, so that a flood never starves the acknowledgements."""
        room = GROUP_MESSAGES_MAX - len(self._group)
        self._group += self._source.poll(room)
        due_ms = self._commit_due_ms(now_ms)
        if due_ms is not None and due_ms <= now_ms:
            is_full = len(self._group) >= GROUP_MESSAGES_MAX
            self._commit()
            due_ms = now_ms if is_full else None  # a full group may have left messages behind
        flush_ms = self._flush(now_ms)
        return min((due for due in (due_ms, flush_ms) if due is not None), default=None)

    def _commit_due_ms(self, now_ms: int) -> int | None:
        if not self._group:
            return None
        is_urgent = any(delivery.lane is Lane.ALARM for delivery in self._group)
        if is_urgent or len(self._group) >= GROUP_MESSAGES_MAX:
            return now_ms
        return self._group[0].received_ms + GROUP_MS_MAX

    def _commit(self) -> None:
        try:
            answers = self._store.write(
                lambda work: self._take_all(work, self._group), self._priority
            )
        except (Unavailable, Fenced):
            raise  # nothing is settled; the runner pauses and the group is tried again as it is
        except Exception:  # one bad message must not stop the good ones: find it
            log.exception("a group of %d messages failed; each is tried alone", len(self._group))
            self._counters.add("ingest.groups_failed")
            self._one_by_one()
            return
        self._settle(self._group, answers)
        self._group = []

    def _take_all(self, work: Work, group: Sequence[Delivery]) -> list[Answer]:
        advance_each(work, (d.partition for d in group), self._generation)
        return [answer for delivery in group for answer in self._intake.take(work, delivery)]

    def _one_by_one(self) -> None:
        for delivery in sorted(self._group, key=lambda d: d.lane is not Lane.ALARM):
            answers = self._alone(delivery)
            self._settle([delivery], answers)
            self._group.remove(delivery)

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
        return self._store.write(
            lambda work: self._intake.reject(work, delivery, "quarantined", trouble), self._priority
        )

    def _settle(self, group: Sequence[Delivery], answers: Sequence[Answer]) -> None:
        self._source.settle([delivery.token for delivery in group])
        self._counters.add(f"{self.name}.messages", len(group))
        for gateway, ack in merge_answers(answers):
            if ack.lane in INTERVAL_LANES and not ack.hello:
                if len(self._held) < HELD_ACKS_MAX:
                    self._held[(gateway, ack.journal, ack.lane)] = ack
            else:
                self._send(gateway, ack)

    def _flush(self, now_ms: int) -> int | None:
        next_ms: int | None = None
        for key in list(self._held):
            due_ms = self._sent_ms.get(key[0], 0) + DATA_ACK_EVERY_MS
            if due_ms <= now_ms:
                self._send(key[0], self._held.pop(key))
                self._sent_ms[key[0]] = now_ms
            else:
                next_ms = due_ms if next_ms is None else min(next_ms, due_ms)
        return next_ms

    def _send(self, gateway: str, ack: Ack) -> None:
        encoded = encode(ack)
        self._publish(down_topic(gateway, "ack"), encoded.payload, encoded.content_type)
