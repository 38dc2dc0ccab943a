"""ESPHome over MQTT: `<prefix>/<component>/<name>/state` scalars, `<prefix>/status`. Pure.

What a topic means stands in the retained Home Assistant discovery beside it,
`<discovery>/<component>/[<node>/]<object>/config`. From esphome.io/components/mqtt and its source,
and home-assistant.io/integrations/mqtt. Only topics of this form are taken: else whoever may
announce something could take another device's topic away. No template is run (docs/dialects.md).
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from contract.messages import RegisteredDevice
from contract.vocabulary import SPECS, Measurement
from edge.dialects.catalogue import Catalogue
from edge.dialects.profile import Profiles
from edge.dialects.telling import Device, Sent, Telling, by_key, unreadable
from edge.dialects.units import SAME, Factors, factors, scaled
from edge.dialects.values import NOT_JSON, number, parsed, spoken, text_of
from edge.meaning import NOT_KNOWN, Heard

CONVENTION: Final = "esphome"
UID: Final = "esphome:"
PAYLOAD_BYTES_MAX: Final = 64 * 1024
ENTITIES_MAX: Final = 5_000  # of all nodes of a broker
DISCOVERIES_MAX: Final = 16  # prefixes; a broker has one or two
M = Measurement

_STATE: Final = re.compile(
    r"(?P<prefix>.+)/(?P<component>sensor|binary_sensor|text_sensor|event)/(?P<name>[^/]+)/state"
)
_STATUS: Final = "/status"
_CONFIG: Final = re.compile(
    r"(?P<prefix>.+)/(?P<component>sensor|binary_sensor|event|alarm_control_panel|button|climate"
    r"|cover|date|datetime|fan|light|lock|number|select|switch|text|time|update|valve)"
    r"(/[^/]+){1,2}/config"
)
_NO_VALUE: Final = frozenset({"nan", "none", "unknown", "unavailable", ""})  # a sensor that failed
_ABBREVIATED: Final = {
    "avty_t": "availability_topic",
    "dev": "device",
    "dev_cla": "device_class",
    "ent_cat": "entity_category",
    "ids": "identifiers",
    "pl_avail": "payload_available",
    "pl_not_avail": "payload_not_available",
    "pl_off": "payload_off",
    "pl_on": "payload_on",
    "stat_t": "state_topic",
    "unit_of_meas": "unit_of_measurement",
    "val_tpl": "value_template",
}

# `presence` is whether somebody is at home, `cold`, `light`, `problem` … are none of our words.
_BINARY: Final[Mapping[str, Measurement]] = {
    "battery": M.BATTERY_LOW,
    "carbon_monoxide": M.CARBON_MONOXIDE,
    "connectivity": M.ONLINE,
    "door": M.OPENING,
    "garage_door": M.OPENING,
    "gas": M.GAS,
    "heat": M.HEAT_ALARM,
    "moisture": M.WATER_LEAK,
    "motion": M.MOTION,
    "occupancy": M.OCCUPANCY,
    "opening": M.OPENING,
    "safety": M.SOS,
    "smoke": M.SMOKE,
    "tamper": M.TAMPER,
    "vibration": M.VIBRATION,
    "window": M.OPENING,
}
_NUMERIC: Final[Mapping[str, Measurement]] = {
    "atmospheric_pressure": M.PRESSURE,
    "battery": M.BATTERY,
    "carbon_dioxide": M.CO2,
    "distance": M.DISTANCE,
    "energy": M.ENERGY,
    "humidity": M.HUMIDITY,
    "illuminance": M.ILLUMINANCE,
    "pm25": M.PM25,
    "power": M.POWER,
    "pressure": M.PRESSURE,
    "signal_strength": M.RSSI,
    "sound_pressure": M.SOUND_LEVEL,
    "temperature": M.TEMPERATURE,
    "voltage": M.VOLTAGE,
}


class _Entity(NamedTuple):
    """What the discovery says of a state topic. measurement: None for a class that is none of
    ours."""

    node: str  # the topic prefix
    component: str
    name: str
    measurement: Measurement | None
    factors: Factors = SAME
    on: str = "ON"
    off: str = "OFF"


class _Node(NamedTuple):
    """What a node announces of itself."""

    address: str
    online: str = "online"
    offline: str = "offline"


class EspHome:
    """Hears all nodes of a broker; what they announced is remembered."""

    def __init__(self, profiles: Profiles, _catalogue: Catalogue) -> None:
        self._profiles = profiles
        self._devices: dict[str, Device] = {}  # by node
        self._entities: dict[str, _Entity] = {}  # by state topic
        self._announced: dict[str, str] = {}  # config topic -> state topic
        self._nodes: dict[str, _Node] = {}  # by topic prefix
        self._discoveries = {"homeassistant"}  # where Home Assistant itself says that it is there

    def configure(self, devices: Iterable[RegisteredDevice]) -> None:
        """Replaces the registry's devices."""
        self._devices = by_key(devices, lambda device: node_of(device.topic), self._profiles)

    def hear(self, topic: str, payload: bytes, retain: bool) -> Heard:
        """NOT_KNOWN where topic and form of the message are nobody's of ours."""
        if topic.endswith("/config"):
            return self._announce(topic, payload)
        if topic.endswith(_STATUS):
            return self._online(topic, payload, retain)
        entity = self._entities.get(topic)
        if entity is None:
            state = _STATE.fullmatch(topic)
            if state is None:
                return NOT_KNOWN
            component = state["component"].removeprefix("text_")
            entity = _Entity(state["prefix"], component, state["name"], None)
        return self._value(topic, entity, payload, retain)

    @staticmethod
    def example(says: Mapping[str, object]) -> Sent:
        """The one field, as `binary_sensor/cord`, in its topic."""
        path, value = next(iter(says.items()), ("sensor/none", ""))
        return f"example/{path}/state", str(value).encode()

    # ------------------------------------------------------------ what nodes announce

    def _announce(self, topic: str, payload: bytes) -> Heard:
        config = _CONFIG.fullmatch(topic)
        if config is None:
            return NOT_KNOWN
        if not payload:  # how an entity is taken back
            self._entities.pop(self._announced.pop(topic, ""), None)
            return Heard(CONVENTION, ignored=("announcement",))
        said = parsed(payload) if len(payload) <= PAYLOAD_BYTES_MAX else NOT_JSON
        if not isinstance(said, dict):
            return NOT_KNOWN
        told = _spelt_out(said)
        state_topic = str(told.get("state_topic"))
        state = _STATE.fullmatch(state_topic)
        is_new = topic not in self._announced
        if (
            state is None
            or state["component"] != config["component"]
            or told.get("value_template")
            or (is_new and len(self._announced) >= ENTITIES_MAX)
        ):
            return Heard(CONVENTION, ignored=("announcement",))
        self._entities.pop(self._announced.get(topic, ""), None)
        self._announced[topic] = state_topic
        if len(self._discoveries) < DISCOVERIES_MAX:
            self._discoveries.add(config["prefix"])
        if len(self._nodes) < ENTITIES_MAX or state["prefix"] in self._nodes:
            self._nodes[state["prefix"]] = _node(state["prefix"], told)
        self._entities[state_topic] = _entity(state, told)
        return Heard(CONVENTION, ignored=("announcement",))

    def _device(self, node: str) -> Device:
        known = self._nodes.get(node) or _Node(node)
        return self._devices.get(node) or Device(f"{UID}{known.address}")

    # ------------------------------------------------------------ what a message says

    def _online(self, topic: str, payload: bytes, retain: bool) -> Heard:
        node, word = topic.removesuffix(_STATUS), text_of(payload)
        known = self._nodes.get(node) or _Node(node)
        if word not in (known.online, known.offline) or node in self._discoveries:
            return NOT_KNOWN
        telling = Telling(CONVENTION, self._device(node), is_retained=retain)
        telling.add(M.ONLINE, word == known.online, _STATUS)
        return telling.heard()

    def _value(self, topic: str, entity: _Entity, payload: bytes, retain: bool) -> Heard:
        device = self._device(entity.node)
        text = text_of(payload[:PAYLOAD_BYTES_MAX])
        path = f"{entity.component}/{entity.name}"
        if text is None:
            return unreadable(CONVENTION, device, f"what came on its topic {topic} is no text")
        telling = Telling(CONVENTION, device, is_retained=retain)
        if entity.component == "event":
            _event(telling, path, payload)
        elif any(telling.by_profile(name, text) for name in (path, entity.name)):
            pass
        elif text.strip().casefold() in _NO_VALUE:
            telling.ignore("no_value")
        elif entity.component == "binary_sensor":
            _binary(telling, entity, path, text)
        else:
            _numeric(telling, entity, path, text)
        return telling.heard()


