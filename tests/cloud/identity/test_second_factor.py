import pyotp
import pytest

from cloud.identity import second_factor, sessions
from cloud.identity.errors import BadCode, CodeNeeded, NotSignedIn, SecondFactorNeeded, SlowDown
from cloud.identity.front_door import FrontDoor
from cloud.identity.model import recovery_code_table
from cloud.identity.policy import Role
from cloud.identity.service import AccountEntry, add_account, reset
from cloud.identity.tokens import SystemSecrets
from tests.cloud.identity.conftest import PASSWORD

HERE = "10.0.0.1"
SECRETS = SystemSecrets()


@pytest.fixture
def door(store, passwords):
    return FrontDoor(store, passwords, SECRETS)


@pytest.fixture
def keeper(store, passwords, operator):
    entry = AccountEntry("keeper", Role.ADMINISTRATOR, "-", "-", area="a1")
    return store.write(lambda work: add_account(work, entry, passwords.hash(PASSWORD)))


class App:
    """The holder's telephone."""

    def __init__(self, store, clock, account):
        self._clock = clock
        self.enrolment = store.write(lambda work: second_factor.begin(work, account, SECRETS))
        code = self.code()
        self.recovery = store.write(
            lambda work: second_factor.confirm(work, account.id, code, SECRETS)
        )
        clock.pass_s(60)

    def code(self, aside_s=0):
        at_s = self._clock.now_ms() // 1000 + aside_s
        return pyotp.TOTP(self.enrolment.secret).at(at_s)


@pytest.fixture
def app(store, clock, keeper):
    return App(store, clock, keeper)


def ticket(door, replaces=None):
    with pytest.raises(CodeNeeded) as refused:
        door.sign_in("keeper", PASSWORD, HERE, replaces)
    return refused.value.ticket


def test_the_address_for_the_app_names_the_account_and_us(app):
    assert app.enrolment.uri.startswith("otpauth://totp/Anju:keeper?secret=")
    assert "issuer=Anju" in app.enrolment.uri


def test_an_administrator_without_one_gets_in_but_may_not_act(door, keeper):
    visit = door.visit(door.sign_in("keeper", PASSWORD, HERE).token)

    with pytest.raises(SecondFactorNeeded):
        visit.require_second()


def test_whoever_else_acts_without_one(door, operator):
    door.visit(door.sign_in("operator", PASSWORD, HERE).token).require_second()


def test_the_password_alone_lets_nobody_in_any_more(door, app):
    signed_in = door.second_step(ticket(door), app.code(), HERE)

    door.visit(signed_in.token).require_second()


def test_a_link_alone_lets_nobody_in_either(door, store, app, keeper):
    link = store.write(lambda work: sessions.make_link(work, keeper.id, SECRETS))

    with pytest.raises(CodeNeeded) as refused:
        door.use_link(link, HERE)

    assert door.second_step(refused.value.ticket, app.code(), HERE).account == keeper


@pytest.mark.parametrize("aside_s", [-30, 0, 30])
def test_a_code_counts_half_a_minute_before_and_after(door, app, aside_s):
    assert door.second_step(ticket(door), app.code(aside_s), HERE)


@pytest.mark.parametrize("aside_s", [-90, 90])
def test_an_older_or_later_code_does_not_count(door, app, aside_s):
    with pytest.raises(BadCode):
        door.second_step(ticket(door), app.code(aside_s), HERE)


def test_a_code_works_once(door, app):
    code = app.code()
    door.second_step(ticket(door), code, HERE)

    with pytest.raises(BadCode):
        door.second_step(ticket(door), code, HERE)


def test_a_code_older_than_one_that_was_used_does_not_count(door, app):
    door.second_step(ticket(door), app.code(30), HERE)

    with pytest.raises(BadCode):
        door.second_step(ticket(door), app.code(0), HERE)


def test_a_recovery_code_works_once_however_it_is_written(door, app):
    code = app.recovery[0]
    assert door.second_step(ticket(door), f" {code.upper().replace('-', ' ')}", HERE)

    with pytest.raises(BadCode):
        door.second_step(ticket(door), code, HERE)


def test_recovery_codes_are_stored_as_hashes(store, app):
    hashes = store.read(
        lambda work: {row.code_hash for row in work.execute(recovery_code_table.select())}
    )

    assert len(hashes) == len(app.recovery) == 10
    assert not hashes & set(app.recovery)


def test_a_ticket_works_once_and_not_for_long(door, app, clock):
    used, late = ticket(door), ticket(door)
    door.second_step(used, app.code(), HERE)
    clock.pass_s(sessions.TICKET_S)

    for each in (used, late, "made up"):
        with pytest.raises(BadCode):
            door.second_step(each, app.code(), HERE)


def test_guessing_codes_is_slowed_whatever_tickets_there_are(door, app):
    tickets = [ticket(door) for _ in range(6)]
    for each in tickets[:5]:
        with pytest.raises(BadCode):
            door.second_step(each, "000000", HERE)

    with pytest.raises(SlowDown):
        door.second_step(tickets[5], app.code(), HERE)


def test_waiting_lets_the_holder_in_again(door, app, clock):
    for _ in range(5):
        with pytest.raises(BadCode):
            door.second_step(ticket(door), "000000", HERE)
    clock.pass_s(60)

    assert door.second_step(ticket(door), app.code(), HERE)


def test_a_new_secret_counts_only_when_the_app_has_shown_its_code(store, door, app, keeper):
    store.write(lambda work: second_factor.begin(work, keeper, SECRETS))
    assert door.second_step(ticket(door), app.code(), HERE)

    with pytest.raises(BadCode):
        store.write(lambda work: second_factor.confirm(work, keeper.id, "000000", SECRETS))


def test_a_new_secret_makes_the_old_recovery_codes_worthless(store, clock, door, app, keeper):
    newer = App(store, clock, keeper)

    with pytest.raises(BadCode):
        door.second_step(ticket(door), app.recovery[0], HERE)
    assert door.second_step(ticket(door), newer.recovery[0], HERE)


def test_a_reset_account_is_as_new(store, door, app, keeper):
    session = door.second_step(ticket(door), app.code(), HERE)

    link = store.write(lambda work: reset(work, keeper.id, SECRETS))

    visit = door.visit(door.use_link(link, HERE).token)
    with pytest.raises(SecondFactorNeeded):
        visit.require_second()
    with pytest.raises(NotSignedIn):
        door.visit(session.token)
