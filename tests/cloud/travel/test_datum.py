"""Datums against the figures measured for Pingshan, against themselves, and against the pages'."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.travel.datum import Datum, from_wgs84, to_wgs84
from cloud.travel.estimate import Place, great_circle_m

PINGSHAN = Place(22.690, 114.346)
CORNERS = [Place(lat, lon) for lat in (22.62, 22.78) for lon in (114.26, 114.43)]
GOLDEN = Path(__file__).parents[3] / "dashboards" / "tests" / "datum.json"
SHIFTED = [Datum.GCJ02, Datum.BD09]
in_china = st.builds(Place, st.floats(3, 53), st.floats(74, 135))


def east_north_m(a: Place, b: Place) -> tuple[float, float]:
    metres = math.radians(1) * 6_371_008.8
    return (b.lon - a.lon) * metres * math.cos(math.radians(a.lat)), (b.lat - a.lat) * metres


def test_gcj02_lies_half_a_kilometre_south_east_in_pingshan() -> None:
    there = from_wgs84(PINGSHAN, Datum.GCJ02)

    east_m, north_m = east_north_m(PINGSHAN, there)
    assert [east_m, north_m] == pytest.approx([504, -301], abs=2)
    assert great_circle_m(PINGSHAN, there) == pytest.approx(587, abs=1)


@pytest.mark.parametrize("corner", CORNERS)
def test_all_over_the_district_gcj02_is_as_far_away_as_was_measured(corner: Place) -> None:
    assert 582 <= great_circle_m(corner, from_wgs84(corner, Datum.GCJ02)) <= 590


def test_bd09_lies_1233_m_away() -> None:
    there = from_wgs84(PINGSHAN, Datum.BD09)

    assert great_circle_m(PINGSHAN, there) == pytest.approx(1233, abs=1)


@pytest.mark.parametrize("datum", SHIFTED)
@given(place=in_china)
def test_there_and_back_is_the_same_place_to_micrometres(datum: Datum, place: Place) -> None:
    back = to_wgs84(from_wgs84(place, datum), datum)

    assert great_circle_m(place, back) < 5e-6


@pytest.mark.parametrize("datum", SHIFTED)
@given(place=in_china)
def test_back_and_there_too(datum: Datum, place: Place) -> None:
    there = from_wgs84(to_wgs84(place, datum), datum)

    assert great_circle_m(place, there) < 5e-6


@pytest.mark.parametrize("datum", Datum)
@pytest.mark.parametrize("place", [Place(48.2, 16.4), Place(-33.9, 151.2), Place(40.7, -74.0)])
def test_outside_china_nothing_moves(datum: Datum, place: Place) -> None:
    assert from_wgs84(place, datum) == place
    assert to_wgs84(place, datum) == place


@pytest.mark.parametrize("case", json.loads(GOLDEN.read_text("utf-8")), ids=str)
def test_the_pages_convert_as_we_do(case: dict[str, list[float]]) -> None:
    wgs84, gcj02 = Place(*case["wgs84"]), Place(*case["gcj02"])

    assert great_circle_m(from_wgs84(wgs84, Datum.GCJ02), gcj02) < 1e-3
    assert great_circle_m(to_wgs84(gcj02, Datum.GCJ02), wgs84) < 1e-3
