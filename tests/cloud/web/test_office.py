"""What administrators do over HTTP: codes and certificates, call plans, removals, accounts."""

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import update

from cloud.fleet.deny import DenyList
from cloud.fleet.errors import NothingToRevoke
from cloud.identity import audit
from cloud.identity.model import session_table
from cloud.identity.policy import Role
from cloud.observe import Counters
from tests.cloud.web.conftest import Town, open_town
from tests.cloud.web.sides import OTHER, OWN, Caller, World
from tests.cloud.web.test_audit import deeds

GATEWAY = OWN.gateway


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_town(tmp_path) as town:
        yield World(town)


@pytest.fixture
def admin(world: World) -> Caller:
    return world.caller(Role.ADMINISTRATOR)


def code_of(answer: Response) -> str:
    return str(answer.json()["error"]["code"])


def standing(world: World, who: Caller) -> dict[str, Any]:
    answer = world.ask(who, "GET", "/api/fleet").json()
    return {each["id"]: each for each in answer["gateways"]}


# ---------------------------------------------------------------- gateways as machines


def test_a_revoked_gateway_is_denied_by_ingest_and_listed_for_the_broker(
    world: World, admin: Caller
) -> None:
    world.certify(OWN)
    denied = DenyList(world.town.gateways, Counters())
    now_ms = world.town.clock.now_ms()
    denied.run_once(now_ms)
    assert denied.since_ms(GATEWAY) is None

    answer = world.ask(admin, "POST", f"/api/gateways/{GATEWAY}/revoke", {"reason": "stolen"})

    assert answer.json() == {"gateway_id": GATEWAY, "revoked_ms": now_ms}
    denied.run_once(now_ms)
    assert denied.since_ms(GATEWAY) == now_ms
    certificate = standing(world, admin)[GATEWAY]["certificate"]
    assert (certificate["revoked_ms"], certificate["reason"]) == (now_ms, "stolen")
    deed = deeds(world.town)[-1]
    assert (deed.what, deed.target) == ("POST /api/gateways/{gateway_id}/revoke", GATEWAY)
    assert deed.data == {"serial": certificate["serial"]}


def test_a_revocation_whose_audit_was_lost_is_written_down_when_it_is_asked_for_again(
    world: World, admin: Caller
) -> None:
    world.certify(OWN)
    world.town.gateways.revoke(GATEWAY, "stolen")  # and then the store failed

    answer = world.ask(admin, "POST", f"/api/gateways/{GATEWAY}/revoke", {"reason": "stolen"})

    assert answer.status_code == 200
    assert deeds(world.town)[-1].target == GATEWAY


def test_a_gateway_that_never_had_a_certificate_is_not_revoked(world: World, admin: Caller) -> None:
    answer = world.ask(admin, "POST", f"/api/gateways/{GATEWAY}/revoke", {"reason": "lost"})

    assert (answer.status_code, code_of(answer)) == (409, NothingToRevoke.code)


def test_a_new_certificate_makes_a_revoked_gateway_welcome_again(
    world: World, admin: Caller
) -> None:
    world.certify(OWN)
    world.ask(admin, "POST", f"/api/gateways/{GATEWAY}/revoke", {"reason": "lost"})

    world.certify(OWN)

    assert standing(world, admin)[GATEWAY]["certificate"]["revoked_ms"] is None


def test_the_newest_code_is_the_only_one_and_lasts_a_day(world: World, admin: Caller) -> None:
    make = functools.partial(world.ask, admin, "POST", f"/api/gateways/{GATEWAY}/code")

    first, second = make().json(), make().json()

    assert first["code"] != second["code"]
    assert standing(world, admin)[GATEWAY]["code_until_ms"] == second["expires_ms"]
    world.town.clock.pass_s(86_400)
    again = world.caller(Role.ADMINISTRATOR)
    assert standing(world, again)[GATEWAY]["code_until_ms"] is None


def test_a_code_is_in_no_row_of_the_audit_and_in_no_kept_answer(
    world: World, admin: Caller
) -> None:
    key = {"idempotency-key": "key-00000001"}
    path = f"/api/gateways/{GATEWAY}/code"

    code = world.ask(admin, "POST", path, **key).json()["code"]

    assert code not in str(deeds(world.town))
    assert world.ask(admin, "POST", path, **key).json()["code"] != code


