"""The dashboard and the alerting rules ask only for metrics and labels that exist."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from anju.paths import ROOT
from cloud.observe.counters import STUCK_AFTER_S
from tests.cloud.monitor.catalogue import EVERYWHERE, FOREIGN, KINDS, LABELS
from tests.needs import require

GRAFANA = ROOT / "config" / "grafana" / "anju.json"
ALERTS = ROOT / "config" / "prometheus" / "alerts.yml"
WORDS = set(  # of PromQL
    "sum max min by on count rate increase histogram_quantile time and or without ignoring".split()
)
KNOWN = LABELS | FOREIGN
LOOK_S = 15  # between scrapes, and between evaluations: docs/production.md
SCRAPE_S_MAX = 10  # Prometheus' own time-out


def panels() -> list[dict[str, Any]]:
    return [p for p in json.loads(GRAFANA.read_text("utf-8"))["panels"] if p["type"] != "row"]


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def _queries() -> Iterator[Any]:
    for panel in panels():
        for target in panel["targets"]:
            yield pytest.param(target["expr"], id=panel["title"] + target["refId"])
    for rule in rules():
        yield pytest.param(rule["expr"], id=rule["alert"])


QUERIES = list(_queries())


def names(query: str) -> set[str]:
    """Metrics: every word outside of strings, braces, brackets and groupings."""
    bare = re.sub(r'"[^"]*"|\[[^\]]*\]|\{[^}]*\}', " ", query)
    bare = re.sub(r"\b(by|on|without|ignoring)\s*\([^)]*\)", " ", bare)
    return set(re.findall(r"\b[a-z_]{2,}\b", bare)) - WORDS


def asked(query: str) -> set[str]:
    """Labels in groupings and in selectors."""
    grouped = re.findall(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)", query)
    chosen = re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", query)
    return {word.strip() for each in grouped for word in each.split(",")} | set(chosen)


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_asks_for_what_exists(query: str) -> None:
    metrics = names(query)

    assert metrics
    assert metrics - KNOWN.keys() == set()
    labels = {label for metric in metrics for label in KNOWN[metric]} | EVERYWHERE
    assert asked(query) - labels == set()


@pytest.mark.parametrize("query", QUERIES)
def test_a_counter_is_asked_for_its_rate_and_a_gauge_is_not(query: str) -> None:
    for metric in names(query) & KINDS.keys():
        is_rated = re.search(rf"(rate|increase)\({metric}\b", query) is not None
        assert is_rated == (KINDS[metric] in ("counter", "histogram")), metric


@pytest.mark.parametrize("query", QUERIES)
def test_brackets_are_closed(query: str) -> None:
    bare = re.sub(r'"[^"]*"', "", query)

    assert [bare.count(c) for c in "([{"] == [bare.count(c) for c in ")]}"]


def test_the_bounds_that_are_asked_for_are_bounds() -> None:
    for text in (GRAFANA.read_text("utf-8"), ALERTS.read_text("utf-8")):
        assert set(re.findall(r"le=\\?\"([^\"\\]+)", text)) <= {"30.0"}


def test_every_panel_has_its_place_and_its_words() -> None:
    found = json.loads(GRAFANA.read_text("utf-8"))
    ids = [panel["id"] for panel in found["panels"]]
    places = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in found["panels"]]

    assert len(ids) == len(set(ids)) == len(set(places))
    assert all(p["gridPos"]["x"] + p["gridPos"]["w"] <= 24 for p in found["panels"])
    assert [p["title"] for p in panels() if not p["description"]] == []
    assert found["schemaVersion"] >= 36


def test_every_alert_wakes_or_waits_and_says_what_to_do() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in ("page", "ticket"), rule["alert"]
        assert rule["annotations"].keys() == {"summary", "todo"}, rule["alert"]
        assert rule.get("for", "0s")[-1] in "sm"
    assert len({rule["alert"] for rule in rules()}) == len(rules())


@pytest.mark.parametrize(
    ("alert", "noticed_s"),
    [
        ("AnjuPumpStuck", STUCK_AFTER_S + LOOK_S),
        ("AnjuProcessAway", LOOK_S + SCRAPE_S_MAX),  # SIGSTOP: the scrape is not refused, it hangs
    ],
)
def test_an_outside_watcher_alarms_within_90_s_where_something_hangs(
    alert: str, noticed_s: float
) -> None:
    [rule] = [each for each in rules() if each["alert"] == alert]

    assert noticed_s + LOOK_S + int(rule["for"].removesuffix("s")) <= 90


def promtool(*words: str) -> None:
    command = [require("prometheus"), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_alerts_fire_when_they_should_and_only_then() -> None:
    promtool("check", "rules", str(ALERTS))
    promtool("test", "rules", str(ALERTS.with_suffix(".test.yml")))


def test_prometheus_understands_every_query_of_the_dashboard(tmp_path: Path) -> None:
    targets = (target for panel in panels() for target in panel["targets"])
    asked = [{"record": f"asked:{n}", "expr": t["expr"]} for n, t in enumerate(targets)]
    file = tmp_path / "asked.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "asked", "rules": asked}]}))

    promtool("check", "rules", str(file))
