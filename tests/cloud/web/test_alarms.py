"""An operator's requests: the queue, one alarm, and every command on it."""

from typing import Any

import pytest
from sqlalchemy import select

from cloud.identity.model import answer_table
from tests.cloud.web.conftest import Town

ELSEWHERE = "440399"  # lies in no demo account's area


def _code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_the_queue_has_what_is_open_oldest_first(town: Town) -> None:
    first, second = town.press("ho-anhe01"), town.press("ho-anhe02")
    town.sign_in()

    shown = town.get("/api/alarms?state=open")["alarms"]

    assert [alarm["id"] for alarm in shown] == [first, second]
    assert shown[0]["resident"]["sex"] == "female"
    assert "fold_key" not in shown[0]


def test_all_alarms_come_newest_first_with_the_closed_ones(town: Town) -> None:
    first = town.press("ho-anhe01")
    town.clock.pass_s(10)
    second = town.press("ho-anhe02")
    csrf = town.sign_in()
    town.act(csrf, f"/api/alarms/{first}/claim")
    town.act(csrf, f"/api/alarms/{first}/close", {"outcome": "false"})

    everything = town.get("/api/alarms?state=all")["alarms"]

    assert [alarm["id"] for alarm in everything] == [second, first]
    assert [alarm["id"] for alarm in town.get("/api/alarms")["alarms"]] == [second]


def test_one_alarm_comes_with_all_that_is_known_of_its_home(town: Town) -> None:
    alarm_id = town.press()
    town.sign_in()

    shown = town.get(f"/api/alarms/{alarm_id}")

    assert shown["alarm"]["id"] == alarm_id
    assert [row["type"] for row in shown["history"]] == ["raised"]
    assert shown["history"][0]["data"]["alarm"]["device"]["name"]["zh"]
    assert shown["contacts"][0]["order"] == 1
    assert shown["contacts"][0]["relation_en"]
    assert shown["resident"]["conditions"]
    assert shown["devices"][0]["last_seen_ms"] is None
    assert shown["call_plan"][0]["zh"]
    assert shown["entry_notes"]["zh"]
    assert shown["offers"] == []


def test_no_door_code_is_shown_without_revealing_it(town: Town) -> None:
    alarm_id = town.press()
    town.sign_in()

    text = town.client.get(f"/api/alarms/{alarm_id}").text

    assert "door_code" not in text


def test_a_claim_names_who_has_it_and_asking_again_changes_nothing(town: Town) -> None:
    alarm_id = town.press()
    csrf = town.sign_in()

    first = town.act(csrf, f"/api/alarms/{alarm_id}/claim")["alarm"]
    again = town.act(csrf, f"/api/alarms/{alarm_id}/claim")["alarm"]

    assert first["claimed_by"]["name_en"] == "Lin Xiaolan"
    assert again == first


def test_who_comes_second_is_told_who_has_it_and_how_it_stands(town: Town) -> None:
    alarm_id = town.press()
    town.act(town.sign_in(), f"/api/alarms/{alarm_id}/claim")

    answer = town.command(town.sign_in("operator2"), f"/api/alarms/{alarm_id}/claim")

    assert _code(answer) == (409, "claimed_by_other")
    data = answer.json()["error"]["data"]
    assert data["by"]["name_en"] == "Lin Xiaolan"
    assert (data["alarm"]["id"], data["alarm"]["handling"]) == (alarm_id, "claimed")


def test_a_released_alarm_waits_again(town: Town) -> None:
    alarm_id = town.press()
    csrf = town.sign_in()
    town.act(csrf, f"/api/alarms/{alarm_id}/claim")

    alarm = town.act(csrf, f"/api/alarms/{alarm_id}/release")["alarm"]

    assert (alarm["handling"], alarm["claimed_by"]) == ("unclaimed", None)


def test_a_note_stands_in_the_history(town: Town) -> None:
    alarm_id = town.press()
    csrf = town.sign_in()

    town.act(csrf, f"/api/alarms/{alarm_id}/note", {"text": "spoke to her"})

    last = town.get(f"/api/alarms/{alarm_id}")["history"][-1]
    assert (last["type"], last["data"]) == ("noted", {"text": "spoke to her"})
    assert last["by"]["name"] == "林晓岚"


def test_an_empty_note_is_refused(town: Town) -> None:
    alarm_id = town.press()

    answer = town.command(town.sign_in(), f"/api/alarms/{alarm_id}/note", {"text": "  "})

    assert _code(answer) == (422, "invalid_text")


def test_looking_at_the_door_code_is_written_down_and_never_kept(town: Town) -> None:
    alarm_id = town.press()
    csrf = town.sign_in()
    town.act(csrf, f"/api/alarms/{alarm_id}/claim")

    key = {"idempotency-key": "key-00000001"}
    first = town.command(csrf, f"/api/alarms/{alarm_id}/reveal", **key).json()
    town.command(csrf, f"/api/alarms/{alarm_id}/reveal", **key)

    assert first["door_code"]
    types = [row["type"] for row in town.get(f"/api/alarms/{alarm_id}")["history"]]
    assert types == ["raised", "claimed", "revealed", "revealed"]
    assert town.store.read(lambda work: work.execute(select(answer_table)).all()) == []


