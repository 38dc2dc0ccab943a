"""What an escalation policy is, and how far an alarm's own copy of it has gone. Pure."""

from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta, Struct

from cloud.words import Words

STEPS_MAX: Final = 10
AFTER_S_MAX: Final = 3600


class Action(StrEnum):
    """What a step does."""

    RING = "ring"  # every console rings again: the mark comes with the alarm
    SUPERVISOR = "supervisor"  # the mark names the supervisor, who sees it with the alarm
    DISPATCH = "dispatch"  # the nearest station is asked, without waiting for an operator


class Step(Struct, frozen=True, forbid_unknown_fields=True):
    """What happens when nobody has taken the alarm after_s seconds after it waits."""

    after_s: Annotated[int, Meta(ge=1, le=AFTER_S_MAX)]
    label: Words
    actions: Annotated[tuple[Action, ...], Meta(min_length=1)]


class Policy(Struct, frozen=True, forbid_unknown_fields=True):
    """Steps in order of time."""

    policy: str
    steps: Annotated[tuple[Step, ...], Meta(min_length=1, max_length=STEPS_MAX)]

    def __post_init__(self) -> None:
        times = [step.after_s for step in self.steps]
        if times != sorted(set(times)):
            raise ValueError("steps must come in order of after_s, no two at the same second")


class Run(Struct, frozen=True, kw_only=True):
    """A policy at work on one alarm, frozen as it was when the alarm was raised.

    started_ms: since when the alarm waits; position: how many steps are done; is_running: nobody
    has taken the alarm; is_silence_told: that no console could be heard is in the history.
    """

    alarm_id: str
    policy: Policy
    started_ms: int
    partition: int
    position: int = 0
    is_running: bool = True
    is_silence_told: bool = False
