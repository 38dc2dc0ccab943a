"""What happens in the home without the cloud: words to the resident, and a siren while nobody
answers.

Pure: it says what to publish, the pump publishes it.
"""

from dataclasses import dataclass
from typing import Final

import msgspec

from edge.clock import Now
from edge.journal.model import Row
from edge.link import Outgoing
from edge.words import Dictionary, Words

SIREN_AFTER_MS: Final = 30_000
UNTRACKED_MAX: Final = 10_000


class Say(msgspec.Struct, frozen=True):
    """`anju-home/<gateway>/say`: heard by speakers and pages in the home. id makes repeats
    harmless."""

    id: str
    home: str
    device: str | None
    key: str
    zh: str
    en: str
    at_ms: int
    alarm_seq: int | None = None


class SirenState(msgspec.Struct, frozen=True):
    """`anju-home/<gateway>/siren`, retained. why: `cloud_silent` or `journal_trouble`."""

    on: bool
    why: str | None = None
    since_ms: int | None = None


@dataclass(slots=True)
class _Call:
    since_ms: int  # monotonic
    is_overdue: bool = False  # and the home has been told so


def say_topic(gateway: str) -> str:
    """Where the gateway speaks."""
    return f"anju-home/{gateway}/say"


def siren_topic(gateway: str) -> str:
    """Where sirens listen."""
    return f"anju-home/{gateway}/siren"


def status_topic(gateway: str) -> str:
    """Where the agent's own state stands."""
    return f"anju-home/{gateway}/status"


class Local:
    """Calls that the cloud has not confirmed, and what the home hears of them."""

    def __init__(
        self, gateway: str, words: Dictionary, siren_after_ms: int = SIREN_AFTER_MS
    ) -> None:
        self.siren = SirenState(on=False)
        self._gateway, self._words, self._siren_after_ms = gateway, words, siren_after_ms
        self._calls: dict[int, _Call] = {}
        self._held_since_ms: int | None = None  # a call that the journal could not take yet

    def called(self, seq: int, since_ms: int) -> None:
        """A call for help is in the journal and waits for the cloud. since_ms: monotonic."""
        if len(self._calls) < UNTRACKED_MAX:
            self._calls[seq] = _Call(since_ms)

    def waits(self, seq: int) -> bool:
        """Whether the call has been neither answered nor taken back."""
        return seq in self._calls

    def forget(self) -> None:
        """Calls come again from the journal."""
        self._calls.clear()

    def answered(self, seq: int) -> None:
        """The cloud has it, or the resident has taken it back."""
        self._calls.pop(seq, None)

    def holding(self, since_ms: int | None) -> None:
        """Since when a call waits for a journal that cannot write; None: it does not."""
        self._held_since_ms = since_ms

    def words(self, key: str, row: Row, journal: str, home: str, now: Now) -> Outgoing:
        """What to say of a row: `calling`, `received`, `cancelled`, `local_help`."""
        said = self._words.get(key, Words(key, key))
        entry = row.entry
        name = f"{journal}/{row.seq}/{key}"
        return self.spoken(
            Say(name, home, entry.device, key, said.zh, said.en, now.wall_ms, row.seq)
        )

    def spoken(self, say: Say) -> Outgoing:
        """A publication that the home hears."""
        return Outgoing(say_topic(self._gateway), msgspec.json.encode(say))

    def turn(self, now: Now) -> bool:
        """Whether the siren has just changed."""
        is_on, why = self._wanted(now)
        if is_on == self.siren.on and (not is_on or why == self.siren.why):
            return False
        self.siren = SirenState(is_on, why, now.wall_ms if is_on else None)
        return True

    def sounding(self) -> Outgoing:
        """The siren's state as it stands; published again on every connection."""
        return Outgoing(
            siren_topic(self._gateway), msgspec.json.encode(self.siren), is_retained=True
        )

    def newly_overdue(self, now: Now) -> list[int]:
        """Calls that nobody has answered in time; each is named once."""
        late_ms = now.monotonic_ms - self._siren_after_ms
        late = [
            (seq, call)
            for seq, call in self._calls.items()
            if call.since_ms <= late_ms and not call.is_overdue
        ]
        for _, call in late:
            call.is_overdue = True
        return [seq for seq, _ in late]

    def due_ms(self) -> int | None:
        """When the next call becomes overdue (monotonic ms)."""
        since = [call.since_ms for call in self._calls.values() if not call.is_overdue]
        if self._held_since_ms is not None and not self.siren.on:
            since.append(self._held_since_ms)
        return min(since) + self._siren_after_ms if since else None

    def _wanted(self, now: Now) -> tuple[bool, str | None]:
        late = now.monotonic_ms - self._siren_after_ms
        if self._held_since_ms is not None and self._held_since_ms <= late:
            return True, "journal_trouble"
        is_silent = any(call.since_ms <= late for call in self._calls.values())
        return (True, "cloud_silent") if is_silent else (False, None)
