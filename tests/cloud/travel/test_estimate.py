"""Distances against a known one."""

import pytest

from cloud.travel.estimate import CrowTravel, Place, great_circle_m


def test_a_degree_of_latitude_is_a_little_more_than_111_km() -> None:
    assert great_circle_m(Place(22, 114), Place(23, 114)) == pytest.approx(111_195, rel=1e-4)


def test_the_way_there_is_the_way_back() -> None:
    home, station = Place(22.66, 114.33), Place(22.65, 114.32)

    assert great_circle_m(home, station) == great_circle_m(station, home)
    assert great_circle_m(home, home) == 0


def test_without_roads_a_kilometre_takes_about_four_minutes() -> None:
    seconds = CrowTravel().seconds(Place(22.0, 114.0), Place(22.0 + 1 / 111.195, 114.0))

    assert seconds == pytest.approx(252, abs=1)
