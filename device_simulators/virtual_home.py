"""What a virtual home shows: its lamp, the words last heard, devices in use, what happened. Pure.

Everything but the resident's own gestures comes from the gateway over MQTT.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from device_simulators.errors import CannotPress
from device_simulators.models import MODELS, Fields
from device_simulators.plan import CALLS, Device, Home, Kind, Plan, Words

LOG_MAX: Final = 60
HEARD_MAX: Final = 60
FOR_THE_PICTURE: Final[tuple[Kind, ...]] = ("pendant", "gas", "speaker")  # where a home has none
NOT_ON_THE_PLAN: Final = ("climate", "bed", "plug")
THE_LIVING_ROOM: Final = "living"  # of several motion sensors the picture has this one
LAMP_AFTER: Final[Mapping[str, str]] = {
    "calling": "calling",
    "local_help": "calling",
    "received": "received",
    "operator_with_you": "operator",
    "help_is_coming": "coming",
    "cancelled": "off",
    "closed": "off",
}
LAMPS: Final = ("off", "calling", "received", "operator", "coming")  # each says more than the last
SHOWN: Final[Mapping[Kind, str]] = {  # a property that is true while the device is in use
    "motion": "occupancy",
    "gas": "gas",
    "smoke": "smoke",
    "leak": "water_leak",
}
TONES: Final[Mapping[str, str]] = {"calling": "", "local_help": "crit"}


class Say(msgspec.Struct, frozen=True):
    """`anju-home/<gateway>/say`: the gateway speaks in a home."""

    id: str
    home: str
    key: str
    zh: str
    en: str
    at_ms: int


class Line(msgspec.Struct, frozen=True):
    """One line of the log. tone: `crit`, `ok` or empty."""

    at_ms: int
    zh: str
    en: str
    tone: str = ""


class State(msgspec.Struct, frozen=True):
    """A home at one instant. pressed: keys of devices that are in use."""

    lamp: str = "off"
    said: Say | None = None
    pressed: frozenset[str] = frozenset()
    log: tuple[Line, ...] = ()
    heard: tuple[str, ...] = ()


def written(state: State, at_ms: int, words: Words, tone: str = "") -> State:
    """One more line in the log."""
    line = Line(at_ms, words.zh, words.en, tone)
    return msgspec.structs.replace(state, log=(line, *state.log)[:LOG_MAX])


def used(state: State, device: Device, *, is_on: bool) -> State:
    """A device is being used, or no longer."""
    keys = state.pressed | {device.key} if is_on else state.pressed - {device.key}
    return msgspec.structs.replace(state, pressed=keys)


def let_go(state: State, home: Home) -> State:
    """No call for help is shown any more."""
    calls = {device.key for device in home.devices if device.kind in CALLS}
    return msgspec.structs.replace(state, pressed=state.pressed - calls)


def heard(state: State, home: Home, say: Say) -> State:
    """The gateway has spoken; unchanged where it repeats itself (same id)."""
    if say.id in state.heard:
        return state
    return msgspec.structs.replace(
        let_go(state, home) if say.key in ("cancelled", "closed") else state,
        said=say,
        lamp=_lamp_after(state.lamp, say.key),
        heard=(say.id, *state.heard)[:HEARD_MAX],
    )


def tone_of(key: str) -> str:
    """How a spoken line is drawn in the log: good news unless listed."""
    return TONES.get(key, "ok")


def _lamp_after(lamp: str, key: str) -> str:
    """A press during a running alarm does not take "help is coming" back."""
    after = LAMP_AFTER.get(key, lamp)
    return after if after == "off" or LAMPS.index(after) > LAMPS.index(lamp) else lamp


def gesture_of(device: Device, state: Fields) -> Fields:
    """What the device says when it is pressed now. Raises CannotPress."""
    model = MODELS[device.model]
    if model.toggles is not None:
        return {model.toggles: not state[model.toggles]}
    if model.press is None:
        raise CannotPress(f"{device.vendor} {device.model} has nothing to press")
    return model.press


def cancel_of(home: Home) -> tuple[Device, Fields]:
    """The device with a gesture for "I am fine", and what it says. Raises CannotPress."""
    for device in home.devices:
        cancel = MODELS[device.model].cancel
        if cancel is not None and device.profile is not None:
            return device, cancel
    raise CannotPress(f"home {home.id} has no device with a gesture for 'I am fine'")


def is_in_use(device: Device, fields: Fields) -> bool | None:
    """Whether this message shows the device in use, None where it does not say."""
    if device.kind == "door":
        return not fields["contact"] if "contact" in fields else None
    shown = SHOWN.get(device.kind)
    return bool(fields[shown]) if shown is not None and shown in fields else None


def card(home: Home) -> dict[str, Any]:
    """A home in a list."""
    resident = home.residents[0]
    return {
        "id": home.id,
        "name": resident.name,
        "name_en": resident.name_en,
        "address": msgspec.to_builtins(home.address),
        "resident": {"name": resident.name, "name_en": resident.name_en, "age": resident.age},
    }


def view(
    plan: Plan, home: Home, state: State, *, is_online: bool, has_siren: bool
) -> dict[str, Any]:
    """A home as its page draws it."""
    said = state.said
    return {
        "home": card(home),
        "gateway_online": is_online,
        "siren": has_siren,
        "devices": _devices(plan, home, state),
        "said": said and {"key": said.key, "zh": said.zh, "en": said.en, "at_ms": said.at_ms},
        "lamp": state.lamp,
        "log": [msgspec.to_builtins(line) for line in state.log],
    }


def _devices(plan: Plan, home: Home, state: State) -> list[dict[str, Any]]:
    real = [
        _device(plan, device.key, device.uid, device.kind, device.key in state.pressed, True)
        for device in home.devices
        if device.kind not in NOT_ON_THE_PLAN and _has_place(device)
    ]
    kinds = {device.kind for device in home.devices}
    speaks = state.lamp != "off"
    painted = [
        _device(plan, kind, "", kind, kind == "speaker" and speaks, False)
        for kind in FOR_THE_PICTURE
        if kind not in kinds
    ]
    return real + painted


def _has_place(device: Device) -> bool:
    return device.kind != "motion" or device.room == THE_LIVING_ROOM


def _device(
    plan: Plan, key: str, uid: str, kind: Kind, is_pressed: bool, is_supported: bool
) -> dict[str, Any]:
    return {
        "key": key,
        "uid": uid,
        "kind": kind,
        "name": msgspec.to_builtins(plan.kinds[kind]),
        "is_pressed": is_pressed,
        "supported": is_supported,
    }
