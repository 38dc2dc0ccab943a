"""The OpenAPI document is up to date, and what is really answered is what it says."""

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given, settings
from schemathesis import Case
from schemathesis.openapi import from_asgi
from sqlalchemy import update

from cloud.identity.model import session_table
from cloud.web import documents, openapi
from scripts import generate_openapi
from tests.cloud.web.conftest import Town

SEEN = ("alarms", "offers", "units")
OPERATIONS = [
    pytest.param(method, path, id=f"{method} {path}")
    for path, operations in generate_openapi.document()["paths"].items()
    for method in operations
    if path != "/api/session"  # signing out would end the test
]


def test_the_file_of_the_interface_is_what_the_routes_say() -> None:
    assert generate_openapi.TARGET.read_text("utf-8") == generate_openapi.text()


def test_no_two_shapes_share_a_name() -> None:
    _, answers = msgspec.json.schema_components(openapi.ANSWERS)
    _, told = msgspec.json.schema_components(openapi.FEED.values())
    both = answers.keys() & told.keys()

    assert [name for name in both if answers[name] != told[name]] == []


def test_what_other_rooms_encode_has_the_fields_that_are_described(town: Town) -> None:
    alarm_id = town.press()
    csrf = town.sign_in()
    town.act(csrf, f"/api/alarms/{alarm_id}/claim")
    offer = town.act(csrf, f"/api/alarms/{alarm_id}/dispatch", {})["offer"]
    csrf = town.sign_in("chenli")
    taken = town.act(csrf, f"/api/offers/{offer['id']}/accept")["offer"]
    units = town.get("/api/units")["units"]
    town.sign_in()
    shown = town.get(f"/api/alarms/{alarm_id}")
    candidates = town.get(f"/api/alarms/{alarm_id}/candidates")["candidates"]

    msgspec.convert([offer, taken, *shown["offers"]], list[documents.Offer])
    msgspec.convert(shown["alarm"], documents.Alarm)
    msgspec.convert(shown["contacts"], list[documents.Contact])
    msgspec.convert(candidates, list[documents.Candidate])
    msgspec.convert(units, list[documents.Unit])
    msgspec.convert(town.get("/api/stations")["stations"], list[documents.Station])


def test_a_snapshot_has_the_things_that_are_described(town: Town) -> None:
    alarm_id = town.press()
    csrf = town.sign_in()
    town.act(csrf, f"/api/alarms/{alarm_id}/claim")
    town.act(csrf, f"/api/alarms/{alarm_id}/dispatch", {})
    with town.client.websocket_connect("/feed") as socket:
        socket.send_json({"t": "hello"})
        socket.receive_json()
        socket.send_json({"t": "sub", "topics": list(SEEN)})
        rows = next(told for told in iter(socket.receive_json, None) if told["t"] == "snapshot")[
            "rows"
        ]

    shapes = {"alarms": documents.Alarm, "offers": documents.Offer, "units": documents.Unit}
    assert {row["coll"] for row in rows} == set(SEEN)
    for row in rows:
        msgspec.convert(row["v"], shapes[row["coll"]])
        assert (row["v"]["id"], row["v"]["rev"]) == (row["id"], row["rev"])


def test_the_feeds_messages_are_those_that_are_described(town: Town) -> None:
    schema = {
        "$ref": "#/components/schemas/ServerMessage",
        "components": {"schemas": openapi.schemas()},
    }
    town.sign_in()
    with town.client.websocket_connect("/feed") as socket:
        socket.send_json({"t": "hello"})
        messages = [socket.receive_json()]
        socket.send_json({"t": "sub", "topics": list(SEEN)})
        messages += [socket.receive_json() for _ in range(2)]

    for message in messages:
        jsonschema_rs.validate(schema, message)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_whatever_is_asked_the_answer_is_one_that_is_described(
    town: Town, method: str, path: str
) -> None:
    town.press()
    headers = {"x-csrf": town.sign_in()}
    headers["cookie"] = "; ".join(f"{name}={value}" for name, value in town.client.cookies.items())
    operation = from_asgi("/api/openapi.json", town.client.app)[path][method]

    @settings(max_examples=10, deadline=None, database=None, derandomize=True)
    @given(case=operation.as_strategy())
    def ask(case: Case) -> None:
        answer = case.call(headers=headers)
        assert answer.status_code < 500
        case.validate_response(answer, headers=headers)

    ask()


KEPT = (
    "accounts",
    "areas",
    "call-plans",
    "gateways",
    "homes",
    "removals",
    "residents",
    "second-factor",
    "stations",
)
OFFICE = [
    pytest.param(method, path, id=f"{method} {path}")
    for path, operations in generate_openapi.document()["paths"].items()
    for method in operations
    if any(word in path for word in KEPT) and method != "get"
]


@pytest.mark.parametrize(("method", "path"), OFFICE)
def test_whatever_an_administrator_enters_is_no_fault_of_ours(
    town: Town, method: str, path: str
) -> None:
    headers = {"x-csrf": town.sign_in("administrator")}
    headers["cookie"] = "; ".join(f"{name}={value}" for name, value in town.client.cookies.items())
    town.store.write(lambda work: work.execute(update(session_table).values(has_second=True)))
    operation = from_asgi("/api/openapi.json", town.client.app)[path][method]

    @settings(max_examples=40, deadline=None, database=None, derandomize=True)
    @given(case=operation.as_strategy())
    def ask(case: Case) -> None:
        town.clock.pass_s(1)
        answer = case.call(headers=headers)
        assert answer.status_code < 500, answer.text
        assert "not_signed_in" not in answer.text

    ask()
