"""Route × role × area, made from the OpenAPI document, and feed topic × role × area. Each cell is a
case; each route has cells that must work, so that denying everything fails too."""

import copy
from collections.abc import Iterator
from typing import get_args, get_type_hints

import pytest
from httpx2 import Response

from cloud.durable.feed import Op
from cloud.identity.policy import Role
from cloud.identity.scope import COLLECTIONS
from cloud.web.desk import COOKIE
from scripts import generate_openapi
from tests.cloud.web.conftest import open_town
from tests.cloud.web.matrix import PUBLIC, ROWS, TOPICS, Ask, operations, without_row
from tests.cloud.web.sides import OTHER, OWN, SIDES, Caller, World

COMMANDS = [key for key in ROWS if not key.startswith("GET")]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with open_town(tmp_path_factory.mktemp("matrix")) as town:
        yield World(town)


@pytest.fixture
def world(whole: World) -> Iterator[World]:
    yield whole
    whole.clean()


def send(world: World, key: str, who: Caller | None, ask: Ask, **headers: str) -> Response:
    method, _, path = key.partition(" ")
    return world.ask(who, method, path.format(**ask.path) + ask.query, ask.body, **headers)


def code_of(answer: Response) -> str:
    return str(answer.json()["error"]["code"])


# ---------------------------------------------------------------- the matrix is whole


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    document = generate_openapi.document()

    assert without_row(document) == set()
    assert (ROWS.keys() | PUBLIC) - operations(document) == set()


def test_a_new_route_without_a_row_is_found() -> None:
    document = copy.deepcopy(generate_openapi.document())
    document["paths"]["/api/secrets"] = {"get": {}}
    document["paths"]["/api/homes"]["patch"] = {}

    assert without_row(document) == {"GET /api/secrets", "PATCH /api/homes"}


def test_every_topic_of_the_feed_has_a_row() -> None:
    told = set(get_args(get_type_hints(Op)["coll"]))

    assert TOPICS.keys() == COLLECTIONS.keys() == told


def test_every_row_has_a_cell_that_must_work() -> None:
    assert [key for key, row in ROWS.items() if not row.roles] == []


# ---------------------------------------------------------------- route × role × area


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("key", ROWS)
def test_a_role_reaches_what_is_its_own_and_nothing_else(
    world: World, key: str, role: Role, side: str
) -> None:
    row, who = ROWS[key], world.caller(role)
    marks = {each: row.mark(world, place) for each, place in SIDES.items()}

    answer = send(world, key, who, row.ask(world, SIDES[side], who))

    if role not in row.roles:
        assert answer.status_code == 403, answer.text
        assert code_of(answer) == "not_permitted"
    elif row.kind == "list":
        assert answer.status_code == 200, answer.text
        assert (f'"{marks[side]}"' in answer.text) is (side == OWN.key)
    elif row.kind == "own" or side == OWN.key:
        assert answer.status_code in (200, 204), answer.text
    else:
        assert code_of(answer) in ("not_found", "out_of_scope")
        assert answer.status_code in (403, 404)


# ---------------------------------------------------------------- at the door


@pytest.mark.parametrize("key", ROWS)
def test_nobody_gets_in_without_a_session(world: World, key: str) -> None:
    row = ROWS[key]
    who = world.caller(min(row.roles))

    answer = send(world, key, None, row.ask(world, OWN, who))

    assert answer.status_code == 401
    assert code_of(answer) == "not_signed_in"


@pytest.mark.parametrize("given", ["", "0" * 64])
@pytest.mark.parametrize("key", COMMANDS)
def test_a_command_without_the_sessions_csrf_is_refused(world: World, key: str, given: str) -> None:
    row = ROWS[key]
    who = world.caller(min(row.roles))

    answer = send(world, key, who, row.ask(world, OWN, who), **{"x-csrf": given})

    assert answer.status_code == 403
    assert code_of(answer) == "bad_csrf"


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", "http://testserver:81"])
@pytest.mark.parametrize("key", COMMANDS)
def test_a_command_from_a_foreign_page_is_refused(world: World, key: str, origin: str) -> None:
    row = ROWS[key]
    who = world.caller(min(row.roles))

    answer = send(world, key, who, row.ask(world, OWN, who), origin=origin)

    assert answer.status_code == 403
    assert code_of(answer) == "bad_csrf"


