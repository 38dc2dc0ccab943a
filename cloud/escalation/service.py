"""Follows alarms that nobody has taken, step by step of their policy. Never commits."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from cloud.alarms import commands as c
from cloud.alarms import service as alarms
from cloud.alarms import store as alarm_store
from cloud.alarms.events import (
    AlarmChanged,
    AlarmClaimed,
    AlarmClosed,
    AlarmRaised,
    AlarmReleased,
    PressRepeated,
)
from cloud.alarms.model import Alarm, EscalationMark
from cloud.dictionary import read_as
from cloud.dispatch.service import DispatchDesk
from cloud.durable.timers import Timer, Timers
from cloud.escalation import store
from cloud.escalation.model import Action, Policy, Run
from cloud.escalation.policy import Reached, next_due_ms, next_step, supervisor_step
from cloud.identity.store import open_shifts
from cloud.registry.cards import HomeKind
from cloud.rules.model import AlarmKind, Severity
from cloud.storage.bus import Bus
from cloud.storage.unit import Work
from contract.topics import partition_of

TIMER: Final = "escalation"
IN_NEED: Final = frozenset(
    {
        AlarmKind.SOS,
        AlarmKind.FALL,
        AlarmKind.SMOKE,
        AlarmKind.GAS,
        AlarmKind.CARBON_MONOXIDE,
    }
)
NOBODY_ON_DUTY: Final = "nobody_on_duty"  # stands in the history where a dispatch found no station


def read_policy(path: Path) -> Policy:
    """A file of config/policies. Raises BadConfiguration."""
    return read_as(path, Policy)


def read_policies(folder: Path) -> Mapping[Severity, Policy]:
    """By severity: what is low waits until somebody has time. Raises BadConfiguration."""
    urgent, medium = (read_policy(folder / f"{name}.yaml") for name in ("default", "medium"))
    return {Severity.CRITICAL: urgent, Severity.HIGH: urgent, Severity.MEDIUM: medium}


def is_listener_needed(work: Work) -> bool:
    """Somebody must be heard: an alarm waits, or an operator is on shift."""
    return alarm_store.has_unclaimed(work) or bool(open_shifts(work))


class Escalation:
    """A policy for new alarms of each severity, none for those without; an alarm keeps the one
    that it began with, unless it becomes worse."""

    def __init__(
        self, policies: Mapping[Severity, Policy], timers: Timers, dispatch: DispatchDesk
    ) -> None:
        self._policies, self._timers, self._dispatch = policies, timers, dispatch

    def listen(self, bus: Bus) -> None:
        """Begins when an alarm waits, ends when somebody has it."""
        bus.on(AlarmChanged, self._on_alarm)

    def handlers(self) -> dict[str, Callable[[Work, Timer], None]]:
        """By kind of timer."""
        return {TIMER: self.step_is_due}

    def step_is_due(self, work: Work, timer: Timer) -> None:
        """The timer's handler; harmless where the alarm has been taken, or is not so far yet."""
        run = store.find_run(work, timer.subject)
        if run is None:
            return
        reached = next_step(run, work.now_ms)
        if reached is not None:
            run = self._escalate(work, run, reached, "unclaimed")
        self._wait(work, run)

    def console_silent(self, work: Work) -> None:
        """No console shows and sounds: the supervisor is told of each waiting alarm, once."""
        for run in store.running(work):
            if run.is_silence_told:
                continue
            told = replace(run, is_silence_told=True)
            reached = supervisor_step(run) or _where_it_stands(run)
            self._wait(work, self._escalate(work, told, reached, "console_silent"))

    def _on_alarm(self, work: Work, change: AlarmChanged) -> None:
        alarm = change.alarm
        match change.event:
            case AlarmRaised() | PressRepeated():
                begun = self._begun(work, alarm, change.event)
                if begun is None:
                    return
                run = begun
            case AlarmReleased():
                before = store.find_run(work, alarm.id)
                if before is None:
                    return
                run = Run(
                    alarm_id=alarm.id,
                    policy=before.policy,
                    started_ms=work.now_ms,
                    partition=before.partition,
                )
            case AlarmClaimed() | AlarmClosed():
                before = store.find_run(work, alarm.id)
                if before is None:
                    return
                run = replace(before, is_running=False)
            case _:
                return
        store.keep_run(work, run)
        self._wait(work, run)

    def _begun(self, work: Work, alarm: Alarm, event: AlarmRaised | PressRepeated) -> Run | None:
        """A new run, also where the alarm has become worse while it waits."""
        policy = self._policies.get(alarm.severity)
        before = None if isinstance(event, AlarmRaised) else store.find_run(work, alarm.id)
        is_same = isinstance(event, PressRepeated) and before and before.policy == policy
        if policy is None or is_same or not alarm.is_waiting:
            return None
        return Run(
            alarm_id=alarm.id,
            policy=policy,
            started_ms=work.now_ms,
            partition=partition_of(alarm.gateway),
        )

    def _wait(self, work: Work, run: Run) -> None:
        due_ms = next_due_ms(run)
        if due_ms is None:
            self._timers.cancel(work, TIMER, run.alarm_id)
        else:
            self._timers.set(work, TIMER, run.alarm_id, due_ms, partition=run.partition)

    def _escalate(self, work: Work, run: Run, reached: Reached, why: str) -> Run:
        run = replace(run, position=reached.position)
        store.keep_run(work, run)
        actions = tuple(self._carry_out(work, run.alarm_id, each) for each in reached.actions)
        mark = EscalationMark(reached.position, len(run.policy.steps), reached.step.label)
        done = tuple(each for each in actions if each is not None)
        alarms.handle(work, run.alarm_id, c.Escalate(mark, done, why))
        return run

    def _carry_out(self, work: Work, alarm_id: str, action: Action) -> str | None:
        """What the history says was done. Ringing and telling the supervisor are the mark itself,
        which reaches them with the alarm."""
        if action is not Action.DISPATCH:
            return action.value
        kept = alarm_store.find(work, alarm_id)
        if kept is None or not _is_somebody_in_need(kept.alarm):
            return None
        is_asked = self._dispatch.offer_nearest(work, alarm_id)
        return action.value if is_asked else NOBODY_ON_DUTY


def _is_somebody_in_need(alarm: Alarm) -> bool:
    """Somebody is in need, it is known where, and that home does not only prove the chain."""
    home = alarm.home
    return alarm.kind in IN_NEED and home is not None and home.kind != HomeKind.CANARY


def _where_it_stands(run: Run) -> Reached:
    step = run.policy.steps[max(0, run.position - 1)]
    return Reached(run.position, step, (Action.SUPERVISOR,))
