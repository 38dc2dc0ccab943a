"""`anju registry import`: a district's own map data, in whatever datum it comes."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from anju.cli import main
from anju.db import with_store
from cloud.registry import store
from cloud.registry.entries import GatewayEntry, HomeEntry, ResidentEntry
from cloud.registry.model import home_table
from cloud.registry.service import Edit
from cloud.storage.unit import Work
from cloud.travel.datum import Datum, from_wgs84
from cloud.travel.estimate import Place
from cloud.words import Words

Thing = dict[str, Any]
HOME, STATION = Place(22.6624, 114.3371), Place(22.6563, 114.3296)
SQUARE = [Place(*at) for at in ((22.6, 114.3), (22.6, 114.4), (22.7, 114.4), (22.6, 114.3))]


def district(datum: Datum = Datum.WGS84, home: Place = HOME, **of_home: str) -> Thing:
    """A district with one community, its station and one home."""

    def at(place: Place) -> list[float]:
        there = from_wgs84(place, datum)
        return [there.lon, there.lat]

    def feature(shape: str, coordinates: Any, **told: str) -> Thing:
        geometry = {"type": shape, "coordinates": coordinates}
        return {"type": "Feature", "geometry": geometry, "properties": told}

    ring = [at(place) for place in SQUARE]
    told = {"id": "ho-1", "gateway": "gw-one1", "area": "c", "address_zh": "1栋", **of_home}
    area = {"what": "area", "name_zh": "区"}
    station = {"what": "station", "id": "st", "area": "c", "name_zh": "站", "phone": "1"}
    features = [
        feature("Point", at(home), what="home", **told),
        feature("Polygon", [ring], **area, id="c", kind="community", parent="d"),
        feature("MultiPolygon", [[ring]], **area, id="d", kind="district"),
        feature("Point", at(STATION), **station),
    ]
    return {"type": "FeatureCollection", "features": features}


class Desk:
    """Calls `anju` on one folder whose store has a district and a gateway."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.data, self._capsys = folder / "var", capsys
        self._file = folder / "district.geojson"
        self.data.mkdir()
        self._url = f"sqlite:///{self.data / 'cloud.db'}"

    def anju(self, *words: str, code: int = 0) -> Thing:
        got = main(["--quiet", *words, "--data", str(self.data), "--json"])
        captured = self._capsys.readouterr()
        assert got == code, captured
        document: Thing = json.loads(captured.out)
        return document

    def enter(self, found: Thing, *words: str, datum: str = "wgs84", code: int = 0) -> Thing:
        self._file.write_text(json.dumps(found), "utf-8")
        return self.anju("registry", "import", str(self._file), "--datum", datum, *words, code=code)

    def do(self, fn: Any) -> Any:
        return with_store(make_url(self._url), lambda kept: kept.write(fn))


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    desk = Desk(tmp_path, capsys)
    desk.anju("db", "upgrade")
    only_areas = district()
    del only_areas["features"][3], only_areas["features"][0]
    desk.enter(only_areas)
    desk.do(_add_gateway)
    return desk


def _add_gateway(work: Work) -> None:
    with Edit(work) as edit:
        edit.gateway(GatewayEntry("gw-one1", "c", Words("网关", "gateway")))


def placed(work: Work) -> dict[str, Place]:
    homes = {row.id: Place(row.lat, row.lon) for row in work.execute(home_table.select())}
    return homes | {key: Place(s.lat, s.lon) for key, s in store.stations(work).items()}


@pytest.mark.parametrize("datum", Datum)
def test_a_file_in_any_datum_puts_homes_and_stations_where_they_are(
    desk: Desk, datum: Datum
) -> None:
    said = desk.enter(district(datum), datum=datum)

    assert said["home"] == {"new": 1, "changed": 0, "same": 0}
    assert said["station"] == {"new": 1, "changed": 0, "same": 0}
    assert desk.do(placed) == {"ho-1": HOME, "st": STATION}
    [[ring]] = desk.do(store.outlines)["d"]
    assert ring == [[place.lon, place.lat] for place in SQUARE]


def test_what_is_imported_again_is_the_same_and_what_is_moved_is_changed(desk: Desk) -> None:
    desk.enter(district())
    before = desk.do(store.revision)

    again = desk.enter(district())
    unchanged = desk.do(store.revision)
    moved = desk.enter(district(home=STATION))

    assert [again[each] for each in ("area", "station", "home")] == [
        {"new": 0, "changed": 0, "same": n} for n in (2, 1, 1)
    ]
    assert unchanged == before
    assert moved["home"] == {"new": 0, "changed": 1, "same": 0}
    assert desk.do(placed)["ho-1"] == STATION


def test_a_dry_run_says_what_would_change_and_changes_nothing(desk: Desk) -> None:
    audited = desk.anju("db", "check")["audit_head"]

    said = desk.enter(district(), "--dry-run")

    assert said["dry_run"]
    assert said["home"] == {"new": 1, "changed": 0, "same": 0}
    assert desk.do(placed) == {}
    assert desk.anju("db", "check")["audit_head"] == audited


def test_an_import_is_in_the_audit_with_the_file_and_its_datum(desk: Desk) -> None:
    before = desk.anju("db", "check")["audit_head"]

    desk.enter(district())

    checked = desk.anju("db", "check")
    assert checked["problems"] == []
    assert int(checked["audit_head"].split(":")[0]) == int(before.split(":")[0]) + 1


def test_a_file_with_one_bad_feature_enters_nothing_and_names_it(desk: Desk) -> None:
    refused = desk.enter(district(gateway="gw-none1"), code=2)

    assert "home ho-1: there is no gateway 'gw-none1'" in refused["error"]
    assert desk.do(placed) == {}


def test_a_second_root_and_a_ring_of_parents_are_refused(desk: Desk) -> None:
    second, ring = district(), district()
    second["features"][2]["properties"]["id"] = "e"
    ring["features"][2]["properties"]["parent"] = "c"

    assert "one root, but below d, e" in desk.enter(second, code=2)["error"]
    assert "one root, but below c, d" in desk.enter(ring, code=2)["error"]


def test_what_else_is_known_of_a_home_stays(desk: Desk) -> None:
    desk.enter(district())
    resident = ResidentEntry("re-1", "张三", "Zhang San", 80, "f", lives_alone=True)

    def furnish(work: Work) -> None:
        with Edit(work) as edit:
            entry = HomeEntry(
                "ho-1", "c", Words("1栋", "1"), *HOME, door_code="5027#", residents=(resident,)
            )
            edit.home("gw-one1", entry)

    desk.do(furnish)
    desk.enter(district(home=STATION))

    assert desk.do(lambda work: store.door_code_of(work, "ho-1")) == "5027#"
    assert [each.name for each in desk.do(lambda work: store.residents(work, "ho-1"))] == ["张三"]


def test_a_file_without_a_datum_is_not_taken(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["registry", "import", "x.geojson", "--data", str(desk.data)])

    assert ended.value.code == 2
    assert "--datum" in capsys.readouterr().err
