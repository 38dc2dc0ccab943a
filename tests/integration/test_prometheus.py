"""A real Prometheus, set up as docs/production.md says, scrapes a cloud, and our alerts fire."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from httpx2 import Client, TransportError

from anju.broker import HOST, free_port
from anju.paths import ROOT
from cloud.app import Cloud
from cloud.ingest.mqtt import BrokerAddress
from cloud.monitor.exposition import GAUGES
from cloud.registry.seed import load_demo
from cloud.settings import CloudSettings, HttpSettings, MonitorSettings
from contract.lanes import Lane
from tests.brokers import Hands, RealBroker, hands, mosquitto
from tests.cloud.monitor.catalogue import KINDS
from tests.cloud.monitor.test_dashboard import ALERTS, names, panels
from tests.integration.alarm_path import batch, send_batch
from tests.needs import program, require
from tests.waiting import eventually

__all__ = ["hands", "mosquitto"]
pytestmark = pytest.mark.needs("prometheus", "mosquitto")
DOCUMENT: Final = ROOT / "docs" / "production.md"
FIRE_S: Final = 30.0
EMPTY: Final = {"anju_outbox_letters", "anju_quarantine_messages"}  # nothing lies there yet


class Watcher:
    """A Prometheus. Looks every second, and an alert that waits a minute waits a second here."""

    def __init__(self, folder: Path, target: int) -> None:
        folder.mkdir()
        rules = folder / "alerts.yml"
        rules.write_text(re.sub(r"for: \w+", "for: 1s", ALERTS.read_text("utf-8")), "utf-8")
        [told] = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
        told = told.replace("/etc/prometheus/anju-alerts.yml", str(rules))
        told = told.replace("127.0.0.1:9464", f"{HOST}:{target}").replace("15s", "1s")
        told = told.replace('["gateway-1:9100"]', "[]")
        file = folder / "prometheus.yml"
        file.write_text(told, "utf-8")
        port = free_port()
        self._log = (folder / "log").open("wb")
        self._process = subprocess.Popen(
            [
                program("prometheus") or require("prometheus"),
                f"--config.file={file}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={HOST}:{port}",
            ],
            stdout=self._log,
            stderr=self._log,
        )
        self._api = Client(base_url=f"http://{HOST}:{port}")
        eventually(self._is_ready, 20, "Prometheus")

    def stop(self) -> None:
        self._api.close()
        self._process.terminate()
        self._process.wait(20)
        self._log.close()

    def ask(self, query: str) -> list[dict[str, Any]]:
        """As it stands now; raises where Prometheus does not understand it."""
        answer = self._api.get("/api/v1/query", params={"query": query}).json()
        assert answer["status"] == "success", (query, answer)
        return list(answer["data"]["result"])

    def value(self, query: str) -> float | None:
        found = self.ask(query)
        return float(found[0]["value"][1]) if found else None

    def known(self) -> set[str]:
        """Names of everything that was ever scraped."""
        return set(self._api.get("/api/v1/label/__name__/values").json()["data"])

    def fires(self) -> set[tuple[str, str]]:
        """Alerts and their parts."""
        alerts = self._api.get("/api/v1/alerts").json()["data"]["alerts"]
        return {
            (each["labels"]["alertname"], each["labels"].get("part", ""))
            for each in alerts
            if each["state"] == "firing"
        }

    def _is_ready(self) -> bool:
        try:
            return self._api.get("/-/ready").status_code == 200
        except TransportError:
            return False


@pytest.fixture
def cloud(mosquitto: RealBroker, tmp_path: Path) -> Iterator[Cloud]:
    cloud = Cloud(
        CloudSettings(
            data_dir=tmp_path / "cloud",
            config_dir=ROOT / "config",
            pages_dir=tmp_path / "no-pages",
            broker=BrokerAddress(HOST, mosquitto.port),
            http=HttpSettings(port=0),
            monitor=MonitorSettings(port=0),
        )
    )
    cloud.start()
    cloud.store.write(lambda work: load_demo(work, ROOT / "config"))
    yield cloud
    cloud.stop()


@pytest.fixture
def watcher(cloud: Cloud, tmp_path: Path) -> Iterator[Watcher]:
    watcher = Watcher(tmp_path / "prometheus", cloud.monitor_port)
    yield watcher
    watcher.stop()


def test_prometheus_sees_a_call_that_nobody_hears_and_finds_all_that_the_dashboard_asks(
    watcher: Watcher, mosquitto: RealBroker, hands: Hands
) -> None:
    eventually(lambda: watcher.value('up{job="anju-cloud"}') == 1, 20, "the first scrape")
    eventually(lambda: watcher.value('anju_part_up{part="alarms"}') == 1, 20, "the part alarms")

    send_batch(hands(mosquitto, "edge").connect(), Lane.ALARM, batch("alarm", 1))

    eventually(lambda: watcher.value("sum(anju_alarms_open)") == 1, 20, "the open alarm")
    eventually(lambda: ("AnjuNoAudibleConsole", "") in watcher.fires(), FIRE_S, "the alert")
    known = watcher.known() | EMPTY
    assert GAUGES.keys() - known == set()
    for panel in panels():
        for target in panel["targets"]:
            watcher.ask(target["expr"])
            ours = {name for name in names(target["expr"]) if not name.startswith("anju_edge")}
            assert {name for name in ours & KINDS.keys() if KINDS[name] == "gauge"} <= known


def test_a_broker_and_then_a_cloud_that_go_away_are_alarmed_by_prometheus(
    watcher: Watcher, cloud: Cloud, mosquitto: RealBroker
) -> None:
    eventually(lambda: watcher.value('anju_part_up{part="alarms"}') == 1, 20, "the part alarms")
    assert watcher.fires() == set()

    mosquitto.stop()
    wanted = {("AnjuPartMissing", part) for part in ("alarms", "data", "down")}
    eventually(lambda: wanted <= watcher.fires(), FIRE_S, "the missing parts")

    cloud.stop()
    eventually(lambda: ("AnjuProcessAway", "") in watcher.fires(), FIRE_S, "the absent process")
