"""Which device belongs to which home, and which press a "never mind" takes back. Pure."""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from contract.messages import RegisteredDevice
from contract.vocabulary import Measurement
from edge.journal.model import Row

PRESSES_MAX: Final = 1_000


class _Press(NamedTuple):
    seq: int
    home: str
    monotonic_ms: int


class Residents:
    """The homes behind this gateway and their latest presses."""

    def __init__(self) -> None:
        self.cancel_window_ms = 30_000
        self._home_of: Mapping[str, str] = {}
        self._presses: deque[_Press] = deque(maxlen=PRESSES_MAX)

    def configure(self, devices: Iterable[RegisteredDevice], cancel_window_s: int) -> None:
        """As the registry says now."""
        self._home_of = {device.id: device.home for device in devices}
        self.cancel_window_ms = cancel_window_s * 1000

    def home_of(self, device: str) -> str | None:
        """None for a device that is not registered."""
        return self._home_of.get(device)

    def forget(self) -> None:
        """Presses come again from the journal."""
        self._presses.clear()

    def saw(self, row: Row) -> None:
        """A row was taken on this boot; presses are remembered for the window."""
        entry, home = row.entry, self.home_of(row.entry.device)
        if entry.name == Measurement.SOS and entry.calls_for_help and home is not None:
            self._presses.append(_Press(row.seq, home, entry.taken.monotonic_ms))

    def taken_back(self, device: str, now_ms: int) -> int | None:
        """Seq of the press that a `sos_cancel` of this device takes back: the home's latest within
        the window."""
        home = self.home_of(device)
        for press in reversed(self._presses):
            if now_ms - press.monotonic_ms > self.cancel_window_ms:
                return None
            if press.home == home:
                return press.seq
        return None
