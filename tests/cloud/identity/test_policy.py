import pytest

from cloud.identity.policy import (
    ACCOUNT_ANYWHERE,
    ACCOUNT_HERE,
    FAILURES_FORGOTTEN_MS,
    FEED_FRESH_MS,
    PERMITTED,
    SESSION_LIMITS,
    SOURCE,
    Action,
    Role,
    Standing,
    failures_after,
    normal_login,
    permits,
    standing,
    wait_ms,
)

NOW = 1_000_000_000


def test_every_role_has_its_limits_and_its_list():
    assert set(PERMITTED) == set(Role) == set(SESSION_LIMITS)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", Action)
def test_what_is_not_listed_is_denied(role, action):
    assert permits(role, action) is (action in PERMITTED[role])


def test_only_operators_handle_alarms_and_see_door_codes():
    handlers = {role for role in Role if permits(role, Action.HANDLE_ALARMS)}
    openers = {role for role in Role if permits(role, Action.REVEAL_DOOR_CODE)}

    assert handlers == openers == {Role.OPERATOR}


def test_administrator_operator_and_auditor_share_no_power_to_act():
    acting = {Action.HANDLE_ALARMS, Action.EDIT_REGISTRY, Action.KEEP_ACCOUNTS, Action.READ_AUDIT}
    powers = [
        PERMITTED[role] & acting for role in (Role.OPERATOR, Role.ADMINISTRATOR, Role.AUDITOR)
    ]

    assert powers[0] & powers[1] == powers[1] & powers[2] == powers[0] & powers[2] == set()


def at(*, active=NOW, feed=None, expires=NOW + 10_000_000, now=NOW):
    return standing(active_ms=active, feed_ms=feed, idle_ms=600_000, expires_ms=expires, now_ms=now)


def test_a_session_in_use_stands():
    assert at(active=NOW - 599_999) is Standing.FULL


def test_an_idle_session_ends():
    assert at(active=NOW - 600_000) is Standing.ENDED


def test_an_open_feed_keeps_an_idle_session():
    assert at(active=NOW - 9_000_000, feed=NOW - FEED_FRESH_MS) is Standing.FULL
    assert at(active=NOW - 9_000_000, feed=NOW - FEED_FRESH_MS - 1) is Standing.ENDED


def test_past_its_time_an_open_feed_may_look_but_not_act():
    assert at(expires=NOW, feed=NOW) is Standing.VIEW_ONLY
    assert at(expires=NOW, feed=NOW - FEED_FRESH_MS - 1) is Standing.ENDED
    assert at(expires=NOW) is Standing.ENDED
    assert at(expires=NOW + 1) is Standing.FULL


def test_the_first_failures_cost_nothing_and_the_wait_doubles_to_its_limit():
    waits = [wait_ms(ACCOUNT_HERE, failures, NOW, NOW) for failures in range(13)]

    assert waits[:5] == [0] * 5
    assert waits[5:] == [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]


@pytest.mark.parametrize("pace", [ACCOUNT_HERE, ACCOUNT_ANYWHERE, SOURCE])
@pytest.mark.parametrize("failures", [0, 100, 2**40])
def test_nobody_waits_longer_than_a_minute_however_many_failures(pace, failures):
    assert 0 <= wait_ms(pace, failures, NOW, NOW) <= 60_000


def test_the_wait_is_over_by_itself_and_forgotten_after_a_quiet_time():
    assert wait_ms(ACCOUNT_HERE, 6, NOW, NOW + 1999) == 1
    assert wait_ms(ACCOUNT_HERE, 6, NOW, NOW + 2000) == 0
    assert failures_after(6, NOW, NOW + FAILURES_FORGOTTEN_MS - 1) == 7
    assert failures_after(6, NOW, NOW + FAILURES_FORGOTTEN_MS) == 1


def test_a_clock_that_was_set_back_keeps_nobody_waiting():
    assert wait_ms(ACCOUNT_HERE, 9, NOW, NOW - 3 * 3_600_000) == 0
    assert failures_after(9, NOW, NOW - 3 * 3_600_000) == 10


def test_a_login_has_one_spelling():
    assert normal_login(" \uff2fperator ") == "operator"
