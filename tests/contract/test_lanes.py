"""Which lane a reading takes: a function of vocabulary and quality."""

import pytest

from contract.lanes import Lane, Quality, lane_of
from contract.vocabulary import SPECS, Kind, Measurement

ALARMS = [name for name, spec in SPECS.items() if spec.is_alarm]


@pytest.mark.parametrize("measurement", ALARMS)
def test_what_endangers_a_life_travels_on_the_alarm_lane(measurement):
    assert lane_of(measurement) is Lane.ALARM
    assert lane_of(measurement, Quality.IMPLAUSIBLE) is Lane.ALARM


@pytest.mark.parametrize("measurement", ALARMS)
def test_a_passed_test_of_an_alarm_device_rings_nobody(measurement):
    assert lane_of(measurement, Quality.TEST) is Lane.EVENT


@pytest.mark.parametrize("measurement", [name for name in Measurement if name not in ALARMS])
def test_everything_else_goes_by_its_kind(measurement):
    spec = SPECS[measurement]
    kind = Lane.EVENT if spec.kind is Kind.EVENT else Lane.DATA

    assert lane_of(measurement) is (Lane.HEALTH if spec.is_diagnostic else kind)


def test_the_vocabulary_has_47_words_and_each_has_its_meaning():
    assert len(Measurement) == 47
    assert set(SPECS) == set(Measurement)


@pytest.mark.parametrize("measurement", Measurement)
def test_a_sample_has_a_unit_a_word_list_has_words_and_a_range_is_in_order(measurement):
    spec = SPECS[measurement]

    assert (spec.unit is not None) == (spec.kind is Kind.SAMPLE)
    assert bool(spec.values) == (spec.type == "string")
    assert spec.range is None or spec.range[0] < spec.range[1]
