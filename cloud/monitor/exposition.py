"""The page of metrics: what was counted and measured, by Prometheus' names, and what waits now.

COUNTS and GAUGES with cloud/observe/measures.py are the catalogue: config/grafana and
config/prometheus may ask for nothing else, and a test sees to it.
"""

import platform
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from typing_extensions import override

from cloud.clock import Clock
from cloud.live.hub import Hub
from cloud.monitor.figures import Figures, read_figures
from cloud.observe import Counters
from cloud.observe.counters import Distribution
from cloud.observe.measures import MEASURES
from cloud.storage.errors import StoreError
from cloud.storage.store import Store

TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"


class Count(NamedTuple):
    """A counter. label: what the rest of the counted name stands for; empty: there is no rest."""

    name: str
    text: str
    label: str = ""


class Gauge(NamedTuple):
    """A value that goes up and down."""

    text: str
    label: str = ""


# What the code counts, by the first words of its name there.
COUNTS: Final = {
    "messages": Count("anju_ingest_messages", "Messages committed", "source"),
    "ingest.rows": Count("anju_ingest_rows", "New rows that were judged", "lane"),
    "ingest.refused": Count("anju_ingest_refused", "Rows refused for good", "lane"),
    "ingest.quarantined": Count("anju_ingest_quarantined", "Messages put aside after failing"),
    "ingest.groups_failed": Count("anju_ingest_groups_failed", "Groups taken apart"),
    "ingest.left_with_the_edge": Count(
        "anju_ingest_left_with_the_edge", "Messages that could not even be put aside"
    ),
    "ingest.unregistered": Count(
        "anju_ingest_unregistered_rows", "Rows of devices that nobody has registered"
    ),
    "ingest.overflowed": Count("anju_ingest_overflowed", "Messages of QoS 0 let go"),
    "ingest.unknown_topics": Count("anju_ingest_unknown_topics", "Messages on foreign topics"),
    "alarms.raised": Count("anju_alarms_raised", "Alarms raised", "kind"),
    "outbox.carried": Count("anju_outbox_carried", "Letters taken to a carrier", "outcome"),
    "outbox.failed": Count("anju_outbox_failed", "Carriers that broke", "kind"),
    "timers.failed": Count("anju_timers_failed", "Timers whose handler failed"),
    "rules.detections": Count("anju_rules_detections", "What rules have concluded"),
    "rules.failed": Count("anju_rules_failed", "Rules that failed and were left out"),
    "swept": Count("anju_swept", "Things forgotten by housekeeping", "sweep"),
}
# Shown from the start: Prometheus sees no increase in what begins at 1.
ZERO: Final = {
    **{name: 0 for name, count in COUNTS.items() if not count.label},
    "ingest.refused.alarm": 0,
    "ingest.refused.event": 0,
}
OTHER: Final = Count("anju_other", "Counted by a name that has no metric of its own", "name")
TROUBLES: Final = Count("anju_troubles", "Failures of a part that went on", "part")
GAUGES: Final = {
    "anju_part_up": Gauge("Whether a part that an alarm needs is there", "part"),
    "anju_role": Gauge("What this process does", "role"),
    "anju_pumps_stuck": Gauge("Pumps that have not turned for half a minute"),
    "anju_ingest_waiting_messages": Gauge("Messages received and not taken", "source"),
    "anju_store_waiting_transactions": Gauge("Transactions that wait for the writer"),
    "anju_feed_listeners": Gauge("Pages that follow the feed", "kind"),
    "anju_feed_audible_consoles": Gauge("Operators' consoles that show and can be heard"),
    "anju_feed_longest_queue_deltas": Gauge("Deltas that the slowest listener has not read"),
    "anju_feed_sequence": Gauge("The feed's last number"),
    "anju_pump_last_turn_timestamp_seconds": Gauge("When a pump last did its turn well", "pump"),
    "anju_sweep_last_success_timestamp_seconds": Gauge(
        "When housekeeping last did this, or began to", "sweep"
    ),
    "anju_sweep_interval_seconds": Gauge("How often housekeeping does this", "sweep"),
    "anju_alarms_open": Gauge("Open alarms", "handling"),
    "anju_alarms_oldest_unclaimed_seconds": Gauge("How long the oldest call waits for anybody"),
    "anju_shifts_open": Gauge("Operators who are on shift"),
    "anju_outbox_letters": Gauge("Letters pending, and dead ones", "state"),
    "anju_outbox_overdue_seconds": Gauge("How long the next letter has been due"),
    "anju_timers": Gauge("Durable timers that run"),
    "anju_timer_overdue_seconds": Gauge("How long the next timer has been due"),
    "anju_quarantine_messages": Gauge("Messages kept because they could not be used", "lane"),
}


class Links(NamedTuple):
    """What only the composition knows. waiting: messages by source."""

    roles: frozenset[str]
    parts: dict[str, bool]
    waiting: dict[str, int]


