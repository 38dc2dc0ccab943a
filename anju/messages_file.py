"""Messages of real devices as test cases, one JSON object a line, and the registry that they
need."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from anju.errors import CannotRun
from contract.vocabulary import Measurement
from device_simulators.zigbee2mqtt import Message

MESSAGES_MAX: Final = 10_000
LAST_WORDS: Final = ("action", "availability")  # sub-topics of a device
_MEASUREMENTS: Final = frozenset(measurement.value for measurement in Measurement)
RULED: Final = (Measurement.SOS,)  # what a rule raises an alarm for


class Spoken(Struct, frozen=True):
    """A message that came before. payload as in Case."""

    topic: str
    payload: Any = None
    payload_encoding: str | None = None
    retain: bool = False
    age_s: float = 0.0


class Expected(Struct, frozen=True):
    """A reading that must come of it. channel, sensor, zone: what tells it from others of its
    kind."""

    measurement: str
    value: Any = None
    unit: str | None = None
    channel: Any = None
    sensor: Any = None
    zone: Any = None
    tolerance: float | None = None


class Device(Struct, frozen=True):
    """What the registry knows."""

    vendor: str = ""
    model: str = ""
    profile: Any = None


class Case(Struct, frozen=True):
    """One message with its surroundings and its meaning.

    may: readings that may come or not; reject_values: those that must not. stage `dedupe`: tests
    the layer after decoding. needs_codec: its payload is raw bytes.
    """

    topic: str
    id: str = ""
    payload: Any = None
    payload_encoding: str | None = None
    context: tuple[Spoken, ...] = ()
    retain: bool = False
    device: Device | None = None
    expect: tuple[Expected, ...] = ()
    forbid: tuple[str, ...] = ()
    may: tuple[Expected, ...] = ()
    reject_values: tuple[Expected, ...] = ()
    expect_time: str | None = None
    convention: str = "unknown"
    kind: str = msgspec.field(name="class", default="none")
    stage: str | None = None
    needs_codec: str | None = None

    @property
    def is_due(self) -> bool:
        """Whether an alarm must come of it."""
        ruled = {measurement.value for measurement in RULED}
        return any(e.measurement in ruled and e.value is True for e in self.expect)

    def expects(self, measurement: Measurement) -> bool:
        """Whether a reading of this kind comes of it, whatever its value."""
        return any(e.measurement == measurement.value for e in self.expect)

    @property
    def device_topic(self) -> str:
        """The device's own topic, without the sub-topic that this message came on."""
        head, _, last = self.topic.rpartition("/")
        return head if last in LAST_WORDS else self.topic


def read_cases(path: Path) -> list[Case]:
    """Raises CannotRun with file and line."""
    cases: list[Case] = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CannotRun(f"{path} cannot be read: {error}") from error
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                cases.append(msgspec.json.decode(line, type=Case))
            except msgspec.DecodeError as error:
                raise CannotRun(f"{path}, line {number}: {error}") from error
    if not cases or len(cases) > MESSAGES_MAX:
        raise CannotRun(f"{path}: expected 1 to {MESSAGES_MAX} messages, found {len(cases)}")
    return cases


def bytes_of(said: Case | Spoken) -> bytes:
    """The payload as it is on the wire. Raises CannotRun for an encoding that is none."""
    if said.payload_encoding is None:
        return json.dumps(said.payload, ensure_ascii=False).encode()
    if said.payload_encoding == "text":
        return str(said.payload).encode()
    if said.payload_encoding == "base64":
        return base64.b64decode(str(said.payload))
    raise CannotRun(f"payload_encoding '{said.payload_encoding}' is not known: text or base64")


def message_of(said: Case | Spoken) -> Message:
    """To be published with QoS 1."""
    return Message(said.topic, bytes_of(said), 1, said.retain)


def fields_of(profile: Mapping[str, Any]) -> dict[str, Any]:
    """A message's own profile in the form of ours: `{"action:single": "sos"}`, `{"alarm": "sos"}`,
    `{"level": "distance mm"}`, `{"alarm": {"measurement": "sos", "on": "ON"}}`, `{"action":
    {"single": "sos"}}`; with `"inverted": true` beside, false is what is there."""
    fields: dict[str, Any] = {}
    is_inverted = profile.get("inverted") is True
    for key, meaning in profile.items():
        name, _, word = key.rpartition(":")
        if key == "inverted":
            continue
        if isinstance(meaning, dict):
            fields[key] = _words_of(meaning)
        elif name and not word.isdecimal():
            fields.setdefault(name, {})[word] = str(meaning).split(" ")[0]
        elif is_inverted:
            fields[key] = {True: {meaning: False}, False: {meaning: True}}
        elif key in _MEASUREMENTS:  # the name is plain, the unit is what has to be told
            fields[key] = f"{key} {meaning}"
        else:
            fields[key] = str(meaning)
    return fields


def _words_of(meaning: dict[str, Any]) -> dict[Any, Any] | str:
    if "measurement" not in meaning:
        return meaning
    name = str(meaning["measurement"])
    words = {"on": True, "off": False}
    told = {meaning[key]: {name: value} for key, value in words.items() if key in meaning}
    return told or " ".join(filter(None, (name, str(meaning.get("unit") or ""))))
