"""The whole cloud on real brokers: a press comes in, stays, is seen, and is never taken twice."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Client
from msgspec.structs import replace

from anju.broker import HOST, free_port
from anju.broker_config import BrokerKind
from anju.cli import main
from anju.parts import stores_text
from anju.paths import ROOT
from cloud.alarms import store as alarms
from cloud.app import CannotStart, Cloud
from cloud.durable.outbox import next_letter_ms
from cloud.identity.demo import make_demo_accounts
from cloud.identity.passwords import Passwords
from cloud.identity.tokens import SystemSecrets
from cloud.ingest import fence
from cloud.ingest.mqtt import BrokerAddress
from cloud.registry.seed import load_demo
from cloud.settings import ALL_ROLES, CloudSettings, HttpSettings, Role, SeriesSettings
from cloud.timeseries.embedded import DuckSeries
from cloud.timeseries.model import InfluxAddress, Keeping, Place, Sheet, span_at
from contract.envelope import decode_down, encode
from contract.lanes import Lane
from contract.messages import Ack, Batch, Config, DeviceRows, Done, DownMessage, Row, Say, UpMessage
from contract.topics import down_topic, up_topic
from tests.brokers import Hand, Hands, HasPort, RealBroker
from tests.ground import Ground
from tests.needs import require
from tests.waiting import eventually

NOWHERE = InfluxAddress("http://127.0.0.1:9", "anju", "no-token")  # absent: nobody waits for it
CONFIG = ROOT / "config"
GATEWAY = "gw-demo01"
BUTTON = "z2m:0x00124b0014a00101"
HOME = "ho-anhe01"


class House:
    """Starts clouds on one data folder; at the end every one is stopped."""

    def __init__(self, data: Path, influx: InfluxAddress | None = None) -> None:
        self.data, self.influx = data, influx or Ground.bucket()
        self.server = Ground.database()
        self._started: list[Cloud] = []

    def __call__(self, broker: HasPort, *roles: Role) -> Cloud:
        """Started, and empty but for what is in the folder."""
        cloud = Cloud(
            CloudSettings(
                data_dir=self.data,
                config_dir=CONFIG,
                pages_dir=self.data / "no-pages",
                broker=BrokerAddress(HOST, broker.port),
                http=HttpSettings(port=0),
                roles=frozenset(roles) or ALL_ROLES,
                server=self.server,
                timeseries=SeriesSettings(influx=self.influx or (NOWHERE if roles else None)),
            )
        )
        self._started.append(cloud)
        cloud.start()
        return cloud

    def furnished(self, broker: HasPort, *roles: Role) -> Cloud:
        """With the demo's registry."""
        cloud = self(broker, *roles)
        cloud.store.write(lambda work: load_demo(work, CONFIG))
        return cloud

    def file(self, broker: HasPort) -> Path:
        """For `anju serve --config` on the same folder and stores."""
        file = self.data.with_suffix(".toml")
        address = f'[broker]\nhost = "{HOST}"\nport = {broker.port}\n'
        told = f'data_dir = "{self.data}"\n{address}[http]\nport = 0\n'
        if self.server is not None and self.influx is not None:
            told += stores_text(self.server, self.influx, self.data / "influx-token")
        file.write_text(told)
        return file

    def close(self) -> None:
        """All of them."""
        for cloud in self._started:
            cloud.stop()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "cloud")
    yield house
    house.close()


class Edge:
    """A gateway as far as the cloud can tell."""

    def __init__(self, hand: Hand) -> None:
        self.hand = hand.connect().subscribe(down_topic(GATEWAY, "+"))

    def press(self, seq: int) -> None:
        """Somebody calls for help; until PUBACK of the broker."""
        row = Row(0, seq, "sos", True)
        batch = Batch(GATEWAY, "j-1", "b-1", "alarm", 0, 0, [DeviceRows(BUTTON, [row])])
        self.send(Lane.ALARM, batch)

    def send(self, lane: Lane, message: UpMessage) -> None:
        """One message."""
        self.hand.publish(up_topic(GATEWAY, lane), encode(message).payload)

    def hears(self, kind: type[DownMessage]) -> Any:
        """The next message of this kind, acknowledged; others are passed over."""
        while True:
            message = self.hand.take()
            self.hand.ack(message)
            content_type = getattr(message.properties, "ContentType", None)
            told = decode_down(bytes(message.payload), content_type)
            if isinstance(told, kind):
                return told


@pytest.fixture
def edge(broker: RealBroker, hands: Hands) -> Edge:
    return Edge(hands(broker, GATEWAY))


def ready(cloud: Cloud) -> bool:
    return all(cloud.is_ready().values())


def open_alarms(cloud: Cloud) -> list[str]:
    return cloud.store.read(lambda work: [each.id for each in alarms.open_alarms(work)])


class Nobody:
    """Where no broker listens."""

    port = 1


