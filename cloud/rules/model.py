"""A rule's syntax tree, what the engine is fed, what it remembers of a home, what it concludes.

A truth is True, False or None: unknown, which is not false.
"""

from collections.abc import Collection
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace
from typing_extensions import override

from cloud.words import Words
from contract.lanes import Quality
from contract.messages import Value
from contract.vocabulary import Measurement

Truth = bool | None
SPANS: Final = {"s": 1_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}  # UCUM, milliseconds


class Severity(StrEnum):
    """How urgent a detection is."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    def is_above(self, other: "Severity") -> bool:
        """More urgent."""
        order = list(Severity)
        return order.index(self) < order.index(other)


class AlarmKind(StrEnum):
    """What a detection is about, as people see it."""

    SOS = "sos"
    FALL = "fall"
    SMOKE = "smoke"
    GAS = "gas"
    CARBON_MONOXIDE = "carbon_monoxide"
    WATER_LEAK = "water_leak"
    INACTIVITY = "inactivity"
    GATEWAY = "gateway"  # a whole gateway cannot be heard
    DEVICE = "device"  # one device needs care: silent, empty, untested
    TECHNICAL = "technical"  # could not be understood, and might have been a call for help


class Per(StrEnum):
    """For whom a parameter may differ."""

    RESIDENT = "resident"
    HOME = "home"
    AREA = "area"
    DISTRICT = "district"


# ---------------------------------------------------------------- the tree


class Amount(Struct, frozen=True, tag="amount"):
    """A number with its UCUM unit."""

    value: float
    unit: str

    @property
    def ms(self) -> int:
        """Of a span of time."""
        return round(self.value * SPANS[self.unit])

    @override
    def __str__(self) -> str:
        return f"{self.value:g} {self.unit}"


class Given(Struct, frozen=True, tag="given"):
    """`{limit}`: the rule's parameter of this name."""

    name: str


class EventIs(Struct, frozen=True, tag="event"):
    """`sos pressed`: true at the instant of the event."""

    phrase: str


class StateIs(Struct, frozen=True, tag="state"):
    """`smoke present`: true where any device says so; false where all say not."""

    phrase: str
    room: str = ""  # empty: any room


class NumberIs(Struct, frozen=True, tag="number"):
    """`battery below 15 %`: of any device's last sample."""

    phrase: str
    is_above: bool
    limit: Amount | Given


class Lasting(Struct, frozen=True, tag="lasting"):
    """`… for 30 min`: without a break."""

    what: "Condition"
    span: Amount | Given


class Absence(Struct, frozen=True, tag="absence"):
    """`no activity for 4 h`; since_door: `no movement since the front door for 20 min`."""

    phrase: str
    span: Amount | Given
    since_door: bool = False


class Between(Struct, frozen=True, tag="between"):
    """`between 23:00 and 05:00`, Beijing time. Minutes after midnight; to is not part of it."""

    from_min: int
    to_min: int


class ModeIs(Struct, frozen=True, tag="mode"):
    """`home is away`."""

    phrase: str


class Not(Struct, frozen=True, tag="not"):
    """`not …`; of what is unknown, unknown."""

    what: "Condition"


class AllOf(Struct, frozen=True, tag="and"):
    """`a and b`."""

    parts: tuple["Condition", ...]


class AnyOf(Struct, frozen=True, tag="or"):
    """`a or b`."""

    parts: tuple["Condition", ...]


Condition = (
    EventIs | StateIs | NumberIs | Lasting | Absence | Between | ModeIs | Not | AllOf | AnyOf
)


class Parameter(Struct, frozen=True):
    """A number that may be set for a resident, home, area or district, within its range."""

    default: Amount
    least: Amount | None = None
    most: Amount | None = None
    per: Per | None = None
    set_by: str | None = None


class Rise(Struct, frozen=True):
    """The severity from after_ms on, as long as the rule's condition stands."""

    after_ms: int
    severity: Severity