# ---------------------------------------------------------------- feed topic × role × area


def snapshot(world: World, who: Caller, topic: str, origin: str = "http://testserver") -> list[str]:
    """Ids of what a page of the caller sees of a topic."""
    client = world.town.client
    headers = {"cookie": f"{COOKIE}={who.cookie}", "origin": origin}
    with client.websocket_connect("/feed", headers=headers) as socket:
        socket.send_json({"t": "hello"})
        socket.send_json({"t": "sub", "topics": [topic]})
        for told in iter(socket.receive_json, None):
            if told["t"] == "snapshot":
                return [row["id"] for row in told["rows"]]
    return []


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("topic", TOPICS)
def test_the_feed_tells_a_role_what_is_its_own_and_nothing_else(
    world: World, topic: str, role: Role, side: str
) -> None:
    made = {
        "alarms": world.alarm(SIDES[side]),
        "offers": world.offer(SIDES[side]),
        "units": SIDES[side].responder,
    }

    seen = snapshot(world, world.caller(role), topic)

    assert (made[topic] in seen) is (role in TOPICS[topic] and side == OWN.key)
    assert role in TOPICS[topic] or seen == []


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null"])
def test_the_feed_is_closed_to_a_foreign_page(world: World, origin: str) -> None:
    headers = {"cookie": f"{COOKIE}={world.caller(Role.OPERATOR).cookie}", "origin": origin}

    with world.town.client.websocket_connect("/feed", headers=headers) as socket:
        closed = socket.receive()

    assert (closed["type"], closed["code"]) == ("websocket.close", 4403)


# ---------------------------------------------------------------- moving things across


@pytest.mark.parametrize(
    ("path", "taken"),
    [
        ("/api/stations", {"id": OTHER.station, "area": OWN.area}),
        ("/api/gateways", {"id": OTHER.gateway, "area": OWN.area}),
        (f"/api/gateways/{OWN.gateway}/homes", {"id": OTHER.home, "area": OWN.community}),
        (f"/api/stations/{OWN.station}/responders", {"id": OTHER.responder}),
        ("/api/areas", {"id": OTHER.community, "parent": OWN.area, "kind": "community"}),
        ("/api/areas", {"id": OWN.area, "parent": None, "kind": "district"}),
    ],
)
def test_a_thing_of_another_area_is_not_drawn_into_ones_own(
    world: World, path: str, taken: dict[str, str | None]
) -> None:
    words = {"zh": "-", "en": "-"}
    rest = {"name": words, "address": words, "phone": "0", "lat": 22.6, "lon": 114.3}
    if path.endswith("responders"):
        rest |= {"name": "-", "name_en": "-"}

    answer = world.ask(world.caller(Role.ADMINISTRATOR), "PUT", path, {**rest, **taken})

    assert code_of(answer) == "out_of_scope"


def test_a_resident_of_another_area_is_not_drawn_into_a_home_of_ones_own(world: World) -> None:
    words = {"zh": "-", "en": "-"}
    who = {"id": OTHER.resident, "name": "-", "name_en": "-", "age": 80, "sex": "f"}
    home = {"id": OWN.home, "area": OWN.community, "address": words, "lat": 22.6, "lon": 114.3}
    body = {**home, "residents": [{**who, "lives_alone": True}]}

    answer = world.ask(
        world.caller(Role.ADMINISTRATOR), "PUT", f"/api/gateways/{OWN.gateway}/homes", body
    )

    assert code_of(answer) == "out_of_scope"


def test_nobody_makes_an_account_that_sees_more_than_its_maker(world: World) -> None:
    who = world.caller(Role.ADMINISTRATOR)
    entry = {"login": "wide", "role": "administrator", "name": "-", "name_en": "-"}

    above = world.ask(who, "POST", "/api/accounts", {**entry, "area": "440310"})
    nowhere = world.ask(who, "POST", "/api/accounts", entry)

    assert code_of(above) == "out_of_scope"
    assert code_of(nowhere) == "malformed"
