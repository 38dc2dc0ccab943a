"""From a message of the home broker to entries of the journal: heard, sorted, recognised. No
I/O."""

from base64 import b64encode
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Final, NamedTuple

from msgspec.structs import replace

from contract.lanes import ROW_LANES, Lane, Notice, lane_of
from contract.messages import RegisteredDevice
from contract.vocabulary import SPECS, Kind, Measurement
from edge.dialects import Hearing
from edge.health import Health
from edge.journal.model import Entry, Origin, Row, Taken
from edge.link import Arrived
from edge.meaning import Doubles, Heard, Reading, Unreadable
from edge.redelivery import Known, Redelivery
from edge.residents import Residents

OWN_TOPICS: Final = ("anju/", "anju-home/", "$")
_EVENTS: Final = {m.value for m in Measurement if SPECS[m].kind is Kind.EVENT}
RAW_BYTES_MAX: Final = 32 * 1024
Held = Callable[[Lane, int], Row | None]


class Read(NamedTuple):
    """What a message gave. entries: still without numbers; rejected: why it gave nothing, where
    people should know."""

    origin: Origin | None
    entries: tuple[tuple[Entry, Reading | None], ...] = ()
    rejected: str | None = None


class Intake:
    """Reads messages in order of arrival. held: a committed row, by lane and number."""

    def __init__(self, hearing: Hearing, residents: Residents, health: Health, held: Held) -> None:
        self._hearing, self._residents, self._doubles = hearing, residents, Doubles()
        self._health, self._held = health, held
        self._again = Redelivery(())

    def remember(self, recent: Iterable[Row]) -> None:
        """Begin again from what is committed: at the start, and after a group that failed."""
        self._doubles = Doubles()
        self._residents.forget()
        for row in recent:
            self.numbered(row, _reading(row.entry))

    def configure(self, devices: list[RegisteredDevice], cancel_window_s: int) -> None:
        """As the registry says now."""
        self._hearing.configure(devices)
        self._residents.configure(devices, cancel_window_s)

    def joined(self, unsettled: Iterable[Known]) -> None:
        """A new connection; these deliveries of earlier ones may come again."""
        self._again = Redelivery(tuple(unsettled))

    def read(self, message: Arrived, taken: Taken) -> Read:
        """What to journal of it. Raises nothing for bad input."""
        origin = _origin(message)
        known = None
        if origin is not None:
            known = self._again.rows_of(
                origin.mid, origin.topic, origin.sha256, is_dup=message.is_dup
            )
        if message.topic.startswith(OWN_TOPICS):
            return Read(None)
        self._health.add("taken")
        heard = self._hearing.hear(message.topic, message.payload, message.is_retained)
        if heard.convention is None:
            self._health.unknown_topic(message.topic)
            return Read(None)
        self._health.add("ignored", len(heard.ignored))
        entries, rejected = self._entries(heard, message, taken)
        if known is not None:
            self._health.add("redelivered")
            entries = self._marked(entries, known)
        return Read(origin if entries else None, tuple(entries), rejected)

    def repeats(self, entry: Entry, reading: Reading | None) -> Entry:
        """Marks an event that another path has told within the last seconds. Ask just before it
        gets its number."""
        if reading is None or entry.rep is not None or entry.lane not in ROW_LANES:
            return entry
        first = self._doubles.repeat_of(reading, entry.topic or "", entry.taken.monotonic_ms)
        return entry if first is None else _with_rep(entry, first)

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
        cancels = None
        if reading.measurement is Measurement.SOS_CANCEL:
            cancels = self._residents.taken_back(reading.device, taken.monotonic_ms)
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
            cancels=cancels,
        )

    def _marked(
        self, entries: list[tuple[Entry, Reading | None]], known: Iterable[tuple[str, int]]
    ) -> list[tuple[Entry, Reading | None]]:
        """The same message again gives the same rows in the same order."""
        firsts = list(known)
        marked: list[tuple[Entry, Reading | None]] = []
        for entry, reading in entries:
            of_lane = next((each for each in firsts if each[0] == entry.lane), None)
            if of_lane is not None:
                firsts.remove(of_lane)
                marked.append((_with_rep(entry, self._first(entry.lane, of_lane[1])), reading))
            else:
                marked.append((entry, reading))
        return marked

    def _first(self, lane: Lane, seq: int) -> int:
        """A repetition of a repetition repeats the first."""
        row = self._held(lane, seq)
        return seq if row is None or row.entry.rep is None else row.entry.rep


def spoilt(message: Arrived, read: Read, error: Exception) -> Read:
    """What is left of a message that our own code failed on."""
    reason = f"{type(error).__name__}: {error}"
    alarms = (entry for entry, _ in read.entries if entry.lane is Lane.ALARM)
    notices = [
        (_notice(Unreadable(entry.device, reason), message, entry.taken), None) for entry in alarms
    ]
    return Read(read.origin, tuple(notices[:1]), reason)


def _origin(message: Arrived) -> Origin | None:
    if message.receipt is None:
        return None
    digest = sha256(message.payload).hexdigest()
    return Origin(message.receipt.mid, message.topic, digest)


def _with_rep(entry: Entry, first: int) -> Entry:
    return replace(entry, rep=first, cancels=None)


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
