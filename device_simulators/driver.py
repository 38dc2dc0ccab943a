"""Sends a torture script to a broker with QoS 1 and writes down what was acknowledged.

Nothing is ever sent twice: what was under way when a connection broke is written down as unknown.
"""

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from device_simulators.clock import Clock
from device_simulators.ledger import Ledger
from device_simulators.torture import Entry, Fate, Shot
from device_simulators.zigbee2mqtt import Message

log = logging.getLogger(__name__)
WINDOW: Final = 50  # unacknowledged messages at a time
CONNECT_S: Final = 5.0
BETWEEN_TRIES_S: Final = 0.1
LOOK_S: Final = 0.005


class Driver:
    """Runs a script in a thread of its own.

    script: None says that nothing is to be sent now. on_taken: called with what the broker has just
    acknowledged, after it is in the ledger; a tormentor picks its instant by it.
    """

    def __init__(
        self,
        script: Iterator[Shot | None],
        ledger: Ledger,
        clock: Clock,
        *,
        announced: list[Message],
        rate_per_s: float | None = None,
        on_taken: Callable[[list[Shot]], None] = lambda _shots: None,
    ) -> None:
        self._script, self._ledger, self._clock = script, ledger, clock
        self._announced, self._on_taken = announced, on_taken
        self._pause_s = 1 / rate_per_s if rate_per_s else 0.0
        self._stopping, self.is_done = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="torture-driver", daemon=True)
        self._address = ("", 0)
        self.acknowledged, self.unknown = 0, 0

    def start(self, host: str, port: int) -> None:
        """Begin; a broker that is not there is waited for."""
        self._address = (host, port)
        self._thread.start()

    def stop(self) -> None:
        """No more messages; returns when the ledger is complete."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set() and not self.is_done.is_set():
            run = _Connection(*self._address, self._announced)
            if run.is_up():
                self._drive(run)
            else:
                self._stopping.wait(BETWEEN_TRIES_S)
            self._write(run.end(), "unknown")

    def _drive(self, run: "_Connection") -> None:
        """Until the connection breaks, the script ends or we are stopped."""
        while run.is_alive and not self._stopping.is_set():
            shot: Shot | None = None
            if run.has_room:
                try:
                    shot = next(self._script)
                except StopIteration:
                    self._drain(run)
                    self.is_done.set()
                    return
            if shot is not None:
                run.send(shot)
                self._stopping.wait(self._pause_s)
            self._take(run, LOOK_S if shot is None else 0.0)
        self._drain(run)

    def _drain(self, run: "_Connection") -> None:
        """What is under way may still be acknowledged."""
        looks = int(CONNECT_S / LOOK_S)
        while run.is_alive and run.has_any and looks:
            looks -= 1
            self._take(run, LOOK_S)
        self._take(run, 0.0)

    def _take(self, run: "_Connection", wait_s: float) -> None:
        taken = run.taken(wait_s)
        if taken:
            self._write(taken, "acknowledged")
            self._on_taken(taken)

    def _write(self, shots: list[Shot], fate: Fate) -> None:
        now_ms = self._clock.now_ms()
        self._ledger.append(
            Entry(shot.device.uid, shot.n, now_ms, shot.is_press, fate) for shot in shots
        )
        if fate == "acknowledged":
            self.acknowledged += len(shots)
        else:
            self.unknown += len(shots)


class _Connection:
    """One connection of its own client, which therefore never repeats anything."""

    def __init__(self, host: str, port: int, announced: list[Message]) -> None:
        self._under_way: dict[int, Shot] = {}
        self._acks: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._connected = threading.Event()
        self.is_alive = True
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id="torture-bridge",
            protocol=MQTTv5,
            reconnect_on_failure=False,
        )
        self._client.max_inflight_messages_set(WINDOW)
        self._client.on_connect = lambda *_: self._connected.set()
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish
        try:
            self._client.connect(host, port, 30, clean_start=True)
        except OSError as error:
            log.info("the broker is away: %s", error)
            self.is_alive = False
            return
        self._client.loop_start()
        if self.is_up():
            for message in announced:
                self._client.publish(message.topic, message.payload, 1, message.retain)

    def is_up(self) -> bool:
        """Whether the broker has accepted us."""
        return self.is_alive and self._connected.wait(CONNECT_S)

    @property
    def has_room(self) -> bool:
        """Whether another message may go out."""
        return len(self._under_way) < WINDOW

    @property
    def has_any(self) -> bool:
        """Whether anything waits for its acknowledgement."""
        return bool(self._under_way)

    def send(self, shot: Shot) -> None:
        """On the way from now on, until `taken` or `end` tells its fate."""
        message = shot.message
        info = self._client.publish(message.topic, message.payload, message.qos, message.retain)
        self._under_way[info.mid] = shot

    def taken(self, wait_s: float) -> list[Shot]:
        """What has been acknowledged since the last call."""
        mids = []
        try:
            mids.append(self._acks.get(timeout=wait_s) if wait_s else self._acks.get_nowait())
            while True:
                mids.append(self._acks.get_nowait())
        except queue.Empty:
            pass
        shots = (self._under_way.pop(mid, None) for mid in mids)
        return [shot for shot in shots if shot is not None]  # the announcement is none of ours

    def end(self) -> list[Shot]:
        """What never got an answer."""
        self._client.disconnect()
        self._client.loop_stop()
        left = list(self._under_way.values())
        self._under_way.clear()
        return left

    def _on_publish(self, _client: Any, _userdata: Any, mid: int, reason: Any, _: Any) -> None:
        if not reason.is_failure:
            self._acks.put(mid)

    def _on_disconnect(self, *_: Any) -> None:
        self.is_alive = False
