"""A person's day: whole, plausible, their own, the same for the same dice."""

import itertools
from random import Random

import pytest

from device_simulators.emergencies import DAY_MS
from device_simulators.floor import FLOORS, way
from device_simulators.routine import day_of, person

HOUR_MS = 3_600_000
SEEDS = range(200)


def a_day(seed, weekday=1):
    return day_of(person(Random(seed)), weekday, Random(seed + 1))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_day_has_no_gap_and_begins_and_ends_in_bed(seed):
    stays = a_day(seed, seed % 7)

    assert (stays[0].begin_ms, stays[-1].end_ms) == (0, DAY_MS)
    assert (stays[0].doing, stays[-1].doing) == ("sleep", "sleep")
    assert all(a.end_ms == b.begin_ms for a, b in itertools.pairwise(stays))
    assert all(stay.end_ms > stay.begin_ms for stay in stays)


def test_the_same_dice_live_the_same_day_and_others_another():
    assert a_day(1) == a_day(1)
    assert a_day(1) != a_day(2)
    assert day_of(person(Random(1)), 1, Random(8)) != day_of(person(Random(1)), 1, Random(9))


def test_everybody_gets_up_in_the_morning_eats_and_sleeps_at_night():
    for seed in SEEDS:
        stays = a_day(seed)
        up_ms = next(s.begin_ms for s in stays if s.doing not in ("sleep", "toilet"))

        assert 4 * HOUR_MS <= up_ms <= 10 * HOUR_MS
        assert sum(stay.doing == "eat" for stay in stays) == 3
        asleep_ms = sum(s.end_ms - s.begin_ms for s in stays if s.doing == "sleep")
        assert 5 * HOUR_MS < asleep_ms < 14 * HOUR_MS


def test_people_differ_more_than_one_persons_days():
    def up_ms(who, dice):
        return next(s.begin_ms for s in day_of(who, 1, dice) if s.doing == "wash")

    people = [up_ms(person(Random(seed)), Random(0)) for seed in SEEDS]
    days = [up_ms(person(Random(0)), Random(seed)) for seed in SEEDS]

    assert spread(people) > spread(days) > 10 * 60_000


def spread(times):
    ordered = sorted(times)
    return ordered[len(ordered) * 3 // 4] - ordered[len(ordered) // 4]


def test_there_are_more_visitors_at_week_ends_and_fewer_errands_in_the_morning():
    def count(doing, weekday, until_h=24):
        return sum(
            stay.doing == doing and stay.begin_ms < until_h * HOUR_MS
            for seed in SEEDS
            for stay in a_day(seed, weekday)
        )

    assert count("host", 6) > count("host", 2) > 0
    assert count("out", 6, 11) < count("out", 2, 11)


def test_from_every_room_there_is_a_way_to_every_other_through_doors():
    for floor, doors in enumerate(FLOORS):
        for start in doors:
            for end in doors:
                rooms = way(floor, start, end)
                steps = zip((start, *rooms), rooms, strict=False)
                assert all(room in doors[before] for before, room in steps)
                assert (rooms[-1] if rooms else start) == end