def broken_rules(folder: Path) -> Path:
    """A configuration with a rule that is none."""
    config = folder / "config"
    (config / "rules").mkdir(parents=True)
    (config / "words").mkdir()
    (config / "rules" / "bad.yaml").write_text("rule: bad\n")
    return config


@contextmanager
def served(*words: str) -> Iterator["subprocess.Popen[str]"]:
    """`anju serve` in a process of its own."""
    command = [sys.executable, "-m", "anju", "serve", *words]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: "subprocess.Popen[str]") -> str:
    """Its next line."""
    assert process.stdout is not None
    return process.stdout.readline()


@contextmanager
def sign_in(cloud: Cloud) -> Iterator[Client]:
    """An operator's page, with its cookie and csrf."""
    secrets = SystemSecrets()
    passwords = Passwords()
    made = cloud.store.write(lambda work: make_demo_accounts(work, secrets, CONFIG, passwords))
    [account] = [each for each in made if each.login == "operator"]
    with Client(base_url=cloud.url) as page:
        answer = page.post("/api/session/link", json={"token": account.link_token})
        page.headers["x-csrf"] = answer.json()["csrf"]
        yield page


def test_a_press_is_acknowledged_and_seen_by_the_operator(
    broker: RealBroker, edge: Edge, house: House
) -> None:
    cloud = house.furnished(broker)

    edge.press(1)

    ack = edge.hears(Ack)
    assert (ack.lane, ack.journal, ack.seqs) == ("alarm", "j-1", [1])
    with sign_in(cloud) as page:
        [alarm] = page.get("/api/alarms").json()["alarms"]
    assert (alarm["kind"], alarm["home"]["id"]) == ("sos", HOME)


def test_an_alarm_outlives_the_cloud_and_a_press_sent_meanwhile_is_taken_once(
    broker: RealBroker, edge: Edge, house: House
) -> None:
    first = house.furnished(broker)
    edge.press(1)
    edge.hears(Ack)
    before = open_alarms(first)
    first.stop()
    edge.press(1)  # the edge could not know whether it had arrived
    edge.press(2)

    second = house(broker)

    while 2 not in edge.hears(Ack).seqs:
        pass  # the first one's own, again
    assert open_alarms(second) == before
    [alarm] = second.store.read(alarms.open_alarms)
    assert alarm.presses == 2


def test_a_gateway_gets_its_devices_again_after_the_broker_has_forgotten_them(
    mosquitto: RealBroker, hands: Hands, house: House
) -> None:
    cloud = house.furnished(mosquitto)
    edge = Edge(hands(mosquitto, GATEWAY))
    config = edge.hears(Config)
    assert BUTTON in {device.id for device in config.devices}
    edge.hand.drop()

    mosquitto.forget()
    eventually(lambda: ready(cloud), what="the cloud's return")

    later = Edge(hands(mosquitto, GATEWAY))
    assert later.hears(Config) == config


def test_a_broker_that_comes_late_is_waited_for(house: House, tmp_path: Path, hands: Hands) -> None:
    require("mosquitto")
    late = RealBroker(tmp_path / "late", free_port(), BrokerKind.MOSQUITTO)
    cloud = house.furnished(late)
    with Client(base_url=cloud.url) as anybody:
        assert anybody.get("/health/live").status_code == 200
        red = anybody.get("/health/ready")
        assert red.status_code == 503
        assert red.json()["parts"]["alarms"] is False

    late.start()

    eventually(lambda: ready(cloud), what="green")
    edge = Edge(hands(late, GATEWAY))
    edge.press(1)
    assert edge.hears(Ack).seqs == [1]
    late.stop()


def test_the_resident_hears_the_operator_until_the_edge_says_done(
    broker: RealBroker, edge: Edge, house: House
) -> None:
    cloud = house.furnished(broker)
    edge.press(1)
    edge.hears(Ack)
    [alarm_id] = open_alarms(cloud)

    with sign_in(cloud) as page:
        assert page.post(f"/api/alarms/{alarm_id}/claim").status_code == 200

    say = edge.hears(Say)
    assert (say.home, say.key) == (HOME, "operator_with_you")
    edge.send(Lane.HEALTH, Done(GATEWAY, [say.id]))
    eventually(lambda: cloud.store.read(next_letter_ms) is None, what="the end of the letter")


def test_a_second_ingest_waits_for_the_first_and_takes_over(
    broker: RealBroker, edge: Edge, house: House
) -> None:
    first = house.furnished(broker)

    second = house(broker)

    assert second.is_ready()["ingest"] is False
    edge.press(1)
    assert edge.hears(Ack).seqs == [1]
    first.stop()
    eventually(lambda: ready(second), what="the second one's turn")
    edge.press(2)
    assert edge.hears(Ack).seqs == [2]
    [alarm] = second.store.read(alarms.open_alarms)
    assert alarm.presses == 2


