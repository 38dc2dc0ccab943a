"""The four lanes: what travels alone and first, what may wait. A function of vocabulary and
quality, nothing else."""

from enum import StrEnum
from typing import Final

from contract.vocabulary import SPECS, Kind, Measurement


class Lane(StrEnum):
    """One topic, one sequence, one acknowledgement rule each."""

    ALARM = "alarm"  # acknowledged one by one, never dropped, resent until the cloud has it
    EVENT = "event"  # acknowledged one by one, kept like alarms, waits behind them
    DATA = "data"  # states and samples; acknowledged by interval, may be thinned
    HEALTH = "health"  # diagnostics and the session's own messages


class Quality(StrEnum):
    """How far a reading can be believed."""

    OK = "ok"
    IMPLAUSIBLE = "implausible"  # outside the vocabulary's range; kept, not evaluated
    TEST = "test"  # a test press or self-test: proves the chain, is no emergency


class Notice(StrEnum):
    """What the edge itself has to say on the alarm lane. Each becomes a technical alarm, never
    silence."""

    UNREADABLE = "unreadable"  # a registered SOS device sent something no dialect can read
    JOURNAL_TROUBLE = (
        "journal_trouble"  # the journal had to be set aside, or its disk refuses writes
    )


ROW_LANES: Final = (
    Lane.ALARM,
    Lane.EVENT,
)  # one unique row for each message, kept at least 30 days
INTERVAL_LANES: Final = (Lane.DATA, Lane.HEALTH)  # applied intervals only


def lane_of(measurement: Measurement, quality: Quality = Quality.OK) -> Lane:
    """The lane of a reading. A passed test of an alarm device is an event, so that no operator is
    rung for it."""
    spec = SPECS[measurement]
    if spec.is_alarm:
        return Lane.EVENT if quality is Quality.TEST else Lane.ALARM
    if spec.is_diagnostic:
        return Lane.HEALTH
    return Lane.EVENT if spec.kind is Kind.EVENT else Lane.DATA
