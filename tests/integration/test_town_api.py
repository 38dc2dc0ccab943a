"""The virtual home's routes, over HTTP and WebSocket, with a real broker behind."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from device_simulators.api import build_router
from device_simulators.plan import read_plan, read_words
from device_simulators.town import Town

DEMO = Path(__file__).parents[2] / "config" / "demo"


@pytest.fixture
def unconnected() -> Town:
    return Town(read_plan(DEMO / "homes.yaml", 10), read_words(DEMO / "words.yaml"))


@pytest.fixture
def town(unconnected: Town, mosquitto) -> Iterator[Town]:
    unconnected.start("127.0.0.1", mosquitto.port, has_life=False)
    yield unconnected
    unconnected.stop()


def client(town: Town) -> TestClient:
    app = FastAPI()
    app.include_router(build_router(town), prefix="/sim")
    return TestClient(app)


def test_all_ten_homes_are_listed(unconnected):
    homes = client(unconnected).get("/sim/api/homes").json()["homes"]

    assert len(homes) == 10
    assert homes[0] == {
        "id": "ho-anhe01",
        "name": "王秀英",
        "name_en": "Wang Xiuying",
        "address": {
            "zh": "安和苑 3 栋 2 单元 502",
            "en": "502, Unit 2, Block 3, Anheyuan",
        },
        "resident": {"name": "王秀英", "name_en": "Wang Xiuying", "age": 82},
    }


def test_a_press_over_http_goes_out_through_the_bridge(town, mosquitto, hands):
    edge = hands(mosquitto, "edge").connect().subscribe("zigbee2mqtt/3-2-502/bathroom_sos")

    answer = client(town).post("/sim/api/homes/ho-anhe01/press", json={"device": "bath"})

    assert answer.status_code == 202
    assert answer.json()["at_ms"] > 0
    assert json.loads(edge.take().payload)["action"] == "emergency"


def test_i_am_fine_and_reset_answer(town):
    sim = client(town)

    assert sim.post("/sim/api/homes/ho-anhe01/fine").status_code == 202
    assert sim.post("/sim/api/homes/ho-anhe01/reset").json()["log"] == []


def test_what_is_to_befall_a_home_is_one_of_the_known_things(unconnected):
    sim = client(unconnected)

    assert sim.post("/sim/api/homes/ho-anhe01/befall", json={"what": "fall"}).status_code == 202
    assert sim.post("/sim/api/homes/ho-anhe01/befall", json={"what": "flood"}).status_code == 422


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("ho-nowhere/press", {"device": "bath"}, 404, "not_found"),
        ("ho-anhe01/press", {"device": "bell"}, 404, "not_found"),
        ("ho-anhe01/press", {"device": "climate"}, 409, "cannot_press"),
        ("ho-anhe01/press", {"device": "bath"}, 503, "broker_away"),
        ("ho-anhe01/fine", None, 503, "broker_away"),
        ("ho-nowhere/reset", None, 404, "not_found"),
        ("ho-nowhere/befall", {"what": "fall"}, 404, "not_found"),
    ],
)
def test_what_cannot_be_done_is_answered_with_its_code(unconnected, path, body, status, code):
    answer = client(unconnected).post(f"/sim/api/homes/{path}", json=body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_the_feed_shows_the_home_at_once_and_at_every_change(town):
    with client(town).websocket_connect("/sim/feed?home=ho-anhe01") as feed:
        first = feed.receive_json()
        town.press("ho-anhe01", "bath")
        second = feed.receive_json()

    assert (first["t"], first["home"]["id"], first["log"]) == ("home", "ho-anhe01", [])
    assert any(device["is_pressed"] for device in second["devices"])


def test_the_feed_of_a_home_that_is_not_there_is_closed(unconnected):
    with client(unconnected).websocket_connect("/sim/feed?home=ho-nowhere") as feed:
        with pytest.raises(WebSocketDisconnect) as closed:
            feed.receive_json()

    assert closed.value.code == 4404


def test_a_page_that_goes_is_watched_no_more(town):
    with client(town).websocket_connect("/sim/feed?home=ho-anhe01") as feed:
        feed.receive_json()

    town.press("ho-anhe01", "bath")

    assert town._watchers["ho-anhe01"] == []
