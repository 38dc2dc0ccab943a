"""What the home is told: kept until its broker confirms it, so that no word is lost with a
connection. Each has an id, which makes a second time harmless."""

from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from contract.messages import Say
from edge import local as speech
from edge.clock import Clock, Now
from edge.journal.model import Row
from edge.journal.store import Journal
from edge.link import Confirmed, Link
from edge.local import Local
from edge.residents import Residents

TELLINGS_MAX: Final = 1_000  # spoken words that the home broker has not confirmed
WHILE_WAITING: Final = ("calling", "local_help")  # not true any more once the call is answered


class _Words(NamedTuple):
    """About one row of the alarm lane."""

    key: str
    row: Row


class Telling:
    """See above. finish: takes the id of a command that has been carried out."""

    def __init__(
        self,
        link: Link,
        local: Local,
        residents: Residents,
        journal: Journal,
        clock: Clock,
        finish: Callable[[str], None],
    ) -> None:
        self.told: list[int] = []  # rows to be noted as told, by number
        self.carried_out: list[str] = []  # commands to be noted, by id
        self._link, self._local, self._residents = link, local, residents
        self._journal, self._clock, self._finish = journal, clock, finish
        self._under_way: dict[int, _Words | str] = {}  # by token; a command by its id
        self._unsaid: deque[_Words] = deque(maxlen=TELLINGS_MAX)
        self._unobeyed: dict[str, Say] = {}  # commands that the link did not take, by id
        self._is_behind = self._is_siren_unsaid = False
        self._speaking: set[str] = set()

    def begin(self) -> None:
        """From what the journal holds."""
        self.told.clear()
        self.carried_out.clear()
        self._under_way.clear()
        self._unsaid.clear()
        self._unobeyed.clear()
        self._speaking.clear()

    def joined(self, now: Now) -> None:
        """A new connection: the siren as it stands, what was not heard, what may not have been."""
        self._is_behind = self._is_siren_unsaid = True
        self.catch_up(now)

    def sound(self) -> None:
        """The siren as it stands."""
        self._is_siren_unsaid = self._link.publish(self._local.sounding()) is None

    def catch_up(self, now: Now) -> None:
        """Say what the link had no room for. Raises JournalError."""
        if self._is_siren_unsaid:
            self.sound()
        if not self._is_behind:
            return
        self._is_behind = False
        unsaid, unobeyed = [*self._unsaid], [*self._unobeyed.values()]
        self._unsaid.clear()
        self._unobeyed.clear()
        for words in unsaid:
            if words.key not in WHILE_WAITING or self._local.waits(words.row.seq):
                self.speak(*words)
        for say in unobeyed:
            self.obey(say, now)
        under_way = (each for each in self._under_way.values() if isinstance(each, _Words))
        known = {*self.told, *(each.row.seq for each in under_way if each.key == "received")}
        for row in self._journal.view.untold():
            if row.entry.calls_for_help and row.seq not in known:
                self.speak("received", row)

    def lost(self) -> None:
        """What the broker has not confirmed it may not have."""
        words = (each for each in self._under_way.values() if isinstance(each, _Words))
        self._unsaid.extend(each for each in words if each.key != "received")  # untold, see joined
        self._under_way.clear()
        self._speaking = set(self.carried_out)

    def speak(self, key: str, row: Row) -> None:
        """Say it of a row: `calling`, `received`, `cancelled`, `local_help`."""
        home = self._residents.home_of(row.entry.device)
        if home is None:  # nobody lives there
            if key == "received":
                self.told.append(row.seq)
            return
        if len(self._under_way) >= TELLINGS_MAX:
            self._is_behind = True
            return
        words = self._local.words(key, row, self._journal.id, home, self._clock.now())
        token = self._link.publish(words)
        if token is not None:
            self._under_way[token] = _Words(key, row)
            return
        self._is_behind = True
        if key != "received":  # the journal knows what was received and not told
            self._unsaid.append(_Words(key, row))

    def obey(self, say: Say, now: Now) -> None:
        """Commands come at least once; each is carried out once and reported as often as it is
        asked. Raises JournalError."""
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
            self._under_way[token] = say.id
            self._speaking.add(say.id)
        elif len(self._unobeyed) < TELLINGS_MAX:  # the cloud asks again, too late for some words
            self._unobeyed[say.id] = say
            self._is_behind = True

    def confirmed(self, event: Confirmed) -> None:
        """What the home broker says of a publication."""
        telling = self._under_way.pop(event.token, None)
        if isinstance(telling, str):
            if event.trouble is None:
                self.carried_out.append(telling)
            else:
                self._speaking.discard(telling)
        elif telling is not None and telling.key == "received" and event.trouble is None:
            self.told.append(telling.row.seq)

    def noted(self) -> None:
        """`told` and `carried_out` are in the journal."""
        for command in self.carried_out:
            self._speaking.discard(command)
            self._finish(command)
        self.told.clear()
        self.carried_out.clear()
