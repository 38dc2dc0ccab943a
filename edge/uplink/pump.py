"""The pump of the way up. Reads the journal, never writes it: what the cloud says goes to the
home's pump.

Alarms first and each alone, then events, then what is new of data and health, then the backlog.
"""

import logging
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Final

from contract.envelope import decode_down, encode
from contract.errors import Malformed
from contract.lanes import INTERVAL_LANES, ROW_LANES, Lane
from contract.messages import Ack, Done, DownMessage, Hello, LaneRange
from contract.topics import up_topic
from edge.clock import Clock, Now
from edge.health import Health
from edge.journal.model import Row
from edge.journal.store import Journal
from edge.link import Arrived, Confirmed, Joined, Link, LinkEvent, Lost, Outgoing
from edge.pumps import EventSignal
from edge.uplink.batches import Speaker, message_of
from edge.uplink.pacing import Pacer
from edge.uplink.resend import Resend

log = logging.getLogger(__name__)
EVENTS_MAX: Final = 200  # taken from the link at a time
ALARMS_OPEN_MAX: Final = 100
EVENT_ROWS_MAX: Final = 100
EVENT_OPEN_MAX: Final = 4
DATA_ROWS_MAX: Final = 500
BYTES_MAX: Final = 64 * 1024  # before deflating; well below the wire's limit
HELLO_AGAIN_MS: Final = 30_000
DONE_MAX: Final = 100


