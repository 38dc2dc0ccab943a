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
from cloud.storage.errors import Fenced
from cloud.storage.store import Priority, Store
from contract.lanes import Lane
from tests.cloud.ingest.fakes import FakeJudge, FakeSource, delivery, press, samples
from tests.cloud.stores import HandClock, open_store
from tests.series import MemorySeries

NOW = 1_000_000


class Bench:
    """A pump over a real store, with a source and a judge made by hand."""

    def __init__(self, folder: Path) -> None:
        self.store: Store = open_store(folder, HandClock())
        self.source, self.judge, self.counters = FakeSource(), FakeJudge(), Counters()
        self.sent: list[str] = []
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
        )

    def _publish(self, topic: str, _payload: bytes, _type: str) -> None:
        self.sent.append(topic.rpartition("/")[2])


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
    with pytest.raises(Fenced):
        bench.pump.run_once(NOW)

    assert bench.source.settled == []
    assert bench.judge.facts == []


def test_after_a_failed_commit_the_group_is_tried_again_as_it_is(bench: Bench) -> None:
    generation = bench.store.write(fence.claim_all)
    bench.source.waiting = [delivery(press(1), token="m1", received_ms=NOW)]
    with pytest.raises(Fenced):
        bench.pump.run_once(NOW)

    bench.pump._generation = generation
    bench.pump.run_once(NOW)

    assert bench.source.settled == ["m1"]
