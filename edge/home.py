"""The pump of the home's side: takes messages, commits them, and only then lets the broker forget
them.

It is the only writer of the journal, so what the cloud acknowledges is written here too.
"""

import logging
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from typing import Final

from contract.lanes import Lane, Notice
from contract.messages import Ack, Config, DownMessage, Say
from edge.answers import offer_refused_again, stored_config
from edge.clock import Clock, Now
from edge.commit import Commit, Waiting
from edge.errors import JournalBroken, JournalError, JournalUnavailable
from edge.health import Health
from edge.intake import Intake, Read, spoilt
from edge.journal.limits import Keeper, age_ms
from edge.journal.model import Row, Taken
from edge.journal.store import Journal
from edge.link import Arrived, Confirmed, Joined, Link, LinkEvent, Lost
from edge.local import Local
from edge.pumps import EventSignal
from edge.redelivery import Delivery
from edge.residents import Residents
from edge.status import StatusBoard
from edge.telling import Telling

log = logging.getLogger(__name__)
GROUP_MAX: Final = 200
GROUP_MS: Final = 20
RETRY_MS: Final = 500
IDLE_MS: Final = 1_000
KEEP_MS: Final = 60_000


class HomePump:
    """See above. uplink_signal: set when there is something for the cloud; done: takes ids of
    commands carried out; version: this program's."""

    name = "home"

    def __init__(
        self,
        *,
        gateway: str,
        link: Link,
        signal: EventSignal,
        journal: Journal,
        intake: Intake,
        residents: Residents,
        local: Local,
        keeper: Keeper,
        clock: Clock,
        health: Health,
        uplink_signal: EventSignal,
        version: str = "",
    ) -> None:
        self.signal = signal
        self.config: Config | None = None  # as the cloud last said
        self.done: deque[str] = deque()  # commands carried out, for the uplink to report
        self._link, self._journal, self._intake, self._local = link, journal, intake, local
        self._keeper, self._clock, self._health = keeper, clock, health
        self._uplink_signal = uplink_signal
        self._commit = Commit(journal, intake, residents, clock, version)
        self._telling = Telling(link, local, residents, journal, clock, self._finish)
        self._status = StatusBoard(gateway, link, journal, clock, health, self._commit.said)
        self._inbox: deque[DownMessage] = deque()
        self._events: deque[LinkEvent] = deque()
        self._group: list[Waiting] = []
        self._batch_max = self._inbox_max = GROUP_MAX
        self._retry_ms = self._idle_ms = self._keep_ms = 0
        self._journal_id = ""
        try:
            offer_refused_again(journal, version)
            self._begin()
        except JournalBroken as error:
            journal.set_aside(str(error))
            self._begin()

    # ------------------------------------------------------------ the turn

    def deliver(self, message: DownMessage) -> None:
        """Something from the cloud, from the uplink's thread."""
        self._inbox.append(message)
        self.signal.set()

    def run_once(self, now: Now) -> int | None:
        """One group at most."""
        link_ms = self._link.tend(now.monotonic_ms)
        room = GROUP_MAX - len(self._group) - len(self._events)
        self._events.extend(self._link.take(max(0, room)))
        try:
            self._listen(now)
            work_ms = self._work(now)
        except JournalError as error:
            work_ms = self._failed(error, now)
        self._local_turn(now)
        status_ms = self._status.run_once(now)
        idle_ms = self._idle(now) if work_ms is None else None
        due = (link_ms, work_ms, self._local.due_ms(), status_ms, idle_ms)
        return min((each for each in due if each is not None), default=None)

    def drain(self, now: Now) -> bool:
        """See Pump."""
        self.run_once(now)
        is_empty = not self._group and not self._inbox and not self._events
        return is_empty and self._commit.is_sure

    def close(self) -> None:
        """See Pump."""
        try:
            self._commit.forget_settled()
        except JournalError as error:
            log.warning("the journal could not note a clean stop: %s", error)
        self._status.end()
        self._link.close()
        self._journal.close()

    # ------------------------------------------------------------ what the home broker says

    def _listen(self, now: Now) -> None:
        """An event that fails is tried again, and those behind it are not lost."""
        while self._events:
            match self._events[0]:
                case Joined(is_resumed=is_resumed):
                    self._joined(now, is_resumed=is_resumed)
                case Lost():
                    self._commit.lost()
                    self._telling.lost()
                    self._health.link("home", is_up=False)
                case Confirmed() as confirmed:
                    self._commit.confirmed(confirmed.token)
                    self._telling.confirmed(confirmed)
                case Arrived() as message:
                    self._take(message, now)
            self._events.popleft()

    def _joined(self, now: Now, *, is_resumed: bool) -> None:
        self._health.link("home", is_up=True)
        may_come_again = self._commit.joined(is_resumed=is_resumed)
        if is_resumed:  # what is in hand was not acknowledged either, and lies behind
            in_hand = (each.read.delivery for each in self._group)
            may_come_again += [each for each in in_hand if each is not None]
        self._intake.joined(may_come_again, sets_dup=self._commit.sets_dup)
        self._status.joined()
        self._telling.joined(now)

    def _take(self, message: Arrived, now: Now) -> None:
        boot, is_synced = self._clock.boot_id(), self._clock.is_synced()
        taken = Taken(boot, now.monotonic_ms, now.wall_ms, is_synced)
        try:
            read = self._intake.read(message, taken)
        except Exception as error:  # our own fault must not stop the messages behind this one
            log.exception("a message on %s could not be read", message.topic)
            self._health.trouble("intake", str(error), now)
            read = self._intake.failed(message, taken, error)
        if read.held is not None:
            self._hold_again(read.held, message)
        elif read.entries or read.rejected is not None:
            self._group.append(Waiting(message, taken, read))
        else:
            self._link.settle([message.receipt])

    def _hold_again(self, held: Delivery, message: Arrived) -> None:
        """It is still in hand, uncommitted, since the connection before: settle this delivery of it
        when the time comes."""
        for index, each in enumerate(self._group):
            if each.read.delivery is held and message.receipt is not None:
                held.mid = message.receipt.mid
                self._group[index] = each._replace(message=message)

    # ------------------------------------------------------------ the commit

    def _work(self, now: Now) -> int | None:
        """Commit what is in hand where it is time; when it is time, else."""
        if not self._has_work():
            return None
        if now.monotonic_ms < self._retry_ms:
            return self._retry_ms
        if self._group and self._due_ms(now) <= now.monotonic_ms:
            self._commit_group(now)
        if self._inbox or self._telling.told or self._telling.carried_out:
            self._commit_answers(now)
        if self._journal.id != self._journal_id:
            self._begin()
        self._health.well("journal")
        self._local.holding(None)
        if self._inbox or self._telling.told or self._telling.carried_out:
            return now.monotonic_ms
        return self._due_ms(now) if self._group else None

    def _has_work(self) -> bool:
        return bool(self._group or self._inbox or self._telling.told or self._telling.carried_out)

    def _due_ms(self, now: Now) -> int:
        is_urgent = len(self._group) >= GROUP_MAX or self._batch_max < GROUP_MAX
        if is_urgent or any(each.is_call for each in self._group):
            return now.monotonic_ms
        return self._group[0].taken.monotonic_ms + GROUP_MS

    def _commit_group(self, now: Now) -> None:
        batch = self._group[: self._batch_max]
        try:
            rows = self._commit.group(batch, now)
        except JournalError:
            raise
        except Exception as error:
            log.exception("a group of %d messages failed", len(batch))
            self._health.trouble("intake", str(error), now)
            self._blame(error)
            return
        self._link.settle([each.message.receipt for each in batch])
        self._commit.settled()
        del self._group[: len(batch)]
        if not self._group:
            self._batch_max = GROUP_MAX
        self._health.add("journalled", len(rows))
        self._new_rows(rows)
        self._uplink_signal.set()

    def _blame(self, error: Exception) -> None:
        """A message cannot be written, for a reason of our own: find it by trying each alone, and
        put it aside. A call for help becomes one that cannot be read, never silence."""
        self._commit.rolled_back()
        if self._batch_max > 1:
            self._batch_max = 1
            return
        first = self._group[0]
        if first.failures == 0:
            read = spoilt(first.message, first.read, error)
        elif first.failures == 1 and first.is_call:  # not even that: it is told as our own words
            notice = self._journal.notice(Notice.UNREADABLE, f"a message failed: {error!r}")
            read = Read(first.read.delivery, ((notice, None),))
        else:
            read = Read(None)
        self._group[0] = first._replace(read=read, failures=first.failures + 1)

    def _commit_answers(self, now: Now) -> None:
        inbox = list(islice(self._inbox, self._inbox_max))
        told, carried_out = self._telling.told, self._telling.carried_out
        try:
            answered = self._commit.answers(inbox, told, carried_out, now)
        except JournalError:
            raise
        except Exception as error:
            log.exception("%d messages of the cloud failed", len(inbox))
            self._health.trouble("downlink", str(error), now)
            if self._inbox_max == 1 and self._inbox:
                self._inbox.popleft()  # the cloud says again what matters
            self._inbox_max = 1
            return
        self._telling.noted()
        for _ in inbox:
            self._inbox.popleft()
        if not self._inbox:
            self._inbox_max = GROUP_MAX
        self._answered(answered)
        for message in inbox:
            self._follow(message, now)
        self._uplink_signal.set()

    def _failed(self, error: JournalError, now: Now) -> int:
        """Nothing of the group was kept; it stays in hand, and the broker keeps it too. When to try
        again."""
        self._health.trouble("journal", str(error), now)
        self._commit.rolled_back()
        if isinstance(error, JournalBroken):
            with suppress(JournalUnavailable):
                self._journal.set_aside(str(error))
                self._begin()
                self._uplink_signal.set()
                return now.monotonic_ms
        self._retry_ms = now.monotonic_ms + RETRY_MS
        self._local.holding(self._held_since_ms())
        if self._journal.is_full:
            with suppress(JournalError):  # a disk may be too full even for that
                self._keeper.make_room()
        return self._retry_ms

    def _held_since_ms(self) -> int | None:
        calls = (
            each.taken.monotonic_ms
            for each in self._group
            if any(entry.calls_for_help for entry, _ in each.read.entries)
        )
        return next(calls, None)

    # ------------------------------------------------------------ after the commit

    def _new_rows(self, rows: Sequence[Row]) -> None:
        for row in rows:
            entry = row.entry
            if entry.rep is not None:
                self._health.add("repeats")
            if entry.calls_for_help:
                self._local.called(row.seq, entry.taken.monotonic_ms)
                self._telling.speak("calling", row)
            if entry.cancels is not None:
                self._local.answered(entry.cancels)
                self._telling.speak("cancelled", row)

    def _answered(self, rows: Sequence[Row]) -> None:
        for row in rows:
            if row.entry.lane is Lane.ALARM:
                self._local.answered(row.seq)
                if row.entry.calls_for_help and not self._journal.view.is_told(row.seq):
                    self._telling.speak("received", row)

    def _follow(self, message: DownMessage, now: Now) -> None:
        match message:
            case Say():
                self._telling.obey(message, now)
            case Config():
                self._configure(message)
            case Ack(journal=self._journal.id, lane=Lane.ALARM):
                for refusal in message.refused:
                    self._local.answered(refusal.seq)  # the cloud's people have seen it
            case Ack():
                pass

    def _finish(self, command: str) -> None:
        self.done.append(command)
        self._uplink_signal.set()

    def _configure(self, config: Config) -> None:
        self.config = config
        self._intake.configure(config.devices, config.cancel_window_s)

    def _local_turn(self, now: Now) -> None:
        if self._local.turn(now):
            self._telling.sound()
            if self._local.siren.on:
                self._health.add("local_help")
        for seq in self._local.newly_overdue(now):
            row = self._journal.view.row(Lane.ALARM, seq)
            if row is not None:
                self._telling.speak("local_help", row)

    # ------------------------------------------------------------ beginning, idling

    def _begin(self) -> None:
        """From what the journal holds: at the start, and where it is a new one."""
        view, now = self._journal.view, self._clock.now()
        self._journal_id = self._journal.id
        self._commit.begin()
        self._telling.begin()
        self._local.forget()
        self._intake.joined(())
        stored = stored_config(view)
        if stored is not None:
            self._configure(stored)
        boot, is_synced = self._clock.boot_id(), self._clock.is_synced()
        for row in self._waiting_calls():
            age = age_ms(row.entry.taken, now, boot, is_synced)
            self._local.called(row.seq, now.monotonic_ms - (age or 0))
            self._telling.speak("calling", row)  # whether it was said is not known

    def _waiting_calls(self) -> list[Row]:
        """Calls that nobody has answered yet: not those taken back, nor those that the cloud had
        and is offered again."""
        view = self._journal.view
        waiting = set(view.waiting(Lane.ALARM))
        if not waiting:
            return []
        rows = view.rows(Lane.ALARM, min(waiting))
        taken_back = {row.entry.cancels for row in rows}
        return [
            row
            for row in rows
            if row.seq in waiting - taken_back
            and row.entry.calls_for_help
            and not view.is_told(row.seq)
        ]

    def _idle(self, now: Now) -> int | None:
        """Small housekeeping, once a second, while nothing else is to do."""
        if now.monotonic_ms < self._idle_ms:
            return self._idle_ms
        self._idle_ms = now.monotonic_ms + IDLE_MS
        try:
            self._telling.catch_up(now)
            self._commit.forget_settled()
            if now.monotonic_ms >= self._keep_ms:
                if self._keeper.step(now):
                    self._idle_ms = now.monotonic_ms
                    return now.monotonic_ms
                self._keep_ms = now.monotonic_ms + KEEP_MS
                self._keeper.forget_commands(now)
            self._journal.checkpoint()
        except JournalBroken as error:
            return self._failed(error, now)
        except JournalError as error:
            self._health.trouble("journal", str(error), now)
        return self._idle_ms
