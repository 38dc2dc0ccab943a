"""What a new press means for the alarms of its home: a new case, one more call, or an echo. Pure.

docs/decisions/0009: repeated presses join the open alarm and ring again; nothing is folded into a
closed one; what is known to be the same press told twice joins silently while its alarm is open.
"""

from enum import StrEnum
from typing import NamedTuple

from cloud.rules.model import AlarmKind


class Fold(StrEnum):
    """What to do with a detection."""

    RAISE = "raise"
    REPEAT = "repeat"
    ECHO = "echo"


class Verdict(NamedTuple):
    """What, and with which alarm."""

    fold: Fold
    alarm_id: str | None = None


class OpenAlarm(NamedTuple):
    """An open alarm with the same fold key. presses: identities of what it holds."""

    alarm_id: str
    presses: frozenset[str] = frozenset()


def fold_key(kind: AlarmKind, home_id: str | None, gateway: str, reason: str = "") -> str:
    """What belongs together: a home's calls and dangers of one kind; upkeep of devices and
    technical trouble of one reason."""
    place = f"home:{home_id}" if home_id is not None else f"gateway:{gateway}"
    has_reason = kind in (AlarmKind.TECHNICAL, AlarmKind.DEVICE)
    return f"{kind.value}/{place}/{reason}" if has_reason else f"{kind.value}/{place}"


def judge(open_alarm: OpenAlarm | None, repeats: str | None) -> Verdict:
    """open_alarm: the one with this fold key; repeats: identity of the press that this one repeats.

    A repeat whose alarm is closed raises anew: being wrong in that direction costs one call. A
    repeat of a press that the open alarm does not hold is a call of its own there.
    """
    if open_alarm is None:
        return Verdict(Fold.RAISE)
    if repeats is not None and repeats in open_alarm.presses:
        return Verdict(Fold.ECHO, open_alarm.alarm_id)
    return Verdict(Fold.REPEAT, open_alarm.alarm_id)
