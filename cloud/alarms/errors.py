"""What can be wrong with what somebody asks of an alarm or an offer. `code` and `data` survive the
wire.

CareError
├── NotFound
├── Invalid            what was sent makes no sense: InvalidOutcome, InvalidText, (dispatch)
InvalidReport
└── Conflict           it makes sense, but not now or not for you
    ├── ClaimedByOther
    ├── NotYours
    ├── IllegalStep
    ├── StaleRevision  somebody else changed it in between; read again
    └── (dispatch) OfferGone, AlreadyOut, NobodyOnDuty
"""

from typing import Any, ClassVar

from msgspec import to_builtins

from cloud.alarms.model import Person


class CareError(Exception):
    """Something cannot be done."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str, **data: Any) -> None:
        super().__init__(message)
        self.data: dict[str, Any] = to_builtins(data)


class NotFound(CareError):
    """There is no such thing."""

    code = "not_found"


class Invalid(CareError):
    """The caller's fault: asking again will not help."""

    code = "invalid"


class InvalidOutcome(Invalid):
    """An outcome or sub-reason outside the list."""

    code = "invalid_outcome"


class InvalidText(Invalid):
    """A text that is empty or too long."""

    code = "invalid_text"


class Conflict(CareError):
    """Not now, or not for you."""

    code = "conflict"


class ClaimedByOther(Conflict):
    """Somebody else was first."""

    code = "claimed_by_other"

    def __init__(self, by: Person) -> None:
        super().__init__(f"{by.name_en} has taken this alarm already", by=by)


class NotYours(Conflict):
    """Only who has claimed the alarm may do this."""

    code = "not_yours"

    def __init__(self, by: Person | None) -> None:
        owner = f"{by.name_en} has it" if by else "nobody has it yet; claim it first"
        super().__init__(f"this alarm is not yours: {owner}", by=by)


class IllegalStep(Conflict):
    """The state does not allow it."""

    code = "illegal_step"

    def __init__(self, state: str | None, step: str) -> None:
        super().__init__(
            f"{step} is not possible while {state or 'there is nothing'}", state=state, step=step
        )


class StaleRevision(Conflict):
    """Somebody else changed it in between."""

    code = "stale_revision"
