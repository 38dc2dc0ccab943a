"""What may be wrong with a dispatch command; the families are those of cloud/alarms/errors.py.

Invalid
└── InvalidReport  a word that is none of the known ones
Conflict
├── OfferGone      it has ended: expired, declined, withdrawn, or somebody else has it
├── IllegalStep    (alarms) the step does not follow from where the offer stands
├── AlreadyOut     who accepts has another case that is not over
└── NobodyOnDuty   no station is left that could be asked
"""

from cloud.alarms.errors import Conflict, Invalid


class InvalidReport(Invalid):
    """A word of a report or a reason that is none of the known ones."""

    code = "invalid_report"


class OfferGone(Conflict):
    """The offer has ended, or somebody else has taken it."""

    code = "offer_gone"

    def __init__(self, state: str) -> None:
        super().__init__(f"this offer is {state}; nothing more can be done with it", state=state)


class AlreadyOut(Conflict):
    """One person is in one place: report the case or give it back, or let a colleague go."""

    code = "already_out"

    def __init__(self, offer_id: str) -> None:
        super().__init__(
            f"you have offer {offer_id}, which is not over; report it or give it back before you"
            " accept another one, or let a colleague go",
            offer=offer_id,
        )


class NobodyOnDuty(Conflict):
    """No station is left that could be asked."""

    code = "nobody_on_duty"

    def __init__(self) -> None:
        super().__init__("no station has anybody free that was not asked yet")
