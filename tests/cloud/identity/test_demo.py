import pytest

from cloud.identity.demo import make_demo_accounts
from cloud.identity.policy import Role
from cloud.identity.tokens import SystemSecrets, csrf_of, hash_of
from cloud.registry.seed import load_demo
from tests.cloud.registry.conftest import CONFIG

HERE = "127.0.0.1"


@pytest.fixture
def start(store, secrets, passwords):
    """Start the demo."""
    store.write(lambda work: load_demo(work, CONFIG))
    return lambda: store.write(lambda work: make_demo_accounts(work, secrets, CONFIG, passwords))


def test_everybody_of_the_demo_signs_in_by_password_and_by_link(start, door):
    for account in start():
        by_password = door.sign_in(account.login, account.password, HERE)
        by_link = door.use_link(account.link_token, HERE)

        assert by_password.account == by_link.account
        assert by_link.account.role == account.role


def test_the_demo_has_who_the_story_needs(start):
    roles = [account.role for account in start()]

    assert roles.count(Role.OPERATOR) == 2
    assert roles.count(Role.RESPONDER) == 4
    assert set(roles) >= {Role.SUPERVISOR, Role.ADMINISTRATOR, Role.STATION, Role.AUDITOR}


def test_passwords_are_told_once_and_links_are_new_at_each_start(start, door):
    first = start()
    second = start()

    assert all(account.password is None for account in second)
    assert {a.link_token for a in first}.isdisjoint(a.link_token for a in second)
    assert door.sign_in(first[0].login, first[0].password, HERE)
    assert door.use_link(second[0].link_token, HERE)


def test_secrets_are_long_and_never_the_same():
    secrets = SystemSecrets()
    tokens = {secrets.token() for _ in range(100)}
    passwords = {secrets.password() for _ in range(100)}

    assert len(tokens) == len(passwords) == 100
    assert min(len(token) for token in tokens) >= 43
    assert all(len(password) == 19 for password in passwords)


def test_what_is_made_of_a_token_does_not_tell_it():
    token = SystemSecrets().token()

    assert len({token, hash_of(token), csrf_of(token)}) == 3
