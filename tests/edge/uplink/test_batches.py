"""Rows as messages of the wire."""

from typing import Any

import pytest

from contract.envelope import decode_up
from contract.lanes import Lane
from contract.messages import Batch, Gap
from contract.properties import ROW_EXPIRY_S
from contract.topics import up_topic
from edge.clock import Now
from edge.journal.model import Entry, Hole, Row, Taken
from edge.uplink.batches import Speaker, message_of
from tests.edge.fakes import NOON_MS
from tests.edge.house import GATEWAY, rows_of


def speaker(wall_ms=NOON_MS, monotonic_ms=100_000, *, boot="b1", is_synced=True):
    return Speaker(GATEWAY, "jr-1", boot, Now(wall_ms, monotonic_ms), is_synced)


def row(seq=1, lane=Lane.ALARM, *, is_synced=True, **more):
    taken = Taken("b1", 90_000, NOON_MS - 10_000, is_synced)
    known: dict[str, Any] = {"device": "d", "name": "sos", "value": True} | more
    return Row(seq, Entry(lane=lane, taken=taken, **known))


def said(who, *rows, **more):
    message = message_of(who, rows[0].entry.lane if rows else Lane.DATA, rows, **more)
    batch = decode_up(message.payload, message.content_type)
    assert isinstance(batch, Batch)
    return batch


def at_ms(batch):
    return [batch.t0_ms + each.dt_ms for each in rows_of(batch)]


def age_ms(batch):
    [only] = rows_of(batch)
    return only.x.age_ms if only.x else None


def test_a_call_says_its_age_and_its_date():
    batch = said(speaker(), row())

    assert age_ms(batch) == 10_000
    assert at_ms(batch) == [NOON_MS - 10_000]
    assert batch.sent_ms == NOON_MS


def test_the_age_is_written_anew_at_each_sending():
    assert age_ms(said(speaker(NOON_MS + 5_000, 105_000), row())) == 15_000


def test_a_wall_clock_that_jumps_changes_no_age():
    assert age_ms(said(speaker(NOON_MS - 86_400_000), row())) == 10_000


@pytest.mark.parametrize(
    ("was_right", "is_right", "age"),
    [(True, True, 10_000), (False, True, None), (True, False, None)],
)
def test_after_another_boot_the_age_is_known_only_by_two_right_clocks(was_right, is_right, age):
    who = speaker(boot="b2", monotonic_ms=5, is_synced=is_right)

    assert age_ms(said(who, row(is_synced=was_right))) == age


def test_a_date_that_was_wrong_is_corrected_when_the_clock_is_right():
    wrong = row(is_synced=False)

    assert at_ms(said(speaker(NOON_MS + 3_600_000), wrong)) == [NOON_MS + 3_600_000 - 10_000]
    assert at_ms(said(speaker(boot="b2"), wrong)) == [NOON_MS - 10_000]


def test_a_device_that_dates_itself_is_believed():
    batch = said(speaker(), row(time_ms=NOON_MS - 77_000, time_quality="device"))

    assert at_ms(batch) == [NOON_MS - 77_000]
    assert age_ms(batch) == 10_000


def test_readings_say_no_age():
    assert age_ms(said(speaker(), row(lane=Lane.DATA, name="temperature", value=20.5))) is None


def test_a_row_says_what_it_repeats_and_what_it_takes_back():
    [repeat] = rows_of(said(speaker(), row(2, rep=1)))
    [cancel] = rows_of(said(speaker(), row(3, name="sos_cancel", cancels=1)))

    assert repeat.x is not None
    assert repeat.x.rep == 1
    assert cancel.x is not None
    assert cancel.x.cancels == 1


def test_a_topic_travels_only_with_bytes_that_could_not_be_read():
    [plain] = rows_of(said(speaker(), row(topic="t")))
    [raw] = rows_of(said(speaker(), row(topic="t", raw="eA==", name="unreadable", value="?")))

    assert plain.x is not None
    assert plain.x.topic is None
    assert raw.x is not None
    assert raw.x.topic == "t"


def test_the_identity_travels_outside_the_body():
    rows = [row(n, Lane.DATA, name="temperature", value=20.5) for n in (4, 5)]

    message = message_of(speaker(), Lane.DATA, rows, [Hole(2, 3, "full")])

    assert message.topic == up_topic(GATEWAY, Lane.DATA)
    assert message.properties == (("journal", "jr-1"), ("lane", "data"), ("seq", "2-5"))
    assert message.expiry_s is None
    assert message_of(speaker(), Lane.ALARM, [row()]).expiry_s == ROW_EXPIRY_S


def test_a_gap_travels_alone_where_nothing_is_left():
    batch = said(speaker(), gaps=[Hole(2, 9, "thinned")], run="backlog")

    assert batch.gaps == [Gap(2, 9, 8, "thinned")]
    assert batch.run == "backlog"
