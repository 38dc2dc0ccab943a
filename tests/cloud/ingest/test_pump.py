"""Groups: committed together, never failing whole, settled only after the commit."""

from pathlib import Path

import pytest

from cloud.ingest import fence
from cloud.ingest.intake import Intake
from cloud.ingest.pump import IngestPump
from cloud.ingest.telemetry import Telemetry
from cloud.observe import Counters
from cloud.pumps import Signal
from cloud.registry.registry import Registry
from cloud.storage.errors import Unavailable
from cloud.storage.store import Priority, Store
from contract.envelope import MESSAGE_BYTES_MAX, ROWS_MAX, decode_down
from contract.lanes import Lane
from contract.messages import Ack, Batch, DeviceRows, Row
from tests.cloud.ingest.fakes import GATEWAY, FakeJudge, FakeSource, delivery, press, samples
from tests.cloud.stores import HandClock, open_store
from tests.series import MemorySeries

NOW = 1_000_000


class Bench:
    """A pump over a real store, with a source and a judge made by hand."""

    def __init__(self, folder: Path) -> None:
        self.acks: list[Ack] = []
        self.store: Store = open_store(folder, HandClock())
        self.source, self.judge, self.counters = FakeSource(), FakeJudge(), Counters()
        self.sent: list[str] = []
        self.overtaken: list[str] = []
        self.pump = IngestPump(
            "ingest.alarm",
            self.source,
            self.store,
            Intake(self.judge, "ep-1"),
            Telemetry(MemorySeries(), Registry(self.store.read), self._publish, self.counters),
            self._publish,
            self.counters,
            generation=self.store.write(fence.claim_all),
            priority=Priority.ALARM,
            signal=Signal(),
            overtaken=lambda: self.overtaken.append("told"),
        )

    def _publish(self, topic: str, payload: bytes, content_type: str) -> None:
        assert len(payload) <= MESSAGE_BYTES_MAX
        self.sent.append(topic.rpartition("/")[2])
        ack = decode_down(payload, content_type)
        assert isinstance(ack, Ack)
        self.acks.append(ack)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_press_is_committed_at_once_then_settled_then_acknowledged(bench: Bench) -> None:
    bench.source.waiting = [delivery(press(1), token="m1", received_ms=NOW)]

    bench.pump.run_once(NOW)

    assert bench.source.settled == ["m1"]
    assert bench.sent == ["ack"]
    assert len(bench.judge.facts) == 1


def test_samples_wait_for_their_group_but_no_longer_than_20_ms(bench: Bench) -> None:
    bench.source.waiting = [delivery(samples(1, 2), lane=Lane.DATA, token="d", received_ms=NOW)]

    assert bench.pump.run_once(NOW) == NOW + 20
    assert bench.source.settled == []

    bench.pump.run_once(NOW + 20)
    assert bench.source.settled == ["d"]


def test_what_a_full_group_left_behind_is_taken_at_once_without_a_signal(bench: Bench) -> None:
    bench.source.waiting = [
        delivery(press(seq), token=seq, received_ms=NOW) for seq in range(1, 202)
    ]

    assert bench.pump.run_once(NOW) == NOW
    bench.pump.run_once(NOW)

    assert bench.source.settled == list(range(1, 202))


def test_one_poisoned_message_is_put_aside_and_the_presses_beside_it_are_taken(
    bench: Bench,
) -> None:
    bench.judge.poison = "z2m:bad"
    bench.source.waiting = [
        delivery(press(1), token="good-1", received_ms=NOW),
        delivery(press(2, device="z2m:bad"), token="bad", received_ms=NOW),
        delivery(press(3), token="good-2", received_ms=NOW),
    ]

    bench.pump.run_once(NOW)

    assert sorted(bench.source.settled) == ["bad", "good-1", "good-2"]
    assert [fact.row.seq for fact in bench.judge.facts] == [1, 3]
    assert [case.reason for case in bench.judge.cases] == ["quarantined"]


def test_an_owner_that_was_overtaken_commits_nothing_and_settles_nothing(bench: Bench) -> None:
    bench.store.write(fence.claim_all)
    bench.source.waiting = [delivery(press(1), token="m1", received_ms=NOW)]

    # A newer owner's generation is above ours, so our own stays below it in every partition.
    bench.pump.run_once(NOW)

    assert bench.source.settled == []
    assert bench.judge.facts == []


def test_an_owner_that_was_overtaken_asks_to_be_ended_and_takes_no_more(bench: Bench) -> None:
    bench.store.write(fence.claim_all)
    bench.source.waiting = [delivery(press(1), token="m1", received_ms=NOW)]
    assert bench.pump.run_once(NOW) == NOW

    bench.source.waiting = [delivery(press(2), token="m2", received_ms=NOW)]
    assert bench.pump.run_once(NOW) is None
    bench.pump.run_once(NOW)

    assert bench.overtaken == ["told", "told"]
    assert len(bench.source.waiting) == 1


def test_after_a_failed_commit_the_group_is_tried_again_as_it_is(bench: Bench) -> None:
    bench.judge.trouble = Unavailable("the disk is full")
    bench.source.waiting = [delivery(press(1), token="m1", received_ms=NOW)]
    with pytest.raises(Unavailable):
        bench.pump.run_once(NOW)

    bench.judge.trouble = None
    bench.pump.run_once(NOW)

    assert bench.source.settled == ["m1"]


def test_a_message_that_cannot_even_be_put_aside_is_left_with_the_edge(bench: Bench) -> None:
    bench.judge.poison = "z2m:bad"
    bench.judge.is_deaf = True
    bench.source.waiting = [
        delivery(press(1, device="z2m:bad"), token="bad", received_ms=NOW),
        delivery(press(2), token="good", received_ms=NOW),
    ]

    bench.pump.run_once(NOW)

    assert bench.source.settled == ["bad", "good"]
    assert [ack.seqs for ack in bench.acks] == [[2]]
    counts, troubles, _ = bench.counters.snapshot()
    assert counts["ingest.left_with_the_edge"] == 1
    assert "ingest.alarm" in troubles


def test_an_acknowledgement_of_many_rows_leaves_in_messages_that_the_wire_takes(
    bench: Bench,
) -> None:
    for number in range(20):
        first = number * ROWS_MAX + 1
        rows = [Row(0, seq, "x" * 60, True) for seq in range(first, first + ROWS_MAX)]
        device = [DeviceRows("z2m:0x1", rows)]
        batch = Batch(GATEWAY, "j1", "b1", "event", 0, 0, device)
        bench.source.waiting.append(delivery(batch, lane=Lane.EVENT, received_ms=NOW - 20))

    bench.pump.run_once(NOW)

    refused = [refusal.seq for ack in bench.acks for refusal in ack.refused]
    assert refused == list(range(1, 20 * ROWS_MAX + 1))


def test_a_clock_that_is_set_back_makes_nothing_wait(bench: Bench) -> None:
    for at_ms, seq in ((NOW, 1), (NOW, 2)):
        message = delivery(samples(seq, seq), lane=Lane.DATA, received_ms=at_ms)
        bench.source.waiting = [message]
        bench.pump.run_once(at_ms - 5_000_000)

    assert [fact.row.seq for fact in bench.judge.facts] == [1, 2]
