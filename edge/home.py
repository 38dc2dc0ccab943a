"""The pump of the home's side: takes messages, commits them, and only then lets the broker forget
them.

It is the only writer of the journal, so what the cloud acknowledges is written here too.
"""

import logging
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Final, NamedTuple

import msgspec

from contract.lanes import ROW_LANES, Lane
from contract.messages import Ack, Config, DownMessage, Say
from edge import local as speech
from edge.answers import CONFIG, apply
from edge.clock import Clock, Now
from edge.errors import JournalError, JournalUnavailable
from edge.health import STATUS_EVERY_MS, Health
from edge.intake import Intake, Read, spoilt
from edge.journal.limits import Keeper, age_ms
from edge.journal.model import Entry, Origin, Row, Taken
from edge.journal.store import Journal
from edge.journal.writing import Writing
from edge.link import Arrived, Confirmed, Joined, Link, LinkEvent, Lost, Outgoing
from edge.local import Local
from edge.meaning import DOUBLE_WITHIN_MS, Reading
from edge.pumps import EventSignal
from edge.redelivery import Known
from edge.residents import Residents

log = logging.getLogger(__name__)
GROUP_MAX: Final = 200
GROUP_MS: Final = 20
RETRY_MS: Final = 500
IDLE_MS: Final = 1_000
KEEP_MS: Final = 60_000
TELLINGS_MAX: Final = 1_000  # spoken words that the home broker has not confirmed


class Waiting(NamedTuple):
    """A message in hand: not committed, so not settled."""

    message: Arrived
    taken: Taken
    read: Read


class _Telling(NamedTuple):
    """What is to be written once the home broker has the words: a row told, or a command done."""

    seq: int | None = None
    command: str | None = None


