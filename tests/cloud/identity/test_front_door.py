from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from cloud.identity import store as queries
from cloud.identity.errors import (
    BadCredentials,
    BadCsrf,
    NotSignedIn,
    SignInAgain,
    SlowDown,
)
from cloud.identity.events import SessionEnded, SessionOpened
from cloud.identity.front_door import FrontDoor
from cloud.identity.model import session_table
from cloud.identity.passwords import Passwords
from cloud.identity.policy import PASSWORD_CHARS_MAX, Standing
from cloud.identity.service import change_password, deactivate
from cloud.identity.sessions import sweep_sessions
from tests.cloud.identity.conftest import PASSWORD

HERE, THERE = "10.0.0.1", "198.51.100.7"
HOUR_S = 3600


def fail(door, times, login="operator", address=HERE):
    """Guess wrongly; how many of the guesses were slowed."""
    slowed = 0
    for _ in range(times):
        try:
            door.sign_in(login, "wrong", address)
        except SlowDown:
            slowed += 1
        except BadCredentials:
            pass
    return slowed


def test_the_right_password_opens_a_session(door, operator):
    signed_in = door.sign_in("operator", PASSWORD, HERE)

    visit = door.visit(signed_in.token)

    assert visit.account == operator
    assert visit.standing is Standing.FULL
    assert visit.csrf == signed_in.csrf


def test_the_login_may_be_typed_in_any_case(door, operator):
    assert door.sign_in(" Operator", PASSWORD, HERE).account == operator


def test_wrong_password_and_unknown_login_get_the_same_answer(door, operator):
    with pytest.raises(BadCredentials) as wrong:
        door.sign_in("operator", "wrong", HERE)
    with pytest.raises(BadCredentials) as unknown:
        door.sign_in("nobody", PASSWORD, HERE)

    assert str(wrong.value) == str(unknown.value)


class CountingPasswords:
    """Nothing is right; how often it was asked."""

    def __init__(self):
        self.checks = 0

    def is_right(self, stored, password):
        self.checks += 1
        return False


def test_an_unknown_login_costs_a_hash_too(store, secrets, operator):
    passwords = CountingPasswords()

    fail(FrontDoor(store, cast(Passwords, passwords), secrets), 1, login="nobody")

    assert passwords.checks == 1


def test_many_guesses_at_once_gain_nothing(store, secrets, operator):
    passwords = CountingPasswords()
    door = FrontDoor(store, cast(Passwords, passwords), secrets)
    store.start()

    with ThreadPoolExecutor(16) as pool:
        slowed = sum(pool.map(lambda _: fail(door, 1), range(40)))

    assert (passwords.checks, slowed) == (5, 35)


def test_a_password_that_is_too_long_is_wrong(door, operator):
    with pytest.raises(BadCredentials):
        door.sign_in("operator", "x" * (PASSWORD_CHARS_MAX + 1), HERE)


def test_the_store_never_sees_a_token(door, store, operator):
    token = door.sign_in("operator", PASSWORD, HERE).token

    row = store.read(lambda work: work.execute(select(session_table)).one())

    assert token not in [str(value) for value in row]


def test_signing_in_anew_ends_the_session_before(door, operator):
    first = door.sign_in("operator", PASSWORD, HERE)

    second = door.sign_in("operator", PASSWORD, HERE, replaces=first.token)

    assert second.token != first.token
    with pytest.raises(NotSignedIn):
        door.visit(first.token)


def test_two_browsers_of_one_person_both_stay_signed_in(door, operator):
    first = door.sign_in("operator", PASSWORD, HERE)
    second = door.sign_in("operator", PASSWORD, HERE)

    assert door.visit(first.token).account == door.visit(second.token).account


def test_signing_out_ends_the_session_and_tells_so(door, bus, operator):
    told = []
    bus.on(SessionOpened, lambda work, event: told.append(event))
    bus.on(SessionEnded, lambda work, event: told.append(event))
    signed_in = door.sign_in("operator", PASSWORD, HERE)

    door.sign_out(signed_in.token)
    door.sign_out(signed_in.token)

    assert [type(event) for event in told] == [SessionOpened, SessionEnded]
    with pytest.raises(NotSignedIn):
        door.visit(signed_in.token)


@pytest.mark.parametrize("token", [None, "", "made up"])
def test_nobody_is_behind_a_cookie_that_we_did_not_give(door, token):
    with pytest.raises(NotSignedIn):
        door.visit(token)


def test_a_command_needs_the_sessions_csrf(door, operator):
    signed_in = door.sign_in("operator", PASSWORD, HERE)
    visit = door.visit(signed_in.token)

    visit.require_command(signed_in.csrf)
    for wrong in (None, "", signed_in.token):
        with pytest.raises(BadCsrf):
            visit.require_command(wrong)


