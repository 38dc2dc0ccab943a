"""What joins what (docs/decisions/0009)."""

from cloud.alarms.folding import Fold, OpenAlarm, fold_key, judge
from cloud.rules.model import AlarmKind


def test_the_first_press_raises() -> None:
    assert judge(None, None).fold is Fold.RAISE


def test_another_press_joins_and_rings() -> None:
    verdict = judge(OpenAlarm("al-1", frozenset({"p1"})), None)

    assert (verdict.fold, verdict.alarm_id) == (Fold.REPEAT, "al-1")


def test_the_same_press_told_twice_joins_silently() -> None:
    assert judge(OpenAlarm("al-1", frozenset({"p1"})), "p1").fold is Fold.ECHO


def test_the_same_press_told_after_the_close_raises_anew() -> None:
    assert judge(None, "p1").fold is Fold.RAISE


def test_a_repeat_of_a_press_of_an_earlier_alarm_is_a_call_in_the_present_one() -> None:
    assert judge(OpenAlarm("al-2", frozenset({"p9"})), "p1").fold is Fold.REPEAT


def test_calls_fold_by_home_and_technical_trouble_by_gateway_and_reason() -> None:
    sos, technical = AlarmKind.SOS, AlarmKind.TECHNICAL

    assert fold_key(sos, "ho-1", "gw-1") == fold_key(sos, "ho-1", "gw-2")
    assert fold_key(sos, "ho-1", "gw-1") != fold_key(sos, "ho-2", "gw-1")
    assert fold_key(technical, None, "gw-1", "a") != fold_key(technical, None, "gw-1", "b")
    assert fold_key(sos, None, "gw-1") != fold_key(sos, None, "gw-2")
