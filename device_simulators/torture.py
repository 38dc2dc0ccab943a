"""What a torture run sends and how it is judged: pure. Each press comes from a device of its own.

A light meter's reading is its own number (illuminance 1, 2, 3 …), so that a lost, doubled or late
one is known by its value.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from random import Random
from typing import Final, Literal, NamedTuple

import msgspec

from contract.messages import RegisteredDevice
from device_simulators.models import MODELS
from device_simulators.plan import Device
from device_simulators.zigbee2mqtt import Message, bridge_devices

BASE: Final = "zigbee2mqtt"
COORDINATOR: Final = "0x00124b00ffffffff"
PRESSES_MAX: Final = 1_600  # as many as one bridge/devices below 2 MiB can announce
METERS: Final = 20
PRESS_SHARE: Final = 0.2
Fate = Literal["acknowledged", "unknown"]


class Shot(NamedTuple):
    """One message to send: the n-th of its device."""

    is_press: bool
    device: Device
    n: int
    message: Message


class Entry(msgspec.Struct, frozen=True):
    """One line of the ledger.

    fate: the broker acknowledged it, or the connection broke first, so that it may or may not be
    there. Never sent twice.
    """

    device: str
    n: int
    at_ms: int
    is_press: bool
    fate: Fate = "acknowledged"


class Verdict(msgspec.Struct, frozen=True):
    """What became of what was sent. names: some of the lost and doubled, for a person."""

    sent: int
    stored: int
    lost: int
    doubled: int
    out_of_order: int = 0
    names: tuple[str, ...] = ()

    @property
    def held(self) -> bool:
        """Nothing lost, doubled or turned round."""
        return self.lost == self.doubled == self.out_of_order == 0


def buttons(count: int) -> list[Device]:
    """SOS buttons, one for each press. Raises ValueError above what a bridge can announce."""
    if count > PRESSES_MAX:
        raise ValueError(f"{count} presses, but one bridge announces {PRESSES_MAX} at most")
    return [_device(number, "sos", "TS0215A_sos", is_sos=True) for number in range(1, count + 1)]


def meters(count: int = METERS) -> list[Device]:
    """Light meters for the telemetry."""
    return [_device(number, "light", "GZCGQ11LM", is_sos=False) for number in range(1, count + 1)]


def registered(devices: Iterable[Device], homes: int) -> list[RegisteredDevice]:
    """The devices as the registry would know them, spread over so many homes."""
    return [
        RegisteredDevice(
            id=device.uid,
            home=home_id(number % homes),
            topic=f"{BASE}/{device.friendly_name}",
            is_sos=device.is_sos,
            vendor=device.vendor,
            model=device.model,
        )
        for number, device in enumerate(devices)
    ]


def home_id(number: int) -> str:
    """The n-th home of a torture run."""
    return f"ho-torture{number:04d}"


def announcement(devices: Iterable[Device]) -> list[Message]:
    """What a bridge says of them at its start."""
    listed = json.dumps(bridge_devices(COORDINATOR, devices), separators=(",", ":")).encode()
    return [
        Message(f"{BASE}/bridge/state", b'{"state":"online"}', 1, retain=True),
        Message(f"{BASE}/bridge/devices", listed, 1, retain=True),
    ]


def script(
    seed: int,
    presses: list[Device],
    telemetry: list[Device],
    press_share: float = PRESS_SHARE,
) -> Iterator[Shot]:
    """Presses and readings mixed by the seed, until the buttons are used up."""
    dice = Random(seed)  # noqa: S311 - dice, no keys
    waiting, counts = list(reversed(presses)), Counter[str]()
    while waiting:
        if not telemetry or dice.random() < press_share:
            yield press_of(waiting.pop())
        else:
            device = dice.choice(telemetry)
            counts[device.ieee] += 1
            yield reading_of(device, counts[device.ieee])


def press_of(device: Device) -> Shot:
    """The button's one press."""
    return _shot(device, 1, {"action": "emergency", "battery": 90, "linkquality": 100}, True)


def reading_of(device: Device, n: int) -> Shot:
    """The meter's n-th reading."""
    return _shot(device, n, {"illuminance": n, "battery": 90, "linkquality": 100}, False)


def judge_presses(ledger: Iterable[Entry], raised: Mapping[str, int]) -> Verdict:
    """`raised`: device → its presses in the alarms' histories, repeats not counted."""
    entries = [entry for entry in ledger if entry.is_press]
    sent = Counter(entry.device for entry in entries if entry.fate == "acknowledged")
    tried = Counter(entry.device for entry in entries)
    lost = {device: n - raised.get(device, 0) for device, n in sent.items()}
    doubled = {device: n - tried[device] for device, n in raised.items()}
    return _verdict(sent.total(), sum(raised.values()), lost, doubled)


def judge_readings(ledger: Iterable[Entry], stored: Iterable[tuple[str, int]]) -> Verdict:
    """`stored`: (device, number) in the order in which they were stored."""
    entries = [entry for entry in ledger if not entry.is_press]
    sent = {(entry.device, entry.n) for entry in entries if entry.fate == "acknowledged"}
    in_order = list(stored)
    counts = Counter(in_order)
    lost = {f"{device} {n}": 1 - counts[device, n] for device, n in sent}
    doubled = {f"{device} {n}": count - 1 for (device, n), count in counts.items()}
    verdict = _verdict(len(sent), len(in_order), lost, doubled)
    return msgspec.structs.replace(verdict, out_of_order=_turned_round(in_order))


def _turned_round(stored: list[tuple[str, int]]) -> int:
    """How many came after a later one of the same device; a doubled one is not counted again."""
    highest: dict[str, int] = {}
    turned = 0
    seen: set[tuple[str, int]] = set()
    for device, n in stored:
        if n < highest.get(device, 0) and (device, n) not in seen:
            turned += 1
        highest[device] = max(n, highest.get(device, 0))
        seen.add((device, n))
    return turned


def _verdict(
    sent: int, stored: int, lost: Mapping[str, int], doubled: Mapping[str, int]
) -> Verdict:
    names = [f"lost {name}" for name, n in lost.items() if n > 0]
    names += [f"doubled {name}" for name, n in doubled.items() if n > 0]
    return Verdict(
        sent=sent,
        stored=stored,
        lost=sum(n for n in lost.values() if n > 0),
        doubled=sum(n for n in doubled.values() if n > 0),
        names=tuple(names[:10]),
    )


def _shot(device: Device, n: int, body: dict[str, object], is_press: bool) -> Shot:
    payload = json.dumps(body, separators=(",", ":")).encode()
    return Shot(is_press, device, n, Message(f"{BASE}/{device.friendly_name}", payload))


def _device(number: int, what: str, model: str, *, is_sos: bool) -> Device:
    return Device(
        key=f"{what}{number}",
        kind="sos-bath" if is_sos else "climate",
        room="living",
        ieee=f"0x00124b00{'5050' if is_sos else '1171'}{number:04x}",
        friendly_name=f"torture/{what}_{number:04d}",
        vendor=MODELS[model].vendor,
        model=model,
        is_sos=is_sos,
    )
