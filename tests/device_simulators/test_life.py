"""An ordinary day: calm, plausible, the same for the same seed."""

from collections import Counter

import pytest

from device_simulators.life import (
    HOUR_MS,
    MINUTE_MS,
    SHORTEST_HORIZON_MS,
    battery_percent,
    first_state,
    happenings,
    next_due_ms,
)

MIDNIGHT_MS = 1_795_564_800_000 - 8 * HOUR_MS  # 25 November 2026 in Shenzhen
DAY_MS = 24 * HOUR_MS


def day(plan, seed=1):
    return [
        one
        for device in plan.devices()
        for one in happenings(device, seed, MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS)
    ]


def test_the_same_seed_lives_the_same_day_and_another_seed_another(plan):
    assert day(plan) == day(plan)
    assert day(plan) != day(plan, seed=2)


def test_a_day_asked_for_in_pieces_is_the_same_day(home):
    device = home.device("motion")
    whole = happenings(device, 1, MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS)

    pieces = [
        one
        for begin in range(MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS, 7 * MINUTE_MS)
        for one in happenings(device, 1, begin, min(begin + 7 * MINUTE_MS, MIDNIGHT_MS + DAY_MS))
    ]

    assert pieces == whole


def test_nobody_calls_for_help_by_themselves(plan):
    assert not any("action" in one.fields or one.fields.get("sos") for one in day(plan))


def test_a_day_of_ten_homes_is_calm(plan):
    count = len(day(plan))

    assert 1_500 < count < 6_000  # one message in 15 to 60 seconds


def test_people_move_by_day_and_sleep_at_night(plan):
    moves = Counter(
        (one.at_ms - MIDNIGHT_MS) // HOUR_MS for one in day(plan) if one.fields.get("occupancy")
    )

    assert (
        sum(moves[hour] for hour in (1, 2, 3, 4)) < sum(moves[hour] for hour in (9, 10, 11, 12)) / 3
    )


def test_every_movement_ends_and_every_opened_door_is_closed(home):
    for key, name, begin in (("motion", "occupancy", True), ("door", "contact", False)):
        said = happenings(home.device(key), 1, MIDNIGHT_MS, MIDNIGHT_MS + 30 * DAY_MS)
        values = Counter(one.fields[name] for one in said)
        assert abs(values[begin] - values[not begin]) <= 1
        assert values[begin] > 30


def test_the_air_of_a_room_is_plausible(home):
    said = happenings(home.device("climate"), 1, MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS)

    assert len(said) in (143, 144, 145)
    assert all(20 < one.fields["temperature"] < 30 for one in said)
    assert all(45 < one.fields["humidity"] < 75 for one in said)


def test_every_button_gives_a_sign_of_life_six_times_a_day(home):
    said = happenings(home.device("bath"), 1, MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS)

    assert 5 <= len(said) <= 7
    assert all(set(one.fields) == {"linkquality", "battery"} for one in said)


def test_a_battery_falls_slowly(home):
    device = home.device("bath")
    levels = [battery_percent(device, 1, MIDNIGHT_MS + n * DAY_MS) for n in (0, 10)]

    assert 0 <= levels[0] - levels[1] <= 2 or levels[1] > levels[0]  # or it was changed
    assert first_state(device, 1, MIDNIGHT_MS)["battery"] == levels[0]


def test_the_next_happening_is_due_when_it_happens(plan):
    devices = list(plan.devices())
    after_ms = MIDNIGHT_MS + 9 * HOUR_MS

    due_ms = next_due_ms(devices, 1, after_ms)

    assert after_ms < due_ms <= after_ms + SHORTEST_HORIZON_MS
    assert not any(happenings(device, 1, after_ms, due_ms - 1) for device in devices)
    assert any(happenings(device, 1, after_ms, due_ms) for device in devices)


@pytest.mark.parametrize("until_ms", [MIDNIGHT_MS, MIDNIGHT_MS - 1])
def test_nothing_happens_in_no_time(home, until_ms):
    assert happenings(home.device("motion"), 1, MIDNIGHT_MS, until_ms) == []
