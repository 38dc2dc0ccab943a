"""From a message of the home broker to entries of the journal: heard, sorted, recognised. No
I/O."""

from base64 import b64encode
from collections.abc import Callable, Iterable
from hashlib import sha256
from itertools import accumulate
from typing import Final, NamedTuple

from msgspec.structs import replace

from contract.lanes import ROW_LANES, Lane, Notice, lane_of
from contract.messages import RegisteredDevice
from contract.vocabulary import SPECS, Kind, Measurement
from edge.dialects import Hearing
from edge.health import Health
from edge.journal.model import Entry, Row, Taken
from edge.link import Arrived
from edge.meaning import Doubles, Heard, Reading, Unreadable
from edge.redelivery import Delivery, Redelivery, Rows
from edge.residents import Residents

OWN_TOPICS: Final = ("anju/", "anju-home/", "$")
_EVENTS: Final = {m.value for m in Measurement if SPECS[m].kind is Kind.EVENT}
RAW_BYTES_MAX: Final = 32 * 1024
Held = Callable[[Lane, int], Row | None]


class Read(NamedTuple):
    """What a message gave. delivery: None where it need not be recognised again; entries: still
    without numbers; rejected: why it gave nothing, where people should know; held: the delivery
    in hand that this one is again."""

    delivery: Delivery | None
    entries: tuple[tuple[Entry, Reading | None], ...] = ()
    rejected: str | None = None
    held: Delivery | None = None


