"""Alarms that nobody takes, as a story in time, with the policy that ships."""

from pathlib import Path

import pytest

from cloud.alarms import commands as c
from cloud.alarms import store as alarm_store
from cloud.alarms.events import AlarmEscalated
from cloud.alarms.model import Alarm, Handling, Press
from cloud.durable import timers
from cloud.durable.timers import Timer
from cloud.escalation.model import Action, Policy
from cloud.escalation.service import is_listener_needed
from cloud.identity.policy import Role
from cloud.identity.service import AccountEntry, add_account
from cloud.identity.shifts import end_shift, start_shift
from cloud.live.hub import Hub
from cloud.live.pumps import ConsoleWatch
from cloud.observe import Counters
from cloud.registry.cards import HomeKind
from cloud.registry.service import off_duty
from cloud.rules.model import AlarmKind, Severity
from cloud.storage.unit import Work
from tests.cloud.district import ANHE, CHEN, GATEWAY, JIANGLING, LIN, POLICY, District


def escalations(district: District, alarm: Alarm) -> list[tuple[int, tuple[str, ...], str]]:
    rows = district.store.read(lambda work: alarm_store.history(work, alarm.id))
    events = [row.event for row in rows if isinstance(row.event, AlarmEscalated)]
    return [(each.mark.step, each.actions, each.why) for each in events]


def test_what_nobody_takes_goes_from_all_consoles_to_the_supervisor_to_the_nearest_station(
    district: District,
) -> None:
    alarm = district.press()

    district.pass_s(29)
    assert escalations(district, alarm) == []
    district.pass_s(1)
    assert escalations(district, alarm) == [(1, ("ring",), "unclaimed")]
    district.pass_s(30)
    assert escalations(district, alarm)[1] == (2, ("ring", "supervisor"), "unclaimed")
    assert district.offers(alarm) == []
    district.pass_s(60)

    assert escalations(district, alarm)[2][1] == ("ring", "supervisor", "dispatch")
    assert district.offers(alarm) == [(ANHE, "offered")]
    mark = district.told("alarms", alarm.id, None)["escalation"]
    assert (mark["step"], mark["steps"]) == (3, 3)
    assert mark["label"]["zh"]
    assert mark["label"]["en"]


def test_help_that_was_sent_by_itself_goes_its_way_without_an_operator(
    district: District,
) -> None:
    alarm = district.press()
    district.pass_s(120 + 60)
    assert district.offers(alarm) == [(ANHE, "expired"), (JIANGLING, "offered")]

    district.pass_s(60)
    assert district.alarm(alarm).handling is Handling.UNCLAIMED
    district.pass_s(3600)

    assert len(escalations(district, alarm)) == 3


def test_a_claim_ends_it_and_a_release_begins_it_anew(district: District) -> None:
    alarm = district.press()
    district.pass_s(45)
    district.do(alarm, c.Claim(LIN))
    district.pass_s(600)
    assert len(escalations(district, alarm)) == 1

    district.do(alarm, c.Release(LIN))
    district.pass_s(29)
    assert len(escalations(district, alarm)) == 1
    district.pass_s(31)

    assert [step for step, _, _ in escalations(district, alarm)] == [1, 1, 2]


def test_further_presses_do_not_begin_it_anew(district: District) -> None:
    alarm = district.press()
    district.pass_s(20)
    district.press()
    district.pass_s(10)

    assert len(escalations(district, alarm)) == 1


def test_a_call_that_was_taken_back_still_waits_for_somebody(district: District) -> None:
    alarm = district.press()
    district.do(alarm, c.Cancel(Press("p9", GATEWAY, district.clock.now_ms())))

    district.pass_s(60)

    assert len(escalations(district, alarm)) == 2


def test_with_nobody_on_duty_the_history_says_so(district: District) -> None:
    def everybody_goes_home(work: Work) -> None:
        for each in ("re-chenli", "re-dengxm", "re-liuyang", "re-xujing"):
            off_duty(work, each)

    district.store.write(everybody_goes_home)
    alarm = district.press()

    district.pass_s(120)

    assert escalations(district, alarm)[2][1] == ("ring", "supervisor", "nobody_on_duty")


