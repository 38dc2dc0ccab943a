"""A web application over a real store with the demo's people, and no alarms."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from argon2 import PasswordHasher
from starlette.testclient import TestClient

from cloud.durable import feed as log
from cloud.durable.feed import put
from cloud.identity.demo import DemoAccount, make_demo_accounts
from cloud.identity.front_door import FrontDoor
from cloud.identity.passwords import Passwords
from cloud.identity.tokens import SystemSecrets
from cloud.live.hub import Hub, Scope
from cloud.live.messages import FeedRow
from cloud.observe import Counters
from cloud.registry.registry import Registry
from cloud.registry.seed import load_demo
from cloud.storage.engine import open_engine
from cloud.storage.schema import metadata
from cloud.storage.store import Store
from cloud.storage.unit import Work
from cloud.web import feed, health, sessions
from cloud.web.desk import Desk
from cloud.web.server import build_app
from tests.cloud.stores import HandClock

CONFIG = Path(__file__).parents[3] / "config"


class Town(NamedTuple):
    """What the web tests touch."""

    client: TestClient
    store: Store
    hub: Hub
    accounts: dict[str, DemoAccount]
    shown: list[FeedRow]

    def sign_in(self, login: str = "operator") -> str:
        """By password; the csrf token."""
        body = {"login": login, "password": self.accounts[login].password}
        answer = self.client.post("/api/session", json=body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["csrf"])

    def tell(self, thing: str, area: str = "440310002902", station: str | None = None) -> None:
        """One change of the feed, committed."""
        body = b'{"id":"' + thing.encode() + b'"}'

        def change(work: Work) -> None:
            put(work, "alarms", thing, 1, body, area=area, station=station)

        self.store.write(change)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    hub = Hub(0)
    shown: list[FeedRow] = []
    url = f"sqlite:///{tmp_path / 'anju.db'}"
    writing = open_engine(url, writes=True)
    metadata.create_all(writing)
    clock = HandClock()
    store = Store(
        writing,
        open_engine(url, writes=False),
        clock,
        finishers=[log.seal(hub.take)],
    )
    store.write(log.ensure_counter)
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    store.write(lambda work: load_demo(work, CONFIG))
    made = store.write(lambda work: make_demo_accounts(work, SystemSecrets(), CONFIG, passwords))
    desk = Desk(
        store=store,
        front_door=FrontDoor(store, passwords, SystemSecrets()),
        registry=Registry(store.read),
        hub=hub,
        counters=Counters(),
        clock=clock,
        build="test",
        is_ready=lambda: {"store": True},
    )

    def rows(_work: Work, scope: Scope) -> list[FeedRow]:
        return [row for row in shown if row.coll in scope.collections]

    app = build_app(
        desk,
        [
            sessions.session_routes(),
            sessions.shift_routes(lambda _work, _account: []),
            feed.routes(rows),
            health.routes(),
        ],
        tmp_path / "no-pages",
    )
    with TestClient(app, base_url="http://testserver") as client:
        yield Town(client, store, hub, {each.login: each for each in made}, shown)
    store.stop()
