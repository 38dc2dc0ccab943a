import pytest

from cloud.identity.errors import TooFast
from cloud.identity.rates import KEYS_MAX, Rate, Rates
from tests.cloud.stores import HandClock


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def rates(clock):
    return Rates(clock, account=Rate(3, 1.0), source=Rate(5, 2.0))


def take(rates, times, account="ac-1", source="10.0.0.1"):
    for _ in range(times):
        rates.take(account, source)


def test_a_burst_goes_through_and_the_next_one_waits(rates):
    take(rates, 3)

    with pytest.raises(TooFast) as refused:
        take(rates, 1)

    assert refused.value.retry_after_s == pytest.approx(1.0)


def test_time_gives_back_what_was_taken(rates, clock):
    take(rates, 3)
    clock.pass_s(1)

    take(rates, 1)

    with pytest.raises(TooFast):
        take(rates, 1)


def test_many_accounts_from_one_source_share_the_sources_rate(rates):
    take(rates, 3, account="ac-1")
    take(rates, 2, account="ac-2")

    with pytest.raises(TooFast):
        take(rates, 1, account="ac-3")
    take(rates, 1, account="ac-3", source="10.0.0.2")


def test_one_who_is_too_fast_does_not_use_up_the_sources_rate(rates):
    take(rates, 3, account="ac-1")
    for _ in range(50):
        with pytest.raises(TooFast):
            take(rates, 1, account="ac-1")

    take(rates, 2, account="ac-2")


def test_what_is_remembered_has_a_limit(rates):
    for n in range(KEYS_MAX + 10):
        rates.take(f"ac-{n}", f"source-{n}")

    assert len(rates._full_at) == KEYS_MAX