@pytest.mark.parametrize(
    ("home_id", "kind", "home_kind"),
    [
        ("ho-anhe01", AlarmKind.TECHNICAL, HomeKind.REAL),
        ("ho-anhe01", AlarmKind.SOS, HomeKind.CANARY),
        (None, AlarmKind.SOS, HomeKind.REAL),
    ],
    ids=["a gateway in trouble", "a canary", "a home that nobody knows"],
)
def test_nobody_is_sent_where_nobody_is_in_need_or_nobody_knows_the_place(
    district: District, home_id: str | None, kind: AlarmKind, home_kind: HomeKind
) -> None:
    alarm = district.press(home_id, kind, home_kind)

    district.pass_s(120)

    assert escalations(district, alarm)[2][1] == ("ring", "supervisor")
    assert district.offers(alarm) == []


def test_a_station_that_is_on_its_way_already_is_enough(district: District) -> None:
    alarm = district.press()
    district.do(alarm, c.Claim(LIN))
    made = district.store.write(lambda w: district.desk.dispatch(w, alarm.id, LIN))
    district.store.write(lambda w: district.desk.accept(w, made["id"], CHEN))
    district.do(alarm, c.Release(LIN))

    district.pass_s(120)

    assert district.offers(alarm) == [(ANHE, "accepted")]
    assert len(escalations(district, alarm)) == 3


def test_after_an_outage_what_is_overdue_is_one_escalation(district: District) -> None:
    alarm = district.press()
    district.clock.pass_s(3600)

    district.pass_s(1)
    district.pass_s(10)

    [(step, actions, _)] = escalations(district, alarm)
    assert (step, actions) == (3, ("ring", "supervisor", "dispatch"))


def test_an_alarm_keeps_the_policy_that_it_began_with(district: District) -> None:
    alarm = district.press()

    district.escalation._policies = {Severity.CRITICAL: Policy("other", POLICY.steps[:1])}
    district.pass_s(120)

    assert len(escalations(district, alarm)) == 3


def test_silent_consoles_call_the_supervisor_at_once_and_once(district: District) -> None:
    first, taken = district.press("ho-anhe01"), district.press("ho-anhe02")
    district.do(taken, c.Claim(LIN))
    district.pass_s(10)

    for _ in range(2):
        district.store.write(district.escalation.console_silent)

    assert escalations(district, first) == [(2, ("ring", "supervisor"), "console_silent")]
    assert escalations(district, taken) == []
    district.pass_s(109)
    assert len(escalations(district, first)) == 1
    district.pass_s(1)
    assert district.offers(first) == [(ANHE, "offered")]


def test_silence_is_told_also_where_the_supervisor_knows_the_alarm_already(
    district: District,
) -> None:
    alarm = district.press()
    district.pass_s(60)

    district.store.write(district.escalation.console_silent)

    assert escalations(district, alarm)[2] == (2, (Action.SUPERVISOR,), "console_silent")


def test_an_alarm_that_is_raised_into_the_silence_is_told_too(district: District) -> None:
    tell = district.escalation.console_silent
    watch = ConsoleWatch(district.store, Hub(0), is_listener_needed, tell, Counters())
    first = district.press("ho-anhe01")

    for _ in range(6):
        watch.run_once(district.clock.now_ms())
        district.clock.pass_s(2)
    second = district.press("ho-anhe02")
    watch.run_once(district.clock.now_ms())

    for each in (first, second):
        assert [why for _, _, why in escalations(district, each)] == ["console_silent"]


def test_consoles_that_are_silent_under_a_shift_are_a_trouble_once_though_no_alarm_waits(
    district: District,
) -> None:
    counters, tell = Counters(), district.escalation.console_silent
    watch = ConsoleWatch(district.store, Hub(0), is_listener_needed, tell, counters)
    entry = AccountEntry("lin", Role.OPERATOR, LIN.name, LIN.name_en, area="440310")
    account = district.store.write(lambda work: add_account(work, entry, None))

    def pass_20_s() -> int:
        for _ in range(10):
            watch.run_once(district.clock.now_ms())
            district.clock.pass_s(2)
        trouble = counters.snapshot()[1].get("live.consoles")
        return trouble.times if trouble else 0

    assert pass_20_s() == 0
    district.store.write(lambda work: start_shift(work, account.id, True))
    assert pass_20_s() == 1
    assert pass_20_s() == 1


