"""What a Zigbee2MQTT bridge says in these tests. Messages are ours, made from its documentation."""

import json
from pathlib import Path
from typing import Any

from contract.messages import RegisteredDevice
from contract.vocabulary import Measurement
from edge.meaning import Heard

CONFIG = Path(__file__).resolve().parents[3] / "config"
IEEE = "0x00124b00aa11bb22"


def body(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def listed(name: str, *exposes: dict[str, Any], ieee=IEEE, vendor="Acme", model="X-1") -> bytes:
    """A bridge/devices with the coordinator and one device."""
    definition = {"vendor": vendor, "model": model, "exposes": list(exposes)}
    return body(
        [
            {"ieee_address": "0x00124b0000000001", "type": "Coordinator", "friendly_name": "C"},
            {"ieee_address": ieee, "friendly_name": name, "definition": definition},
        ]
    )


def registered(topic: str, **more: Any) -> RegisteredDevice:
    return RegisteredDevice(**{"id": f"z2m:{IEEE}", "home": "ho-1", "topic": topic, **more})


def meant(heard: Heard) -> dict[str, Any]:
    """Name → value of what is journalled."""
    return {reading.measurement.value: reading.value for reading in heard.readings}


def quiet(heard: Heard) -> dict[str, Any]:
    return {reading.measurement.value: reading.value for reading in heard.quiet}


def by_channel(heard: Heard, measurement: Measurement) -> dict[str | None, Any]:
    return {r.channel: r.value for r in heard.readings if r.measurement is measurement}
