"""The virtual Zigbee2MQTT bridge: the radio of all homes, and the ordinary life of their devices.

Like the real one it has no memory of what it could not send: while the broker is away, it is lost.
"""

import heapq
import itertools
import logging
import threading
from collections.abc import Callable
from typing import Any

from paho.mqtt.client import MQTTMessageInfo

from device_simulators import zigbee2mqtt
from device_simulators.clock import Clock
from device_simulators.emergencies import What
from device_simulators.errors import BrokerAway
from device_simulators.life import Life, first_state
from device_simulators.models import MODELS, Fields
from device_simulators.mqtt import Link, was_taken
from device_simulators.plan import Device, Home, Plan
from device_simulators.pumps import Runner
from device_simulators.virtual_home import gesture_of

log = logging.getLogger(__name__)
Watcher = Callable[[Device, Fields, int], None]  # device, what it said, when


class Bridge:
    """Devices speak through it. `told` is called after each message, in whichever thread spoke."""

    def __init__(
        self, plan: Plan, clock: Clock, seed: int, told: Watcher, *, is_legacy: bool = False
    ) -> None:
        self._plan, self._clock, self._told = plan, clock, told
        self._lives = Life(plan.homes, seed)
        self._living = threading.Lock()  # a day takes a while to come about; no press waits for it
        self._is_legacy = is_legacy
        self._lock = threading.Lock()
        self._states: dict[str, dict[str, Any]] = {
            device.ieee: first_state(device, seed, clock.now_ms()) for device in plan.devices()
        }
        self._later: list[tuple[int, int, Device, Fields]] = []  # a heap
        self._order = itertools.count()
        self._lived_ms = clock.now_ms()
        self._has_announced = threading.Event()
        self._last_word: MQTTMessageInfo
        self._link = Link(
            f"zigbee2mqtt-{plan.gateway}",
            will=zigbee2mqtt.will(plan.base_topic),
            on_up=self._announce,
        )
        self._life = Runner("virtual-life", self, clock)

    def start(self, host: str, port: int, *, has_life: bool = True) -> None:
        """Connect, announce the devices, live. Without life devices speak when pressed only."""
        self._link.start(host, port)
        if has_life:
            self._life.start()

    def stop(self) -> None:
        """Says that it goes offline."""
        self._life.stop()
        self._link.stop(zigbee2mqtt.farewell(self._plan))

    def wait_until_announced(self, timeout_s: float) -> bool:
        """False when the broker has not taken the announcement in that time."""
        return self._has_announced.wait(timeout_s) and was_taken(self._last_word, timeout_s)

    def press(self, device: Device) -> int:
        """The device's one gesture; the instant of it. Raises BrokerAway, CannotPress."""
        with self._lock:
            fields = gesture_of(device, self._states[device.ieee])
        return self.say(device, fields)

    def say(self, device: Device, fields: Fields) -> int:
        """The device says this now, and by itself what follows. Raises BrokerAway."""
        now_ms = self._clock.now_ms()
        self._speak(device, fields, now_ms)
        with self._lock:
            for after in MODELS[device.model].after:
                due_ms = now_ms + after.delay_ms
                heapq.heappush(self._later, (due_ms, next(self._order), device, after.fields))
        self._life.wake()
        return now_ms

    def befall(self, home: Home, what: What) -> int:
        """It happens in this home now; the instant. Only where there is life."""
        now_ms = self._clock.now_ms()
        with self._living:
            self._lives.befall(home, what, now_ms)
            self._lived_ms = min(self._lived_ms, now_ms - 1)  # what happens at once is said as well
        self._life.wake()
        return now_ms

    def run_once(self, now_ms: int) -> int:
        """Whatever the devices say by themselves up to now."""
        for device, fields, at_ms in self._due(now_ms):
            try:
                self._speak(device, fields, at_ms)
            except BrokerAway:
                log.info("%s was not heard: the broker is away", device.friendly_name)
        with self._lock:
            later_ms = self._later[0][0] if self._later else None
        with self._living:
            life_ms = self._lives.next_due_ms(now_ms)
        return life_ms if later_ms is None else min(later_ms, life_ms)

    def _due(self, now_ms: int) -> list[tuple[Device, Fields, int]]:
        with self._living:
            happened = self._lives.between(self._lived_ms, now_ms)
            self._lived_ms = max(self._lived_ms, now_ms)
        lived = [(one.device, one.fields, one.at_ms) for one in happened]
        with self._lock:
            while self._later and self._later[0][0] <= now_ms:
                at_ms, _, device, fields = heapq.heappop(self._later)
                lived.append((device, fields, at_ms))
        return sorted(lived, key=lambda one: one[2])

    def _speak(self, device: Device, fields: Fields, at_ms: int) -> None:
        with self._lock:
            kept, messages = zigbee2mqtt.spoken(
                self._plan.base_topic,
                device,
                self._states[device.ieee],
                fields,
                legacy=self._is_legacy,
            )
            for message in messages:
                self._link.publish(message)
            self._states[device.ieee] = kept
        self._told(device, fields, at_ms)

    def _announce(self) -> None:
        with self._lock:
            for message in zigbee2mqtt.announcement(self._plan, self._states):
                self._last_word = self._link.publish(message)
        self._has_announced.set()
