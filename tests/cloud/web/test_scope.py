"""Who sees what: everything that is not an account's is denied."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, literal, select

import cloud.web
from cloud.durable.feed import Op
from cloud.identity.model import Account
from cloud.identity.policy import Role
from cloud.identity.scope import Scope, scope_of
from tests.cloud.web.conftest import Town

ANHE, ELSEWHERE = "440310002902", "440399"


def sees(scope: Scope, collection: Any, area: str, station: str | None = None) -> bool:
    return scope.sees(Op("put", collection, "", 0, area=area, station=station))


def _account(role: Role, **bound: Any) -> Account:
    return Account("ac-1", "x", "x", "x", role, "zh", **bound)


def test_an_operator_sees_everything_below_the_accounts_area(town: Town) -> None:
    scope = scope_of(town.registry, _account(Role.OPERATOR, area_id="440310"))

    assert sees(scope, "alarms", ANHE)
    assert sees(scope, "offers", ANHE, None)
    assert not sees(scope, "alarms", ELSEWHERE)


def test_an_alarm_of_a_gateway_that_nobody_knows_is_for_every_operator(town: Town) -> None:
    scope = scope_of(town.registry, _account(Role.OPERATOR, area_id="440310"))

    assert sees(scope, "alarms", "")


@pytest.mark.parametrize("area", [ANHE, ""])
def test_an_account_without_an_area_sees_nothing(town: Town, area: str) -> None:
    scope = scope_of(town.registry, _account(Role.OPERATOR))

    assert not sees(scope, "alarms", area)


def test_a_responder_without_a_station_is_of_the_one_in_the_registry(town: Town) -> None:
    scope = scope_of(town.registry, _account(Role.RESPONDER, responder_id="re-liuyang"))

    assert sees(scope, "offers", ANHE, "st-jiangling")
    assert not sees(scope, "offers", ANHE, "st-anhe")
    assert not sees(scope, "alarms", ANHE, "st-jiangling")


def test_a_station_account_without_a_station_sees_nothing(town: Town) -> None:
    scope = scope_of(town.registry, _account(Role.STATION, area_id="440310"))

    assert not sees(scope, "offers", ANHE, "st-anhe")
    assert not sees(scope, "offers", ANHE, None)


def test_only_what_is_asked_for_is_followed(town: Town) -> None:
    account = _account(Role.OPERATOR, area_id="440310")

    scope = scope_of(town.registry, account, ["units", "secrets"])

    assert scope.collections == {"units"}


AREAS = st.sampled_from(["", "a", "b", "-"])
STATIONS = st.sampled_from(["s", "t", ""])
SCOPES = st.builds(
    Scope,
    st.none() | st.frozensets(AREAS.filter(bool)),
    st.none() | STATIONS,
    st.just(frozenset[str]()),
    st.none() | st.just("ac-1"),
)


@given(scope=SCOPES, area=AREAS, station=STATIONS)
def test_what_queries_find_is_what_the_feed_tells(scope: Scope, area: str, station: str) -> None:
    engine = create_engine("sqlite://")

    with engine.connect() as connection:
        found = connection.execute(select(scope.rows(literal(area), literal(station)))).scalar()
    engine.dispose()

    assert bool(found) is scope.covers(area, station)


UNSCOPED = re.compile(r"\b(open_alarms|open_offers|find|find_offer|accounts)\(work")


def test_no_handler_of_a_request_reads_without_a_scope() -> None:
    web = Path(cloud.web.__file__).parent

    assert [
        f"{path.name}: {line.strip()}"
        for path in sorted(web.glob("*.py"))
        for line in path.read_text("utf-8").splitlines()
        if UNSCOPED.search(line) and "dispatch.open_offers(work, " not in line
    ] == []
