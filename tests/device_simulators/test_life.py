"""Daily life as the devices tell it: calm, plausible, the same for the same seed."""

import itertools
import json
from collections import Counter

import pytest

from device_simulators.emergencies import DAY_MS
from device_simulators.life import (
    CALM,
    LOCAL_OFFSET_MS,
    SHORTEST_HORIZON_MS,
    Life,
    Rates,
    battery_percent,
    first_state,
    live,
)

DAY = 20_782  # 25 November 2026
MIDNIGHT_MS = DAY * DAY_MS - LOCAL_OFFSET_MS
HOUR_MS, MINUTE_MS = 3_600_000, 60_000


def told(life, after_ms=MIDNIGHT_MS, until_ms=MIDNIGHT_MS + DAY_MS):
    return "\n".join(
        json.dumps([one.at_ms, one.device.ieee, one.fields])
        for one in life.between(after_ms, until_ms)
    ).encode()


def said(home, key, days=1, rates=CALM):
    lived = [live(home, DAY + n, 1, rates) for n in range(days)]
    return [one for day in lived for one in day.said if one.device.key == key]


@pytest.mark.parametrize("seed", range(8))
def test_the_same_seed_tells_the_same_day_byte_for_byte(plan, seed):
    assert told(Life(plan.homes, seed)) == told(Life(plan.homes, seed))


def test_another_seed_or_day_is_another_story(plan):
    first = told(Life(plan.homes, 1))

    assert first != told(Life(plan.homes, 2))
    later = told(Life(plan.homes, 1), MIDNIGHT_MS + DAY_MS, MIDNIGHT_MS + 2 * DAY_MS)
    assert [line[15:] for line in later.split()] != [line[15:] for line in first.split()]


@pytest.mark.parametrize("piece_min", [7, 61, 600])
def test_a_day_asked_for_in_pieces_is_the_same_day(ten, piece_min):
    whole = Life(ten, 1).between(MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS)
    life = Life(ten, 1)

    pieces = [
        one
        for begin in range(MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS, piece_min * MINUTE_MS)
        for one in life.between(begin, min(begin + piece_min * MINUTE_MS, MIDNIGHT_MS + DAY_MS))
    ]

    assert pieces == whole


def test_a_home_lives_the_same_day_whoever_its_neighbours_are(plan, home):
    alone = Life([home], 1).between(MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS)
    among = Life(plan.homes, 1).between(MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS)

    assert alone == [one for one in among if one.device in home.devices]


def test_where_nothing_befalls_nobody_calls_for_help(plan):
    day = [one for home in plan.homes for one in live(home, DAY, 1, CALM).said]

    assert not any("action" in one.fields or one.fields.get("sos") for one in day)


def test_people_move_by_day_and_sleep_at_night(plan):
    moves = Counter(
        (one.at_ms - MIDNIGHT_MS) // HOUR_MS
        for home in plan.homes
        for one in live(home, DAY, 1, CALM).said
        if one.fields.get("occupancy")
    )

    night, morning = (sum(moves[h] for h in hours) for hours in ((0, 1, 2, 3), (8, 9, 10, 11)))
    assert 0 < night < morning / 5


def test_every_opened_door_is_closed_and_every_movement_ends(plan):
    for home in plan.homes:
        for key, name, begin in (("door", "contact", False), ("motion_kitchen", "occupancy", True)):
            values = [one.fields[name] for one in said(home, key, 7)]
            assert values[-1] is not begin
            assert values.count(begin) >= values.count(not begin) > 0
            if key == "door":
                assert all(a is not b for a, b in itertools.pairwise(values))


def test_a_motion_sensor_is_blind_for_a_minute_and_sees_the_room_empty_after_a_minute_and_a_half(
    home,
):
    spoken = said(home, "motion_bathroom", 7)
    seen = [one.at_ms for one in spoken if one.fields["occupancy"]]

    assert min(b - a for a, b in itertools.pairwise(seen)) >= MINUTE_MS
    for one in spoken:
        if not one.fields["occupancy"]:
            assert max(at for at in seen if at < one.at_ms) == one.at_ms - 90_000


def test_the_bed_knows_who_lies_in_it_and_breathes(home):
    spoken = said(home, "bed_radar")

    assert spoken[0].fields["status"] == "on_the_bed"
    assert {one.fields["status"] for one in spoken} >= {"on_the_bed", "unoccupied"}
    assert all(8 < one.fields.get("breathing_rate", 14) < 22 for one in spoken)


def test_the_kettle_boils_by_day_and_is_off_in_between(home):
    powers = [one.fields["power"] for one in said(home, "kettle", 3)]

    assert all((a > 1_500) is not (b > 1_500) for a, b in itertools.pairwise(powers))
    assert len(powers) >= 6


def test_the_air_of_a_room_is_plausible(home):
    spoken = said(home, "climate")

    assert len(spoken) == 144
    assert all(20 < one.fields["temperature"] < 30 for one in spoken)
    assert all(45 < one.fields["humidity"] < 75 for one in spoken)


def test_every_button_gives_a_sign_of_life_six_times_a_day(home):
    spoken = said(home, "bath")

    assert len(spoken) == 6
    assert all(set(one.fields) == {"linkquality", "battery"} for one in spoken)


def test_a_battery_falls_slowly_and_what_is_on_the_mains_has_none(home):
    device = home.device("bath")
    levels = [battery_percent(device, 1, MIDNIGHT_MS + n * DAY_MS) for n in range(0, 100, 5)]

    assert sum(a - b == 1 for a, b in itertools.pairwise(levels)) >= 18
    assert first_state(device, 1, MIDNIGHT_MS)["battery"] == levels[0]
    assert "battery" not in first_state(home.device("kettle"), 1, MIDNIGHT_MS)


def test_the_next_happening_is_due_when_it_happens(plan):
    life, after_ms = Life(plan.homes, 1), MIDNIGHT_MS + 9 * HOUR_MS

    due_ms = life.next_due_ms(after_ms)

    assert after_ms < due_ms <= after_ms + SHORTEST_HORIZON_MS
    assert life.between(after_ms, due_ms - 1) == []
    assert life.between(after_ms, due_ms)


@pytest.mark.parametrize("until_ms", [MIDNIGHT_MS, MIDNIGHT_MS - 1])
def test_nothing_happens_in_no_time(plan, until_ms):
    assert Life(plan.homes, 1).between(MIDNIGHT_MS, until_ms) == []


def test_a_town_that_lives_for_weeks_keeps_a_few_days_only(ten):
    life = Life(ten, 1)

    for n in range(14):
        life.between(MIDNIGHT_MS + n * DAY_MS, MIDNIGHT_MS + (n + 1) * DAY_MS)

    assert len(life._days) <= 6
    assert len(life._told) <= 6


def test_emergencies_and_faults_are_rare_and_come_at_their_rates(plan):
    days = [live(home, DAY + n, 1, Rates()) for home in plan.homes for n in range(28)]

    a_year = len(days) / 365
    assert 4 < sum(len(day.came) for day in days) / a_year < 18
    assert 6 < sum(len(day.faults) for day in days) / a_year < 22
