"""Golden messages: read by the edge's and the cloud's side of the agreement, for ever."""

import json
import zlib

import jsonschema_rs
import msgspec
import pytest

from contract.envelope import JSON_DEFLATE, decode_down, decode_up, encode
from contract.lanes import Lane, Notice, Quality, lane_of
from contract.messages import Ack, Batch, Config, Done, Hello, Say
from contract.vocabulary import SPECS, Measurement
from scripts.generate_schema import schema
from tests.contract.golden import golden, listed, present

UP, DOWN = golden("up"), golden("down")


def name_of(message):
    return message.name


def body(message):
    is_deflated = message.content_type == JSON_DEFLATE
    return json.loads(zlib.decompress(message.payload) if is_deflated else message.payload)


def written(message):
    encoded = encode(message)
    is_deflated = encoded.content_type == JSON_DEFLATE
    return json.loads(zlib.decompress(encoded.payload) if is_deflated else encoded.payload)


def is_within(old, new):
    """Whether `new` says all that `old` said; it may say more: fields, and columns of a row."""
    if isinstance(old, dict):
        return all(key in new and is_within(value, new[key]) for key, value in old.items())
    if isinstance(old, list):
        return len(old) <= len(new) and all(map(is_within, old, new))
    return old == new


@pytest.mark.parametrize("message", UP, ids=name_of)
def test_the_cloud_reads_every_message_an_edge_ever_sent(message):
    read = decode_up(message.payload, message.content_type)

    assert is_within(body(message), written(read))


@pytest.mark.parametrize("message", DOWN, ids=name_of)
def test_an_edge_reads_every_message_the_cloud_ever_sent(message):
    read = decode_down(message.payload, message.content_type)

    assert is_within(body(message), written(read))


@pytest.mark.parametrize("message", UP + DOWN, ids=name_of)
def test_the_schema_admits_what_was_ever_sent(message):
    jsonschema_rs.validate(schema(), body(message))


@pytest.mark.parametrize("message", UP, ids=name_of)
def test_each_reading_travelled_on_the_lane_of_its_measurement(message):
    read = decode_up(message.payload, message.content_type)
    if not isinstance(read, Batch):
        return

    for row in (row for device in read.devices for row in device.rows):
        quality = Quality(row.x.q if row.x else "ok")
        is_notice = row.name in set(Notice)
        lane = Lane.ALARM if is_notice else lane_of(Measurement(row.name), quality)
        assert lane == read.lane
        assert is_notice or row.unit == SPECS[Measurement(row.name)].unit


def test_every_kind_of_message_and_every_lane_has_a_golden_one():
    up = [decode_up(message.payload, message.content_type) for message in UP]
    down = [decode_down(message.payload, message.content_type) for message in DOWN]

    assert {type(message) for message in up} == {Batch, Hello, Done}
    assert {type(message) for message in down} == {Ack, Say, Config}
    assert {message.lane for message in up if isinstance(message, Batch)} == set(Lane)


def test_no_golden_message_was_changed_removed_or_forgotten_in_the_list():
    assert present() == listed()


def test_a_field_that_a_later_version_adds_is_ignored_everywhere():
    for message in UP:
        later = msgspec.json.encode({**body(message), "mood": {"as_of_ms": 1}})
        assert decode_up(later) == decode_up(message.payload, message.content_type)
