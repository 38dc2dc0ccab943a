import pytest

from cloud.identity.errors import BadCredentials, LoginTaken, Malformed, NotPermitted
from cloud.identity.model import Account
from cloud.identity.policy import Action, Role
from cloud.identity.service import AccountEntry, add_account, require


def entry(login="somebody", role=Role.OPERATOR, **more):
    return AccountEntry(login, role, "-", "-", **more)


def account(**more):
    role = more.pop("role", Role.OPERATOR)
    return Account("ac-1", "somebody", "-", "-", role, "zh", **more)


def test_a_login_is_taken_in_any_spelling(store, operator):
    with pytest.raises(LoginTaken):
        store.write(lambda work: add_account(work, entry("OPERATOR"), None))


@pytest.mark.parametrize("login", ["", " ", "x" * 65])
def test_a_login_that_is_none_is_refused(store, login):
    with pytest.raises(Malformed, match="1 to 64"):
        store.write(lambda work: add_account(work, entry(login), None))


@pytest.mark.parametrize(
    "more", [{"area": "nowhere"}, {"station": "st-none"}, {"responder": "re-none"}]
)
def test_an_account_of_a_place_that_is_not_registered_is_refused(store, more):
    with pytest.raises(Malformed, match=next(iter(more.values()))):
        store.write(lambda work: add_account(work, entry(**more), None))


@pytest.mark.parametrize("role", [Role.STATION, Role.RESPONDER])
def test_a_stations_people_need_their_station_or_name(store, role):
    with pytest.raises(Malformed, match="needs its"):
        store.write(lambda work: add_account(work, entry(role=role), None))


def test_an_account_that_signs_in_by_link_only_has_no_right_password(store, door, operator):
    store.write(lambda work: add_account(work, entry("linked"), None))

    with pytest.raises(BadCredentials):
        door.sign_in("linked", "nobody's password", "10.0.0.1")


def test_what_the_role_is_not_granted_is_refused_by_name():
    require(account(), Action.HANDLE_ALARMS)
    with pytest.raises(NotPermitted) as refused:
        require(account(role=Role.AUDITOR), Action.HANDLE_ALARMS)

    assert refused.value.data == {"role": "auditor", "action": "handle_alarms"}
