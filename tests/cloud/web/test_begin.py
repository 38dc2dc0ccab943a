"""A district begins without the demo: from one link on the command line to a home that can call."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest
from httpx2 import Response
from sqlalchemy import delete

from cloud.alarms.store import find
from cloud.identity.policy import Role
from cloud.identity.service import AccountEntry, add_account
from cloud.identity.sessions import make_link
from cloud.identity.tokens import SystemSecrets
from cloud.registry.store import door_code_of
from cloud.storage.schema import metadata
from cloud.storage.unit import Work
from cloud.travel.datum import Datum, from_wgs84
from cloud.travel.estimate import Place
from tests.cloud.web.conftest import Town, open_town

WORDS = {"zh": "-", "en": "-"}
KEPT = {"feed_counter", "alembic_version"}


def empty(work: Work) -> str:
    """No area, nobody; then the first administrator, as `anju accounts create` makes it."""
    for table in reversed(metadata.sorted_tables):
        if table.name not in KEPT:
            work.execute(delete(table))
    entry = AccountEntry("wumin", Role.ADMINISTRATOR, "吴敏", "Wu Min")
    return make_link(work, add_account(work, entry, None).id, SystemSecrets())


class Office:
    """The first administrator at work."""

    def __init__(self, town: Town) -> None:
        self.town = town
        link = town.store.write(empty)
        town.registry.forget()
        self.session = town.client.post("/api/session/link", json={"token": link}).json()
        self._headers = {"x-csrf": self.session["csrf"], "origin": "http://testserver"}

    def ask(self, method: str, path: str, body: Any = None) -> Response:
        return self.town.client.request(method, path, json=body, headers=self._headers)

    def do(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.ask(method, path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def enrol(self) -> None:
        secret = self.do("POST", "/api/session/second-factor", {})["secret"]
        code = pyotp.TOTP(secret).at(self.town.clock.now_ms() // 1000)
        codes = self.do("POST", "/api/session/second-factor/confirm", {"code": code})
        assert len(codes["recovery_codes"]) == 10

    def area(self, area_id: str, parent: str | None, kind: str) -> Response:
        entry = {"id": area_id, "kind": kind, "name": WORDS, "parent": parent}
        return self.ask("PUT", "/api/areas", entry)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_town(tmp_path) as town:
        yield Office(town)


def begin(office: Office) -> None:
    """As far as a home with a button."""
    office.enrol()
    assert office.area("440399", None, "district").status_code == 200
    assert office.area("440399001", "440399", "community").status_code == 200
    office.do("PUT", "/api/gateways", {"id": "gw-first01", "area": "440399001", "name": WORDS})
    place = {"area": "440399001", "lat": 22.66, "lon": 114.33}
    person = {"id": "re-1", "name": "-", "name_en": "-", "phone": "0", "duty": "all_day"}
    station = {"id": "st-1", "name": WORDS, "phone": "0", "responders": [person], **place}
    office.do("PUT", "/api/stations", station)
    resident = {"id": "rs-1", "name": "-", "name_en": "-", "age": 80, "sex": "f"}
    home = {"id": "ho-1", "address": WORDS, "door_code": "2580-canary", **place}
    home["residents"] = [{**resident, "lives_alone": True}]
    office.do("PUT", "/api/gateways/gw-first01/homes", home)
    device = {"uid": "z2m:0x1", "home": "ho-1", "topic": "zigbee2mqtt/bath", "key": "sos-bath"}
    kind = {"kind": "sos-bath", "vendor": "v", "model": "m", "name": WORDS, "room": WORDS}
    office.do("PUT", "/api/gateways/gw-first01/devices", {**device, **kind, "is_sos": True})


def test_an_administrator_sets_up_the_second_factor_before_anything_else(office: Office) -> None:
    assert office.session["needs_second_factor"] is True

    refused = office.area("440399", None, "district")

    assert refused.json()["error"]["code"] == "second_factor_needed"
    office.enrol()
    assert office.town.get("/api/session")["needs_second_factor"] is False


def test_a_district_is_entered_and_a_home_calls_and_is_answered(office: Office) -> None:
    begin(office)
    entry = {"login": "lin", "role": "operator", "name": "-", "name_en": "-", "area": "440399"}
    link = office.do("POST", "/api/accounts", entry)["link_token"]
    alarm_id = office.town.press("ho-1")

    office.town.client.cookies.clear()
    lin = office.town.client.post("/api/session/link", json={"token": link}).json()

    csrf = lin["csrf"]
    office.town.act(csrf, f"/api/alarms/{alarm_id}/claim")
    sent = office.town.act(csrf, f"/api/alarms/{alarm_id}/dispatch", {})["offer"]
    assert sent["station"]["id"] == "st-1"
    assert office.town.store.read(lambda work: find(work, alarm_id)) is not None


def test_there_is_one_root_and_its_maker_is_bound_to_it(office: Office) -> None:
    office.enrol()
    office.area("440399", None, "district")

    again = office.area("440398", None, "district")

    assert again.json()["error"]["code"] == "out_of_scope"
    assert office.town.get("/api/session")["account"]["area_id"] == "440399"


def test_an_area_is_not_put_below_itself(office: Office) -> None:
    begin(office)

    answer = office.area("440399", "440399001", "district")

    assert answer.status_code == 422


def test_whoever_does_not_say_the_door_code_does_not_wipe_it_out(office: Office) -> None:
    begin(office)
    place = {"area": "440399001", "lat": 22.66, "lon": 114.33}
    home = {"id": "ho-1", "address": {"zh": "新", "en": "new"}, **place}

    office.do("PUT", "/api/gateways/gw-first01/homes", home)

    assert office.town.store.read(lambda work: door_code_of(work, "ho-1")) == "2580-canary"
    shown = office.town.get("/api/homes/ho-1")
    assert shown["home"]["address"]["en"] == "new"
    assert "2580-canary" not in str(shown)


def test_nobody_shuts_themselves_out(office: Office) -> None:
    office.enrol()
    office.area("440399", None, "district")
    own = office.session["account"]["id"]

    for step in ("disable", "reset"):
        answer = office.ask("POST", f"/api/accounts/{own}/{step}", {})
        assert answer.json()["error"]["code"] == "own_account"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/gateways", b'{"id": "gw-x"}'),
        ("/api/gateways", b"[]"),
        ("/api/gateways", b"{"),
        ("/api/gateways", b'{"id":"gw-first01","area":"440399","name":{"zh":"\\u0000","en":""}}'),
        ("/api/gateways", b'{"id":"no gateway","area":"440399","name":{"zh":"","en":""}}'),
        ("/api/gateways/gw-first01/devices", b'{"uid": "no uid"}'),
    ],
)
def test_what_makes_no_sense_is_refused_and_said(office: Office, path: str, body: bytes) -> None:
    begin(office)

    answer = office.town.client.put(path, content=body, headers=office._headers)

    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "malformed"


def test_a_password_is_changed_by_who_knows_the_old_one(office: Office) -> None:
    path, new = "/api/session/password", "correct horse battery"
    assert office.ask("PUT", path, {"new": new}).status_code == 204

    wrong = office.ask("PUT", path, {"new": "another long one", "old": "wrong"})
    right = office.ask("PUT", path, {"new": "another long one", "old": new})

    assert wrong.json()["error"]["code"] == "bad_credentials"
    assert right.status_code == 204
    signed_in = {"login": "wumin", "password": "another long one"}
    assert office.town.client.post("/api/session", json=signed_in).status_code == 200


def test_a_position_that_was_taken_from_a_public_map_is_kept_as_wgs84(office: Office) -> None:
    begin(office)
    there = from_wgs84(Place(22.6624, 114.3371), Datum.GCJ02)
    home = {"id": "ho-1", "area": "440399001", "address": WORDS, "lat": there.lat, "lon": there.lon}

    office.do("PUT", "/api/gateways/gw-first01/homes", {**home, "datum": "gcj02"})

    shown = office.town.get("/api/homes/ho-1")["home"]
    assert (shown["lat"], shown["lon"]) == (22.6624, 114.3371)
