"""A rule's syntax tree, what the engine is fed, and what it concludes. Frozen."""

from enum import StrEnum
from typing import Any

from msgspec import Struct

from cloud.words import Words
from contract.lanes import Quality
from contract.messages import Value
from contract.vocabulary import Measurement


class Severity(StrEnum):
    """How urgent a detection is."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class EventIs(Struct, frozen=True, tag="event"):
    """`sos pressed`: true at the instant of the event."""

    measurement: Measurement


class AnyOf(Struct, frozen=True, tag="or"):
    """`a or b`: true where one becomes true."""

    parts: tuple["Condition", ...]


Condition = EventIs | AnyOf


class Rule(Struct, frozen=True, kw_only=True):
    """One file. version: hash of what it means; a change of it starts with fresh state."""

    name: str
    version: str
    title: Words
    why: str
    severity: Severity
    when: Condition
    say: Words


class Happening(Struct, frozen=True, kw_only=True):
    """One fact of one home. at_ms: the event's time; known_at_ms: when the cloud learnt of it."""

    measurement: Measurement
    value: Value
    device: str
    at_ms: int
    known_at_ms: int
    key: str = ""
    quality: Quality = Quality.OK


class Detection(Struct, frozen=True, kw_only=True):
    """What a rule concluded. say still has its gaps: who fills them knows the home."""

    rule: str
    version: str
    severity: Severity
    at_ms: int
    known_at_ms: int
    device: str
    key: str
    say: Words
    evidence: dict[str, Any] = {}


class RuleState(Struct, omit_defaults=True):
    """What a rule remembers of a home. version: of the rule that wrote it."""

    version: str
    times: int = 0
    last_at_ms: int | None = None


class Trouble(Struct, frozen=True):
    """A rule that failed on a fact; the others went on."""

    rule: str
    text: str


HomeState = dict[str, RuleState]
