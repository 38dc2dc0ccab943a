"""Enrolment over HTTP: no session is needed, and every refusal has its status."""

import pytest

from cloud.fleet.authority import gateways_of, services_of
from cloud.fleet.codes import make_code
from cloud.identity.tokens import SystemSecrets
from tests.cloud.fleet.requests import GATEWAY, request


@pytest.fixture
def ca_dir(tmp_path, town):
    for find in (gateways_of, services_of):
        find(tmp_path / "ca", town.clock).create("Test")


def code_for(town, gateway: str = GATEWAY) -> str:
    return town.store.write(lambda work: make_code(work, gateway, SystemSecrets()))


def test_a_gateway_without_a_session_gets_its_certificate(town, ca_dir):
    answer = town.client.post("/api/enrol", json={"code": code_for(town), "csr": request()})

    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["gateway"], told["broker"]["host"]) == (GATEWAY, "mqtt.test")
    assert told["certificate"].startswith("-----BEGIN CERTIFICATE-----")


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("enrol", {"code": "wrong", "csr": request()}, 403, "bad_code"),
        ("enrol", {"code": "wrong", "csr": "nonsense"}, 422, "bad_certificate_request"),
        ("enrol", {"code": "wrong"}, 422, "malformed"),
        ("renew", {"certificate": "x", "csr": request(), "proof": "x"}, 403, "not_renewed"),
    ],
)
def test_a_refusal_says_why(town, ca_dir, path, body, status, code):
    answer = town.client.post(f"/api/{path}", json=body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_who_guesses_is_told_to_wait(town, ca_dir):
    answers = [
        town.client.post("/api/enrol", json={"code": "guess", "csr": request()}) for _ in range(11)
    ]

    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1


def test_an_installation_without_a_ca_says_so(town):
    answer = town.client.post("/api/enrol", json={"code": "any", "csr": request()})

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "no_authority")
