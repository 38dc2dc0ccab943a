"""What broken devices tell."""

from random import Random

from device_simulators.faults import A_YEAR, Said, by_chance, with_fault

DAY = [
    Said(1_000, {"contact": False, "battery": 80, "linkquality": 90}),
    Said(9_000, {"contact": True, "battery": 80, "linkquality": 95}),
]


def test_a_sound_device_tells_what_it_sees():
    assert with_fault(None, DAY) == DAY


def test_a_silent_one_tells_nothing():
    assert with_fault("silent", DAY) == []


def test_an_empty_battery_is_told_with_everything():
    told = with_fault("battery_low", [*DAY, Said(10_000, {"battery_low": False})])

    assert [one.fields.get("battery") for one in told] == [4, 4, None]
    assert told[2].fields == {"battery_low": True}


def test_a_flapping_one_tells_each_change_seven_times_and_ends_as_it_is():
    told = with_fault("flapping", DAY[:1])

    assert [one.fields["contact"] for one in told] == [False, True, False, True, False, True, False]
    assert with_fault("flapping", [Said(1, {"battery": 80})]) == [Said(1, {"battery": 80})]


def test_a_stuck_one_tells_of_itself_and_never_anything_new():
    told = with_fault("stuck", DAY)

    assert [one.fields["contact"] for one in told] == [False, False]
    assert [one.fields["linkquality"] for one in told] == [90, 95]


def test_a_wrong_clock_dates_everything_to_the_day_before():
    told = with_fault("clock_wrong", [Said(26 * 3_600_000, {"contact": True})])

    assert told[0].fields["last_seen"] == "1970-01-01T00:00:00+00:00"
    assert told[0].at_ms == 26 * 3_600_000


def test_each_fault_comes_at_its_rate():
    dice = Random(1)
    found = [by_chance(dice, A_YEAR) for _ in range(100_000)]

    for fault, rate in A_YEAR.items():
        assert 0.6 < found.count(fault) / (100_000 * rate / 365) < 1.4
