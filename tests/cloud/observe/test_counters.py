"""What a process knows of itself: times in buckets, pumps that beat, and what is to be done."""

import threading

from cloud.observe import Counters
from cloud.observe.measures import GROUP, HOP
from cloud.observe.readiness import TO_DO, readiness
from cloud.pumps import Runner, Signal
from tests.cloud.stores import HandClock
from tests.waiting import eventually


def test_a_value_on_a_bound_belongs_to_the_bucket_that_ends_there() -> None:
    counters = Counters(HandClock())

    for size in (1, 2, 3, 201):
        counters.measure(GROUP, "ingest.data", size)

    [found] = counters.distributions()
    assert found.counts == (1, 1, 1, 0, 0, 0, 0, 0, 1)
    assert (found.label, found.sum) == ("ingest.data", 207)


def test_a_clock_that_was_set_back_makes_no_negative_time() -> None:
    clock = HandClock()
    counters = Counters(clock)

    counters.since(HOP, "received_committed", clock.now_ms() + 60_000)

    [found] = counters.distributions()
    assert (found.counts[0], found.sum) == (1, 0.0)


def test_a_pump_that_stands_still_is_stuck_after_half_a_minute_and_one_that_left_is_not() -> None:
    clock = HandClock()
    counters = Counters(clock)
    for pump in ("still", "turning", "gone"):
        counters.beat(pump)

    counters.leaves("gone")
    clock.pass_s(31)
    counters.beat("turning")

    assert counters.stuck() == ["still"]


class Broken:
    """A pump that fails at every turn."""

    def __init__(self) -> None:
        self.name, self.signal, self.turns = "broken", Signal(), 0

    def run_once(self, now_ms: int) -> int | None:
        self.turns += 1
        raise OSError("the broker is away")


def test_a_pump_that_fails_is_in_trouble_but_not_stuck() -> None:
    clock, pump = HandClock(), Broken()
    counters = Counters(clock)
    runner = Runner(pump, clock, counters)
    threads = threading.active_count()

    runner.start()
    eventually(lambda: pump.turns > 0, what="a turn")
    clock.pass_s(31)
    pump.signal.set()
    eventually(lambda: pump.turns > 1 and not counters.stuck(), what="a beat after a failure")
    runner.stop()

    assert counters.snapshot()[1]["broken"].times >= 2
    assert threading.active_count() == threads


def test_what_is_not_there_is_named_with_what_to_do() -> None:
    clock = HandClock()
    counters = Counters(clock)
    counters.trouble("workers.timers", "locked", 5)

    state = readiness({"store": True, "alarms": False, "new": False}, counters, clock.now_ms())

    assert not state.ok
    assert state.to_do.keys() == {"alarms", "new"}
    assert state.to_do["alarms"] == TO_DO["alarms"]
    assert state.troubles == {"workers.timers": {"at_ms": 5, "count": 1}}


def test_a_pump_that_stands_still_makes_the_process_unready() -> None:
    clock = HandClock()
    counters = Counters(clock)
    counters.beat("ingest.alarms")
    clock.pass_s(31)

    state = readiness({"store": True}, counters, clock.now_ms())

    assert (state.ok, state.stuck, state.parts["pumps"]) == (False, ["ingest.alarms"], False)


def test_a_sweep_that_does_not_come_is_late_and_no_reason_to_be_unready() -> None:
    clock = HandClock()
    counters = Counters(clock)
    counters.promise("sweep.feed", 3600)
    counters.promise("sweep.events", 86_400)

    clock.pass_s(3 * 3600)
    late = readiness({}, counters, clock.now_ms())
    counters.turned("sweep.feed", clock.now_ms())
    swept = readiness({}, counters, clock.now_ms())

    assert [name for name, each in late.housekeeping.items() if each.is_late] == ["sweep.feed"]
    assert late.ok
    assert swept.housekeeping["sweep.feed"].age_s == 0
    assert not swept.housekeeping["sweep.feed"].is_late