def test_somebody_must_listen_while_an_alarm_waits_or_a_shift_is_open(district: District) -> None:
    def needed() -> bool:
        return district.store.read(is_listener_needed)

    entry = AccountEntry("lin", Role.OPERATOR, LIN.name, LIN.name_en, area="440310")
    account = district.store.write(lambda work: add_account(work, entry, None))

    assert not needed()
    alarm = district.press()
    assert needed()
    district.do(alarm, c.Claim(LIN))
    assert not needed()
    district.store.write(lambda work: start_shift(work, account.id, True))
    assert needed()
    district.store.write(lambda work: end_shift(work, account.id, ()))
    assert not needed()


# ---------------------------------------------------------------- crashes

STORY = ["raised", "escalated", "escalated", "offered", "escalated"]
THEN = ["offer_ended", "offered", "offer_ended"]


class PowerCut(Exception):
    """The process dies just before a commit."""


class Fuse:
    """Lets n - 1 transactions that tell something commit, cuts the n-th, then holds."""

    def __init__(self, n: int) -> None:
        self.left = n

    def __call__(self, work: Work) -> None:
        if "feed" in work.notes:
            self.left -= 1
            if self.left == 0:
                raise PowerCut


def test_a_crash_before_any_commit_changes_nothing_but_the_second(tmp_path: Path) -> None:
    n, is_cut = 0, True
    while is_cut:
        n += 1
        folder = tmp_path / str(n)
        folder.mkdir()
        district, fuse = District(folder), Fuse(n)
        alarm = district.press()
        district.store._finishers = (fuse,)

        district.pass_s(300)

        is_cut = fuse.left <= 0
        assert district.history(alarm) == STORY + THEN, f"cut at change {n}"
        assert district.offers(alarm) == [(ANHE, "expired"), (JIANGLING, "expired")]
        district.store.stop()
    assert n == 6  # three steps, two time-outs, then a run that nothing cuts


def test_timers_that_fire_again_after_their_commit_are_harmless(district: District) -> None:
    alarm, fired = district.press(), list[Timer]()

    def remember(work: Work) -> None:
        fired.extend(timers.due(work, 100))

    def replay(work: Work) -> None:
        handlers = {**district.desk.handlers(), **district.escalation.handlers()}
        for timer in fired:
            handlers[timer.kind](work, timer)

    for _ in range(300):
        district.clock.pass_s(1)
        district.store.read(remember)
        district.pump.run_once(district.clock.now_ms())
        district.store.write(replay)

    assert len(fired) == 5
    assert district.history(alarm) == STORY + THEN


def test_another_process_goes_on_where_this_one_died(tmp_path: Path) -> None:
    before = District(tmp_path)
    alarm = before.press()
    before.pass_s(45)
    before.store.stop()

    after = District(tmp_path)
    after.clock.at_ms = before.clock.at_ms
    after.pass_s(15)

    assert [step for step, _, _ in escalations(after, alarm)] == [1, 2]


def test_a_medium_alarm_waits_longer_and_a_low_one_calls_nobody(district: District) -> None:
    medium = district.press("ho-anhe01", AlarmKind.INACTIVITY, severity=Severity.MEDIUM)
    low = district.press("ho-anhe02", AlarmKind.DEVICE, severity=Severity.LOW)
    district.pass_s(299)
    assert escalations(district, medium) == []

    district.pass_s(3600)

    assert [step for step, _, _ in escalations(district, medium)] == [1, 2]
    assert escalations(district, low) == []


def test_an_alarm_that_becomes_worse_calls_people_as_if_it_were_new(district: District) -> None:
    alarm = district.press(kind=AlarmKind.INACTIVITY, severity=Severity.MEDIUM)
    district.pass_s(60)

    district.press(kind=AlarmKind.INACTIVITY, severity=Severity.HIGH)
    district.pass_s(30)

    assert district.alarm(alarm).severity is Severity.HIGH
    assert [step for step, _, _ in escalations(district, alarm)] == [1]


def test_one_more_call_of_the_same_urgency_starts_no_timer_anew(district: District) -> None:
    alarm = district.press()
    district.pass_s(25)

    district.press()
    district.pass_s(5)

    assert [step for step, _, _ in escalations(district, alarm)] == [1]


@pytest.mark.parametrize(
    ("kind", "is_sent"),
    [(AlarmKind.FALL, True), (AlarmKind.GAS, True), (AlarmKind.GATEWAY, False)],
)
def test_somebody_is_sent_by_itself_only_where_somebody_is_in_need(
    district: District, kind: AlarmKind, is_sent: bool
) -> None:
    alarm = district.press(kind=kind)

    district.pass_s(120)

    assert bool(district.offers(alarm)) is is_sent
