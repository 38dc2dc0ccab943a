"""The virtual town: its homes, the bridge that their devices speak through, what the homes hear.

Speaks MQTT only: presses go out through the bridge; words, siren, health come from the gateway.
"""

import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import msgspec

from device_simulators import virtual_home
from device_simulators.bridge import Bridge
from device_simulators.clock import Clock, SystemClock
from device_simulators.emergencies import What
from device_simulators.models import Fields
from device_simulators.mqtt import Link
from device_simulators.plan import CALLS, Device, Home, Plan, Words
from device_simulators.virtual_home import Say, State

log = logging.getLogger(__name__)
UP_S: Final = 10.0
SESSION_S: Final = 3_600  # words spoken while the speaker is away are still heard
DANGERS: Final = {"gas": "gas", "smoke": "smoke", "leak": "water_leak"}
ALARMING: Final = {"pressed", "fell", "gas_on", "smoke_on", "leak_on"}
Watcher = Callable[[], None]


class Siren(msgspec.Struct, frozen=True):
    """`anju-home/<gateway>/siren`."""

    on: bool


class Status(msgspec.Struct, frozen=True):
    """`anju-home/<gateway>/status`, as far as a home shows it."""

    agent: str


class Town:
    """All homes behind one gateway. Methods may be called from any thread."""

    def __init__(
        self,
        plan: Plan,
        words: dict[str, Words],
        *,
        seed: int = 1,
        clock: Clock | None = None,
        is_legacy: bool = False,
    ) -> None:
        self.plan, self.seed, self._words = plan, seed, words
        self._clock: Clock = clock or SystemClock()
        self._lock = threading.RLock()
        self._homes = {home.id: home for home in plan.homes}
        self._home_of = {device.ieee: home for home in plan.homes for device in home.devices}
        self._states = {home.id: State() for home in plan.homes}
        self._watchers: dict[str, list[Watcher]] = {home.id: [] for home in plan.homes}
        self._is_online, self._has_siren = False, False
        self._bridge = Bridge(plan, self._clock, seed, self._told, is_legacy=is_legacy)
        base = f"anju-home/{plan.gateway}"
        self._hears = {
            f"{base}/say": self._on_say,
            f"{base}/siren": self._on_siren,
            f"{base}/status": self._on_status,
        }
        self._speaker = Link(
            f"virtual-homes-{plan.gateway}",
            topics=self._hears,
            on_message=self._on_message,
            session_s=SESSION_S,
        )

    def start(self, host: str, port: int, *, has_life: bool = True) -> None:
        """Connect to the home broker and announce the devices; waits a while for the broker."""
        self._speaker.start(host, port)
        self._bridge.start(host, port, has_life=has_life)
        if not self._speaker.wait_until_up(UP_S) or not self._bridge.wait_until_announced(UP_S):
            log.warning("the home broker at %s:%d does not answer; the town waits", host, port)

    def stop(self) -> None:
        """The bridge goes offline in the orderly way."""
        self._bridge.stop()
        self._speaker.stop()

    def press(self, home_id: str, device_key: str) -> int:
        """Somebody presses a device: the instant. Raises NotInTown, CannotPress, BrokerAway."""
        return self._bridge.press(self.plan.home(home_id).device(device_key))

    def fine(self, home_id: str) -> int:
        """The resident says "I am fine", by the profile's gesture. Raises as press does."""
        home = self.plan.home(home_id)
        device, gesture = virtual_home.cancel_of(home)
        at_ms = self._bridge.say(device, gesture)
        self._change(home, partial(virtual_home.let_go, home=home))
        return at_ms

    def befall(self, home_id: str, what: What) -> int:
        """It happens in this home now; the instant. Nothing comes of it in a town without life.
        Raises NotInTown."""
        return self._bridge.befall(self.plan.home(home_id), what)

    def reset(self, home_id: str) -> None:
        """The page begins anew; nothing is sent. Raises NotInTown."""
        home = self.plan.home(home_id)
        self._change(home, lambda state: State(heard=state.heard))

    def cards(self) -> list[dict[str, Any]]:
        """All homes in short."""
        return [virtual_home.card(home) for home in self.plan.homes]

    def view(self, home_id: str) -> dict[str, Any]:
        """A home as its page draws it. Raises NotInTown."""
        home = self.plan.home(home_id)
        with self._lock:
            return virtual_home.view(
                self.plan,
                home,
                self._states[home_id],
                is_online=self._is_online,
                has_siren=self._has_siren,
            )

    def watch(self, home_id: str, watcher: Watcher) -> Callable[[], None]:
        """Called at every change, in any thread; the answer ends that. Raises NotInTown."""
        watchers = self._watchers[self.plan.home(home_id).id]
        with self._lock:
            watchers.append(watcher)
        return lambda: watchers.remove(watcher)

    def _change(self, home: Home, change: Callable[[State], State]) -> None:
        with self._lock:
            before = self._states[home.id]
            after = change(before)
            self._states[home.id] = after
            if after != before:
                for watcher in list(self._watchers[home.id]):
                    watcher()

    def _told(self, device: Device, fields: Fields, at_ms: int) -> None:
        """A device has spoken."""
        home = self._home_of[device.ieee]
        self._change(home, lambda state: self._after(state, device, fields, at_ms))

    def _after(self, state: State, device: Device, fields: Fields, at_ms: int) -> State:
        in_use = virtual_home.is_in_use(device, fields)
        if in_use is not None:
            state = virtual_home.used(state, device, is_on=in_use)
        key = _line_of(device, fields)
        if key is None:
            return state
        if key == "pressed":
            state = virtual_home.used(state, device, is_on=True)
        words = self._words[key].fill(device=self.plan.kinds[device.kind])
        return virtual_home.written(state, at_ms, words, "crit" if key in ALARMING else "")

    def _on_message(self, topic: str, payload: bytes) -> None:
        hear = self._hears.get(topic)
        try:
            if hear is not None and payload:
                hear(payload)
        except msgspec.DecodeError as error:
            log.warning("what came on %s cannot be read: %s", topic, error)

    def _on_say(self, payload: bytes) -> None:
        say = msgspec.json.decode(payload, type=Say)
        home = self._homes.get(say.home)
        if home is None:
            log.info("words for home %s, which is not in this town", say.home)
            return
        self._change(home, lambda state: self._after_say(state, home, say))

    def _after_say(self, state: State, home: Home, say: Say) -> State:
        after = virtual_home.heard(state, home, say)
        if after is state:
            return state
        words = self._words["heard"].fill(said=Words(say.zh, say.en))
        return virtual_home.written(after, say.at_ms, words, virtual_home.tone_of(say.key))

    def _on_siren(self, payload: bytes) -> None:
        has_siren = msgspec.json.decode(payload, type=Siren).on
        if has_siren != self._has_siren:
            self._has_siren = has_siren
            self._write_all("siren_on" if has_siren else "siren_off", "crit" if has_siren else "")

    def _on_status(self, payload: bytes) -> None:
        is_online = msgspec.json.decode(payload, type=Status).agent == "online"
        if is_online != self._is_online:
            self._is_online = is_online
            self._write_all("gateway_online" if is_online else "gateway_offline")

    def _write_all(self, key: str, tone: str = "") -> None:
        """The same line in every home."""
        now_ms = self._clock.now_ms()
        for home in self.plan.homes:
            self._change(
                home, lambda state: virtual_home.written(state, now_ms, self._words[key], tone)
            )


def _line_of(device: Device, fields: Fields) -> str | None:
    """Which line of the log tells it; None for what nobody in the home notices."""
    if device.kind in CALLS:
        if fields.get("action") == "hold":
            return "fine"
        return "pressed" if "action" in fields or fields.get("sos") else None
    if device.kind == "motion":
        is_living = device.room == virtual_home.THE_LIVING_ROOM  # the words speak of that one
        return "moved" if fields.get("occupancy") and is_living else None
    danger = DANGERS.get(device.kind)
    if danger is not None and danger in fields:
        return f"{device.kind}_{'on' if fields[danger] else 'off'}"
    if device.kind == "fall":
        return "fell" if fields.get("fall_status") == "fall_alarm" else None
    if device.kind == "door" and "contact" in fields:
        return "closed_door" if fields["contact"] else "opened"
    return None
