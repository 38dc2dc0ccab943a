"""The pages' side under attack: strangers, foreign pages, races, and clients that do not read."""

import json
import socket
import threading
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from httpx2 import Client, HTTPError, Response
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from anju.broker import HOST
from cloud.alarms import store as alarms
from cloud.alarms.model import Press, Where
from cloud.alarms.service import Call, raise_call
from cloud.app import Cloud
from cloud.durable import feed
from cloud.identity.demo import make_demo_accounts
from cloud.identity.passwords import Passwords
from cloud.identity.tokens import SystemSecrets
from cloud.rules.model import AlarmKind, Severity
from cloud.settings import Role
from cloud.storage.unit import Work
from cloud.web.desk import COOKIE
from cloud.web.limits import BODY_BYTES_MAX
from cloud.words import Words
from tests.integration.alarm_path import CONFIG, GATEWAY
from tests.integration.test_serve import House, Nobody
from tests.waiting import eventually

JSON = {"content-type": "application/json"}


class Site:
    """A web process without ingest, and two operators' pages."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        made = cloud.store.write(
            lambda work: make_demo_accounts(work, SystemSecrets(), CONFIG, Passwords())
        )
        links = {each.login: each.link_token for each in made}
        self.lin, self.he = (self._page(links[login]) for login in ("operator", "operator2"))
        self.stranger = Client(base_url=cloud.url)
        self._presses = 0

    def _page(self, link: str | None) -> Client:
        page = Client(base_url=self.cloud.url)
        page.headers["x-csrf"] = page.post("/api/session/link", json={"token": link}).json()["csrf"]
        return page

    def press(self) -> str:
        """A new case, of nobody known; its id."""
        self._presses += 1
        key = f"p-{self._presses}"
        call = Call(
            kind=AlarmKind.SOS,
            severity=Severity.CRITICAL,
            fold_key=key,
            rule="sos",
            version="1",
            say=Words("按", "pressed"),
            press=Press(key, GATEWAY, self.cloud.clock.now_ms()),
            where=Where(),
        )
        return self.cloud.store.write(lambda work: raise_call(work, call)).id

    def listen(self, page: Client, **headers: str) -> ClientConnection:
        """A feed with this page's cookie."""
        own = {"cookie": f"{COOKIE}={page.cookies[COOKIE]}", **headers}
        address = f"ws://{HOST}:{self.cloud.port}/feed"
        return connect(address, additional_headers=own, legacy=True)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    house = House(tmp_path_factory.mktemp("site") / "cloud")
    site = Site(house.furnished(Nobody(), Role.WEB))
    yield site
    for page in (site.lin, site.he, site.stranger):
        page.close()
    house.close()


def code(answer: Response) -> str:
    return str(answer.json()["error"]["code"])


@pytest.mark.parametrize("what", ["claim", "release", "note", "close", "reveal", "dispatch"])
def test_who_is_not_signed_in_can_do_nothing(site: Site, what: str) -> None:
    alarm_id = site.press()

    answer = site.stranger.post(f"/api/alarms/{alarm_id}/{what}", json={"text": "x"})

    assert (answer.status_code, code(answer)) == (401, "not_signed_in")


def test_a_command_without_the_sessions_token_or_from_a_foreign_page_is_refused(site: Site) -> None:
    path = f"/api/alarms/{site.press()}/claim"

    missing = site.lin.post(path, headers={"x-csrf": ""})
    others = site.lin.post(path, headers={"x-csrf": site.he.headers["x-csrf"]})
    foreign = site.lin.post(path, headers={"origin": "https://elsewhere.example"})

    assert {each.status_code for each in (missing, others, foreign)} == {403}
    assert site.lin.post(path).status_code == 200


def test_an_alarm_that_somebody_has_is_refused_with_who_has_it(site: Site) -> None:
    path = f"/api/alarms/{site.press()}/claim"
    site.he.post(path)

    answer = site.lin.post(path)

    assert (answer.status_code, code(answer)) == (409, "claimed_by_other")
    assert answer.json()["error"]["data"]["alarm"]["claimed_by"] is not None


def test_of_a_hundred_claims_at_once_by_two_operators_one_operator_wins(site: Site) -> None:
    alarm_id = site.press()

    with ThreadPoolExecutor(20) as pool:
        asked = [
            pool.submit(page.post, f"/api/alarms/{alarm_id}/claim")
            for page in (site.lin, site.he) * 50
        ]
        statuses = [each.result().status_code for each in asked]

    by_lin, by_he = set(statuses[::2]), set(statuses[1::2])
    assert sorted((by_lin, by_he)) in ([{200}, {409}], [{409}, {200}])
    history = site.cloud.store.read(lambda work: alarms.history(work, alarm_id))
    assert [type(each.event).__name__ for each in history].count("AlarmClaimed") == 1


