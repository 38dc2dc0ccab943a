"""A family sees a home while a consent stands, and only what was consented to."""

from typing import Any

import pytest

from cloud.identity.policy import Role
from tests.cloud.web.conftest import Town
from tests.cloud.web.sides import OWN, World


class Family:
    """The family's account and the operator who writes consents down."""

    def __init__(self, town: Town) -> None:
        self.world = World(town)
        self.account = self.world.account(OWN, Role.FAMILY)
        self.world.people[Role.FAMILY, "mine"] = self.account
        self.consents = f"/api/residents/{OWN.resident}/consents"

    def give(self, purpose: str, resident: str = OWN.resident) -> Any:
        body = {"account_id": self.account.id, "purpose": purpose, "how": "in_person"}
        who = self.world.caller(Role.OPERATOR)
        return self.world.ask(who, "POST", f"/api/residents/{resident}/consents", body)

    def withdraw(self, consent_id: str) -> None:
        who = self.world.caller(Role.OPERATOR)
        answer = self.world.ask(who, "DELETE", f"{self.consents}/{consent_id}")
        assert answer.status_code == 200

    def homes(self) -> list[Any]:
        self.world.people[Role.FAMILY, OWN.key] = self.account
        answer = self.world.ask(self.world.caller(Role.FAMILY), "GET", "/api/family")
        assert answer.status_code == 200
        homes: list[Any] = answer.json()["homes"]
        return homes


@pytest.fixture
def family(town: Town) -> Family:
    return Family(town)


def test_without_a_consent_a_family_sees_no_home(family: Family) -> None:
    family.world.alarm(OWN)

    assert family.homes() == []


def test_with_a_consent_it_sees_the_home_and_how_its_alarms_go_on(family: Family) -> None:
    family.give("see_home")
    alarm_id = family.world.alarm(OWN, family.world.people[Role.OPERATOR, OWN.key])

    [home] = family.homes()

    assert home["id"] == OWN.home
    assert [(each["id"], each["handling"]) for each in home["alarms"]] == [(alarm_id, "claimed")]
    assert "address" not in str(home)


def test_health_is_a_consent_of_its_own(family: Family) -> None:
    family.give("see_home")
    [before] = family.homes()
    family.give("see_health")
    [after] = family.homes()

    assert before["residents"][0]["conditions"] is None
    assert after["residents"][0]["conditions"] == []


@pytest.mark.parametrize("purpose", ["see_health", "push"])
def test_another_purpose_opens_no_home(family: Family, purpose: str) -> None:
    family.give(purpose)

    assert family.homes() == []


def test_who_has_not_consented_stays_unnamed(family: Family) -> None:
    other = family.world.resident(OWN)
    family.give("see_home")

    [home] = family.homes()

    assert [each["id"] for each in home["residents"]] == [OWN.resident]
    assert other not in str(home)


def test_a_consent_that_is_withdrawn_shuts_at_once_and_stays_on_record(family: Family) -> None:
    consent_id = family.give("see_home").json()["consent"]["id"]

    family.withdraw(consent_id)

    assert family.homes() == []
    who = family.world.caller(Role.OPERATOR)
    kept = family.world.ask(who, "GET", family.consents).json()["consents"]
    mine = [each for each in kept if each["id"] == consent_id]
    assert mine[0]["withdrawn_ms"] is not None


def test_a_consent_is_given_again_after_it_was_withdrawn_but_not_twice(family: Family) -> None:
    first = family.give("see_home").json()["consent"]["id"]
    assert family.give("see_home").json()["error"]["code"] == "already_given"
    family.withdraw(first)

    family.give("see_home")

    assert len(family.homes()) == 1


def test_a_consent_lets_only_a_family_look(family: Family) -> None:
    family.account = family.world.people[Role.SUPERVISOR, OWN.key]

    assert family.give("see_home").json()["error"]["code"] == "malformed"
