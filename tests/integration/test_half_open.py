"""A line that is dead and says nothing: who is joined by it notices in time, and nothing is lost or
doubled over it (docs/promises.md)."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest
from typing_extensions import override

from anju.broker import HOST, free_port
from anju.broker_config import BrokerKind
from anju.paths import ROOT
from cloud.alarms import store as alarms
from cloud.app import Cloud
from cloud.clock import SystemClock as CloudClock
from cloud.ingest.mqtt import BrokerAddress, MqttSource
from cloud.observe import Counters
from cloud.registry.seed import load_demo, read_demo
from cloud.settings import CloudSettings, HttpSettings
from contract.lanes import Lane
from contract.topics import UP_ALARMS
from edge.agent import Agent
from edge.local import siren_topic
from edge.settings import BrokerSettings, Settings
from tests.brokers import Hand, RealBroker
from tests.integration.alarm_path import batch, send_batch, take
from tests.line import NEAR, Line, inside, line
from tests.needs import require
from tests.waiting import eventually

__all__ = ["line"]
pytestmark = pytest.mark.timeout(180)
CONFIG: Final = ROOT / "config"
GATEWAY: Final = "gw-demo01"
SIREN_AFTER_S: Final = 10
NOTICED_S_MAX: Final = 30.0  # by the edge
NOTICED_BY_CLOUD_S_MAX: Final = 16.0
BACK_S_MAX: Final = 10.0  # from the mended line to the last press in the cloud
_DEMO: Final = read_demo(CONFIG).community
BUTTON: Final = next(
    _DEMO.device_card(home.id, device)
    for home in _DEMO.homes
    for device in home.devices
    if device.model == "TS0215A_sos"
)


class OpenBroker(RealBroker):
    """Listens on the line as well."""

    @override
    def _prepare(self) -> Path:
        config = super()._prepare()
        text = config.read_text("utf-8")
        config.write_text(text.replace(f"{self.port} {HOST}", f"{self.port} 0.0.0.0"), "utf-8")
        return config


class Site:
    """A gateway at the far end, with the home's broker, a hand on the buttons and an ear."""

    def __init__(self, folder: Path, cloud_port: int, ends: ExitStack) -> None:
        self.siren: list[bool] = []
        home = RealBroker(folder / "home", free_port(), BrokerKind.MOSQUITTO)
        ends.callback(home.stop)
        home.start()
        self.agent = Agent(
            Settings(
                gateway=GATEWAY,
                data_dir=folder / "edge",
                home=BrokerSettings(host=HOST, port=home.port),
                cloud=BrokerSettings(host=NEAR, port=cloud_port),
                siren_after_s=SIREN_AFTER_S,
                readings_start_within_s=0,
            ),
            CONFIG,
        )
        ends.callback(self.agent.stop)
        self.agent.start()
        self._hand = Hand(home.port, "home").connect(0, clean=True)
        ends.callback(self._hand.close)
        self._hand.subscribe(siren_topic(GATEWAY))
        eventually(lambda: self.agent.home.config is not None, 20, "the configuration")

    def press(self, number: int) -> None:
        """Each with bytes of its own."""
        told = {"action": "emergency", "linkquality": number}
        self._hand.publish(BUTTON.topic, json.dumps(told).encode())

    def knows_of_the_cloud(self) -> bool:
        return self.agent.health.is_up("cloud")

    def sounds(self) -> bool:
        """The siren, as last told."""
        while not self._hand.inbox.empty():
            message = self._hand.take()
            self._hand.ack(message)
            self.siren.append(json.loads(bytes(message.payload))["on"])
        return bool(self.siren) and self.siren[-1]


@pytest.fixture
def broker(line: Line, tmp_path: Path) -> Iterator[OpenBroker]:
    require("mosquitto")
    with inside(line.near):
        broker = OpenBroker(tmp_path / "broker", free_port(), BrokerKind.MOSQUITTO)
        broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def cloud(line: Line, broker: OpenBroker, tmp_path: Path) -> Iterator[Cloud]:
    cloud = Cloud(
        CloudSettings(
            data_dir=tmp_path / "cloud",
            config_dir=CONFIG,
            pages_dir=tmp_path / "no-pages",
            broker=BrokerAddress(HOST, broker.port),
            http=HttpSettings(port=0),
        )
    )
    with inside(line.near):
        cloud.start()
    cloud.store.write(lambda work: load_demo(work, CONFIG))
    yield cloud
    cloud.stop()


@pytest.fixture
def site(line: Line, cloud: Cloud, broker: OpenBroker, tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as ends, inside(line.far):
        yield Site(tmp_path, broker.port, ends)


def presses(cloud: Cloud) -> int:
    return sum(each.presses for each in cloud.store.read(alarms.open_alarms))


def seconds_until(look: Callable[[], object], within_s: float, what: str) -> float:
    began = time.monotonic()
    eventually(look, within_s, what)
    return time.monotonic() - began


def test_presses_on_a_line_that_died_silently_sound_the_siren_and_arrive_once_when_it_is_back(
    line: Line, site: Site, cloud: Cloud, record_property: Callable[[str, object], None]
) -> None:
    site.press(1)
    eventually(lambda: presses(cloud) == 1, what="the first press")

    line.cut()
    for number in (2, 3, 4):
        site.press(number)
    noticed_s = seconds_until(
        lambda: not site.knows_of_the_cloud(), NOTICED_S_MAX, "the edge to notice"
    )
    eventually(site.sounds, SIREN_AFTER_S + 5, "the siren")
    assert presses(cloud) == 1

    line.mend()
    site.press(5)
    back_s = seconds_until(lambda: presses(cloud) == 5, BACK_S_MAX, "all presses")
    eventually(lambda: not site.sounds(), what="the siren's end")
    eventually(lambda: site.agent.health.count("acknowledged_alarm") >= 5, what="answers")
    assert presses(cloud) == 5
    record_property("noticed_s", round(noticed_s, 1))
    record_property("back_s", round(back_s, 1))


@pytest.mark.prove
def test_a_gateway_that_has_nothing_to_say_notices_by_its_heartbeat(
    line: Line, site: Site, record_property: Callable[[str, object], None]
) -> None:
    eventually(site.knows_of_the_cloud, what="the cloud")

    line.cut()

    noticed_s = seconds_until(
        lambda: not site.knows_of_the_cloud(), NOTICED_S_MAX, "the edge to notice"
    )
    record_property("noticed_s", round(noticed_s, 1))


def test_a_cloud_that_hears_nothing_more_from_its_broker_notices_and_gets_the_press_that_waited(
    line: Line, broker: OpenBroker, record_property: Callable[[str, object], None]
) -> None:
    address = BrokerAddress(NEAR, broker.port)
    source = MqttSource("ingest", UP_ALARMS, address, CloudClock(), Counters())
    with ExitStack() as ends, inside(line.far):
        ends.callback(source.stop)
        source.start()
        eventually(lambda: source.is_connected, what="the broker's answer")
        with inside(line.near):
            gateway = Hand(broker.port, GATEWAY).connect()
            ends.callback(gateway.close)

        line.cut()
        send_batch(gateway, Lane.ALARM, batch("alarm", 1))
        noticed_s = seconds_until(
            lambda: not source.is_connected, NOTICED_BY_CLOUD_S_MAX, "ingest to notice"
        )
        line.mend()

        [delivery] = take(source, 1)
        assert delivery.gateway == GATEWAY
    record_property("noticed_s", round(noticed_s, 1))