def node_of(topic: str) -> str:
    """The node's part of one of its topics; a topic of another form as it is."""
    state = _STATE.fullmatch(topic)
    return topic.removesuffix(_STATUS) if state is None else state["prefix"]


def _spelt_out(said: Mapping[str, object]) -> dict[str, object]:
    """The announcement with whole names, and `~` in its topics put in place."""
    told = {_ABBREVIATED.get(key, key): value for key, value in said.items()}
    base = told.get("~")
    if isinstance(base, str):
        for key in ("state_topic", "availability_topic"):
            topic = told.get(key)
            if isinstance(topic, str):
                told[key] = re.sub("^~|~$", lambda _: base, topic)
    return told


def _node(prefix: str, told: Mapping[str, object]) -> _Node:
    device = told.get("device")
    address = _spelt_out(device).get("identifiers") if isinstance(device, dict) else None
    if isinstance(address, list):
        address = address[0] if address else None
    return _Node(
        address=address if isinstance(address, str) else prefix,
        online=str(told.get("payload_available", "online")),
        offline=str(told.get("payload_not_available", "offline")),
    )


def _entity(state: re.Match[str], told: Mapping[str, object]) -> _Entity:
    node, component, name = state["prefix"], state["component"], state["name"]
    kind = spoken(told.get("device_class")) or ""
    if component == "binary_sensor":
        on, off = (str(told.get(f"payload_{word}", word.upper())) for word in ("on", "off"))
        return _Entity(node, component, name, _BINARY.get(kind), on=on, off=off)
    measurement = _NUMERIC.get(kind) if component == "sensor" else None
    if measurement is M.TEMPERATURE and told.get("entity_category") == "diagnostic":
        measurement = M.DEVICE_TEMPERATURE  # of the board, not of the room
    unit = told.get("unit_of_measurement")
    by = SAME
    if measurement is not None and isinstance(unit, str) and unit:
        measured = factors(measurement, unit)
        measurement, by = (None, SAME) if measured is None else (measurement, measured)
    return _Entity(node, component, name, measurement, by)


def _binary(telling: Telling, entity: _Entity, path: str, text: str) -> None:
    value = True if text == entity.on else False if text == entity.off else None
    measurement = entity.measurement
    if measurement is None and telling.device.calls_by_press:
        measurement = M.SOS
    if value is None and (measurement is M.SOS or measurement in _ALARMING):
        telling.cannot_read(f"its {path} says neither {entity.on} nor {entity.off}")
    elif measurement is None or value is None:
        telling.ignore("undescribed")
    else:
        telling.add(measurement, value, path)


def _numeric(telling: Telling, entity: _Entity, path: str, text: str) -> None:
    value = number(text.strip())
    if entity.measurement is None or value is None:
        telling.ignore("undescribed" if entity.measurement is None else "no_value")
    else:
        telling.add(entity.measurement, scaled(value, entity.factors), path)


def _event(telling: Telling, path: str, payload: bytes) -> None:
    said = parsed(payload)
    word = spoken(said.get("event_type")) if isinstance(said, dict) else None
    if word is None:
        telling.cannot_read(f"its {path} names no event")
    else:
        telling.gesture(word, word, path)


_ALARMING: Final = {measurement for measurement, spec in SPECS.items() if spec.is_alarm}
DIALECT: Final = EspHome
