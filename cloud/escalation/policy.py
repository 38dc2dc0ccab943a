"""Which step of a policy is due, and when the next one is. Pure."""

from typing import NamedTuple

from cloud.escalation.model import Action, Run, Step


class Reached(NamedTuple):
    """Where a run stands after what is due now. position: how many steps are done; step: the last
    of them; actions: of all that were due, each once."""

    position: int
    step: Step
    actions: tuple[Action, ...]


def next_step(run: Run, now_ms: int) -> Reached | None:
    """What is due; None where nothing is.

    After an outage several steps are overdue: they are one escalation, not a burst of dead ones.
    """
    if not run.is_running:
        return None
    waited_ms = now_ms - run.started_ms
    due = sum(1 for step in run.policy.steps if step.after_s * 1000 <= waited_ms)
    return _reach(run, due)


def supervisor_step(run: Run) -> Reached | None:
    """Without waiting: up to the first step that tells the supervisor; None where that is done."""
    if not run.is_running:
        return None
    tells = (i for i, step in enumerate(run.policy.steps, 1) if Action.SUPERVISOR in step.actions)
    return _reach(run, next(tells, 0))


def next_due_ms(run: Run) -> int | None:
    """When the next step is due; None after the last one, or where somebody has the alarm."""
    if not run.is_running or run.position >= len(run.policy.steps):
        return None
    return run.started_ms + run.policy.steps[run.position].after_s * 1000


def _reach(run: Run, position: int) -> Reached | None:
    passed = run.policy.steps[run.position : position]
    if not passed:
        return None
    actions = dict.fromkeys(action for step in passed for action in step.actions)
    return Reached(position, passed[-1], tuple(actions))
