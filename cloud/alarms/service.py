"""What the other rooms ask of alarms: raise or fold a call, carry out a command. Never commits."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from msgspec import Struct

from cloud.alarms import commands as c
from cloud.alarms import store
from cloud.alarms.errors import NotFound
from cloud.alarms.events import AlarmChanged, Event
from cloud.alarms.folding import Fold, OpenAlarm, judge
from cloud.alarms.machine import decide, evolve
from cloud.alarms.model import Alarm, Press, Where
from cloud.alarms.store import Kept
from cloud.alarms.views import alarm_json
from cloud.durable import feed
from cloud.rules.model import AlarmKind, Severity
from cloud.storage.unit import Work
from cloud.words import Words

LOCAL: Final = timezone(timedelta(hours=8), "Asia/Shanghai")  # no daylight saving since 1991


class Call(Struct, frozen=True, kw_only=True):
    """A detection that a person must see. repeats: identity of the press that it repeats."""

    kind: AlarmKind
    severity: Severity
    fold_key: str
    rule: str
    version: str
    say: Words
    press: Press
    where: Where
    repeats: str | None = None
    evidence: dict[str, Any] = {}


def raise_call(work: Work, call: Call) -> Alarm:
    """A new alarm, or one more call of the open one (docs/decisions/0009). A press that is told in
    a case already, open or closed, changes nothing: an old number never opens anything again."""
    told = store.alarm_of_press(work, call.press.key)
    if told is not None and (case := store.find(work, told)) is not None:
        return case.alarm
    kept = store.find_open(work, call.fold_key)
    verdict = judge(_open_alarm(work, kept, call), call.repeats)
    if verdict.fold is Fold.RAISE or kept is None:
        number = store.next_number(work, _day(work.now_ms))
        command: c.Command = c.Raise(
            alarm_id=work.new_id("al"),
            no=f"{_day(work.now_ms)}-{number:04}",
            kind=call.kind,
            severity=call.severity,
            fold_key=call.fold_key,
            rule=call.rule,
            version=call.version,
            say=call.say,
            press=call.press,
            where=call.where,
            evidence=call.evidence,
        )
        kept = None
    elif verdict.fold is Fold.ECHO:
        command = c.Echo(call.press)
    else:
        command = c.Repeat(call.press, call.say, call.where, call.severity)
    alarm = _perform(work, kept, command)
    store.note_press(work, call.press.key, alarm.id, alarm.rev)
    return alarm


def worsen(work: Work, call: Call) -> Alarm | None:
    """What stands has become more urgent; None where people have closed the case already."""
    return raise_call(work, call) if store.find_open(work, call.fold_key) else None


def clear(work: Work, fold_key: str, rule: str, press: Press) -> Alarm | None:
    """What this rule had raised holds no more; None where no case of its own is open."""
    kept = store.find_open(work, fold_key)
    if kept is None or kept.alarm.rule != rule or store.alarm_of_press(work, press.key):
        return None
    alarm = _perform(work, kept, c.Clear(press))
    store.note_press(work, press.key, alarm.id, alarm.rev)
    return alarm


def take_back(work: Work, press_key: str | None, fold_key: str, press: Press) -> Alarm | None:
    """The resident says that all is well; None where no open alarm is meant.

    press_key: the call that is taken back, where the home names it.
    """
    alarm_id = store.alarm_of_press(work, press_key) if press_key else None
    kept = store.find(work, alarm_id) if alarm_id else None
    if kept is None or not kept.alarm.is_open:
        kept = store.find_open(work, fold_key)
    if kept is None:
        return None
    alarm = _perform(work, kept, c.Cancel(press))
    store.note_press(work, press.key, alarm.id, alarm.rev)
    return alarm


def handle(work: Work, alarm_id: str, command: c.Command) -> Alarm:
    """Carry out a person's or another room's command. Raises NotFound and what `decide` raises."""
    kept = store.find(work, alarm_id)
    if kept is None:
        raise NotFound(f"there is no alarm {alarm_id}", id=alarm_id)
    return _perform(work, kept, command)


def _perform(work: Work, kept: Kept | None, command: c.Command) -> Alarm:
    events = decide(kept.alarm if kept else None, command, work.now_ms)
    changed: list[tuple[Alarm, Event]] = []
    for event in events:
        alarm = evolve(kept.alarm if kept else None, event)
        kept = store.append(work, kept, alarm, event)
        changed.append((alarm, event))
    assert kept is not None  # noqa: S101 - a command on nothing raises or makes an alarm
    if changed:
        tell(work, kept.alarm)
    for alarm, event in changed:
        work.publish(AlarmChanged(alarm, event))
    return kept.alarm


def tell(work: Work, alarm: Alarm) -> None:
    """How it stands now, to everybody who may see it."""
    feed.put(work, "alarms", alarm.id, alarm.rev, alarm_json(alarm), area=alarm.area_code)


def _open_alarm(work: Work, kept: Kept | None, call: Call) -> OpenAlarm | None:
    if kept is None:
        return None
    is_held = call.repeats is not None and store.alarm_of_press(work, call.repeats) == kept.alarm.id
    presses = frozenset({call.repeats}) if is_held and call.repeats else frozenset[str]()
    return OpenAlarm(kept.alarm.id, presses)


def _day(now_ms: int) -> str:
    return datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(LOCAL).strftime("%y%m%d")