def test_an_idle_session_ends_and_a_used_one_stands(door, clock, operator):
    used = door.sign_in("operator", PASSWORD, HERE)
    idle = door.sign_in("operator", PASSWORD, HERE)

    for _ in range(3):
        clock.pass_s(20 * 60)
        door.visit(used.token)

    with pytest.raises(NotSignedIn):
        door.visit(idle.token)


def test_an_open_feed_is_never_blinded_but_past_its_time_acting_needs_a_new_sign_in(
    door, clock, operator
):
    signed_in = door.sign_in("operator", PASSWORD, HERE)

    for _ in range(20 * 60):
        clock.pass_s(60)
        assert door.feed_is_open(signed_in.session_id)

    visit = door.visit(signed_in.token)
    assert visit.standing is Standing.VIEW_ONLY
    with pytest.raises(SignInAgain):
        visit.require_command(signed_in.csrf)


def test_a_feed_is_closed_when_its_session_is_ended(door, operator):
    signed_in = door.sign_in("operator", PASSWORD, HERE)
    assert door.feed_is_open(signed_in.session_id)

    door.sign_out(signed_in.token)

    assert not door.feed_is_open(signed_in.session_id)


def test_a_new_password_ends_every_session(door, store, passwords, operator):
    signed_in = door.sign_in("operator", PASSWORD, HERE)

    newer = passwords.hash("another")
    store.write(lambda work: change_password(work, operator.id, newer))

    with pytest.raises(NotSignedIn):
        door.visit(signed_in.token)
    with pytest.raises(BadCredentials):
        door.sign_in("operator", PASSWORD, HERE)
    assert door.sign_in("operator", "another", HERE)


def test_a_deactivated_account_is_out_at_once(door, store, operator):
    signed_in = door.sign_in("operator", PASSWORD, HERE)

    store.write(lambda work: deactivate(work, operator.id))

    with pytest.raises(NotSignedIn):
        door.visit(signed_in.token)
    with pytest.raises(BadCredentials):
        door.sign_in("operator", PASSWORD, HERE)


def test_an_outdated_hash_is_renewed_at_sign_in(store, secrets, operator):
    stronger = Passwords(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))

    FrontDoor(store, stronger, secrets).sign_in("operator", PASSWORD, HERE)

    found = store.read(lambda work: queries.account_by_login(work, "operator"))
    assert "t=2" in found[1]


def test_guessing_is_slowed_and_a_slowed_guess_is_not_even_looked_at(door, clock, operator):
    assert fail(door, 5) == 0

    with pytest.raises(SlowDown) as slowed:
        door.sign_in("operator", PASSWORD, HERE)

    assert slowed.value.retry_after_s == 1
    clock.pass_s(1)
    assert door.sign_in("operator", PASSWORD, HERE)


def test_the_right_password_wipes_the_slate(door, operator):
    fail(door, 4)
    door.sign_in("operator", PASSWORD, HERE)

    assert fail(door, 5) == 0


def test_guessers_elsewhere_do_not_keep_an_operator_out_of_the_own_room(door, operator):
    door.sign_in("operator", PASSWORD, HERE)

    for last in range(40):
        fail(door, 10, address=f"198.51.100.{last}")

    assert door.sign_in("operator", PASSWORD, HERE)


def test_one_account_is_slowed_over_many_sources(door, operator):
    slowed = sum(fail(door, 1, address=f"198.51.100.{last}") for last in range(30))

    assert slowed == 20


def test_one_source_is_slowed_over_many_logins(door, operator):
    slowed = sum(fail(door, 1, login=f"login{n}", address=THERE) for n in range(30))

    assert slowed == 10


def test_a_network_of_ipv6_addresses_is_one_source(door, operator):
    slowed = sum(
        fail(door, 1, login=f"login{n}", address=f"2001:db8:1:2::{n:x}") for n in range(30)
    )

    assert slowed == 10


def test_swept_sessions_are_those_that_are_over(door, store, clock, operator):
    idle = door.sign_in("operator", PASSWORD, HERE)
    clock.pass_s(29 * 60)
    used = door.sign_in("operator", PASSWORD, HERE)
    clock.pass_s(2 * 60)

    assert store.write(sweep_sessions) == 1

    assert door.visit(used.token)
    with pytest.raises(NotSignedIn):
        door.visit(idle.token)


def test_the_sweep_leaves_a_watched_session_that_is_past_its_time(door, store, clock, operator):
    signed_in = door.sign_in("operator", PASSWORD, HERE)
    for _ in range(14 * 60):
        clock.pass_s(60)
        door.feed_is_open(signed_in.session_id)

    assert store.write(sweep_sessions) == 0
    assert door.visit(signed_in.token).standing is Standing.VIEW_ONLY
