"""What a Zigbee2MQTT bridge publishes, as pure functions: topics, payloads, QoS, retain.

Form of version 2: `bridge/state` and availability are JSON, `action` is never kept in a device's
state, no empty action follows a press. Versions before 2 did: see `legacy`.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from device_simulators.models import MODELS, Fields
from device_simulators.plan import Device, Plan

VERSION: Final = "2.6.0"
MOMENTARY: Final = ("action",)  # told once, never kept


class Message(NamedTuple):
    """Something to publish."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False


def initial_state(device: Device) -> dict[str, Any]:
    """What the bridge's cache holds of a device before it has said anything new."""
    return {**MODELS[device.model].initial, "linkquality": 120}


def will(base: str) -> Message:
    """What the broker says when the bridge's connection breaks."""
    return _json(f"{base}/bridge/state", {"state": "offline"}, 1, retain=True)


def announcement(plan: Plan, states: Mapping[str, Fields]) -> list[Message]:
    """All that a bridge says at its start, in its order."""
    base = plan.base_topic
    return [
        _json(f"{base}/bridge/state", {"state": "online"}, 1, retain=True),
        _json(f"{base}/bridge/info", bridge_info(plan), 0, retain=True),
        _json(f"{base}/bridge/devices", bridge_devices(plan.coordinator, plan.devices()), 0, True),
        _json(f"{base}/bridge/groups", [], 0, retain=True),
        *(availability(base, device, is_online=True) for device in plan.devices()),
        *(state_message(base, device, states[device.ieee]) for device in plan.devices()),
    ]


def farewell(plan: Plan) -> list[Message]:
    """What a bridge says when it is stopped."""
    return [
        *(availability(plan.base_topic, device, is_online=False) for device in plan.devices()),
        will(plan.base_topic),
    ]


def availability(base: str, device: Device, *, is_online: bool) -> Message:
    """Retained, so that who comes later knows it."""
    state = {"state": "online" if is_online else "offline"}
    return _json(f"{base}/{device.friendly_name}/availability", state, 1, retain=True)


def state_message(base: str, device: Device, state: Fields) -> Message:
    """All properties of a device, as after any message of it."""
    return _json(f"{base}/{device.friendly_name}", state)


def spoken(
    base: str, device: Device, state: Fields, fields: Fields, *, legacy: bool = False
) -> tuple[dict[str, Any], list[Message]]:
    """A device says `fields`: the bridge's cache after it, and what it publishes.

    legacy: as before version 2, an action is followed by an empty one and told again as plain text.
    """
    told = {**state, **fields}
    kept = {name: value for name, value in told.items() if name not in MOMENTARY}
    messages = [state_message(base, device, told)]
    if legacy and "action" in fields:
        action = str(fields["action"]).encode()
        messages += [
            state_message(base, device, {**told, "action": ""}),
            Message(f"{base}/{device.friendly_name}/action", action),
        ]
    return kept, messages


def bridge_devices(coordinator: str, devices: Iterable[Device]) -> list[dict[str, Any]]:
    """The list of the whole network, the coordinator first."""
    return [_coordinator(coordinator), *(_device(device) for device in devices)]


def bridge_info(plan: Plan) -> dict[str, Any]:
    """What the bridge tells of itself; its configuration in short."""
    return {
        "version": VERSION,
        "commit": "00000000",
        "coordinator": {
            "ieee_address": plan.coordinator,
            "type": "ZStack3x0",
            "meta": {"majorrel": 2, "minorrel": 7, "maintrel": 1, "product": 1},
        },
        "zigbee_herdsman": {"version": "6.1.1"},
        "zigbee_herdsman_converters": {"version": "25.20.0"},
        "network": {"channel": 15, "pan_id": 6754, "extended_pan_id": "0xdddddddddddddddd"},
        "log_level": "info",
        "permit_join": False,
        "restart_required": False,
        "config": {
            "mqtt": {"base_topic": plan.base_topic, "version": 5},
            "availability": {"enabled": True},
            "advanced": {"last_seen": "disable", "output": "json"},
            "device_options": {"qos": 1, "retain": False},
        },
        "config_schema": {},
    }


def _coordinator(ieee: str) -> dict[str, Any]:
    return {
        "ieee_address": ieee,
        "type": "Coordinator",
        "network_address": 0,
        "supported": True,
        "disabled": False,
        "friendly_name": "Coordinator",
        "definition": None,
        "interview_completed": True,
        "interviewing": False,
        "interview_state": "SUCCESSFUL",
        "endpoints": {"1": _endpoint(())},
    }


def _device(device: Device) -> dict[str, Any]:
    model = MODELS[device.model]
    return {
        "ieee_address": device.ieee,
        "type": "EndDevice",
        "network_address": int(device.ieee[-4:], 16) or 1,
        "supported": True,
        "disabled": False,
        "friendly_name": device.friendly_name,
        "definition": {
            "source": "native",
            "model": device.model,
            "vendor": model.vendor,
            "description": model.description,
            "exposes": list(model.exposes),
            "options": [],
            "supports_ota": False,
        },
        "power_source": "Battery",
        "model_id": model.zigbee_model,
        "manufacturer": model.manufacturer,
        "date_code": "20240611",
        "interview_completed": True,
        "interviewing": False,
        "interview_state": "SUCCESSFUL",
        "endpoints": {"1": _endpoint(model.clusters)},
    }


def _endpoint(clusters: tuple[str, ...]) -> dict[str, Any]:
    return {
        "bindings": [],
        "configured_reportings": [],
        "clusters": {"input": list(clusters), "output": []},
        "scenes": [],
    }


def _json(topic: str, body: Any, qos: int = 1, retain: bool = False) -> Message:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Message(topic, text.encode(), qos, retain)
