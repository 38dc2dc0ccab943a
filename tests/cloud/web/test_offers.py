"""A station's and a responder's requests, from the offer to the report; stations, units, duty."""

from typing import Any

import pytest

from tests.cloud.web.conftest import Town

REPORT = {
    "found": "conscious_ok",
    "action": "helped_up",
    "handover": "stays_home",
    "follow_up": "visit_today",
    "text": "sat with her",
}


def _code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
def offer_id(town: Town) -> str:
    """An offer to the station of Anhe."""
    alarm_id = town.press()
    csrf = town.sign_in()
    town.act(csrf, f"/api/alarms/{alarm_id}/claim")
    offer = town.act(csrf, f"/api/alarms/{alarm_id}/dispatch", {"station_id": "st-anhe"})["offer"]
    return str(offer["id"])


def test_an_offer_goes_its_whole_way(town: Town, offer_id: str) -> None:
    csrf = town.sign_in("chenli")
    [shown] = town.get("/api/offers?state=open")["offers"]

    accepted = town.act(csrf, f"/api/offers/{offer_id}/accept")["offer"]
    departed = town.act(csrf, f"/api/offers/{offer_id}/depart")["offer"]
    arrived = town.act(csrf, f"/api/offers/{offer_id}/arrive", {"lat": 22.66, "lon": 114.33})
    reported = town.act(csrf, f"/api/offers/{offer_id}/report", REPORT)["offer"]

    assert (shown["id"], shown["alarm"]["door_code"]) == (offer_id, None)
    assert accepted["responder"]["id"] == "re-chenli"
    assert accepted["alarm"]["door_code"] == departed["alarm"]["door_code"] != ""
    assert arrived["offer"]["alarm"]["door_code"] is None
    assert (reported["state"], reported["report"]) == ("reported", REPORT)
    assert town.get("/api/offers")["offers"] == []


def test_the_operator_follows_the_offer_without_the_door_code(town: Town, offer_id: str) -> None:
    town.act(town.sign_in("chenli"), f"/api/offers/{offer_id}/accept")
    town.sign_in()

    [shown] = town.get("/api/offers")["offers"]

    assert (shown["state"], shown["alarm"]["door_code"]) == ("accepted", None)


def test_an_offer_is_none_of_another_stations_business(town: Town, offer_id: str) -> None:
    csrf = town.sign_in("liuyang")

    assert town.get("/api/offers")["offers"] == []
    assert _code(town.command(csrf, f"/api/offers/{offer_id}/accept")) == (404, "not_found")


def test_the_second_of_a_station_is_told_that_the_offer_is_taken(town: Town, offer_id: str) -> None:
    town.act(town.sign_in("chenli"), f"/api/offers/{offer_id}/accept")

    answer = town.command(town.sign_in("dengxm"), f"/api/offers/{offer_id}/accept")

    assert _code(answer) == (409, "offer_gone")


def test_an_offer_that_is_declined_goes_to_the_next_station(town: Town, offer_id: str) -> None:
    csrf = town.sign_in("chenli")

    declined = town.act(csrf, f"/api/offers/{offer_id}/decline", {"reason": "busy"})["offer"]

    town.sign_in("liuyang")
    [following] = town.get("/api/offers")["offers"]
    assert (declined["state"], declined["decline_reason"]) == ("declined", "busy")
    assert (following["station"]["id"], following["attempt"]) == ("st-jiangling", 2)


def test_words_that_nobody_knows_are_refused(town: Town, offer_id: str) -> None:
    csrf = town.sign_in("chenli")
    refused = town.command(csrf, f"/api/offers/{offer_id}/decline", {"reason": "tired"})
    town.act(csrf, f"/api/offers/{offer_id}/accept")
    town.act(csrf, f"/api/offers/{offer_id}/arrive", {})
    wrong = town.command(csrf, f"/api/offers/{offer_id}/report", {**REPORT, "found": "fine"})

    assert _code(refused) == (422, "invalid_report")
    assert _code(wrong) == (422, "invalid_report")


def test_steps_are_taken_in_order(town: Town, offer_id: str) -> None:
    csrf = town.sign_in("chenli")
    town.act(csrf, f"/api/offers/{offer_id}/accept")

    early = town.command(csrf, f"/api/offers/{offer_id}/report", REPORT)

    assert _code(early) == (409, "illegal_step")


def test_an_operator_answers_no_offers(town: Town, offer_id: str) -> None:
    answer = town.command(town.sign_in(), f"/api/offers/{offer_id}/accept")

    assert _code(answer) == (403, "not_permitted")


def test_stations_have_a_place_on_the_map(town: Town) -> None:
    town.sign_in()

    stations = town.get("/api/stations")["stations"]

    assert [each["id"] for each in stations] == ["st-anhe", "st-jiangling"]
    assert stations[0]["lat"] == pytest.approx(22.6624)
    assert stations[0]["name_en"] == "Anhe Service Station"


def test_a_stations_desk_sees_itself_and_its_people(town: Town) -> None:
    town.sign_in("station")

    stations, units = town.get("/api/stations")["stations"], town.get("/api/units")["units"]

    assert [each["id"] for each in stations] == ["st-anhe"]
    assert {each["id"] for each in units} == {"re-chenli", "re-dengxm"}


def test_a_responder_goes_off_duty_and_comes_back(town: Town) -> None:
    csrf = town.sign_in("chenli")

    gone = town.client.delete("/api/duty", headers={"x-csrf": csrf})
    off = {each["id"]: each["on_duty"] for each in town.get("/api/units")["units"]}
    town.clock.pass_s(60)
    back = town.act(csrf, "/api/duty")
    on = {each["id"]: each["on_duty"] for each in town.get("/api/units")["units"]}

    assert gone.json() == {"responder_id": "re-chenli", "on_duty": False}
    assert off == {"re-chenli": False, "re-dengxm": True}
    assert back == {"responder_id": "re-chenli", "on_duty": True}
    assert on == {"re-chenli": True, "re-dengxm": True}


def test_a_stations_desk_keeps_the_duty_of_its_own_people_only(town: Town) -> None:
    csrf = town.sign_in("station")

    own = town.client.delete("/api/duty?responder_id=re-chenli", headers={"x-csrf": csrf})
    foreign = town.client.delete("/api/duty?responder_id=re-liuyang", headers={"x-csrf": csrf})
    nobody = town.command(csrf, "/api/duty")

    assert own.status_code == 200
    assert _code(foreign) == (403, "out_of_scope")
    assert _code(nobody) == (404, "not_found")


def test_a_responder_keeps_no_colleagues_duty(town: Town) -> None:
    csrf = town.sign_in("chenli")

    answer = town.client.delete("/api/duty?responder_id=re-dengxm", headers={"x-csrf": csrf})

    assert _code(answer) == (403, "out_of_scope")


def test_an_operator_keeps_nobodys_duty(town: Town) -> None:
    answer = town.command(town.sign_in(), "/api/duty?responder_id=re-chenli")

    assert _code(answer) == (403, "not_permitted")
