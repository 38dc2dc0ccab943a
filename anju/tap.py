"""Listens at the cloud's broker to the readings that a gateway sends, and knows each by its
number."""

import threading
from typing import Any, Final

from contract.envelope import JSON, JSON_DEFLATE, decode_up
from contract.errors import Malformed
from contract.messages import Batch, Row
from contract.vocabulary import Measurement
from device_simulators.mqtt import Link

SESSION_S: Final = 3_600
UP_S: Final = 10.0


class Tap:
    """What has passed, each row once; repetitions that say so are none. runs: arrivals by `live`
    and `backlog`."""

    def __init__(self, host: str, port: int) -> None:
        self.gaps = 0
        self._lock = threading.Lock()
        self._seen: set[tuple[str, int]] = set()
        self._runs: dict[str, list[tuple[str, int]]] = {"live": [], "backlog": []}
        self._link = Link(
            "torture-tap",
            topics=("anju/1/+/+/up/data",),
            on_message=self._hear,
            session_s=SESSION_S,
        )
        self._link.start(host, port)
        self._link.wait_until_up(UP_S)

    def stored(self) -> dict[str, list[tuple[str, int]]]:
        """(device, its own number) in the order of arrival, by run."""
        with self._lock:
            return {run: list(each) for run, each in self._runs.items()}

    def __len__(self) -> int:
        with self._lock:
            return len(self._seen)

    def stop(self) -> None:
        """Listen no more."""
        self._link.stop()

    def _hear(self, _topic: str, payload: bytes) -> None:
        try:
            batch = decode_up(payload, JSON if payload[:1] == b"{" else JSON_DEFLATE)
        except Malformed:
            return
        if isinstance(batch, Batch):
            with self._lock:
                self.gaps += len(batch.gaps)
                for device in batch.devices:
                    for row in device.rows:
                        self._take(batch, device.id, row)

    def _take(self, batch: Batch, device: str, row: Row) -> None:
        key = (batch.journal, row.seq)
        is_repeat = row.x is not None and row.x.rep is not None
        if key in self._seen or row.name != Measurement.ILLUMINANCE:
            return
        self._seen.add(key)
        value: Any = row.value
        if not is_repeat:
            self._runs[batch.run].append((device, int(value)))