class Intake:
    """Reads messages in order of arrival. held: a committed row, by lane and number."""

    def __init__(self, hearing: Hearing, residents: Residents, health: Health, held: Held) -> None:
        self._hearing, self._residents, self._doubles = hearing, residents, Doubles()
        self._health, self._held = health, held
        self._again = Redelivery(())
        self.has_seen_dup = False  # the broker marks what it delivers again
        self._sos_topics: dict[str, str] = {}

    def remember(self, recent: Iterable[Row]) -> None:
        """Begin again from what is committed: at the start, and after a group that failed."""
        self._doubles = Doubles()
        self._residents.forget()
        for row in recent:
            self.numbered(row, _reading(row.entry))

    def configure(self, devices: list[RegisteredDevice], cancel_window_s: int) -> None:
        """As the registry says now."""
        self._hearing.configure(devices)
        self._sos_topics = {device.topic: device.id for device in devices if device.is_sos}
        self._residents.configure(devices, cancel_window_s)

    def joined(self, unsettled: Iterable[Delivery], *, sets_dup: bool = False) -> None:
        """A new connection; these deliveries of earlier ones may come again. sets_dup: as in
        Redelivery."""
        self._again = Redelivery(tuple(unsettled), sets_dup=sets_dup)

    def read(self, message: Arrived, taken: Taken) -> Read:
        """What to journal of it. Raises nothing for bad input."""
        delivery = _delivery(message)
        known = None
        self.has_seen_dup |= message.is_dup
        if delivery is not None:
            known = self._again.first_of(delivery, is_dup=message.is_dup)
        if message.topic.startswith(OWN_TOPICS):
            return Read(None)
        self._health.add("taken")
        if known is not None:
            self._health.add("redelivered")
            if known.rows is None:
                return Read(delivery, held=known)
        heard = self._hearing.hear(message.topic, message.payload, message.is_retained)
        if heard.convention is None:
            self._health.unknown_topic(message.topic)
            return Read(None)
        self._health.add("ignored", len(heard.ignored))
        entries, rejected = self._entries(heard, message, taken)
        if known is not None:
            entries = self._marked(entries, known.rows or ())
        return Read(delivery if entries else None, tuple(entries), rejected)

    def failed(self, message: Arrived, taken: Taken, error: Exception) -> Read:
        """What is left of a message that our own code could not read. One of a registered call
        button is told as unreadable, never silence."""
        reason = _reason(error)
        topics = accumulate(message.topic.split("/"), "{}/{}".format)
        button = next((self._sos_topics[t] for t in topics if t in self._sos_topics), None)
        if button is None:
            return Read(None, (), reason)
        notice = _notice(Unreadable(button, reason), message, taken)
        return Read(_delivery(message), ((notice, None),), reason)

    def related(self, entry: Entry, reading: Reading | None) -> Entry:
        """Says which earlier row this one repeats (told on another path within the last seconds) or
        takes back. Ask just before it gets its number: by then those before it have theirs."""
        if reading is None or entry.rep is not None or entry.lane not in ROW_LANES:
            return entry
        first = self._doubles.repeat_of(reading, entry.topic or "", entry.taken.monotonic_ms)
        if first is not None:
            return replace(entry, rep=first)
        if reading.measurement is not Measurement.SOS_CANCEL:
            return entry
        press = self._residents.taken_back(entry.device, entry.taken.monotonic_ms)
        return replace(entry, cancels=press)

    def numbered(self, row: Row, reading: Reading | None) -> None:
        """The entry has its number."""
        entry = row.entry
        if reading is not None:
            key = row.seq if entry.rep is None else entry.rep
            self._doubles.remember(reading, entry.topic or "", entry.taken.monotonic_ms, key)
        self._residents.saw(row)

    # ------------------------------------------------------------ entries

    def _entries(
        self, heard: Heard, message: Arrived, taken: Taken
    ) -> tuple[list[tuple[Entry, Reading | None]], str | None]:
        entries: list[tuple[Entry, Reading | None]] = [
            (self._entry(reading, message, taken), reading) for reading in heard.readings
        ]
        if heard.unreadable is None:
            return entries, None
        self._health.add("unreadable")
        if self._hearing.is_sos(heard.unreadable.device):
            entries.append((_notice(heard.unreadable, message, taken), None))
        return entries, heard.unreadable.reason

    def _entry(self, reading: Reading, message: Arrived, taken: Taken) -> Entry:
        return Entry(
            lane=lane_of(reading.measurement, reading.quality),
            device=reading.device,
            name=reading.measurement.value,
            value=reading.value,
            taken=taken,
            unit=reading.unit,
            quality=reading.quality,
            time_ms=reading.time_ms,
            time_quality=reading.time_quality,
            channel=reading.channel,
            path=reading.path or None,
            topic=message.topic,
            is_retained=reading.retained,
            is_sample=SPECS[reading.measurement].kind is Kind.SAMPLE,
        )

    def _marked(
        self, entries: list[tuple[Entry, Reading | None]], known: Rows
    ) -> list[tuple[Entry, Reading | None]]:
        """The same message again gives the same rows in the same order."""
        firsts = list(known)
        marked: list[tuple[Entry, Reading | None]] = []
        for entry, reading in entries:
            of_lane = next((each for each in firsts if each[0] == entry.lane), None)
            if of_lane is not None:
                firsts.remove(of_lane)
                first = self._first(entry.lane, of_lane[1])
                marked.append((replace(entry, rep=first), reading))
            else:
                marked.append((entry, reading))
        return marked

    def _first(self, lane: Lane, seq: int) -> int:
        """A repetition of a repetition repeats the first."""
        row = self._held(lane, seq)
        return seq if row is None or row.entry.rep is None else row.entry.rep


def spoilt(message: Arrived, read: Read, error: Exception) -> Read:
    """What is left of a message that our own code failed on."""
    reason = _reason(error)
    alarms = (entry for entry, _ in read.entries if entry.lane is Lane.ALARM)
    notices = [
        (_notice(Unreadable(entry.device, reason), message, entry.taken), None) for entry in alarms
    ]
    return Read(read.delivery, tuple(notices[:1]), reason)


def _delivery(message: Arrived) -> Delivery | None:
    if message.receipt is None:
        return None
    digest = sha256(message.payload).hexdigest()
    return Delivery(message.receipt.mid, message.topic, digest)


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _reading(entry: Entry) -> Reading | None:
    """The event behind a row, as far as recognising it again needs; None for anything else."""
    if entry.name not in _EVENTS or not isinstance(entry.value, bool | str):
        return None
    name = Measurement(entry.name)
    return Reading(entry.device, name, entry.value, path=entry.path or "", channel=entry.channel)


def _notice(unreadable: Unreadable, message: Arrived, taken: Taken) -> Entry:
    return Entry(
        lane=Lane.ALARM,
        device=unreadable.device,
        name=Notice.UNREADABLE.value,
        value=unreadable.reason,
        taken=taken,
        topic=message.topic,
        raw=b64encode(message.payload[:RAW_BYTES_MAX]).decode(),
    )
