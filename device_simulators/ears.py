"""What a home hears of its gateway: words, siren, and the agent's status, as they come over
MQTT."""

import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec

from device_simulators.mqtt import Link
from device_simulators.people import TooLong

T = TypeVar("T")
UP_S: Final = 10.0


class Ears:
    """Listens to one gateway. Keeps everything that was said, and the last status."""

    def __init__(self, gateway: str, host: str, port: int) -> None:
        self.said: list[dict[str, Any]] = []
        self.status: dict[str, Any] = {}
        self._changed = threading.Condition()
        base = f"anju-home/{gateway}"
        self._topics = (f"{base}/say", f"{base}/siren", f"{base}/status")
        self._link = Link(f"ears-{gateway}", topics=self._topics, on_message=self._hear)
        self._link.start(host, port)
        if not self._link.wait_until_up(UP_S):
            raise TooLong(f"no broker answers at {host}:{port}")

    def until(self, find: Callable[["Ears"], T | None], within_s: float) -> T:
        """What `find` finds, now or later. Raises TooLong."""
        found: list[T] = []

        def look() -> bool:
            seen = find(self)
            if seen is not None:
                found.append(seen)
            return bool(found)

        with self._changed:
            self._changed.wait_for(look, within_s)
        if not found:
            raise TooLong(f"the home heard nothing of it within {within_s:g} s")
        return found[0]

    def hears(self, key: str, home: str, after: int, within_s: float) -> dict[str, Any]:
        """The first words of this key for this home, said after the first `after` ones."""

        def find(ears: "Ears") -> dict[str, Any] | None:
            said = ears.said[after:]
            return next((s for s in said if s["key"] == key and s["home"] == home), None)

        return self.until(find, within_s)

    def count(self, name: str) -> int:
        """A counter of the agent's, as it last said."""
        counts: dict[str, int] = self.status.get("counts", {})
        return counts.get(name, 0)

    def close(self) -> None:
        """Listen no more."""
        self._link.stop()

    def _hear(self, topic: str, payload: bytes) -> None:
        message = msgspec.json.decode(payload) if payload else {}
        with self._changed:
            if topic == self._topics[0]:
                self.said.append(message)
            elif topic == self._topics[2]:
                self.status = message
            self._changed.notify_all()