class UplinkPump:
    """See above. hand_over: takes what the cloud says; done: ids of commands carried out."""

    name = "uplink"

    def __init__(
        self,
        *,
        gateway: str,
        version: str,
        link: Link,
        signal: EventSignal,
        journal: Journal,
        clock: Clock,
        health: Health,
        hand_over: Callable[[DownMessage], None],
        done: deque[str],
        random: Random,
        start_within_ms: int,
    ) -> None:
        self.signal = signal
        self._gateway, self._version, self._link = gateway, version, link
        self._journal, self._clock, self._health = journal, clock, health
        self._hand_over, self._done = hand_over, done
        self._random, self._start_within_ms = random, start_within_ms
        self._events: deque[LinkEvent] = deque()
        self._is_joined = False
        self._journal_id = ""
        self._hello_ms: int | None = None
        self._has_greeted = False
        self._unanswered: set[Lane] = set()
        self._resend = {lane: Resend() for lane in ROW_LANES}
        self._pacers = {lane: Pacer() for lane in INTERVAL_LANES}
        self._stalled: set[Lane] = set()

    def run_once(self, now: Now) -> int | None:
        """Everything that may be said now."""
        self._events.extend(self._link.take(EVENTS_MAX))
        while self._events:
            self._happened(self._events[0], now)
            self._events.popleft()
        link_ms = self._link.tend(now.monotonic_ms)  # last: a dead line holds it up for seconds
        if not self._is_joined:
            return link_ms
        if self._journal.id != self._journal_id:  # set aside: another journal, another session
            self._begin(now)
        self._greet(now)
        self._say_alarms(now)
        self._say_events(now)
        self._say_done()
        for lane in INTERVAL_LANES:
            self._say_stretch(lane, now)
        return self._next_ms(now)

    def drain(self, now: Now) -> bool:
        """See Pump: what the journal holds can be said after the next start."""
        self.run_once(now)
        return True

    def close(self) -> None:
        """See Pump."""
        self._link.close()

    # ------------------------------------------------------------ what the cloud's broker says

    def _happened(self, event: LinkEvent, now: Now) -> None:
        match event:
            case Joined():
                self._is_joined = True
                self._health.link("cloud", is_up=True)
                self._begin(now)
            case Lost():
                self._is_joined = False
                self._health.link("cloud", is_up=False)
            case Confirmed():
                self._confirmed(event, now)
            case Arrived():
                self._heard(event, now)

    def _begin(self, now: Now) -> None:
        self._journal_id = self._journal.id
        self._hello_ms, self._has_greeted = now.monotonic_ms, False
        self._unanswered = set(INTERVAL_LANES)
        for resend in self._resend.values():
            resend.reset()
        start_ms = now.monotonic_ms + self._random.randint(0, self._start_within_ms)
        for lane, pacer in self._pacers.items():
            pacer.begin(self._journal.highest[lane], start_ms)

    def _confirmed(self, event: Confirmed, now: Now) -> None:
        for resend in self._resend.values():
            resend.confirmed(event.token)
        for pacer in self._pacers.values():
            pacer.confirmed(event.token)
        if event.trouble is not None:
            self._health.add("uplink_refused")
            self._health.trouble("uplink", f"the cloud's broker says: {event.trouble}", now)
        else:
            self._health.well("uplink")

    def _heard(self, event: Arrived, now: Now) -> None:
        try:
            message = decode_down(event.payload, event.content_type)
        except Malformed as error:
            self._health.add("down_unreadable")
            self._health.trouble("downlink", f"{event.topic}: {error}", now)
        else:
            if isinstance(message, Ack) and message.journal == self._journal_id:
                self._acknowledged(message)
            self._hand_over(message)
        self._link.settle([event.receipt])  # what is lost from here on is said again by the cloud

    def _acknowledged(self, ack: Ack) -> None:
        lane = Lane(ack.lane)
        if lane in ROW_LANES:
            self._health.add(f"acknowledged_{lane}", len(ack.seqs))
            return
        if ack.refused:
            self._health.add(f"refused_{lane}", len(ack.refused))
            count, first = len(ack.refused), ack.refused[0]
            log.warning("the cloud refuses %d rows of %s: %s", count, lane, first.reason)
        if ack.hello or lane not in self._unanswered:
            self._unanswered.discard(lane)
            self._pacers[lane].applied(ack.intervals)

    # ------------------------------------------------------------ saying

    def _speaker(self, now: Now) -> Speaker:
        clock = self._clock
        return Speaker(self._gateway, self._journal_id, clock.boot_id(), now, clock.is_synced())

    def _greet(self, now: Now) -> None:
        if self._hello_ms is None or now.monotonic_ms < self._hello_ms:
            return
        if self._has_greeted and not self._unanswered:
            self._hello_ms = None
            return
        hello = Hello(
            gateway=self._gateway,
            journal=self._journal_id,
            boot=self._clock.boot_id(),
            version=self._version,
            sent_ms=now.wall_ms,
            lanes={lane.value: self._range(lane) for lane in Lane},
        )
        encoded = encode(hello)
        topic = up_topic(self._gateway, Lane.HEALTH)
        self._link.publish(Outgoing(topic, encoded.payload, content_type=encoded.content_type))
        self._hello_ms, self._has_greeted = now.monotonic_ms + HELLO_AGAIN_MS, True

    def _range(self, lane: Lane) -> LaneRange:
        highest = self._journal.highest[lane]
        lowest = self._journal.view.lowest(lane)
        return LaneRange(highest + 1 if lowest is None else lowest, highest)

    def _say_alarms(self, now: Now) -> None:
        view, resend = self._journal.view, self._resend[Lane.ALARM]
        due = resend.due(view.waiting(Lane.ALARM), now.monotonic_ms)
        for seq in due[: max(0, ALARMS_OPEN_MAX - resend.open)]:
            row = view.row(Lane.ALARM, seq)
            if row is None or not self._say_rows(Lane.ALARM, [row], now):
                return

    def _say_events(self, now: Now) -> None:
        view, resend = self._journal.view, self._resend[Lane.EVENT]
        due = set(resend.due(view.waiting(Lane.EVENT), now.monotonic_ms))
        while due and resend.open < EVENT_OPEN_MAX:
            held = view.events(min(due), max(due), EVENT_ROWS_MAX, BYTES_MAX)
            rows = [row for row in held if row.seq in due]
            if not rows or not self._say_rows(Lane.EVENT, rows, now):
                return
            due -= {row.seq for row in rows}

    def _say_rows(self, lane: Lane, rows: list[Row], now: Now) -> bool:
        token = self._link.publish(message_of(self._speaker(now), lane, rows))
        if token is None:
            return False
        self._resend[lane].said([row.seq for row in rows], token, now.monotonic_ms)
        self._health.add(f"said_{lane}", len(rows))
        for row in rows if lane is Lane.ALARM else ():
            press = f"{self._gateway}/{self._journal_id}/{lane}/{row.seq}"
            facts = {"press": press, "gateway": self._gateway, "hop": "said"}
            log.info("press %(press)s: said to the cloud", facts)
        return True

    def _say_stretch(self, lane: Lane, now: Now) -> None:
        pacer, highest = self._pacers[lane], self._journal.highest[lane]
        self._stalled.discard(lane)
        while (wish := pacer.wish(highest, now.monotonic_ms)) is not None:
            span = self._journal.view.span(lane, wish.first, wish.last, DATA_ROWS_MAX, BYTES_MAX)
            if not span.rows and not span.gaps:
                # The cloud has forgotten rows, and the journal has not written that yet.
                self._stalled.add(lane)
                return
            message = message_of(self._speaker(now), lane, span.rows, span.gaps, wish.run)
            token = self._link.publish(message)
            if token is None:
                self._stalled.add(lane)  # until the broker has confirmed something
                return
            pacer.said(wish, span.last, token, now.monotonic_ms)

    def _say_done(self) -> None:
        commands = [self._done.popleft() for _ in range(min(DONE_MAX, len(self._done)))]
        if commands:
            encoded = encode(Done(self._gateway, commands))
            topic = up_topic(self._gateway, Lane.HEALTH)
            self._link.publish(Outgoing(topic, encoded.payload, content_type=encoded.content_type))

    def _next_ms(self, now: Now) -> int | None:
        due = [self._hello_ms, *(resend.next_ms() for resend in self._resend.values())]
        for lane, pacer in self._pacers.items():
            if lane in self._stalled:
                continue
            due.append(pacer.next_ms(self._journal.highest[lane], now.monotonic_ms))
        return min((each for each in due if each is not None), default=None)