def without_sources(cloud: Cloud) -> dict[str, bool]:
    """The parts, once ingest's connections are none of them; nothing before."""
    parts = cloud.is_ready()
    return parts if parts.keys().isdisjoint({"alarms", "data"}) else {}


def test_an_ingest_that_is_overtaken_in_spite_of_its_lock_stands_by_and_says_so(
    broker: RealBroker, edge: Edge, house: House, caplog: pytest.LogCaptureFixture
) -> None:
    cloud = house.furnished(broker)
    cloud.store.write(fence.claim_all)  # as a process does that does not see the lock

    edge.press(1)

    eventually(lambda: not cloud.is_ready()["ingest"], what="the end of ingest here")
    parts = eventually(lambda: without_sources(cloud), what="the end of its connections")
    assert parts["ingest"] is False  # and no connection that is missing: the broker is not to blame
    ready = cloud.readiness()
    assert "another process" in ready.to_do["ingest"]
    assert ready.troubles["app.ingest"]["count"] == 1
    assert open_alarms(cloud) == []
    assert caplog.text.count("standing by") == 1


def test_roles_in_processes_of_their_own_do_the_same_together(
    broker: RealBroker, edge: Edge, house: House
) -> None:
    ingest = house.furnished(broker, Role.INGEST)
    web = house(broker, Role.WEB)
    house(broker, Role.WORKERS)
    edge.press(1)
    edge.hears(Ack)
    [alarm_id] = open_alarms(ingest)

    with sign_in(web) as page:
        assert page.post(f"/api/alarms/{alarm_id}/claim").status_code == 200

    assert edge.hears(Say).key == "operator_with_you"
    eventually(lambda: web.hub.seq >= 2, what="what ingest committed, in the hub of the web")


def test_a_start_that_fails_leaves_nothing_running(house: House) -> None:
    with socket.create_server((HOST, 0)) as taken:
        nobody = house(Nobody())
        before = threading.active_count()
        port = taken.getsockname()[1]
        settings = replace(nobody.settings, data_dir=house.data / "b", http=HttpSettings(port=port))

        with pytest.raises(CannotStart, match=f"port {port} for the pages"):
            Cloud(settings).start()
        with pytest.raises(CannotStart, match="is missing"):
            Cloud(replace(nobody.settings, config_dir=broken_rules(house.data))).start()

        assert threading.active_count() == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=str)
def test_serve_says_where_it_is_and_ends_in_order(number: signal.Signals, tmp_path: Path) -> None:
    ports = ["--port", "0", "--broker-port", "0"]
    with served("--data", str(tmp_path), *ports) as process:
        assert said(process).startswith(f"anju: http://{HOST}:")
        assert said(process).startswith(f"anju: broker {HOST}:")

        process.send_signal(number)

        assert process.wait(20) == 0


def test_serve_on_servers_of_a_file_needs_none_of_them_to_start(tmp_path: Path) -> None:
    file = tmp_path / "cloud.toml"
    file.write_text('data_dir = "d"\n[broker]\nhost = "127.0.0.1"\nport = 1\n[http]\nport = 0\n')
    with served("--config", str(file)) as process:
        url = said(process).removeprefix("anju: ").strip()
        with Client(base_url=url) as anybody:
            assert anybody.get("/health/live").json() == {"ok": True}
            assert anybody.get("/health/ready").status_code == 503

        process.send_signal(signal.SIGTERM)

        assert process.wait(20) == 0


def test_readings_are_saved_while_the_platform_runs_and_restored_when_it_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "var"
    data.mkdir()
    now_ms = int(time.time() * 1000)
    series = DuckSeries(data / "readings.duckdb", Keeping())
    series.open()
    sheet = Sheet(series.applied, span_at(now_ms, 30))
    rows = [Row(-1, 1, "temperature", 21.5)]
    batch = Batch(GATEWAY, "j-1", "b-1", "data", now_ms, now_ms, [DeviceRows(BUTTON, rows)])
    sheet.take(batch, lambda _gateway, uid: Place(HOME, uid))
    series.write(sheet)
    series.close()

    def db(*words: str) -> Any:
        assert main(["--quiet", "db", *words, "--data", str(data), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    with served("--data", str(data), "--port", "0", "--broker-port", "0") as process:
        said(process)
        said(process)
        saved = db("backup")
        words = ["series", "export", HOME, str(tmp_path / "export.csv"), "--data", str(data)]
        assert main(["--quiet", *words, "--json"]) == 0
        capsys.readouterr()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    series.open()
    series.erase(HOME)
    series.close()

    told = db("restore", saved["file"])

    assert "temperature,Cel" in (tmp_path / "export.csv").read_text()
    assert sorted(file.name for file in data.glob("copy-*")) == []
    assert Path(saved["readings"]["file"]).parent == Path(saved["file"]).parent
    assert told["readings"]["file"] == str(data / "readings.duckdb")
    series.open()
    assert [point.value for point in series.export(HOME, now_ms)] == [21.5]
    series.close()
