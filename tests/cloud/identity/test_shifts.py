import pytest

from cloud.identity import store as queries
from cloud.identity.errors import OpenAlarms
from cloud.identity.events import ShiftEnded, ShiftStarted
from cloud.identity.shifts import end_shift, note_audio, start_shift


def test_starting_twice_is_one_shift_with_the_newer_sound(store, operator, clock):
    first = store.write(lambda work: start_shift(work, operator.id, audio_ok=False))
    clock.pass_s(60)
    again = store.write(lambda work: start_shift(work, operator.id, audio_ok=True))

    assert (again.id, again.started_ms, again.audio_ok) == (first.id, first.started_ms, True)
    assert store.read(queries.open_shifts) == [again]


def test_a_shift_with_claimed_alarms_cannot_end(store, operator):
    store.write(lambda work: start_shift(work, operator.id, audio_ok=True))

    with pytest.raises(OpenAlarms) as refused:
        store.write(lambda work: end_shift(work, operator.id, ["al-1"]))

    assert refused.value.data == {"alarms": ["al-1"]}
    assert len(store.read(queries.open_shifts)) == 1


def test_start_and_end_are_told_once_and_the_next_shift_is_another(store, bus, operator, clock):
    told = []
    for kind in (ShiftStarted, ShiftEnded):
        bus.on(kind, lambda work, event: told.append((type(event).__name__, event.shift_id)))

    first = store.write(lambda work: start_shift(work, operator.id, audio_ok=True))
    clock.pass_s(8 * 3600)
    ended = store.write(lambda work: end_shift(work, operator.id, []))
    nothing = store.write(lambda work: end_shift(work, operator.id, []))
    second = store.write(lambda work: start_shift(work, operator.id, audio_ok=True))

    assert ended.ended_ms == clock.now_ms()
    assert nothing is None
    assert told == [
        ("ShiftStarted", first.id),
        ("ShiftEnded", first.id),
        ("ShiftStarted", second.id),
    ]


def test_the_console_tells_when_it_can_no_longer_be_heard(store, operator):
    store.write(lambda work: start_shift(work, operator.id, audio_ok=True))

    store.write(lambda work: note_audio(work, operator.id, False))

    assert store.read(lambda work: queries.open_shift(work, operator.id)).audio_ok is False
