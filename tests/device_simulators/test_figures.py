"""The town's days beside real homes': figures of `anju sim day --real` on the design's records.

Recorded here as numbers; the records themselves are not ours to ship. Sightings and room changes:
medians a day of the CASAS homes `al` (28 days, seven zones) and `hh109` (28 days, four sensors), as
a sensor would tell them that is blind for a minute. Toilets: labels of `al`, van Kasteren A, MIT
Tapia D and Ordonez A. docs/town.md has the table.
"""

import statistics

import pytest

from device_simulators import figures
from device_simulators.figures import Sighting, Stretch
from device_simulators.life import CALM, live

FIRST_DAY, DAYS = 20_780, 14  # a Monday
AL_SHARES = [0.036, 0.045, 0.172, 0.148, 0.215, 0.121, 0.176, 0.087]
HH109_SHARES = [0.021, 0.072, 0.266, 0.154, 0.148, 0.108, 0.123, 0.109]
HOUR_MS = 3_600_000


@pytest.fixture(scope="module", params=[1, 2])
def singles(request, plan):
    """Homes of one person, as the real ones are."""
    alone = [home for home in plan.homes if len(home.residents) == 1]
    return [
        figures.of_days(
            {FIRST_DAY + n: live(home, FIRST_DAY + n, request.param, CALM) for n in range(DAYS)}
        )
        for home in alone
    ]


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("sightings_a_day", 127, 220),  # hh109, al
        ("room_changes_a_day", 122 * 0.75, 123 * 1.25),
        ("toilets_a_day", 3.14, 8.77),  # Ordonez A, al
        ("toilets_a_night", 0.12, 1.47),  # MIT Tapia D, al
        ("toilet_min", 0.87, 4.39),  # Ordonez A, MIT Tapia D
        ("messages_a_day", 245, 7_800),  # of 26 real homes: the design's EVIDENCE, section 7
    ],
)
def test_the_median_home_lies_between_the_real_ones(singles, name, least, most):
    assert least <= figures.in_all(singles)[name] <= most


def test_the_day_has_the_shape_of_real_days(singles):
    shares = figures.in_all(singles)["share_by_3_h"]

    between_the_real_ones = distance(AL_SHARES, HH109_SHARES)
    assert min(distance(shares, AL_SHARES), distance(shares, HH109_SHARES)) < between_the_real_ones
    assert distance(shares, AL_SHARES) < 0.15


def distance(these, those):
    """Half the sum of differences: 0 for the same, 1 for nothing in common."""
    return sum(abs(a - b) for a, b in zip(these, those, strict=True)) / 2


def test_homes_differ_from_one_another_as_real_ones_do(singles):
    sightings = [home["sightings_a_day"] for home in singles]

    assert 1.3 < max(sightings) / min(sightings) < 4  # al : hh109 is 1.7
    assert statistics.pstdev(home["toilets_a_day"] for home in singles) > 0.4


def test_a_sensor_that_is_blind_for_a_minute_tells_less():
    seen = [Sighting(0, "a"), Sighting(30_000, "a"), Sighting(40_000, "b"), Sighting(61_000, "a")]

    assert figures.blind(seen) == [seen[0], seen[2], seen[3]]


def test_changes_of_room_and_shares_are_counted_by_day():
    day = [Sighting(7 * HOUR_MS, "a"), Sighting(8 * HOUR_MS, "b"), Sighting(13 * HOUR_MS, "b")]

    found = figures.of_sightings(day, [0])

    assert (found["sightings_a_day"], found["room_changes_a_day"]) == (3, 1)
    assert found["share_by_3_h"] == [0, 0, 0.667, 0, 0.333, 0, 0, 0]


def test_the_night_lasts_from_eleven_to_six():
    visits = [Stretch(h * HOUR_MS, h * HOUR_MS + 120_000) for h in (5, 6, 12, 22, 23)]

    assert figures.of_stretches(visits, 1) == {
        "toilets_a_day": 5,
        "toilets_a_night": 2,
        "toilet_min": 2,
    }
    assert figures.of_stretches([], 1)["toilet_min"] is None
