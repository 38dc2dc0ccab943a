"""Readings beside the rules: what both have is acknowledged, and nobody waits for the series."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import true

from cloud.durable.received import rejected
from cloud.ingest import fence, telemetry
from cloud.ingest.intake import Intake
from cloud.ingest.pump import IngestPump
from cloud.ingest.telemetry import Telemetry
from cloud.observe import Counters
from cloud.pumps import Signal
from cloud.registry.registry import Registry
from cloud.registry.seed import load_demo
from cloud.storage.store import Priority, Store
from cloud.timeseries.model import DAY_MS
from cloud.timeseries.tiers import turn
from contract.envelope import decode_down
from contract.lanes import Lane
from contract.messages import Ack, Batch, DeviceRows, Gap, Hello, Row
from contract.properties import Identity
from tests.cloud.ingest.fakes import FakeJudge, FakeSource, delivery, hello, press
from tests.cloud.stores import NOON_MS, HandClock, open_store
from tests.series import MemorySeries

CONFIG = Path(__file__).parents[3] / "config"
GATEWAY = "gw-demo01"
HOME = "ho-anhe01"
SENSOR = "z2m:0x00124b0014a00101"  # any registered device of the home will do


class Bench:
    """Ingest of data over the demo's registry, with a series that a test may stop."""

    def __init__(self, folder: Path) -> None:
        self.store: Store = open_store(folder, HandClock())
        self.store.write(lambda work: load_demo(work, CONFIG))
        self.source, self.judge, self.counters = FakeSource(), FakeJudge(), Counters()
        self.series, self.registry = MemorySeries(), Registry(self.store.read)
        self.acks: list[Ack] = []
        self.now_ms = NOON_MS
        self.begin()

    def begin(self) -> None:
        """As a new process."""
        self.series.close()
        self.telemetry = Telemetry(self.series, self.registry, self._publish, self.counters)
        self.pump = IngestPump(
            "ingest.data",
            self.source,
            self.store,
            Intake(self.judge, "ep-1"),
            self.telemetry,
            self._publish,
            self.counters,
            generation=self.store.write(fence.claim_all),
            priority=Priority.DATA,
            signal=Signal(),
            overtaken=lambda: None,
        )

    def hear(
        self,
        *messages: Batch | Hello | bytes,
        lane: Lane = Lane.DATA,
        identity: Identity | None = None,
    ) -> None:
        """Rules first; the series takes what it can within two seconds."""
        self.source.waiting += [
            delivery(
                each, lane=lane, gateway=GATEWAY, received_ms=self.now_ms - 20, identity=identity
            )
            for each in messages
        ]
        self.pump.run_once(self.now_ms)
        self.turn()

    def turn(self) -> None:
        """Two seconds go by."""
        self.telemetry.run_once(self.now_ms)
        self.now_ms += 2000
        self.telemetry.run_once(self.now_ms)

    def values(self) -> list[float]:
        return sorted(point.value for point in self.series.export(HOME, self.now_ms))

    def count(self, name: str) -> int:
        return self.counters.snapshot()[0].get(name, 0)

    def _publish(self, _topic: str, payload: bytes, content_type: str) -> None:
        told = decode_down(payload, content_type)
        assert isinstance(told, Ack)
        self.acks.append(told)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def readings(first: int, last: int, value: Any = None, **more: Any) -> Batch:
    """Temperatures that are their own numbers."""
    rows = [
        Row(seq, seq, "temperature", float(seq) if value is None else value)
        for seq in range(first, last + 1)
    ]
    devices = [DeviceRows(SENSOR, rows)]
    return Batch(GATEWAY, "j1", "b1", "data", NOON_MS - 60_000, NOON_MS, devices, **more)


def greeting(data: tuple[int, int]) -> Hello:
    told = hello(data=data)
    told.gateway = GATEWAY
    return told


def test_readings_reach_rules_and_series_and_then_the_edge_may_forget(bench: Bench) -> None:
    bench.hear(readings(1, 3))

    assert len(bench.judge.facts) == 3
    assert bench.values() == [1, 2, 3]
    assert [ack.intervals for ack in bench.acks] == [[(1, 3)]]


def test_with_the_series_away_rules_go_on_and_nothing_is_acknowledged(bench: Bench) -> None:
    bench.series.is_away = True

    bench.hear(readings(1, 3))

    assert len(bench.judge.facts) == 3
    assert bench.source.settled == [None]
    assert bench.acks == []


def test_when_the_series_is_back_what_waited_is_written_and_acknowledged(bench: Bench) -> None:
    bench.series.is_away = True
    bench.hear(readings(1, 3))
    bench.series.is_away = False

    bench.turn()
    bench.turn()

    assert bench.values() == [1, 2, 3]
    assert bench.acks[-1].intervals == [(1, 3)]


def test_a_redelivery_skips_the_rules_and_fills_the_series(bench: Bench) -> None:
    bench.series.is_away = True
    bench.hear(readings(1, 3))
    bench.begin()  # the queue is lost with the process; the edge has everything
    bench.series.is_away = False

    bench.hear(readings(1, 3))

    assert len(bench.judge.facts) == 3
    assert bench.values() == [1, 2, 3]
    assert bench.acks[-1].intervals == [(1, 3)]


def test_what_only_one_side_has_is_not_acknowledged(bench: Bench) -> None:
    bench.series.is_away = True
    bench.hear(readings(1, 3))
    bench.begin()
    bench.series.is_away = False

    bench.hear(readings(5, 6, gaps=[Gap(4, 4, 1)]))

    assert bench.acks[-1].intervals == [(4, 6)]