def chunks(size: int) -> Iterator[bytes]:
    yield b'{"text":"'
    for _ in range(size // 1000):
        yield b"x" * 1000
    yield b'"}'


@pytest.mark.parametrize("form", ["at once", "in pieces"])
@pytest.mark.parametrize("path", ["/api/session", "/api/shift", "/api/alarms/x/note"])
def test_a_body_that_is_too_large_is_not_read(site: Site, form: str, path: str) -> None:
    size = 200 * BODY_BYTES_MAX
    content: Any = b"x" * size if form == "at once" else chunks(size)

    try:
        answer = site.lin.post(path, content=content, headers=JSON)
    except HTTPError:
        return  # the server has answered and closed while we were still sending

    assert (answer.status_code, code(answer)) == (413, "too_large")


def test_a_note_of_the_longest_length_is_taken_however_it_is_written(site: Site) -> None:
    alarm_id = site.press()
    body = b'{"text":"%s"}' % (b"\\u4e00" * 4000)

    answer = site.lin.post(f"/api/alarms/{alarm_id}/note", content=body, headers=JSON)

    assert answer.status_code == 200


BODIES = {
    "a lone surrogate": b'{"login":"\\ud800","password":"x","token":"\\ud800","text":"\\ud800"}',
    "NUL": b'{"login":"\\u0000","password":"\\u0000","token":"\\u0000","text":"\\u0000"}',
    "no UTF-8": b'{"login":"\xff","text":"\xff"}',
    "deep": b"[" * 60_000,
    "a huge number": b'{"audio_ok":' + b"9" * 5000 + b"}",
    "infinity": b'{"audio_ok":NaN,"lat":Infinity,"lon":-Infinity}',
    "cut": b"{",
    "nothing": b"",
    "another thing": b"[1,2,3]",
}
PATHS = (
    "/api/session",
    "/api/session/link",
    "/api/shift",
    "/api/alarms/x/note",
    "/api/alarms/x/close",
    "/api/alarms/%00/claim",
    "/api/alarms/%ff%fe/dispatch",
    "/api/offers/x/arrive",
    "/api/offers/x/report",
)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_no_body_makes_the_server_fail(site: Site, body: bytes) -> None:
    answers = [site.lin.post(path, content=body, headers=JSON) for path in PATHS]

    assert [each.status_code for each in answers if each.status_code >= 500] == []


@pytest.mark.parametrize(
    "header",
    [
        ("x-csrf", b"\xe9\xff"),
        ("cookie", b"anju_session=\xff\xe9"),
        ("idempotency-key", b"\xe9" * 20),
        ("idempotency-key", b"k" * 10_000),
        ("origin", b"null"),
        ("origin", b"\xff"),
    ],
    ids=str,
)
def test_no_header_makes_the_server_fail(site: Site, header: tuple[str, bytes]) -> None:
    answer = site.lin.post(
        "/api/shift", json={"audio_ok": True}, headers=[(header[0].encode(), header[1])]
    )

    assert 400 <= answer.status_code < 500


def begin(line: ClientConnection) -> None:
    for message in ({"t": "hello"}, {"t": "sub", "topics": ["alarms"]}):
        line.send(json.dumps(message))


def test_a_foreign_page_and_a_stranger_get_no_feed(site: Site) -> None:
    with site.listen(site.lin, origin="https://elsewhere.example") as foreign:
        with pytest.raises(ConnectionClosed) as closed:
            foreign.recv(5)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4403
    with site.listen(site.lin, cookie=f"{COOKIE}=nobodys") as stranger:
        begin(stranger)
        with pytest.raises(ConnectionClosed) as closed:
            stranger.recv(5)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401


def deaf_client(site: Site) -> socket.socket:
    """Subscribes to the feed and never reads."""
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.connect((HOST, site.cloud.port))
    asked = (
        f"GET /feed HTTP/1.1\r\nHost: {HOST}:{site.cloud.port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {b64encode(bytes(16)).decode()}\r\n"
        f"Cookie: {COOKIE}={site.he.cookies[COOKIE]}\r\n\r\n"
    )
    deaf.sendall(asked.encode())
    assert deaf.recv(12) == b"HTTP/1.1 101"
    for message in ({"t": "hello"}, {"t": "sub", "topics": ["alarms"]}):
        text = json.dumps(message).encode()
        deaf.sendall(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)
    return deaf


def tell(work: Work, name: str, body: bytes) -> None:
    feed.put(work, "alarms", name, 1, body)


def test_a_feed_client_that_does_not_read_holds_nobody_up_and_is_gone_in_15_s(site: Site) -> None:
    hub = site.cloud.hub
    deaf = deaf_client(site)
    eventually(lambda: len(hub.listeners()) == 1, what="the deaf one")
    with site.listen(site.lin) as line:
        begin(line)
        eventually(lambda: len(hub.listeners()) == 2, what="the other one")
        seen = threading.Event()
        last = hub.seq + 300

        def read() -> None:
            while (message := json.loads(line.recv(10)))["t"] != "delta" or message["seq"] < last:
                pass
            seen.set()

        reading = threading.Thread(target=read)
        reading.start()
        pad = json.dumps({"pad": "p" * 20_000}).encode()
        for number in range(300):
            site.cloud.store.write(partial(tell, name=f"x-{number}", body=pad))

        assert seen.wait(5)
        reading.join()
        assert len(hub.listeners()) == 2
    eventually(lambda: hub.listeners() == [], 15, "the end of the deaf one")
    deaf.close()
