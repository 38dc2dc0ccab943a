"""What befalls people, and what comes of it for the sensors and the rest of the day."""

from random import Random

import pytest

from device_simulators.emergencies import DAY_MS, Emergency, by_chance, lived, said
from device_simulators.life import CALM, LOCAL_OFFSET_MS, Life, live
from device_simulators.models import MODELS

DAY = 20_782
MIDNIGHT_MS = DAY * DAY_MS - LOCAL_OFFSET_MS
HOUR_MS = 3_600_000
NINE_MS = 9 * HOUR_MS
STEPS_MS = 10_000  # who was on the way to another room is seen there


def after(home, *came):
    return live(home, DAY, 1, CALM, came)


def moves(day, begin_ms, end_ms):
    return [at for times in day.seen.values() for at in times if begin_ms < at < end_ms]


def alone(plan):
    return [home for home in plan.homes if len(home.residents) == 1]


def at_home(home, at_ms):
    return all(
        stay.room != "out" for stay in after(home).people[0] if stay.begin_ms <= at_ms < stay.end_ms
    )


def test_who_has_fallen_is_not_seen_to_move_until_help_comes(plan):
    fallen = [home for home in alone(plan) if at_home(home, NINE_MS)]
    assert len(fallen) > 10
    for home in fallen:
        day = after(home, Emergency("fall", NINE_MS, 2 * HOUR_MS))

        assert moves(day, NINE_MS + STEPS_MS, NINE_MS + 2 * HOUR_MS) == []
        assert moves(after(home), NINE_MS - HOUR_MS, NINE_MS) == moves(
            day, NINE_MS - HOUR_MS, NINE_MS
        )
        assert day.people[0][-1].room == "bedroom"


def test_who_is_out_falls_in_no_home_of_ours(home):
    stays = [stay._replace(room="out") for stay in after(home).people[0]]

    assert lived(stays, Emergency("fall", NINE_MS, HOUR_MS)) == stays


def test_who_does_not_get_up_is_in_bed_until_the_afternoon(plan):
    for home in alone(plan):
        day = after(home, Emergency("stays_in_bed", 0, 15 * HOUR_MS))

        assert day.people[0][0].doing == "sleep"
        assert day.people[0][0].end_ms >= 15 * HOUR_MS
        assert min(day.seen["kitchen"]) >= 15 * HOUR_MS


def test_a_press_comes_from_one_of_the_homes_buttons(home):
    spoken = list(said(home, Emergency("press", NINE_MS, 0), Random(1)))

    assert len(spoken) == 1
    at_ms, device, fields = spoken[0]
    assert (at_ms, fields) == (NINE_MS, MODELS[device.model].press)
    assert device.is_sos


def test_two_in_three_who_fall_press_what_they_wear(home):
    presses = [list(said(home, Emergency("fall", NINE_MS, HOUR_MS), Random(n))) for n in range(300)]

    pressing = [one for one in presses if one and one[-1][1].kind == "pendant"]
    assert 170 < len(pressing) < 230
    assert all(NINE_MS < one[-1][0] <= NINE_MS + 8 * 60_000 for one in pressing)


@pytest.mark.parametrize(
    ("what", "field"), [("gas", "gas"), ("smoke", "smoke"), ("leak", "water_leak")]
)
def test_a_danger_is_told_by_the_detector_of_a_home_that_has_one_and_ends(plan, what, field):
    with_detectors, without = plan.homes[0], plan.homes[1]

    spoken = list(said(with_detectors, Emergency(what, NINE_MS, 0), Random(1)))

    assert [(at_ms, fields) for at_ms, _, fields in spoken] == [
        (NINE_MS, {field: True}),
        (NINE_MS + 15 * 60_000, {field: False}),
    ]
    assert list(said(without, Emergency(what, NINE_MS, 0), Random(1))) == []


def test_a_fall_is_told_by_the_radar_of_a_home_that_has_one(home):
    spoken = list(said(home, Emergency("fall", NINE_MS, HOUR_MS), Random(1)))

    assert (spoken[0][0], spoken[0][2]) == (NINE_MS, {"fall_status": "fall_alarm"})


def test_what_is_ordered_happens_at_that_instant_and_changes_nothing_before(home):
    at_ms = MIDNIGHT_MS + NINE_MS
    calm, life = Life([home], 1, CALM), Life([home], 1, CALM)
    before = life.between(MIDNIGHT_MS, at_ms - 1)

    life.befall(home, "press", at_ms)

    (press,) = [one for one in life.between(at_ms - 1, at_ms) if one.device.is_sos]
    assert press.at_ms == at_ms
    assert press.fields == MODELS[press.device.model].press
    assert life.between(MIDNIGHT_MS, at_ms - 1) == before == calm.between(MIDNIGHT_MS, at_ms - 1)


def test_who_is_told_to_stay_in_bed_does_so_tomorrow(home):
    life = Life([home], 1, CALM)

    life.befall(home, "stays_in_bed", MIDNIGHT_MS + NINE_MS)

    assert life.home_day(home, DAY) == live(home, DAY, 1, CALM)
    assert life.home_day(home, DAY + 1).people[0][0].end_ms >= 14 * HOUR_MS


@pytest.mark.parametrize("a_year", [0, 365])
def test_what_never_happens_does_not_and_what_is_sure_does(a_year):
    came = list(by_chance(Random(1), {"fall": a_year}))

    assert [one.what for one in came] == (["fall"] if a_year else [])
