"""A web application over a real store with the demo's people and homes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from argon2 import PasswordHasher
from httpx2 import Response
from starlette.testclient import TestClient

from cloud.alarms.folding import fold_key
from cloud.alarms.model import DeviceCard, HomeCard, Press, ResidentCard, Where
from cloud.alarms.service import Call, raise_call
from cloud.dictionary import read_dictionary
from cloud.dispatch.service import DispatchDesk
from cloud.durable import feed as log
from cloud.durable.feed import put
from cloud.durable.timers import Timers
from cloud.fleet.authority import Authority, gateways_of
from cloud.fleet.enrolment import Enrolment
from cloud.fleet.settings import FleetSettings
from cloud.identity.demo import DemoAccount, make_demo_accounts
from cloud.identity.front_door import FrontDoor
from cloud.identity.passwords import Passwords
from cloud.identity.rates import Rates
from cloud.identity.tokens import SystemSecrets
from cloud.live.hub import Hub
from cloud.observe import Counters
from cloud.observe.readiness import readiness
from cloud.pumps import Signal
from cloud.registry.registry import Registry
from cloud.registry.seed import load_demo
from cloud.rules.model import AlarmKind, Severity
from cloud.storage.engine import open_engine
from cloud.storage.store import Store
from cloud.storage.unit import Work
from cloud.travel.estimate import CrowTravel
from cloud.web import health
from cloud.web.desk import Desk
from cloud.web.routes import all_routes
from cloud.web.server import build_app
from cloud.words import Words
from tests.cloud.stores import HandClock, counted_ids, fresh_url
from tests.series import MemorySeries

CONFIG = Path(__file__).parents[3] / "config"
PASSWORDS = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


class Town(NamedTuple):
    """What the web tests touch."""

    client: TestClient
    store: Store
    hub: Hub
    accounts: dict[str, DemoAccount]
    clock: HandClock
    registry: Registry
    series: MemorySeries
    dispatch: DispatchDesk
    gateways: Authority

    def sign_in(self, login: str = "operator") -> str:
        """By password; the csrf token."""
        body = {"login": login, "password": self.accounts[login].password}
        answer = self.client.post("/api/session", json=body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["csrf"])

    def get(self, path: str) -> Any:
        """What a request that works is answered."""
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def command(self, csrf: str, path: str, body: Any = None, **headers: str) -> Response:
        """POST as a page does."""
        own = {"x-csrf": csrf, "origin": "http://testserver", **headers}
        return self.client.post(path, json=body or {}, headers=own)

    def act(self, csrf: str, path: str, body: Any = None) -> Any:
        """A command that works."""
        answer = self.command(csrf, path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def press(self, home_id: str = "ho-anhe01", seq: int = 1, area: str | None = None) -> str:
        """A resident calls; the alarm's id. area: where the home is said to lie."""
        home, device = self.registry.home_card(home_id), self.registry.devices_of(home_id)[0]
        assert home is not None
        assert home.resident is not None
        who, now_ms = home.resident, self.clock.now_ms()
        call = Call(
            kind=AlarmKind.SOS,
            severity=Severity.CRITICAL,
            fold_key=fold_key(AlarmKind.SOS, home_id, home.gateway_id),
            rule="sos",
            version="1",
            say=Words("按下", "pressed"),
            press=Press(f"{home_id}-{seq}", home.gateway_id, now_ms, device=device.uid, age_ms=0),
            where=Where(
                HomeCard(home_id, home.address, home.area, home.lat, home.lon, home.kind.value),
                ResidentCard(who.id, who.name, who.name_en, who.age_at(now_ms), "female"),
                DeviceCard(device.uid, device.name, device.room),
                home.area_id if area is None else area,
            ),
        )
        return self.store.write(lambda work: raise_call(work, call)).id

    def tell(self, thing: str, area: str = "440310002902", station: str | None = None) -> None:
        """One change of the feed, committed."""
        body = b'{"id":"' + thing.encode() + b'"}'

        def change(work: Work) -> None:
            put(work, "alarms", thing, 1, body, area=area, station=station)

        self.store.write(change)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with open_town(tmp_path) as town:
        yield town


@contextmanager
def open_town(tmp_path: Path, pages: Path | None = None) -> Iterator[Town]:
    hub = Hub(0)
    url = fresh_url(tmp_path)
    clock = HandClock()
    store = Store(
        open_engine(url, writes=True),
        open_engine(url, writes=False),
        clock,
        ids=counted_ids(),
        finishers=[log.seal(hub.take)],
    )
    registry, series = Registry(store.read), MemorySeries()
    registry.listen(store.bus)
    words = read_dictionary(CONFIG / "words")
    dispatch = DispatchDesk(registry, CrowTravel(), Timers(Signal()), words)
    dispatch.listen(store.bus)
    store.write(log.ensure_counter)
    people = _people(store)
    desk = Desk(
        store=store,
        front_door=FrontDoor(store, PASSWORDS, SystemSecrets()),
        registry=registry,
        hub=hub,
        counters=Counters(),
        clock=clock,
        build="test",
        rates=Rates(clock),
        secrets=SystemSecrets(),
    )

    gateways = gateways_of(tmp_path / "ca", clock)
    enrolment = Enrolment(store, FleetSettings(tmp_path / "ca", "mqtt.test"), clock)
    ready = health.health_routes(lambda: readiness({"store": True}, Counters(), clock.now_ms()))
    routers = [*all_routes(dispatch, series, gateways, enrolment), ready]
    app = build_app(desk, routers, pages or tmp_path / "no-pages")
    with TestClient(app, base_url="http://testserver") as client:
        yield Town(client, store, hub, people, clock, registry, series, dispatch, gateways)
    store.stop()


def _people(store: Store) -> dict[str, DemoAccount]:
    store.write(lambda work: load_demo(work, CONFIG))
    made = store.write(lambda work: make_demo_accounts(work, SystemSecrets(), CONFIG, PASSWORDS))
    return {each.login: each for each in made}