class Rule(Struct, frozen=True, kw_only=True):
    """One file. version: hash of what it means; a change of it starts with fresh state.

    rises: severities in order, the first one at once; takes_back: kinds whose call it takes back.
    """

    name: str
    version: str
    title: Words
    why: str
    when: Condition
    say: Words
    kind: AlarmKind
    rises: tuple[Rise, ...] = ()
    parameters: dict[str, Parameter] = {}
    unless: Condition | None = None
    clears: Condition | None = None
    takes_back: tuple[AlarmKind, ...] = ()

    @property
    def severity(self) -> Severity:
        """With which it begins."""
        return self.rises[0].severity if self.rises else Severity.LOW


class Mode(Struct, frozen=True):
    """A state of the home that is derived: away, asleep, … name: the phrase that rules use."""

    name: str
    version: str
    why: str
    when: Condition
    parameters: dict[str, Parameter] = {}


# ---------------------------------------------------------------- what happens, what is concluded


class Happening(Struct, frozen=True, kw_only=True):
    """One fact of one home. at_ms: the event's time, never later than known_at_ms, when the cloud
    learnt of it; is_call: of the alarm lane, and therefore always evaluated."""

    measurement: Measurement
    value: Value
    device: str
    at_ms: int
    known_at_ms: int
    key: str = ""
    quality: Quality = Quality.OK
    room: str = ""
    is_call: bool = False


class Witness(Struct, frozen=True, omit_defaults=True):
    """What speaks for a detection. device: empty for the home as a whole."""

    device: str
    measurement: str
    value: Value = None
    at_ms: int = 0


class Detection(Struct, frozen=True, kw_only=True):
    """What a rule concluded. say still has its gaps: who fills them knows the home.

    at_ms: since when it is true; known_at_ms: when it was concluded; device: the one that speaks
    for it, empty for the home; key: identity, the same however often it is concluded; is_rise: the
    severity of what is known already has risen.
    """

    rule: str
    version: str
    kind: AlarmKind
    severity: Severity
    at_ms: int
    known_at_ms: int
    device: str
    key: str
    say: Words
    facts: dict[str, Words | str] = {}
    evidence: dict[str, Any] = {}
    is_rise: bool = False
    takes_back: tuple[AlarmKind, ...] = ()


class Clearing(Struct, frozen=True, kw_only=True):
    """What a rule had concluded holds no more."""

    rule: str
    kind: AlarmKind
    at_ms: int
    known_at_ms: int
    key: str


class ModeChange(Struct, frozen=True):
    """The home's mode begins or ends."""

    mode: str
    is_on: bool
    at_ms: int


class Trouble(Struct, frozen=True):
    """A rule that failed; the others went on."""

    rule: str
    text: str


# ---------------------------------------------------------------- what is remembered


class Level(Struct, array_like=True, frozen=True):
    """The last word on one measurement of one device."""

    value: Value
    at_ms: int


class DeviceState(Struct, array_like=True, frozen=True):
    """A device as rules see it. heard_ms: when the cloud last heard of it."""

    heard_ms: int
    room: str = ""
    levels: dict[str, Level] = {}


class RuleState(Struct, omit_defaults=True, frozen=True):
    """What a rule remembers of a home. version: of the rule that wrote it.

    told: witnesses of what stands and has been told; since: by number of a `for`, since when its
    condition is true; due_ms: when it must be looked at again, though nothing happens.
    """

    version: str
    times: int = 0
    last_at_ms: int | None = None
    told: tuple[str, ...] = ()
    began_ms: int | None = None
    risen: int = 0
    since: dict[str, int] = {}
    due_ms: int | None = None


class HomeState(Struct, omit_defaults=True, frozen=True):
    """What the rules remember of one home, or of one gateway. version: of the set of rules.

    begin_ms: when it was first heard; link_ms: when its gateway was last heard; the other times are
    those of the event; modes: which stand, each with its beginning.
    """

    version: str = ""
    begin_ms: int = 0
    link_ms: int = 0
    activity_ms: int = 0
    movement_ms: int = 0
    door_ms: int = 0
    test_ms: int = 0
    modes: dict[str, int] = {}
    devices: dict[str, DeviceState] = {}
    rules: dict[str, RuleState] = {}
    due_ms: int | None = None

    def only(self, devices: Collection[str]) -> "HomeState":
        """Without what other devices have said."""
        kept = {uid: device for uid, device in self.devices.items() if uid in devices}
        return self if len(kept) == len(self.devices) else replace(self, devices=kept)
