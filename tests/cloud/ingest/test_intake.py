"""What one message does to the store, and what may be acknowledged for it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import true

from cloud.durable import received
from cloud.durable.received import INTERVALS_MAX
from cloud.ingest.intake import REFUSED_MAX, Answer, Intake
from cloud.ingest.source import Delivery
from cloud.storage.store import Store
from contract.lanes import Lane
from contract.messages import Done, Gap
from contract.properties import Identity
from tests.cloud.ingest.fakes import GATEWAY, FakeJudge, delivery, hello, press, samples
from tests.cloud.stores import HandClock, open_store

Take = Callable[[Delivery], list[Answer]]


@pytest.fixture
def judge() -> FakeJudge:
    return FakeJudge()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path, HandClock())


@pytest.fixture
def take(store: Store, judge: FakeJudge) -> Take:
    intake = Intake(judge, "ep-1")
    return lambda message: store.write(lambda work: intake.take(work, message))


def test_a_press_is_judged_once_and_acknowledged_by_number(take: Take, judge: FakeJudge) -> None:
    [first] = take(delivery(press(7)))
    [again] = take(delivery(press(7)))

    assert [fact.key for fact in judge.facts] == [f"{GATEWAY}/j1/alarm/7"]
    assert first.ack.seqs == again.ack.seqs == [7]
    assert first.ack.cloud_epoch == "ep-1"


def test_two_journals_may_use_the_same_number(take: Take, judge: FakeJudge) -> None:
    take(delivery(press(1, journal="j1")))
    take(delivery(press(1, journal="j2")))

    assert len(judge.facts) == 2


def test_a_press_told_twice_names_the_first_one(take: Take, judge: FakeJudge) -> None:
    take(delivery(press(8, rep=7, age_ms=1500)))

    assert judge.facts[0].repeats == f"{GATEWAY}/j1/alarm/7"
    assert judge.facts[0].age_ms == 1500


def test_time_at_the_broker_counts_as_age(take: Take, judge: FakeJudge) -> None:
    take(delivery(press(8, age_ms=1500))._replace(waited_s=90))

    assert judge.facts[0].age_ms == 91_500


def test_undecodable_bytes_on_the_alarm_topic_raise_once_and_are_refused_by_name(
    take: Take, judge: FakeJudge, store: Store
) -> None:
    broken = delivery(b"\xff\xfe", identity=Identity("j1", Lane.ALARM, 9, 9))

    [answer] = take(broken)
    take(broken)

    assert [case.reason for case in judge.cases] == ["undecodable"]
    assert [refusal.seq for refusal in answer.ack.refused] == [9]
    [kept] = store.read(lambda work: received.rejected(work, true()))
    assert (kept["payload"], kept["times"]) == (b"\xff\xfe", 2)


def test_undecodable_bytes_without_a_name_are_known_by_their_fingerprint(
    take: Take, judge: FakeJudge
) -> None:
    assert take(delivery(b"{")) == []
    assert take(delivery(b"{")) == []
    take(delivery(b"["))

    assert len(judge.cases) == 2


def test_undecodable_telemetry_is_kept_but_rings_nobody(
    take: Take, judge: FakeJudge, store: Store
) -> None:
    take(delivery(b"nonsense", lane=Lane.DATA))

    assert judge.cases == []
    assert len(store.read(lambda work: received.rejected(work, true()))) == 1


def test_undecodable_telemetry_with_a_name_is_refused_and_counts_as_applied(take: Take) -> None:
    take(delivery(samples(1, 3), lane=Lane.DATA))
    broken = delivery(b"nonsense", lane=Lane.DATA, identity=Identity("j1", Lane.DATA, 4, 6))

    [answer] = take(broken)
    [again] = take(broken)

    assert answer.ack == again.ack
    assert answer.ack.intervals == [(1, 6)]
    assert [refusal.seq for refusal in answer.ack.refused] == [4, 5, 6]


def test_a_name_that_claims_more_than_a_message_carries_closes_no_more_than_that(
    take: Take,
) -> None:
    claim = Identity("j1", Lane.DATA, 1, 2**52)

    [answer] = take(delivery(b"nonsense", lane=Lane.DATA, identity=claim))

    assert answer.ack.intervals == [(1, REFUSED_MAX)]
    assert len(answer.ack.refused) == REFUSED_MAX


def test_refused_telemetry_that_is_too_scattered_to_remember_comes_again(take: Take) -> None:
    for at in range(INTERVALS_MAX):
        take(delivery(samples(2 * at + 1, 2 * at + 1), lane=Lane.DATA))
    beyond = Identity("j1", Lane.DATA, 1_000, 1_000)

    [answer] = take(delivery(b"nonsense", lane=Lane.DATA, identity=beyond))

    assert (answer.ack.refused, len(answer.ack.intervals)) == ([], INTERVALS_MAX)


@pytest.mark.parametrize(
    "wrong",
    [
        delivery(press(1), gateway="gw-other1"),
        delivery(press(1), lane=Lane.EVENT),
        delivery(press(1), fault="no topic of ours"),
    ],
    ids=["another's topic", "another lane", "a foreign topic"],
)
def test_a_message_in_the_wrong_place_is_not_judged(
    take: Take, judge: FakeJudge, wrong: Delivery
) -> None:
    take(wrong)

    assert judge.facts == []


def test_an_unknown_word_on_the_alarm_lane_is_kept_refused_and_reported(
    take: Take, judge: FakeJudge
) -> None:
    [answer] = take(delivery(press(3, name="tsunami")))
    take(delivery(press(3, name="tsunami")))

    assert [refusal.seq for refusal in answer.ack.refused] == [3]
    assert [case.reason for case in judge.cases] == ["unknown_name"]


def test_samples_are_applied_by_interval_and_never_twice(take: Take, judge: FakeJudge) -> None:
    take(delivery(samples(1, 3), lane=Lane.DATA))
    [answer] = take(delivery(samples(2, 5), lane=Lane.DATA))

    assert [fact.row.seq for fact in judge.facts] == [1, 2, 3, 4, 5]
    assert answer.ack.intervals == [(1, 5)]


def test_live_readings_may_overtake_a_backlog(take: Take, judge: FakeJudge) -> None:
    take(delivery(samples(100, 101), lane=Lane.DATA))
    [answer] = take(delivery(samples(1, 2), lane=Lane.DATA))

    assert answer.ack.intervals == [(1, 2), (100, 101)]
    assert len(judge.facts) == 4


def test_a_gap_closes_its_interval(take: Take) -> None:
    batch = samples(5, 5)
    batch.gaps = [Gap(1, 4, 4, "thinned")]

    [answer] = take(delivery(batch, lane=Lane.DATA))

    assert answer.ack.intervals == [(1, 5)]


def test_more_holes_than_can_be_remembered_are_not_acknowledged(
    take: Take, judge: FakeJudge
) -> None:
    for seq in range(1, 129, 2):
        take(delivery(samples(seq, seq), lane=Lane.DATA))

    [answer] = take(delivery(samples(200, 200), lane=Lane.DATA))

    assert len(answer.ack.intervals) == 64
    assert max(fact.row.seq for fact in judge.facts) == 127


def test_a_session_start_is_answered_by_what_is_stored(take: Take) -> None:
    take(delivery(press(4)))
    take(delivery(press(5, name="tsunami")))

    answers = take(delivery(hello(alarm=(3, 6), data=(11, 20)), lane=Lane.HEALTH))

    by_lane = {answer.ack.lane: answer.ack for answer in answers}
    assert by_lane["alarm"].seqs == [4]
    assert [refusal.seq for refusal in by_lane["alarm"].refused] == [5]
    assert by_lane["data"].intervals == [(1, 10)]
    assert all(answer.ack.hello for answer in answers)


def test_a_journal_that_has_forgotten_rows_is_told_their_numbers(take: Take) -> None:
    take(delivery(press(4)))
    take(delivery(press(9)))

    answers = take(delivery(hello(alarm=(5, 4)), lane=Lane.HEALTH))

    [answer] = [each for each in answers if each.ack.lane == "alarm"]
    assert answer.ack.seqs == [9]


def test_a_confirmed_command_reaches_the_outbox(take: Take, judge: FakeJudge) -> None:
    take(delivery(Done(GATEWAY, ["say-1"]), lane=Lane.HEALTH))

    assert judge.confirmed == ["say-1"]
