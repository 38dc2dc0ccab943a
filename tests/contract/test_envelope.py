"""Bytes on the wire: what is written is read again, and nothing else than our errors comes out."""

import json
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contract import envelope
from contract.envelope import JSON, JSON_DEFLATE, decode_down, decode_up, encode
from contract.errors import Malformed, UnknownVersion
from contract.messages import Batch, DeviceRows, Done, Row
from tests.contract.strategies import downs, ups

PRESS = Batch("gw-demo01", "j", "b", "alarm", 0, 0, [DeviceRows("d", [Row(0, 1, "sos", True)])])
content_types = st.sampled_from([JSON, JSON_DEFLATE, None, "text/plain"])


def changed(**fields):
    return json.dumps({**json.loads(encode(PRESS).payload), **fields}).encode()


@given(ups)
def test_what_the_edge_writes_the_cloud_reads(message):
    encoded = encode(message)

    assert decode_up(encoded.payload, encoded.content_type) == message


@given(downs)
def test_what_the_cloud_writes_the_edge_reads(message):
    encoded = encode(message)

    assert decode_down(encoded.payload, encoded.content_type) == message


@given(st.binary(max_size=4096), content_types)
@example(b"\xff\xfe", JSON)
@example(b"[" * 100_000, JSON)
@example(b'{"v":' + b"9" * 5000 + b"}", JSON)
@example(b'{"t":"batch","v":null}', JSON)
@example(b'{"t":"done","gateway":"g","cmds":[],"v":2}', JSON)
@example(b'{"v":[' * 20_000, JSON)
@example(zlib.compress(b"[" * 100_000), JSON_DEFLATE)
@example(b"NaN", JSON)
def test_no_bytes_whatever_raise_anything_but_malformed(payload, content_type):
    for decode in (decode_up, decode_down):
        try:
            decode(payload, content_type)
        except Malformed:
            pass


@given(ups, st.data())
def test_a_message_cut_short_is_malformed(message, data):
    encoded = encode(message)
    cut = data.draw(st.integers(0, len(encoded.payload) - 1))

    with pytest.raises(Malformed):
        decode_up(encoded.payload[:cut], encoded.content_type)


@given(ups)
def test_only_what_is_larger_than_the_limit_is_deflated(message):
    encoded = encode(message)
    is_deflated = encoded.content_type == JSON_DEFLATE

    inflated = zlib.decompress(encoded.payload) if is_deflated else encoded.payload
    assert is_deflated == (len(inflated) > envelope.DEFLATE_ABOVE_BYTES)


def test_a_newer_version_is_refused_by_name():
    with pytest.raises(UnknownVersion, match="version 2"):
        decode_up(changed(v=2))


def test_a_newer_version_is_refused_by_name_even_where_its_shape_is_new_too():
    with pytest.raises(UnknownVersion, match="version 2"):
        decode_up(changed(v=2, devices={"new": "shape"}))


def test_a_payload_of_exactly_the_limit_is_read_and_one_byte_more_is_not():
    payload = changed().ljust(envelope.MESSAGE_BYTES_MAX)

    assert decode_up(payload) == PRESS
    with pytest.raises(Malformed, match="over the limit"):
        decode_up(payload + b" ")


def test_an_inflated_body_of_exactly_the_limit_is_read_and_one_byte_more_is_not():
    body = changed().ljust(envelope.INFLATED_BYTES_MAX)

    assert decode_up(zlib.compress(body), JSON_DEFLATE) == PRESS
    with pytest.raises(Malformed, match="larger than"):
        decode_up(zlib.compress(body + b" "), JSON_DEFLATE)


def test_a_message_that_would_not_fit_is_refused_where_it_is_written():
    noise = "".join(chr(0x4E00 + (i * 7919) % 20000) for i in range(300_000))

    with pytest.raises(Malformed, match="over the limit"):
        encode(Done("gw-demo01", [noise]))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"devices": []}, "says nothing"),
        ({"devices": [{"id": "d", "rows": []}]}, "says nothing"),
        ({"devices": [{"id": "d", "rows": [[0, 1, "sos", True], [0, 2, "sos", True]]}]}, "one row"),
        ({"lane": "event", "gaps": [{"first": 5, "last": 4, "count": 1}]}, "ends before it begins"),
    ],
)
def test_a_batch_that_makes_no_sense_is_malformed(fields, reason):
    with pytest.raises(Malformed, match=reason):
        decode_up(changed(**fields))


def test_a_message_of_the_other_direction_is_malformed():
    with pytest.raises(Malformed):
        decode_down(encode(PRESS).payload)


@pytest.mark.parametrize(("count", "is_read"), [(envelope.ROWS_MAX, True), (5001, False)])
def test_a_batch_carries_rows_up_to_a_limit(count, is_read):
    rows = [[0, seq, "motion", True] for seq in range(1, count + 1)]
    body = zlib.compress(changed(lane="data", devices=[{"id": "z", "rows": rows}]))

    if is_read:
        message = decode_up(body, JSON_DEFLATE)
        assert isinstance(message, Batch)
        assert len(message.devices[0].rows) == count
    else:
        with pytest.raises(Malformed, match="at most 5000 rows"):
            decode_up(body, JSON_DEFLATE)