def test_the_door_code_is_for_who_has_claimed_the_alarm(town: Town) -> None:
    alarm_id = town.press()
    town.act(town.sign_in(), f"/api/alarms/{alarm_id}/claim")

    answer = town.command(town.sign_in("operator2"), f"/api/alarms/{alarm_id}/reveal")

    assert _code(answer) == (409, "not_yours")


def test_an_outcome_outside_the_list_is_refused(town: Town) -> None:
    alarm_id = town.press()
    csrf = town.sign_in()
    town.act(csrf, f"/api/alarms/{alarm_id}/claim")

    answer = town.command(csrf, f"/api/alarms/{alarm_id}/close", {"outcome": "lost"})

    assert _code(answer) == (422, "invalid_outcome")


def test_a_closed_alarm_has_its_outcome_and_takes_no_more_commands(town: Town) -> None:
    alarm_id = town.press()
    csrf = town.sign_in()
    town.act(csrf, f"/api/alarms/{alarm_id}/claim")

    closing = {"outcome": "true", "sub_reason": "fall", "note": "ambulance", "follow_up": "visit"}
    alarm = town.act(csrf, f"/api/alarms/{alarm_id}/close", closing)["alarm"]

    assert (alarm["handling"], alarm["outcome"]) == ("closed", "true")
    assert _code(town.command(csrf, f"/api/alarms/{alarm_id}/claim")) == (409, "illegal_step")


@pytest.mark.parametrize("step", ["", "/candidates"])
def test_an_alarm_of_another_district_is_as_good_as_none(town: Town, step: str) -> None:
    alarm_id = town.press(area=ELSEWHERE)
    town.sign_in()

    assert _code(town.client.get(f"/api/alarms/{alarm_id}{step}")) == (404, "not_found")
    assert town.get("/api/alarms")["alarms"] == []
    assert town.get("/api/alarms?state=all")["alarms"] == []


@pytest.mark.parametrize("step", ["claim", "release", "note", "close", "reveal", "dispatch"])
def test_nothing_can_be_done_with_an_alarm_of_another_district(town: Town, step: str) -> None:
    alarm_id = town.press(area=ELSEWHERE)
    body = {"text": "x", "outcome": "true"}

    answer = town.command(town.sign_in(), f"/api/alarms/{alarm_id}/{step}", body)

    assert _code(answer) == (404, "not_found")


def test_a_supervisor_looks_and_does_not_touch(town: Town) -> None:
    alarm_id = town.press()
    csrf = town.sign_in("supervisor")

    assert town.get(f"/api/alarms/{alarm_id}")["alarm"]["id"] == alarm_id
    refused = town.command(csrf, f"/api/alarms/{alarm_id}/claim")
    assert _code(refused) == (403, "not_permitted")


@pytest.mark.parametrize("login", ["station", "chenli", "administrator", "auditor"])
def test_alarms_are_not_for_everybody(town: Town, login: str) -> None:
    town.press()
    town.sign_in(login)

    assert _code(town.client.get("/api/alarms")) == (403, "not_permitted")


def test_candidates_come_best_first_with_reasons(town: Town) -> None:
    alarm_id = town.press()
    town.sign_in()

    candidates = town.get(f"/api/alarms/{alarm_id}/candidates")["candidates"]

    assert [each["recommended"] for each in candidates] == [True, False]
    assert candidates[0]["station"]["id"] == "st-anhe"
    assert candidates[0]["reasons"][0]["zh"]


def test_a_dispatched_alarm_carries_its_offer(town: Town) -> None:
    alarm_id = town.press()
    csrf = town.sign_in()
    town.act(csrf, f"/api/alarms/{alarm_id}/claim")

    offer = town.act(csrf, f"/api/alarms/{alarm_id}/dispatch", {})["offer"]

    shown = town.get(f"/api/alarms/{alarm_id}")
    assert (offer["state"], offer["station"]["id"]) == ("offered", "st-anhe")
    assert shown["alarm"]["offer"]["id"] == offer["id"]
    assert [each["id"] for each in shown["offers"]] == [offer["id"]]


def test_where_nobody_is_on_duty_dispatching_says_so(town: Town) -> None:
    alarm_id = town.press()
    supervisor = town.sign_in("supervisor")
    for who in ("re-chenli", "re-dengxm", "re-liuyang", "re-xujing"):
        headers = {"x-csrf": supervisor}
        gone = town.client.delete(f"/api/duty?responder_id={who}", headers=headers)
        assert gone.status_code == 200, gone.text
    csrf = town.sign_in()
    town.act(csrf, f"/api/alarms/{alarm_id}/claim")

    answer = town.command(csrf, f"/api/alarms/{alarm_id}/dispatch", {})

    assert _code(answer) == (409, "nobody_on_duty")


def test_a_session_tells_the_shift_that_is_under_way(town: Town) -> None:
    csrf = town.sign_in()
    assert town.get("/api/session")["shift"] is None

    started = town.act(csrf, "/api/shift", {"audio_ok": True})["shift"]

    assert town.get("/api/session")["shift"]["id"] == started["id"]
