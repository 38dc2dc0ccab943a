"""Signing in over HTTP: cookies, csrf, origins, and errors in one form."""

from cloud.identity.rates import ACCOUNT
from tests.cloud.web.conftest import Town


def test_a_wrong_password_is_refused_by_code(town: Town) -> None:
    answer = town.client.post("/api/session", json={"login": "operator", "password": "wrong"})

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "bad_credentials"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(town: Town) -> None:
    town.sign_in()
    body = {"login": "operator", "password": town.accounts["operator"].password}

    cookie = town.client.post("/api/session", json=body).headers["set-cookie"].lower()

    assert "httponly" in cookie
    assert "samesite=strict" in cookie


def test_nobody_is_somebody_without_a_cookie(town: Town) -> None:
    answer = town.client.get("/api/session")

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "not_signed_in"


def test_a_link_signs_in_once(town: Town) -> None:
    body = {"token": town.accounts["chenli"].link_token}

    first = town.client.post("/api/session/link", json=body)
    second = town.client.post("/api/session/link", json=body)

    assert first.json()["account"]["role"] == "responder"
    assert second.status_code == 401


def test_a_command_without_the_csrf_token_is_refused(town: Town) -> None:
    town.sign_in()

    assert town.client.post("/api/shift", json={"audio_ok": True}).status_code == 403


def test_a_command_from_a_foreign_page_is_refused(town: Town) -> None:
    csrf = town.sign_in()
    headers = {"x-csrf": csrf, "origin": "https://elsewhere.example"}

    answer = town.client.post("/api/shift", json={"audio_ok": True}, headers=headers)

    assert answer.status_code == 403


def test_an_operator_starts_and_ends_a_shift(town: Town) -> None:
    headers = {"x-csrf": town.sign_in(), "origin": "http://testserver"}

    started = town.client.post("/api/shift", json={"audio_ok": True}, headers=headers)
    ended = town.client.delete("/api/shift", headers=headers)

    assert started.json()["shift"]["audio_ok"] is True
    assert ended.json()["shift"]["id"] == started.json()["shift"]["id"]


def test_asking_twice_with_one_key_gives_the_first_answer(town: Town) -> None:
    headers = {"x-csrf": town.sign_in(), "idempotency-key": "key-00000001"}

    first = town.client.post("/api/shift", json={"audio_ok": True}, headers=headers)
    again = town.client.post("/api/shift", json={"audio_ok": True}, headers=headers)
    other = town.client.post("/api/shift", json={"audio_ok": False}, headers=headers)

    assert first.content == again.content
    assert other.status_code == 409
    assert other.json()["error"]["code"] == "idempotency_key_reused"


def test_a_responder_keeps_no_shift(town: Town) -> None:
    headers = {"x-csrf": town.sign_in("chenli")}

    assert (
        town.client.post("/api/shift", json={"audio_ok": True}, headers=headers).status_code == 403
    )


def test_a_body_that_makes_no_sense_says_where(town: Town) -> None:
    answer = town.client.post("/api/session", json={"login": 3})

    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "malformed"
    assert "password" in answer.json()["error"]["message"]


def test_only_who_may_sees_what_was_rejected(town: Town) -> None:
    assert town.client.get("/api/rejected").status_code == 401
    town.sign_in()
    assert town.client.get("/api/rejected").json() == {"rejected": []}


def test_health_answers_without_signing_in(town: Town) -> None:
    assert town.client.get("/health/live").json() == {"ok": True}
    assert town.client.get("/health/ready").status_code == 200


def test_an_unknown_address_has_the_one_form_of_an_error(town: Town) -> None:
    answer = town.client.get("/api/nothing")

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"
    assert "default-src 'self'" in answer.headers["content-security-policy"]


def test_commands_that_come_faster_than_hands_are_told_to_wait(town: Town) -> None:
    csrf = town.sign_in()
    answers = [town.command(csrf, "/api/shift", {"audio_ok": True}) for _ in range(ACCOUNT.burst)]

    refused = town.command(csrf, "/api/shift", {"audio_ok": True})

    assert {each.status_code for each in answers} == {200}
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "too_fast"
    assert int(refused.headers["retry-after"]) >= 1
    assert town.client.get("/api/alarms").status_code == 200  # looking goes on
    town.clock.pass_s(1)
    assert town.command(csrf, "/api/shift", {"audio_ok": True}).status_code == 200
