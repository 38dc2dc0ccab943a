"""Carries letters of the outbox out, at least once, until their receiver has confirmed them."""

import logging
from collections.abc import Mapping
from typing import Final

from cloud.durable import outbox
from cloud.durable.outbox import Carrier, Delivered, Letter, Outcome, Refused, Retry, Sent
from cloud.observe import Counters
from cloud.pumps import Signal
from cloud.storage.store import Priority, Store
from cloud.storage.unit import Work

log = logging.getLogger(__name__)
BATCH_MAX: Final = 100
RETRY_S: Final = (5, 10, 20)
RETRY_S_MAX: Final = 30


class OutboxPump:
    """Takes due letters to their carriers. carriers: by kind of letter; they must not block
    long."""

    name = "workers.outbox"

    def __init__(
        self, store: Store, carriers: Mapping[str, Carrier], signal: Signal, counters: Counters
    ) -> None:
        self.signal = signal
        self._store, self._carriers, self._counters = store, dict(carriers), counters

    def run_once(self, now_ms: int) -> int | None:
        """Everything that is due now; returns when the next one is."""
        letters = self._store.read(lambda work: outbox.due_letters(work, BATCH_MAX))
        results = [(letter, self._carry(letter, now_ms)) for letter in letters]
        if results:
            self._store.write(lambda work: _note(work, results), Priority.TIMER)
            self._trace(results)
        return self._store.read(outbox.next_letter_ms)

    def _trace(self, results: list[tuple[Letter, Outcome]]) -> None:
        for letter, outcome in results:
            what = type(outcome).__name__.lower()
            self._counters.add(f"outbox.carried.{what}")
            facts = {
                "letter": letter.id,
                "alarm": letter.alarm_id,
                "kind": letter.kind,
                "to": letter.target,
                "hop": what,
            }
            log.info("alarm %(alarm)s: letter %(letter)s to %(to)s: %(hop)s", facts)

    def _carry(self, letter: Letter, now_ms: int) -> Outcome:
        if letter.expires_ms <= now_ms:
            return Refused("its time is over")
        carrier = self._carriers.get(letter.kind)
        if carrier is None:
            return Refused(f"nobody carries letters of kind '{letter.kind}'")
        try:
            return carrier(letter)
        except Exception as error:  # a broken channel must not hold up the others
            log.exception("letter %s of kind %s failed; it is tried again", letter.id, letter.kind)
            self._counters.add(f"outbox.failed.{letter.kind}")
            return Retry(_pause_s(letter), f"{type(error).__name__}: {error}")


def _note(work: Work, results: list[tuple[Letter, Outcome]]) -> None:
    for letter, outcome in results:
        match outcome:
            case Delivered():
                outbox.finish_letters(work, [letter.id])
            case Sent():
                next_ms = work.now_ms + int(_pause_s(letter) * 1000)
                outbox.retry_letter(work, letter, next_ms, None)
            case Retry(after_s, reason):
                next_ms = work.now_ms + int(after_s * 1000)
                outbox.retry_letter(work, letter, next_ms, reason)
            case Refused(reason):
                outbox.bury_letter(work, letter.id, reason)


def _pause_s(letter: Letter) -> float:
    return RETRY_S[letter.attempts] if letter.attempts < len(RETRY_S) else RETRY_S_MAX