def test_without_a_ca_nobody_gets_a_code_that_would_lead_nowhere(town: Town) -> None:
    csrf = enter_as_administrator(town)

    assert town.get("/api/fleet")["can_enrol"] is False
    answer = town.command(csrf, "/api/gateways/gw-demo01/code")

    assert (answer.status_code, code_of(answer)) == (409, "no_authority")


def enter_as_administrator(town: Town) -> str:
    csrf = town.sign_in("administrator")
    town.store.write(lambda work: work.execute(update(session_table).values(has_second=True)))
    return csrf


# ---------------------------------------------------------------- call plans


def test_a_plan_of_an_area_above_is_followed_but_not_changed(world: World) -> None:
    who, plan = world.caller(Role.SUPERVISOR), "sos_general"  # of the district
    entry = {"id": plan, "area": OWN.area, "name": {"zh": "-", "en": "-"}, "steps": []}

    listed = world.ask(who, "GET", "/api/call-plans").json()["call_plans"]
    follows = world.ask(who, "PUT", f"/api/homes/{OWN.home}/calls", {"call_plan": plan})
    step = {"zh": "-", "en": "-"}
    changed = world.ask(who, "PUT", "/api/call-plans", {**entry, "steps": [step]})

    assert plan in {each["id"] for each in listed}
    assert follows.status_code == 200
    assert code_of(changed) == "out_of_scope"


def test_a_plan_of_another_area_is_not_followed(world: World, admin: Caller) -> None:
    words = {"zh": "-", "en": "-"}
    home = {"id": OWN.home, "area": OWN.community, "address": words, "lat": 22.6, "lon": 114.3}

    calls = world.ask(admin, "PUT", f"/api/homes/{OWN.home}/calls", {"call_plan": OTHER.call_plan})
    whole = world.ask(
        admin,
        "PUT",
        f"/api/gateways/{OWN.gateway}/homes",
        {**home, "call_plan": OTHER.call_plan},
    )

    assert code_of(calls) == code_of(whole) == "out_of_scope"


def test_what_a_supervisor_arranges_is_what_an_operator_reads_at_the_next_call(
    world: World,
) -> None:
    contact = {"order": 1, "name": "郑强", "name_en": "Zheng", "relation": "-", "relation_en": "-"}
    contacts = [{**contact, "phone": "0", "has_key": True}]
    who = world.caller(Role.SUPERVISOR)
    body = {"call_plan": OWN.call_plan, "contacts": contacts}
    world.ask(who, "PUT", f"/api/homes/{OWN.home}/calls", body)

    alarm_id = world.alarm(OWN)

    shown = world.ask(world.caller(Role.OPERATOR), "GET", f"/api/alarms/{alarm_id}").json()
    assert [each["name"] for each in shown["contacts"]] == ["郑强"]
    assert len(shown["call_plan"]) == 1


def test_a_plan_that_homes_follow_is_not_deleted(world: World) -> None:
    who = world.caller(Role.SUPERVISOR)
    world.ask(who, "PUT", f"/api/homes/{OWN.home}/calls", {"call_plan": OWN.call_plan})

    answer = world.ask(who, "DELETE", f"/api/call-plans/{OWN.call_plan}")

    assert (answer.status_code, code_of(answer)) == (409, "in_use")


# ---------------------------------------------------------------- removals


def wanted(world: World, admin: Caller) -> str:
    body = {"homes": [OWN.home], "reason": "moved away"}
    return str(world.ask(admin, "POST", "/api/removals", body).json()["removal"]["id"])


def second(world: World) -> Caller:
    """Another administrator of the same area."""
    account = world.account(OWN, Role.ADMINISTRATOR)
    world.people[Role.ADMINISTRATOR, OWN.key] = account
    return world.caller(Role.ADMINISTRATOR)


def test_one_administrator_alone_removes_nothing(world: World, admin: Caller) -> None:
    removal_id = wanted(world, admin)

    answer = world.ask(admin, "POST", f"/api/removals/{removal_id}/confirm")

    assert (answer.status_code, code_of(answer)) == (409, "same_person")
    assert world.town.registry.home_card(OWN.home) is not None


def test_two_do_and_both_are_in_the_audit(world: World, admin: Caller) -> None:
    removal_id, other = wanted(world, admin), second(world)

    answer = world.ask(other, "POST", f"/api/removals/{removal_id}/confirm")

    assert answer.json()["removal"]["state"] == "done"
    assert world.town.registry.home_card(OWN.home) is None
    asked, confirmed = deeds(world.town)[-2:]
    assert (asked.who, asked.data) == (admin.account.id, {"id": removal_id})
    assert (confirmed.who, confirmed.target) == (other.account.id, removal_id)