class Exposition(Collector):
    """Everything that one process shows. Built at each scrape; nothing is kept between them."""

    def __init__(
        self, counters: Counters, store: Store, hub: Hub, clock: Clock, links: Callable[[], Links]
    ) -> None:
        self._counters, self._store, self._hub = counters, store, hub
        self._clock, self._links = clock, links
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def page(self) -> bytes:
        """In the text format, TEXT."""
        return generate_latest(self._registry)

    @override
    def collect(self) -> Iterator[Metric]:
        """See Collector."""
        yield InfoMetricFamily("anju_build", "This program", value=_build())
        yield from self._counts()
        for measure in MEASURES:
            found = [d for d in self._counters.distributions() if d.measure is measure]
            yield _histogram(measure.name, measure.text, measure.label, found)
        yield from self._here()
        try:
            yield from _waiting(self._store.read(read_figures))
        except (StoreError, SQLAlchemyError):
            return  # `anju_part_up{part="store"}` says it

    def _counts(self) -> Iterator[Metric]:
        counts, troubles, _ = self._counters.snapshot()
        families = {c: _counter(c) for c in (*COUNTS.values(), OTHER, TROUBLES)}
        for name, count in (ZERO | counts).items():
            family, label = _family_of(name)
            families[family].add_metric([label] if family.label else [], count)
        for part, trouble in troubles.items():
            families[TROUBLES].add_metric([part], trouble.times)
        yield from families.values()

    def _here(self) -> Iterator[Metric]:
        links, hub = self._links(), self._hub
        _, _, turned = self._counters.snapshot()
        promises = self._counters.promises()
        listeners = hub.listeners()
        consoles = sum(each.is_console for each in listeners)
        pumps = {n: at / 1000 for n, at in turned.items() if not n.startswith("sweep.")}
        sweeps = {n: turned.get(n, p.since_ms) / 1000 for n, p in promises.items()}
        yield _gauge("anju_part_up", {name: float(up) for name, up in links.parts.items()})
        yield _gauge("anju_role", dict.fromkeys(links.roles, 1.0))
        yield _gauge("anju_pumps_stuck", len(self._counters.stuck()))
        yield _gauge("anju_ingest_waiting_messages", links.waiting)
        yield _gauge("anju_store_waiting_transactions", self._store.waiting)
        kinds = {"console": consoles, "other": len(listeners) - consoles}
        yield _gauge("anju_feed_listeners", kinds)
        yield _gauge("anju_feed_audible_consoles", hub.audible_consoles(self._clock.now_ms()))
        longest = max((len(each.queue) for each in listeners), default=0)
        yield _gauge("anju_feed_longest_queue_deltas", longest)
        yield _gauge("anju_feed_sequence", hub.seq)
        yield _gauge("anju_pump_last_turn_timestamp_seconds", pumps)
        yield _gauge("anju_sweep_last_success_timestamp_seconds", sweeps)
        yield _gauge("anju_sweep_interval_seconds", {n: p.every_s for n, p in promises.items()})


def _waiting(figures: Figures) -> Iterator[Metric]:
    yield _gauge("anju_alarms_open", figures.alarms_open)
    yield _gauge("anju_alarms_oldest_unclaimed_seconds", figures.oldest_unclaimed_s)
    yield _gauge("anju_shifts_open", figures.shifts_open)
    yield _gauge("anju_outbox_letters", figures.letters)
    yield _gauge("anju_outbox_overdue_seconds", figures.letter_overdue_s)
    yield _gauge("anju_timers", figures.timers)
    yield _gauge("anju_timer_overdue_seconds", figures.timer_overdue_s)
    yield _gauge("anju_quarantine_messages", figures.quarantined)


def _family_of(name: str) -> tuple[Count, str]:
    """The longest beginning that is known, and the rest; a rest without a label is another name."""
    head, rest = name, ""
    while head:
        family = COUNTS.get(head)
        if family is not None and bool(family.label) == bool(rest):
            return family, rest
        head, _, word = head.rpartition(".")
        rest = f"{word}.{rest}" if rest else word
    return OTHER, name


def _counter(count: Count) -> CounterMetricFamily:
    labels = [count.label] if count.label else []
    return CounterMetricFamily(count.name, count.text, labels=labels)


def _gauge(name: str, value: "float | dict[str, int] | dict[str, float]") -> GaugeMetricFamily:
    gauge = GAUGES[name]
    family = GaugeMetricFamily(name, gauge.text, labels=[gauge.label] if gauge.label else [])
    for label, each in (value if isinstance(value, dict) else {"": value}).items():
        family.add_metric([label] if gauge.label else [], each)
    return family


def _histogram(
    name: str, text: str, label: str, found: list[Distribution]
) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, text, labels=[label])
    for each in found:
        total, buckets = 0, []
        for bound, count in zip((*each.measure.bounds, None), each.counts, strict=True):
            total += count
            buckets.append(("+Inf" if bound is None else str(bound), float(total)))
        family.add_metric([each.label], buckets, each.sum)
    return family


def _build() -> dict[str, str]:
    try:
        ours = version("anju")
    except PackageNotFoundError:
        ours = "source"
    return {"version": ours, "python": platform.python_version()}