class HomePump:
    """See above. uplink_signal: set when there is something for the cloud; done: takes ids of
    commands carried out."""

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
    ) -> None:
        self.signal = signal
        self.config: Config | None = None  # as the cloud last said
        self.done: deque[str] = deque()  # commands carried out, for the uplink to report
        self._gateway, self._link, self._journal = gateway, link, journal
        self._intake, self._residents, self._local = intake, residents, local
        self._keeper, self._clock, self._health = keeper, clock, health
        self._uplink_signal = uplink_signal
        self._inbox: deque[DownMessage] = deque()
        self._events: deque[LinkEvent] = deque()
        self._group: list[Waiting] = []
        self._batch_max = GROUP_MAX
        self._settled_n = self._sure_n = self._noted_n = 0  # see _say_status
        self._proofs: dict[int, int] = {}  # publication -> what had been acknowledged before it
        self._tellings: dict[int, _Telling] = {}
        self._speaking: set[str] = set()
        self._n = self._rejected_n = 0
        self._retry_ms = self._idle_ms = self._keep_ms = self._status_ms = 0
        self._status: bytes = b""
        self._begin()

    # ------------------------------------------------------------ the turn

    def deliver(self, message: DownMessage) -> None:
        """Something from the cloud, from the uplink's thread."""
        self._inbox.append(message)
        self.signal.set()

    def run_once(self, now: Now) -> int | None:
        """One group at most."""
        link_ms = self._link.tend(now.monotonic_ms)
        self._events.extend(self._link.take(GROUP_MAX - len(self._group)))
        while self._events:  # one that fails is tried again, and those behind it are not lost
            self._happened(self._events[0], now)
            self._events.popleft()
        group_ms = self._work(now)
        self._local_turn(now)
        status_ms = self._say_status(now)
        idle_ms = self._idle(now) if group_ms is None else None
        due = (link_ms, group_ms, self._local.due_ms(), status_ms, idle_ms)
        return min((each for each in due if each is not None), default=None)

    def drain(self, now: Now) -> bool:
        """See Pump."""
        self.run_once(now)
        return not self._group and not self._inbox and not self._events

    def close(self) -> None:
        """See Pump."""
        self._link.close()
        self._journal.close()

    # ------------------------------------------------------------ what the home broker says

    def _happened(self, event: LinkEvent, now: Now) -> None:
        match event:
            case Joined():
                self._joined(event)
            case Lost():
                self._settled_n = 0  # whether the last acknowledgements arrived is not known
                self._proofs.clear()
                self._tellings.clear()
                self._speaking.clear()
                self._health.link("home", is_up=False)
            case Confirmed():
                self._confirmed(event, now)
            case Arrived():
                self._take(event, now)

    def _joined(self, event: Joined) -> None:
        self._health.link("home", is_up=True)
        self._status = b""
        if event.is_resumed:
            self._intake.joined(
                Known(m.origin.mid, m.origin.topic, m.origin.sha256, m.rows)
                for m in self._journal.view.messages()
                if m.n > self._sure_n
            )
        else:
            with self._journal.writing() as work:
                work.forget_messages()
            self._intake.joined(())
        self._link.publish(self._local.sounding())
        for row in self._journal.view.untold():
            if row.entry.calls_for_help:
                self._tell("received", row, self._clock.now())

    def _take(self, message: Arrived, now: Now) -> None:
        boot, is_synced = self._clock.boot_id(), self._clock.is_synced()
        taken = Taken(boot, now.monotonic_ms, now.wall_ms, is_synced)
        try:
            read = self._intake.read(message, taken)
        except Exception as error:  # our own fault must not stop the messages behind this one
            log.exception("a message on %s could not be read", message.topic)
            self._health.trouble("intake", str(error), now)
            read = Read(None, (), f"{type(error).__name__}: {error}")
        if read.entries or read.rejected is not None:
            self._group.append(Waiting(message, taken, read))
        else:
            self._link.settle([message.receipt])

    def _confirmed(self, event: Confirmed, now: Now) -> None:
        self._sure_n = max(self._sure_n, self._proofs.pop(event.token, 0))
        telling = self._tellings.get(event.token)
        if telling is None:
            return
        if event.trouble is not None:
            self._forget_telling(event.token)
            return
        with self._journal.writing() as work:
            if telling.seq is not None:
                work.told(telling.seq, now.wall_ms)
            if telling.command is not None:
                work.take_command(telling.command, now.wall_ms)
            self._note_settled(work)
        self._forget_telling(event.token)
        if telling.command is not None:
            self._finish(telling.command)

    def _forget_telling(self, token: int) -> None:
        telling = self._tellings.pop(token)
        if telling.command is not None:
            self._speaking.discard(telling.command)

    # ------------------------------------------------------------ the commit

    def _work(self, now: Now) -> int | None:
        """Commit what is in hand where it is time; when it is time, else."""
        if not self._group and not self._inbox:
            return None
        if now.monotonic_ms < self._retry_ms:
            return self._retry_ms
        due_ms = self._due_ms(now)
        if due_ms > now.monotonic_ms:
            return due_ms
        try:
            self._commit(now)
        except JournalUnavailable as error:
            self._failed(now, error)
            return self._retry_ms
        except JournalError as error:
            self._journal.set_aside(str(error))
            self._health.trouble("journal", str(error), now)
            self._begin()
            self._uplink_signal.set()
            return now.monotonic_ms
        except Exception as error:
            log.exception("a group of %d messages failed", len(self._group))
            self._blame(error)
            self._remember_recent(now)
            raise
        self._health.well("journal")
        self._local.holding(None)
        return now.monotonic_ms if self._inbox or len(self._group) else None

    def _due_ms(self, now: Now) -> int:
        is_urgent = self._inbox or len(self._group) >= GROUP_MAX
        if is_urgent or any(self._is_call(each) for each in self._group):
            return now.monotonic_ms
        return self._group[0].taken.monotonic_ms + GROUP_MS

    def _commit(self, now: Now) -> None:
        inbox = list(islice(self._inbox, GROUP_MAX))
        batch = self._group[: self._batch_max]
        rows: list[Row] = []
        n, rejected_n = self._n, self._rejected_n
        with self._journal.writing() as work:
            answered = [
                row for each in inbox for row in apply(self._journal, work, each, now.wall_ms)
            ]
            for each in batch:
                of_message = [
                    self._append(work, entry, reading) for entry, reading in each.read.entries
                ]
                rows += of_message
                if each.read.origin is not None and of_message:
                    n += 1
                    self._remember(work, n, each.read.origin, of_message)
                if each.read.rejected is not None:
                    rejected_n += 1
                    work.reject(
                        rejected_n,
                        now.wall_ms,
                        each.message.topic,
                        each.message.payload,
                        each.read.rejected,
                    )
            self._note_settled(work)
        self._n, self._rejected_n = n, rejected_n
        for _ in inbox:
            self._inbox.popleft()
        self._settle(batch)
        self._committed(rows, answered, inbox, now)

    def _append(self, work: Writing, entry: Entry, reading: Reading | None) -> Row:
        row = work.append(self._intake.repeats(entry, reading))
        self._intake.numbered(row, reading)
        return row

    def _remember(self, work: Writing, n: int, origin: Origin, rows: Sequence[Row]) -> None:
        work.remember_message(n, origin, [(row.entry.lane, row.seq) for row in rows])

    def _settle(self, batch: Sequence[Waiting]) -> None:
        self._link.settle([each.message.receipt for each in batch])
        self._group = self._group[len(batch) :]
        if not self._group:
            self._batch_max = GROUP_MAX
        self._settled_n = self._n

    def _note_settled(self, work: Writing) -> None:
        """What the broker has certainly been told of can only come again as something new."""
        if self._sure_n > self._noted_n:
            work.forget_messages(self._sure_n)
            self._noted_n = self._sure_n

    def _failed(self, now: Now, error: JournalUnavailable) -> None:
        """Nothing of the group was kept; it stays in hand, and the broker keeps it too."""
        self._retry_ms = now.monotonic_ms + RETRY_MS
        self._health.trouble("journal", str(error), now)
        self._remember_recent(now)
        calls = [each for each in self._group if self._is_call(each)]
        self._local.holding(calls[0].taken.monotonic_ms if calls else None)
        if self._journal.is_full:
            self._keeper.make_room()

    def _blame(self, error: Exception) -> None:
        """A message cannot be written, for a reason of our own: find it by trying each alone, and
        put it aside. A call for help becomes one that cannot be read, never silence."""
        if self._batch_max > 1:
            self._batch_max = 1
        elif self._group:
            first = self._group[0]
            self._group[0] = first._replace(read=spoilt(first.message, first.read, error))

    # ------------------------------------------------------------ after the commit

    def _committed(
        self, rows: Sequence[Row], answered: Sequence[Row], inbox: Sequence[DownMessage], now: Now
    ) -> None:
        self._health.add("journalled", len(rows))
        for row in rows:
            if row.entry.rep is not None:
                self._health.add("repeats")
            self._new_row(row, now)
        for row in answered:
            if row.entry.lane is Lane.ALARM:
                self._local.answered(row.seq)
                if row.entry.calls_for_help and not self._journal.view.is_told(row.seq):
                    self._tell("received", row, now)
        for message in inbox:
            self._follow(message, now)
        if rows or inbox:
            self._uplink_signal.set()

    def _follow(self, message: DownMessage, now: Now) -> None:
        match message:
            case Say():
                self._obey(message, now)
            case Config():
                self._configure(message)
            case Ack() if Lane(message.lane) is Lane.ALARM:
                for refusal in message.refused:
                    self._local.answered(refusal.seq)  # the cloud's people have seen it
            case Ack():
                pass

    def _new_row(self, row: Row, now: Now) -> None:
        entry = row.entry
        home = self._residents.home_of(entry.device)
        if entry.calls_for_help:
            self._local.called(row, home or "", entry.taken.monotonic_ms)
            self._speak("calling", row, home, now)
        if entry.cancels is not None:
            self._local.answered(entry.cancels)
            self._speak("cancelled", row, home, now)

    def _speak(self, key: str, row: Row, home: str | None, now: Now) -> None:
        if home is not None:
            self._link.publish(self._local.words(key, row, self._journal.id, home, now))

    def _tell(self, key: str, row: Row, now: Now) -> None:
        """Say it until the home broker has it, over restarts too."""
        home = self._residents.home_of(row.entry.device)
        if home is None or len(self._tellings) >= TELLINGS_MAX:
            return
        token = self._link.publish(self._local.words(key, row, self._journal.id, home, now))
        if token is not None:
            self._tellings[token] = _Telling(seq=row.seq)

    def _obey(self, say: Say, now: Now) -> None:
        """Commands come at least once; each is carried out once and reported as often as it is
        asked."""
        if say.id in self._speaking:
            return
        if say.expires_ms < now.wall_ms or self._journal.view.has_command(say.id):
            self._finish(say.id)
            return
        words = speech.Say(
            say.id, say.home, None, say.key, say.words["zh"], say.words["en"], now.wall_ms
        )
        token = self._link.publish(self._local.spoken(words))
        if token is not None:
            self._tellings[token] = _Telling(command=say.id)
            self._speaking.add(say.id)

    def _finish(self, command: str) -> None:
        self.done.append(command)
        self._uplink_signal.set()

    def _configure(self, config: Config) -> None:
        self.config = config
        self._intake.configure(config.devices, config.cancel_window_s)

    # ------------------------------------------------------------ beginning, idling, saying how it
    # goes

    def _begin(self) -> None:
        """From what the journal holds."""
        view = self._journal.view
        self._settled_n = self._sure_n = self._noted_n = 0
        self._n = max((m.n for m in view.messages()), default=0)
        self._rejected_n = view.rejected_so_far()
        stored = view.meta(CONFIG)
        if stored is not None:
            self._configure(msgspec.json.decode(stored, type=Config))
        now = self._clock.now()
        self._remember_recent(now)
        boot = self._clock.boot_id()
        for seq in view.waiting(Lane.ALARM):
            row = view.row(Lane.ALARM, seq)
            if row is not None and row.entry.calls_for_help:
                age = age_ms(row.entry.taken, now, boot, self._clock.is_synced())
                home = self._residents.home_of(row.entry.device)
                self._local.called(row, home or "", now.monotonic_ms - (age or 0))

    def _remember_recent(self, now: Now) -> None:
        since_ms = now.monotonic_ms - max(DOUBLE_WITHIN_MS, self._residents.cancel_window_ms)
        view, boot = self._journal.view, self._clock.boot_id()
        self._intake.remember(
            row for lane in ROW_LANES for row in view.recent_rows(lane, boot, since_ms)
        )

    def _is_call(self, each: Waiting) -> bool:
        return any(entry.lane is Lane.ALARM for entry, _ in each.read.entries)

    def _local_turn(self, now: Now) -> None:
        if not self._local.turn(now):
            return
        self._link.publish(self._local.sounding())
        if self._local.siren.on:
            self._health.add("local_help")
            for seq, home in self._local.overdue(now):
                row = self._journal.view.row(Lane.ALARM, seq)
                if row is not None:
                    self._speak("local_help", row, home or None, now)

    def _idle(self, now: Now) -> int | None:
        """Small housekeeping, once a second, while nothing else is to do."""
        if now.monotonic_ms < self._idle_ms:
            return self._idle_ms
        self._idle_ms = now.monotonic_ms + IDLE_MS
        try:
            if self._sure_n > self._noted_n:
                with self._journal.writing() as work:
                    self._note_settled(work)
            if now.monotonic_ms >= self._keep_ms:
                if self._keeper.step(now):
                    self._idle_ms = now.monotonic_ms
                    return now.monotonic_ms
                self._keep_ms = now.monotonic_ms + KEEP_MS
                self._keeper.forget_commands(now)
            self._journal.checkpoint()
        except JournalError as error:
            self._health.trouble("journal", str(error), now)
        return self._idle_ms

    def _say_status(self, now: Now) -> int | None:
        if not self._health.is_up("home"):
            return None
        if now.monotonic_ms < self._status_ms:
            return self._status_ms
        self._status_ms = now.monotonic_ms + STATUS_EVERY_MS
        waiting = self._journal.view.counts()
        status = self._health.status(self._journal.id, self._clock.boot_id(), waiting)
        said = msgspec.json.encode(status)
        if said != self._status:
            self._status = said
            topic = speech.status_topic(self._gateway)
            # The broker answers in order: once it confirms this, it has seen what we acknowledged
            # before. Time proves nothing: measured, a busy broker had not after half a second.
            token = self._link.publish(Outgoing(topic, said, is_retained=True))
            if token is not None:
                self._proofs[token] = self._settled_n
        return self._status_ms