def test_a_full_queue_leaves_readings_with_the_edge_and_stops_no_rule(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry, "QUEUE_ROWS_MAX", 4)  # a message counts one beside its rows
    bench.series.is_away = True

    bench.source.waiting = [
        delivery(readings(seq, seq + 2), lane=Lane.DATA, gateway=GATEWAY, received_ms=NOON_MS - 20)
        for seq in (1, 4)
    ]
    bench.pump.run_once(NOON_MS)

    assert len(bench.judge.facts) == 6
    assert bench.count("telemetry.left_with_the_edge") == 4


def test_a_reading_that_can_never_be_kept_does_not_hold_up_its_home(bench: Bench) -> None:
    bench.hear(readings(1, 1, value="warm"))

    assert bench.values() == []
    assert bench.acks[-1].intervals == [(1, 1)]
    assert bench.count("telemetry.refused.type") == 1


def test_a_hello_is_answered_at_once_also_with_the_series_away(bench: Bench) -> None:
    bench.series.is_away = True
    bench.hear(readings(8, 9))

    bench.hear(greeting(data=(8, 9)), lane=Lane.HEALTH)

    [ack] = bench.acks
    assert (ack.hello, ack.intervals) == (True, [(1, 7)])


def test_what_a_hello_says_is_gone_counts_as_applied_in_the_series(bench: Bench) -> None:
    bench.hear(greeting(data=(8, 9)), lane=Lane.HEALTH)

    bench.hear(readings(8, 9))

    assert bench.acks[-1].intervals == [(1, 9)]


def test_data_acknowledgements_leave_at_most_once_a_second(bench: Bench) -> None:
    for at_ms, seq in ((0, 1), (100, 2), (1100, 3)):
        bench.source.waiting = [
            delivery(readings(seq, seq), lane=Lane.DATA, gateway=GATEWAY, received_ms=NOON_MS - 20)
        ]
        bench.pump.run_once(NOON_MS + at_ms)
        bench.telemetry.run_once(NOON_MS + at_ms)

    assert [ack.intervals for ack in bench.acks] == [[(1, 1)], [(1, 3)]]


def test_a_clock_that_is_set_back_makes_no_acknowledgement_wait(bench: Bench) -> None:
    bench.hear(readings(1, 1))
    bench.now_ms -= 5_000_000

    bench.hear(readings(2, 2))

    assert [ack.intervals for ack in bench.acks] == [[(1, 1)], [(1, 2)]]


def test_readings_of_a_message_that_the_store_chokes_on_stay_with_the_edge(bench: Bench) -> None:
    write = bench.series.write

    def choke(sheet: Any) -> None:
        if 13.0 in sheet.value:
            raise KeyError("a bug of ours")
        write(sheet)

    bench.series.write = choke  # type: ignore[method-assign]

    bench.source.waiting = [
        delivery(readings(seq, seq), lane=Lane.DATA, gateway=GATEWAY, received_ms=NOON_MS - 20)
        for seq in (12, 13, 14)
    ]
    bench.hear()

    assert bench.values() == [12, 14]
    assert bench.acks[-1].intervals == [(12, 12), (14, 14)]


def test_refused_readings_are_told_kept_counted_and_do_not_hold_up_their_home(
    bench: Bench,
) -> None:
    bench.judge.poison = SENSOR
    broken = Identity("j1", Lane.DATA, 4, 5)
    bench.hear(readings(1, 3), identity=Identity("j1", Lane.DATA, 1, 3))
    bench.hear(b"nonsense", identity=broken)
    bench.judge.poison = None
    bench.hear(readings(6, 6))

    assert [ack.intervals for ack in bench.acks] == [[(1, 3)], [(1, 5)], [(1, 6)]]
    assert [refusal.seq for ack in bench.acks for refusal in ack.refused] == [1, 2, 3, 4, 5]
    assert bench.values() == [6]
    assert bench.count("ingest.refused.data") == 5
    kept = bench.store.read(lambda work: rejected(work, true()))
    assert sorted(each["reason"].partition(":")[0] for each in kept) == [
        "quarantined",
        "undecodable",
    ]


def test_with_the_series_away_what_is_refused_waits_for_it_like_the_rest(bench: Bench) -> None:
    bench.series.is_away = True
    bench.hear(b"nonsense", identity=Identity("j1", Lane.DATA, 1, 2))
    assert bench.acks == []
    bench.series.is_away = False

    bench.turn()
    bench.turn()

    assert bench.acks[-1].intervals == [(1, 2)]


def test_refusals_that_wait_for_their_second_are_told_together(bench: Bench) -> None:
    for seq in (1, 2):
        bench.source.waiting.append(
            delivery(
                b"nonsense", lane=Lane.DATA, gateway=GATEWAY, received_ms=NOON_MS - 20,
                identity=Identity("j1", Lane.DATA, seq, seq),
            )
        )  # fmt: skip
    bench.pump.run_once(NOON_MS)
    bench.telemetry.run_once(NOON_MS)

    [ack] = bench.acks
    assert (ack.intervals, [refusal.seq for refusal in ack.refused]) == ([(1, 2)], [1, 2])


def test_alarms_never_pass_through_here(bench: Bench) -> None:
    bench.series.is_away = True
    call = press(1)
    call.gateway = GATEWAY

    bench.hear(call, lane=Lane.ALARM)

    assert [ack.seqs for ack in bench.acks] == [[1]]


def test_a_reading_that_comes_late_is_in_its_hour_at_once(bench: Bench) -> None:
    bench.now_ms += 20 * DAY_MS
    while turn(bench.series, bench.now_ms):
        pass

    bench.hear(readings(1, 3))

    [hour] = bench.series.hours.values()
    assert (hour.n, hour.total) == (3, 6)
