"""Every metric that there is, with its kind and labels, as code says it: cloud and edge."""

from cloud.monitor.exposition import COUNTS, GAUGES, OTHER, TROUBLES
from cloud.observe.measures import MEASURES
from edge.textfile import FAMILIES

EDGE_LABELS = {
    "anju_edge_build_info": {"gateway", "version"},
    "anju_edge_link_up": {"broker"},
    "anju_edge_waiting_rows": {"lane"},
    "anju_edge_events_total": {"name"},
    "anju_edge_trouble_total": {"part"},
    "anju_edge_hop_seconds": {"hop"},
}
HISTOGRAMS = {m.name: m.label for m in MEASURES} | {"anju_edge_hop_seconds": "hop"}


def _all() -> tuple[dict[str, str], dict[str, set[str]]]:
    kinds = {"anju_build_info": "gauge"}
    labels = {"anju_build_info": {"version", "python"}}
    for count in (*COUNTS.values(), OTHER, TROUBLES):
        kinds[f"{count.name}_total"] = "counter"
        labels[f"{count.name}_total"] = {count.label} - {""}
    for name, gauge in GAUGES.items():
        kinds[name], labels[name] = "gauge", {gauge.label} - {""}
    for name, (kind, _) in FAMILIES.items():
        kinds[name], labels[name] = kind, EDGE_LABELS.get(name, set())
    for name, label in HISTOGRAMS.items():
        kinds.pop(name, None)
        for suffix, more in (("_bucket", {"le"}), ("_sum", set()), ("_count", set())):
            kinds[name + suffix], labels[name + suffix] = "histogram", {label} | more
    return kinds, labels


KINDS, LABELS = _all()
FOREIGN = {  # of Prometheus itself and its client
    "up": {"job", "instance"},
    "process_cpu_seconds_total": set(),
    "process_resident_memory_bytes": set(),
}
EVERYWHERE = {"job", "instance"}  # what the scrape adds
