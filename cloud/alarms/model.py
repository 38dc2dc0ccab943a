"""What an alarm is. Frozen; the same struct is the state of the machine, the row's body and the
JSON that pages get."""

from enum import StrEnum
from typing import Final

from msgspec import Raw, Struct

from cloud.rules.model import AlarmKind, Severity
from cloud.words import Words

LATE_ABOVE_MS: Final = 60_000  # older than this at receipt is shown as late, with its own clock


class Handling(StrEnum):
    """How far people are with it: an axis of its own, beside the condition."""

    UNCLAIMED = "unclaimed"
    CLAIMED = "claimed"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    ARRIVED = "arrived"
    REPORTED = "reported"
    CLOSED = "closed"


class Condition(StrEnum):
    """ISA-18.2: whether what raised the alarm still holds."""

    ACTIVE = "active"
    CLEARED = "cleared"


class Outcome(StrEnum):
    """What it turned out to be."""

    TRUE = "true"
    FALSE = "false"
    TEST = "test"
    DUPLICATE = "duplicate"
    TECHNICAL = "technical"
    CANCELLED = "cancelled"


SUB_REASONS: Final = {
    Outcome.TRUE: ("fall", "illness", "fire_gas", "other"),
    Outcome.FALSE: ("accidental_press", "device_fault", "child_or_pet", "other"),
    Outcome.TEST: ("resident_test", "installer_test", "drill"),
    Outcome.DUPLICATE: ("same_event",),
    Outcome.TECHNICAL: ("gateway", "device", "network", "unreadable", "unregistered"),
    Outcome.CANCELLED: ("by_resident", "by_family"),
}


class Person(Struct, frozen=True):
    """An account or responder; also a station, where only its name matters."""

    id: str
    name: str
    name_en: str


class HomeCard(Struct, frozen=True):
    """Where to go, as the registry had it when the alarm was raised. lat, lon: WGS-84."""

    id: str
    address: Words
    area: Words
    lat: float
    lon: float
    kind: str = "real"


class ResidentCard(Struct, frozen=True):
    """Who lives there."""

    id: str
    name: str
    name_en: str
    age: int | None = None
    sex: str | None = None
    lives_alone: bool = False


class DeviceCard(Struct, frozen=True):
    """What was pressed, and in which room."""

    uid: str
    name: Words
    room: Words


class Where(Struct, frozen=True):
    """All that the registry says of the place; everything is empty for a device that nobody has
    registered."""

    home: HomeCard | None = None
    resident: ResidentCard | None = None
    device: DeviceCard | None = None
    area_code: str = ""


class Press(Struct, frozen=True, omit_defaults=True):
    """One call from a home. key: its identity, the same however often it is delivered.

    pressed_at_ms: the edge's wall clock; age_ms: monotonic age at receipt, None where unknown
    (counts as fresh).
    """

    key: str
    gateway: str
    received_at_ms: int
    journal: str | None = None
    seq: int | None = None
    device: str | None = None
    pressed_at_ms: int | None = None
    age_ms: int | None = None

    @property
    def is_late(self) -> bool:
        """More than a minute old when it came."""
        return (self.age_ms or 0) > LATE_ABOVE_MS

    @property
    def happened_at_ms(self) -> int:
        """When it happened by the cloud's clock."""
        return self.received_at_ms - (self.age_ms or 0)


class EscalationMark(Struct, frozen=True):
    """How far the calling of further people has gone."""

    step: int
    steps: int
    label: Words


class Targets(Struct, frozen=True):
    """Within how many seconds of the raising each step should be done."""

    claim_s: int = 30
    dispatch_s: int = 90
    arrive_s: int = 900


# What can wait must not look late beside a call for help.
TARGETS: Final = {
    Severity.CRITICAL: Targets(),
    Severity.HIGH: Targets(),
    Severity.MEDIUM: Targets(claim_s=300, dispatch_s=1800, arrive_s=7200),
    Severity.LOW: Targets(claim_s=86_400, dispatch_s=259_200, arrive_s=604_800),
}


class Alarm(Struct, frozen=True, kw_only=True):
    """A case. rev: number of its events so far, and of its last history row.

    fold_key: what further detections fold into this one; offer: JSON of the latest offer, without
    its copy of the alarm.
    """

    id: str
    no: str
    kind: AlarmKind
    severity: Severity
    fold_key: str
    gateway: str
    raised_at_ms: int
    received_at_ms: int
    last_press_at_ms: int
    say: Words
    rule: str
    condition: Condition = Condition.ACTIVE
    handling: Handling = Handling.UNCLAIMED
    rev: int = 0
    pressed_at_ms: int | None = None
    age_at_receipt_ms: int | None = None
    is_late: bool = False
    presses: int = 1
    is_cancelled_by_resident: bool = False
    claimed_by: Person | None = None
    claimed_at_ms: int | None = None
    escalation: EscalationMark | None = None
    area_code: str = ""
    home: HomeCard | None = None
    resident: ResidentCard | None = None
    device: DeviceCard | None = None
    offer_id: str | None = None
    offer: Raw = Raw(b"null")  # never `Raw | None`: msgspec decodes nothing but null as that
    outcome: Outcome | None = None
    sub_reason: str | None = None
    closed_at_ms: int | None = None
    targets: Targets = Targets()

    @property
    def is_open(self) -> bool:
        """Somebody still has to do something."""
        return self.handling is not Handling.CLOSED

    @property
    def is_waiting(self) -> bool:
        """Open, and in nobody's hands."""
        return self.is_open and self.claimed_by is None
