"""The feed over a real socket: snapshot, gapless numbers, resume, scopes."""

from typing import Any

import pytest
from starlette.testclient import WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from tests.cloud.web.conftest import Town


def _begin(socket: WebSocketTestSession, **wish: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    socket.send_json({"t": "hello"})
    welcome = socket.receive_json()
    socket.send_json({"t": "sub", "topics": ["alarms", "offers", "units"], **wish})
    return welcome, _next(socket)


def _next(socket: WebSocketTestSession) -> dict[str, Any]:
    """The next message that is no bare heartbeat."""
    while True:
        message: dict[str, Any] = socket.receive_json()
        if message["t"] != "beat" or "skip_to" in message:
            return message


def test_a_console_gets_everything_and_then_each_change(town: Town) -> None:
    pressed = town.press()
    town.sign_in()
    with town.client.websocket_connect("/feed") as socket:
        welcome, snapshot = _begin(socket)
        town.tell("al-1")
        delta = _next(socket)

    assert welcome["account"]["login"] == "operator"
    assert [row["id"] for row in snapshot["rows"] if row["coll"] == "alarms"] == [pressed]
    assert (delta["t"], delta["seq"]) == ("delta", snapshot["seq"] + 1)
    assert delta["ops"][0]["v"] == {"id": "al-1"}


def test_a_client_that_was_away_gets_what_it_missed(town: Town) -> None:
    town.sign_in()
    with town.client.websocket_connect("/feed") as socket:
        welcome, snapshot = _begin(socket)
    for thing in ("al-1", "al-2"):
        town.tell(thing)

    with town.client.websocket_connect("/feed") as socket:
        _, resume = _begin(socket, epoch=welcome["epoch"], since=snapshot["seq"])
        deltas = [_next(socket), _next(socket)]

    assert resume == {"t": "resume", "from": 1, "to": 2}
    assert [delta["seq"] for delta in deltas] == [1, 2]


def test_a_client_of_another_epoch_gets_a_snapshot(town: Town) -> None:
    town.sign_in()
    with town.client.websocket_connect("/feed") as socket:
        _, first = _begin(socket, epoch="ep-old", since=0)

    assert first["t"] == "snapshot"


def test_what_a_responder_may_not_see_reaches_it_as_a_number_only(town: Town) -> None:
    town.sign_in("chenli")
    with town.client.websocket_connect("/feed") as socket:
        _begin(socket)
        town.tell("al-1")
        message = _next(socket)

    assert message["t"] == "beat"
    assert message["skip_to"] == 1


def test_a_stranger_is_shown_the_door(town: Town) -> None:
    with town.client.websocket_connect("/feed") as socket:
        socket.send_json({"t": "hello"})
        with pytest.raises(WebSocketDisconnect) as gone:
            socket.receive_json()

    assert gone.value.code == 4401


def test_a_foreign_page_gets_no_feed(town: Town) -> None:
    town.sign_in()
    headers = {"origin": "https://elsewhere.example"}
    with town.client.websocket_connect("/feed", headers=headers) as socket:
        with pytest.raises(WebSocketDisconnect) as gone:
            socket.receive_json()

    assert gone.value.code == 4403


def test_nonsense_is_answered_and_does_no_harm(town: Town) -> None:
    town.sign_in()
    with town.client.websocket_connect("/feed") as socket:
        _begin(socket)
        socket.send_text("{")
        trouble = _next(socket)
        town.tell("al-1")
        delta = _next(socket)

    assert trouble == {"t": "error", "code": "malformed"}
    assert delta["seq"] == 1