def test_a_confirmation_that_is_sent_twice_is_one(world: World, admin: Caller) -> None:
    removal_id, other = wanted(world, admin), second(world)
    path, key = f"/api/removals/{removal_id}/confirm", {"idempotency-key": "key-00000001"}

    first, again = (world.ask(other, "POST", path, **key) for _ in range(2))

    assert first.json() == again.json()


def test_nothing_goes_while_somebody_there_is_being_helped(world: World, admin: Caller) -> None:
    removal_id, other = wanted(world, admin), second(world)
    alarm_id = world.alarm(OWN)

    answer = world.ask(other, "POST", f"/api/removals/{removal_id}/confirm")

    assert (answer.status_code, code_of(answer)) == (409, "alarm_under_way")
    assert answer.json()["error"]["data"]["alarms"] == [alarm_id]
    assert world.town.registry.home_card(OWN.home) is not None


def test_a_removal_does_not_reach_into_another_area(world: World, admin: Caller) -> None:
    body = {"homes": [OWN.home, OTHER.home], "reason": "-"}

    answer = world.ask(admin, "POST", "/api/removals", body)

    assert code_of(answer) == "out_of_scope"


# ---------------------------------------------------------------- accounts and the audit


def test_another_role_ends_what_the_old_one_had_open(world: World, admin: Caller) -> None:
    operator = world.caller(Role.OPERATOR)
    entry = {"login": "was-operator", "role": "auditor", "name": "-", "name_en": "-"}
    path = f"/api/accounts/{operator.account.id}"

    answer = world.ask(admin, "PUT", path, {**entry, "area": OWN.area})

    assert answer.status_code == 200
    assert world.ask(operator, "GET", "/api/session").status_code == 401
    [shown] = [
        each["account"]
        for each in world.ask(admin, "GET", "/api/accounts").json()["accounts"]
        if each["account"]["id"] == operator.account.id
    ]
    assert (shown["login"], shown["role"]) == ("was-operator", "auditor")


def test_a_login_of_somebody_else_is_not_taken_over(world: World, admin: Caller) -> None:
    taken = world.people[Role.OPERATOR, OWN.key].login
    entry = {"login": taken, "role": "auditor", "name": "-", "name_en": "-", "area": OWN.area}

    answer = world.ask(admin, "PUT", f"/api/accounts/{world.account(OWN).id}", entry)

    assert code_of(answer) == "login_taken"


def test_an_auditor_finds_what_somebody_did_to_something(world: World, admin: Caller) -> None:
    world.ask(admin, "POST", f"/api/gateways/{GATEWAY}/code")
    world.certify(OWN)
    world.ask(admin, "POST", f"/api/gateways/{GATEWAY}/revoke", {"reason": "lost"})
    auditor = world.caller(Role.AUDITOR)

    def found(query: str) -> list[str]:
        rows = world.ask(auditor, "GET", f"/api/audit?{query}").json()["entries"]
        return [row["deed"]["what"].rpartition("/")[2] for row in rows]

    assert found(f"who={admin.account.id}") == ["revoke", "code"]
    assert found("about=revoke") == ["revoke"]
    assert found(f"about={GATEWAY}") == ["revoke", "code"]
    assert found("about=%25") == []  # a sign of the query's language finds itself only
    assert found("who=nobody") == []


def test_a_row_that_was_changed_shows_in_the_chain(world: World) -> None:
    auditor = world.caller(Role.AUDITOR)
    chain = functools.partial(world.ask, auditor, "GET", "/api/audit/chain")
    assert chain().json()["problems"] == []
    table = audit.audit_table
    world.write(lambda work: work.execute(update(table).where(table.c.n == 1).values(what="-")))

    assert chain().json()["problems"] == ["audit, row 1: was changed"]


def test_a_look_at_the_newest_rows_begins_where_it_is_told(world: World) -> None:
    table = audit.audit_table
    world.write(lambda work: work.execute(update(table).where(table.c.n == 1).values(what="-")))

    def broken(after: int) -> list[str]:
        found: list[str] = world.town.store.read(lambda work: audit.broken(work, after=after))
        return found

    assert broken(0) == ["audit, row 1: was changed"]
    assert broken(1) == []
