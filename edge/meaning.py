"""What a device's message means: readings, their quality, what counts as an event, and the same
event told twice.

Pure: no clock, no I/O, no bridge's names. The dialects make readings; the journal stores them.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

import msgspec

from contract.lanes import Quality
from contract.vocabulary import SPECS, Kind, Measurement

DOUBLE_WITHIN_MS: Final = (
    3_000  # one press told by JSON and by the legacy topic arrives well within this
)
TELLINGS_MAX: Final = 4_096  # remembered tellings, all devices; the oldest are forgotten first
REPEATED_WITHIN_MS: Final = 10_000  # the same frame of a radio device again; longer is a new press
Value = bool | float | str
Dated = Literal["device", "gateway", "received"]


class Reading(msgspec.Struct, frozen=True):
    """One measurement of one device at one instant, in the vocabulary's unit and polarity.

    time_ms: event time where the device (time_quality `device`) or its network (`gateway`) dates
    it, else None: the time of receipt is right. path: raw field in the device's message; a leading
    `/` means that the field was its own topic. occurrence: the device's own number of the message,
    where it has one, so that the same one again is known.
    """

    device: str
    measurement: Measurement
    value: Value
    unit: str | None = None
    path: str = ""
    channel: str | None = None
    quality: Quality = Quality.OK
    time_ms: int | None = None
    time_quality: Dated = "received"
    retained: bool = False
    occurrence: str | None = None


class Unreadable(msgspec.Struct, frozen=True):
    """A message of a known device that could not be read; the reason is a sentence for the
    operator."""

    device: str
    reason: str


class Heard(msgspec.Struct, frozen=True):
    """What one message said.

    convention: None where no dialect knows the topic. readings: to be journalled, all of them.
    quiet: events that did not happen (value false) or happened before we listened (retained); never
    journalled. ignored: why parts of the message gave no reading, one word each, for the counters.
    """

    convention: str | None
    readings: tuple[Reading, ...] = ()
    unreadable: Unreadable | None = None
    ignored: tuple[str, ...] = ()
    quiet: tuple[Reading, ...] = ()


NOT_KNOWN: Final = Heard(None)


def quality_of(measurement: Measurement, value: Value) -> Quality:
    """IMPLAUSIBLE outside the vocabulary's range; never TEST, which only the message can tell."""
    limits = SPECS[measurement].range
    if limits is None or isinstance(value, bool | str) or limits[0] <= value <= limits[1]:
        return Quality.OK
    return Quality.IMPLAUSIBLE


def heard(
    convention: str,
    readings: Iterable[Reading],
    ignored: Iterable[str] = (),
    unreadable: Unreadable | None = None,
) -> Heard:
    """Sorts readings by the rules of meaning: an event that is false, or retained, is no event;
    states always count."""
    kept: list[Reading] = []
    quiet: list[Reading] = []
    reasons = list(ignored)
    for reading in readings:
        if SPECS[reading.measurement].kind is not Kind.EVENT:
            kept.append(reading)
        elif reading.value is False:
            quiet.append(reading)
            reasons.append("event_false")
        elif reading.retained:
            quiet.append(reading)
            reasons.append("event_retained")
        else:
            kept.append(reading)
    return Heard(convention, tuple(kept), unreadable, tuple(reasons), tuple(quiet))


class _Telling(NamedTuple):
    """One event as first told, with the paths that have told it so far."""

    about: tuple[str, Measurement, str | None, Value]
    at_ms: int
    key: int
    paths: set[tuple[str, str]]
    occurrence: str | None


class Doubles:
    """Knows an event that is told again through another path, or under the same number of the
    device's. Without a number, through the same path it is a second event.

    Asking changes nothing; the journal remembers once it has given the row its number. Two presses
    within the window, each told on two paths in any order, stay two: a telling repeats the earliest
    event its path has not told yet.
    """

    def __init__(self, within_ms: int = DOUBLE_WITHIN_MS, tellings_max: int = TELLINGS_MAX) -> None:
        self._within_ms = within_ms
        self._tellings: deque[_Telling] = deque(maxlen=tellings_max)

    def repeat_of(self, reading: Reading, path: str, now_ms: int) -> int | None:
        """Key of the earlier row of the same event, else None. path: the message's topic; now_ms:
        any steady clock."""
        telling = self._earlier(reading, path, now_ms)
        return None if telling is None else telling.key

    def remember(self, reading: Reading, path: str, now_ms: int, key: int) -> None:
        """The reading has become row `key` of its lane. States and samples are not remembered."""
        if SPECS[reading.measurement].kind is not Kind.EVENT:
            return
        telling = self._earlier(reading, path, now_ms)
        if telling is not None:
            telling.paths.add((path, reading.path))
        else:
            paths = {(path, reading.path)}
            self._tellings.append(_Telling(_about(reading), now_ms, key, paths, reading.occurrence))

    def _earlier(self, reading: Reading, path: str, now_ms: int) -> _Telling | None:
        longest_ms = max(self._within_ms, REPEATED_WITHIN_MS)
        while self._tellings and now_ms - self._tellings[0].at_ms > longest_ms:
            self._tellings.popleft()
        about, way, number = _about(reading), (path, reading.path), reading.occurrence
        for telling in self._tellings:
            if telling.about != about or telling.occurrence != number:
                continue
            # A device's own number says which event it is; without it, the path and the time.
            if number is not None or (
                way not in telling.paths and telling.at_ms >= now_ms - self._within_ms
            ):
                return telling
        return None


def _about(reading: Reading) -> tuple[str, Measurement, str | None, Value]:
    return (reading.device, reading.measurement, reading.channel, reading.value)
