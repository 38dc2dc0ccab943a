"""Topics: what is built is parsed again; whatever else comes in is refused by name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import topics
from contract.errors import UnknownTopic
from contract.lanes import Lane
from tests.contract.strategies import gateways, lanes


@given(gateways, lanes)
def test_what_a_gateway_publishes_names_the_gateway_and_its_lane(gateway, lane):
    up = topics.parse_up(topics.up_topic(gateway, lane))

    assert up == (topics.partition_of(gateway), gateway, lane)


@given(gateways, st.sampled_from(["ack", "cmd", "config"]))
def test_what_the_cloud_publishes_is_understood_by_the_gateway(gateway, what):
    topic = topics.down_topic(gateway, what)

    assert topics.parse_down(topic) == what
    assert topic.startswith(topics.down_filter(gateway).removesuffix("+"))


@given(gateways)
def test_a_partition_is_always_one_of_64(gateway):
    assert 0 <= topics.partition_of(gateway) < topics.PARTITIONS


@pytest.mark.parametrize(
    ("gateway", "partition"),
    [("gw-demo01", 45), ("gw-0000", 55), ("gw-zzzzzzzzzzzzzzzz", 3)],
)
def test_a_gateway_never_changes_its_partition(gateway, partition):
    assert topics.partition_of(gateway) == partition


@given(gateways, lanes, st.integers(0, 99))
def test_a_partition_that_is_not_the_gateways_own_is_refused(gateway, lane, partition):
    own = topics.partition_of(gateway)
    topic = topics.up_topic(gateway, lane).replace(f"/{own}/", f"/{partition}/", 1)

    if partition != own:
        with pytest.raises(UnknownTopic, match=gateway):
            topics.parse_up(topic)


@given(st.text())
def test_any_other_text_is_an_unknown_topic_and_nothing_worse(text):
    for parse in (topics.parse_up, topics.parse_down):
        with pytest.raises(UnknownTopic):
            parse(text)


@pytest.mark.parametrize(
    "gateway", ["gw-abc", "gw-" + "a" * 17, "gw-ABCD", "gw-a/b#", "gw-+", "xx-demo01", "gw-démo"]
)
def test_a_name_that_no_certificate_may_carry_is_refused(gateway):
    with pytest.raises(UnknownTopic):
        topics.parse_up(topics.up_topic(gateway, Lane.ALARM))


@pytest.mark.parametrize("digit", ["٩", "\uff19", "045"])
def test_a_partition_is_written_in_plain_digits(digit):
    with pytest.raises(UnknownTopic):
        topics.parse_up(f"anju/1/{digit}/gw-demo01/up/alarm")


def test_ingest_hears_every_lane_through_one_of_its_two_connections():
    heard = {topic.rsplit("/", 1)[1] for topic in topics.UP_ALARMS + topics.UP_DATA}

    assert heard == set(Lane)
    assert not set(topics.UP_ALARMS) & set(topics.UP_DATA)
