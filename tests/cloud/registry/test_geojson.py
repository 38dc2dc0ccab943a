"""A district's own map data: what is read of a GeoJSON file, and what is refused."""

import json
from typing import Any

import pytest

from cloud.registry import geojson
from cloud.registry.cards import AreaKind, HomeKind
from cloud.registry.errors import Malformed
from cloud.registry.geojson import read_features
from cloud.travel.datum import Datum, from_wgs84
from cloud.travel.estimate import Place

HERE = [114.3371, 22.6624]
SQUARE = [[114.3, 22.6], [114.4, 22.6], [114.4, 22.7], [114.3, 22.6]]
Thing = dict[str, Any]


def feature(geometry: Thing | None, **properties: Any) -> Thing:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def point(at: list[float] | None = None) -> Thing:
    return {"type": "Point", "coordinates": at or HERE}


def home(at: list[float] | None = None, **more: Any) -> Thing:
    told = {"id": "ho-1", "gateway": "gw-1", "area": "a", "address_zh": "1栋101"}
    return feature(point(at), what="home", **{**told, **more})


def area(shape: Thing | None, **more: Any) -> Thing:
    return feature(shape, what="area", **{"id": "a", "kind": "community", "name_zh": "甲", **more})


def file_of(*features: Thing, **more: Any) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": features, **more}).encode()


def refusal(*features: Thing, **more: Any) -> str:
    with pytest.raises(Malformed) as refused:
        read_features(file_of(*features, **more), Datum.WGS84)
    return str(refused.value)


def test_a_home_comes_with_its_gateway_and_is_real_unless_it_says_otherwise() -> None:
    found = read_features(file_of(home(address_en="Block 1")), Datum.WGS84)

    [placed] = found.homes
    assert placed.gateway == "gw-1"
    assert (placed.entry.lon, placed.entry.lat) == tuple(HERE)
    assert placed.entry.kind is HomeKind.REAL
    assert (placed.entry.address.zh, placed.entry.address.en) == ("1栋101", "Block 1")


@pytest.mark.parametrize("datum", Datum)
def test_an_entry_has_the_datum_of_the_file_and_an_outline_is_wgs84(datum: Datum) -> None:
    there = from_wgs84(Place(HERE[1], HERE[0]), datum)
    station = feature(
        point([there.lon, there.lat]), what="station", id="s", area="a", name_zh="站", phone="1"
    )
    ring = [[p.lon, p.lat] for p in (from_wgs84(Place(at[1], at[0]), datum) for at in SQUARE)]

    data = file_of(station, area({"type": "Polygon", "coordinates": [ring]}))
    found = read_features(data, datum)

    station_entry = found.stations[0]
    assert (station_entry.lat, station_entry.lon, station_entry.datum) == (*there, datum)
    [[outer]] = found.areas[0].outline or []
    assert [x for at in outer for x in at] == pytest.approx(
        [x for at in SQUARE for x in at], abs=1e-7
    )


def test_areas_come_from_the_root_downwards_however_the_file_has_them() -> None:
    kinds = ("community", "district", "subdistrict")
    shape = {"type": "MultiPolygon", "coordinates": [[SQUARE], [SQUARE]]}

    found = read_features(file_of(*(area(shape, id=k, kind=k) for k in kinds)), Datum.WGS84)

    assert [each.entry.kind for each in found.areas] == list(AreaKind)
    assert found.areas[0].outline == [[SQUARE], [SQUARE]]


def test_an_area_below_itself_is_refused() -> None:
    assert "below itself" in refusal(area(None, parent="a"))


def test_an_area_without_a_geometry_is_only_a_name() -> None:
    [found] = read_features(file_of(area(None)), Datum.WGS84).areas

    assert found.outline is None


def test_every_feature_that_cannot_be_used_is_named_with_what_is_wrong() -> None:
    text = refusal(
        home(id="ho-1", area=7),
        home([22.66, 114.33], id="ho-swapped"),
        home(id="ho-good"),
        home(id="ho-typo", adress_en="x"),
        feature({"type": "Polygon", "coordinates": [SQUARE]}, **home()["properties"]),
        {"type": "Feature", "geometry": None, "properties": None},
        home(id="ho-good"),
    )

    assert "feature 1 (ho-1): Expected `str`, got `int` - at `$.properties.area`" in text
    assert "feature 2 (ho-swapped): [22.66, 114.33] is no position" in text
    assert "feature 4 (ho-typo): Object contains unknown field `adress_en`" in text
    assert "feature 5 (ho-1): its geometry must be a Point" in text
    assert "feature 6: " in text
    assert "feature 7 (ho-good): the file has it twice" in text
    assert "feature 3" not in text


def test_of_many_problems_the_first_are_named_and_the_others_counted() -> None:
    text = refusal(*(home(id=f"ho-{n}", area=n) for n in range(geojson.PROBLEMS_MAX + 3)))

    assert text.count("Expected `str`") == geojson.PROBLEMS_MAX
    assert text.endswith("and 3 more")


@pytest.mark.parametrize("ring", [SQUARE[:3], [*SQUARE[:3], [114.35, 22.65]]])
def test_a_ring_that_is_not_closed_is_no_area(ring: list[list[float]]) -> None:
    assert "ends where it begins" in refusal(area({"type": "Polygon", "coordinates": [ring]}))


def test_an_outline_has_as_many_points_as_a_console_can_draw_and_no_more() -> None:
    points = geojson.OUTLINE_POINTS_MAX
    ring = [SQUARE[0], *[SQUARE[1]] * (points - 2), SQUARE[0]]

    read_features(file_of(area({"type": "Polygon", "coordinates": [ring]})), Datum.WGS84)

    longer = [*ring, SQUARE[0]]
    assert "simplify it" in refusal(area({"type": "Polygon", "coordinates": [longer]}))


@pytest.mark.parametrize(
    ("system", "is_good"),
    [
        ("urn:ogc:def:crs:OGC:1.3:CRS84", True),
        ("urn:ogc:def:crs:EPSG::4490", True),
        ("urn:ogc:def:crs:EPSG::3857", False),
    ],
)
def test_a_file_that_names_another_system_than_degrees_is_refused(
    system: str, is_good: bool
) -> None:
    crs = {"type": "name", "properties": {"name": system}}

    if is_good:
        assert read_features(file_of(home(), crs=crs), Datum.WGS84).homes
    else:
        assert "export it in degrees" in refusal(home(), crs=crs)


@pytest.mark.parametrize("data", [b"", b"[]", b'{"type": "Feature"}', b"\xff", b"{"])
def test_what_is_no_collection_is_said(data: bytes) -> None:
    with pytest.raises(Malformed, match="FeatureCollection"):
        read_features(data, Datum.WGS84)


def test_a_text_with_a_nul_is_refused_for_no_database_keeps_it() -> None:
    assert "NUL" in refusal(home(address_zh="a\0b"))


def test_a_file_is_read_up_to_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    data = file_of(home())
    monkeypatch.setattr(geojson, "FILE_BYTES_MAX", len(data))

    assert read_features(data, Datum.WGS84).homes
    with pytest.raises(Malformed, match="bytes"):
        read_features(data + b" ", Datum.WGS84)
