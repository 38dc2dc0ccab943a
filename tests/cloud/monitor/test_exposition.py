"""The page of metrics: names and units by Prometheus' conventions, and true."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cloud.live.hub import Hub
from cloud.monitor.exposition import Exposition, Links
from cloud.observe import Counters
from cloud.observe.measures import COMMIT, STEP
from tests.cloud.district import District
from tests.cloud.monitor.catalogue import KINDS, LABELS

UNITS = re.compile(
    r"_(seconds|bytes|messages|rows|deltas|transactions|letters|timers|listeners|topics)(_|$)"
)


@pytest.fixture
def district(tmp_path: Path) -> Iterator[District]:
    district = District(tmp_path)
    yield district
    district.store.stop()


def page(district: District, counters: Counters) -> dict[str, dict[str, float]]:
    """`name` -> `label` (or empty) -> value."""
    links = Links(frozenset({"web"}), {"store": True, "alarms": False}, {"alarms": 3})
    shown = Exposition(counters, district.store, Hub(7), district.clock, lambda: links).page()
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(shown.decode()):
        for sample in family.samples:
            label = ",".join(sample.labels.values())
            found.setdefault(sample.name, {})[label] = sample.value
    return found


def test_everything_has_a_name_and_a_unit_as_prometheus_wants_them(district: District) -> None:
    counters = Counters(district.clock)
    for name in ("ingest.quarantined", "messages.ingest.alarms", "swept.feed", "never.heard.of"):
        counters.add(name)

    shown = page(district, counters)

    ours = {name for name in shown if name.startswith("anju_")}
    assert [name for name in ours if not re.fullmatch(r"[a-z]+(_[a-z]+)*", name)] == []
    counted = {name for name, kind in KINDS.items() if kind == "counter"}
    assert [name for name in counted if not name.endswith("_total")] == []
    assert ours - KINDS.keys() == set()


def test_every_time_says_that_it_is_in_seconds() -> None:
    timed = [name for name in KINDS if re.search(r"overdue|oldest|interval|timestamp|late", name)]

    assert [name for name in timed if "_seconds" not in name] == []


def test_labels_are_few_and_none_could_name_a_person() -> None:
    assert {label for labels in LABELS.values() for label in labels} <= set(
        "part role source lane kind pump sweep handling state outcome hop step priority name le"
        " version python gateway broker".split()
    )


def test_what_was_counted_is_shown_under_its_label(district: District) -> None:
    counters = Counters(district.clock)
    counters.add("messages.ingest.alarms", 2)
    counters.add("ingest.refused.alarm")
    counters.add("ingest.unregistered", 4)
    counters.add("store.collisions")
    counters.trouble("rule.sos", "odd", 1)

    shown = page(district, counters)

    assert shown["anju_ingest_messages_total"] == {"ingest.alarms": 2}
    assert shown["anju_ingest_refused_total"] == {"alarm": 1, "event": 0}
    assert shown["anju_ingest_quarantined_total"] == {"": 0}
    assert shown["anju_ingest_unregistered_rows_total"] == {"": 4}
    assert shown["anju_other_total"] == {"store.collisions": 1}
    assert shown["anju_troubles_total"] == {"rule.sos": 1}


def test_a_histogram_adds_up(district: District) -> None:
    counters = Counters(district.clock)
    for seconds in (4, 28, 31, 4000):
        counters.measure(STEP, "claimed", seconds)

    shown = page(district, counters)

    buckets = shown["anju_alarm_step_seconds_bucket"]
    assert (buckets["5.0,claimed"], buckets["30.0,claimed"], buckets["+Inf,claimed"]) == (1, 2, 4)
    assert shown["anju_alarm_step_seconds_count"] == {"claimed": 4}
    assert shown["anju_alarm_step_seconds_sum"] == {"claimed": 4063}


def test_a_call_that_waits_is_shown_with_its_age(district: District) -> None:
    district.press()
    district.clock.pass_s(45)

    shown = page(district, Counters(district.clock))

    assert shown["anju_alarms_open"] == {"unclaimed": 1}
    assert shown["anju_alarms_oldest_unclaimed_seconds"] == {"": 45}
    assert shown["anju_timers"][""] >= 1
    assert shown["anju_timer_overdue_seconds"][""] > 0  # nobody turned the pump meanwhile


def test_where_the_store_cannot_be_read_the_rest_is_shown(district: District) -> None:
    district.store._reading.dispose()
    district.store._reading = BrokenEngine()  # type: ignore[assignment]

    shown = page(district, Counters(district.clock))

    assert "anju_alarms_open" not in shown
    assert shown["anju_part_up"] == {"store": 1, "alarms": 0}
    assert shown["anju_feed_sequence"] == {"": 7}


class BrokenEngine:
    """A database that is away."""

    def connect(self) -> None:
        from sqlalchemy.exc import OperationalError

        raise OperationalError("SELECT 1", {}, OSError("away"))

    def dispose(self) -> None:
        pass


def test_each_commit_is_measured_by_whose_it_is(district: District) -> None:
    counters = district.store._counters

    district.press()

    found = {(d.measure, d.label) for d in counters.distributions()}
    assert (COMMIT, "person") in found
