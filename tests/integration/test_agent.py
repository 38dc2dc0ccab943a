"""A real agent on a real broker of either kind, with a cloud of a few lines."""

import json
import queue
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from contract.envelope import decode_up
from contract.lanes import Lane
from contract.messages import Ack, Batch, Config, Done, Hello, Row, Say, UpMessage
from contract.topics import down_topic, parse_up
from edge import doctor
from edge.agent import Agent
from edge.clock import SystemClock
from edge.errors import BadSettings, DataInUse
from edge.settings import Settings, read_settings
from tests.brokers import Hand, Hands, RealBroker
from tests.edge.dialects.bridge import body, registered
from tests.edge.house import GATEWAY, rows_of
from tests.integration.doomed_agent import BUTTON, CONFIG
from tests.waiting import eventually

FAR_MS = 2**50


class Cloud:
    """Reads what comes up, answers what a test says."""

    def __init__(self, hand: Hand) -> None:
        self._hand = hand.connect().subscribe("anju/1/+/+/up/#")
        self.messages: list[tuple[Lane, UpMessage]] = []

    def until(self, look: Callable[[], Any], what: str) -> Any:
        def heard() -> Any:
            self._read()
            return look()

        return eventually(heard, 20, what)

    def _read(self) -> None:
        while True:
            try:
                message = self._hand.inbox.get_nowait()
            except queue.Empty:
                return
            self._hand.ack(message)
            content_type = getattr(message.properties, "ContentType", None)
            said = decode_up(bytes(message.payload), content_type)
            self.messages.append((parse_up(message.topic).lane, said))

    def rows(self, lane: Lane = Lane.ALARM) -> dict[int, Row]:
        """By number, as first said."""
        found: dict[int, Row] = {}
        for of_lane, message in self.messages:
            if of_lane is lane and isinstance(message, Batch):
                for row in rows_of(message):
                    found.setdefault(row.seq, row)
        return found

    def until_rows(self, count: int, lane: Lane = Lane.ALARM) -> list[Row]:
        self.until(lambda: len(self.rows(lane)) >= count, f"{count} rows of {lane}")
        return [row for _, row in sorted(self.rows(lane).items())]

    @property
    def journal(self) -> str:
        return next(m.journal for _, m in reversed(self.messages) if isinstance(m, Hello | Batch))

    def acknowledge(self, lane: Lane, **more: Any) -> None:
        ack = Ack(journal=self.journal, lane=lane.value, cloud_epoch="e1", **more)
        self.say("ack", ack)

    def say(self, what: str, message: Ack | Say | Config, *, retain: bool = False) -> None:
        self._hand.publish(down_topic(GATEWAY, what), msgspec.json.encode(message), retain=retain)


class Home:
    """A device, and ears."""

    def __init__(self, hand: Hand) -> None:
        self._hand = hand.connect(0, clean=True)
        self._hand.subscribe(f"anju-home/{GATEWAY}/+")
        self.said: list[str] = []
        self.status: dict[str, Any] = {}

    def press(self) -> None:
        self._hand.publish(BUTTON, body({"action": "emergency"}))

    def measure(self, value: float) -> None:
        self._hand.publish("zigbee2mqtt/thermo", body({"temperature": value, "linkquality": 9}))

    def until(self, look: Callable[["Home"], Any], what: str) -> None:
        def heard() -> Any:
            while not self._hand.inbox.empty():
                message = self._hand.inbox.get()
                self._hand.ack(message)
                told = json.loads(bytes(message.payload))
                if message.topic.endswith("/say"):
                    self.said.append(told["key"])
                elif message.topic.endswith("/status"):
                    self.status = told
            return look(self)

        eventually(heard, 20, what)

    def until_ready(self) -> None:
        """The agent hears this home."""
        self.until(lambda home: home.status.get("agent") == "online", "the agent")


@pytest.fixture
def cloud(broker: RealBroker, hands: Hands) -> Cloud:
    cloud = Cloud(hands(broker, "cloud"))
    cloud.say("config", Config(1, [registered(BUTTON, is_sos=True)]), retain=True)
    return cloud


@pytest.fixture
def home(broker: RealBroker, hands: Hands) -> Home:
    return Home(hands(broker, "devices"))


@pytest.fixture
def config(broker: RealBroker, tmp_path: Path) -> Path:
    file = tmp_path / "edge.toml"
    place = f'host = "127.0.0.1"\nport = {broker.port}\n'
    file.write_text(
        f'gateway = "{GATEWAY}"\ndata_dir = "{tmp_path / "edge"}"\nreadings_start_within_s = 0\n'
        f"[home]\n{place}[cloud]\n{place}"
    )
    return file


@pytest.fixture
def settings(config: Path) -> Settings:
    return read_settings(config)


@pytest.fixture
def agents(settings: Settings) -> Iterator[Callable[[], Agent]]:
    made: list[Agent] = []

    def start() -> Agent:
        agent = Agent(settings, CONFIG)
        made.append(agent)
        agent.start()
        return agent

    yield start
    for agent in made:
        agent.stop()


def knows_its_devices(agent: Agent) -> None:
    eventually(lambda: agent.home.config is not None, what="the configuration")


def test_a_press_goes_up_and_its_answer_comes_home(cloud, home, agents):
    agent = agents()
    home.until_ready()
    knows_its_devices(agent)

    home.press()
    [row] = cloud.until_rows(1)
    home.until(lambda home: home.said == ["calling"], "calling")
    cloud.acknowledge(Lane.ALARM, seqs=[1])

    home.until(lambda home: home.said == ["calling", "received"], "received")
    home.until(lambda home: home.status["waiting"]["alarm"] == 0, "nothing that waits")
    assert (row.name, row.value) == ("sos", True)


def test_readings_follow_once_the_hello_is_answered_and_then_leave_the_journal(cloud, home, agents):
    agents()
    home.until_ready()
    for number in range(30):
        home.measure(20 + number / 10)
    cloud.until(lambda: any(isinstance(m, Hello) for _, m in cloud.messages), "hello")

    for lane in (Lane.DATA, Lane.HEALTH):
        cloud.acknowledge(lane, hello=True)
    rows = cloud.until_rows(30, Lane.DATA)
    cloud.acknowledge(Lane.DATA, intervals=[(1, rows[-1].seq)])

    home.until(lambda home: home.status["waiting"]["data"] == 0, "nothing that waits")
    assert [row.value for row in rows] == [20 + number / 10 for number in range(30)]


def test_a_command_is_carried_out_and_reported(cloud, home, agents):
    agents()
    home.until_ready()
    cloud.until(lambda: cloud.messages, "hello")

    words = {"zh": "好", "en": "Good"}
    cloud.say("cmd", Say("cmd-1", "ho-1", "closed", words, 0, FAR_MS))  # type: ignore[arg-type]

    home.until(lambda home: home.said == ["closed"], "closed")
    cloud.until(
        lambda: ["cmd-1"] in [m.cmds for _, m in cloud.messages if isinstance(m, Done)], "done"
    )


def test_a_press_survives_the_restart_of_the_broker(broker, cloud, home, agents, hands):
    agent = agents()
    home.until_ready()
    knows_its_devices(agent)
    home.press()
    cloud.until_rows(1)

    broker.restart()
    back = Cloud(hands(broker, "cloud-again"))

    [row] = back.until_rows(1)
    assert row.seq == 1


def killed_between_commit_and_acknowledgement(config: Path, cloud: Cloud, home: Home) -> None:
    """A press, and the agent by SIGKILL."""
    program = [sys.executable, "-m", "tests.integration.doomed_agent", str(config)]
    with subprocess.Popen(program, cwd=Path(__file__).parents[2]) as doomed:
        try:
            home.until_ready()
            home.press()
            assert doomed.wait(20) == -signal.SIGKILL
        finally:
            doomed.kill()
    home.until(lambda home: home.status.get("agent") == "offline", "the last will")


def test_a_press_whose_acknowledgement_was_killed_comes_again_and_is_known(
    config, cloud, home, agents
):
    killed_between_commit_and_acknowledgement(config, cloud, home)

    agents()
    rows = cloud.until_rows(2)

    assert [(row.seq, row.x and row.x.rep) for row in rows] == [(1, None), (2, 1)]


def test_a_second_press_at_that_instant_is_a_press_of_its_own(config, cloud, home, agents):
    killed_between_commit_and_acknowledgement(config, cloud, home)
    home.press()

    agents()
    rows = cloud.until_rows(3)

    assert [(row.seq, row.x and row.x.rep) for row in rows] == [(1, None), (2, 1), (3, None)]


def test_after_an_orderly_end_nothing_comes_again_and_the_status_says_so(cloud, home, agents):
    agent = agents()
    home.until_ready()
    home.press()
    cloud.until_rows(1)
    home.until(lambda home: home.status["counts"]["journalled"] == 1, "the status")
    agent.stop()
    home.until(lambda home: home.status == {"agent": "offline"}, "offline")

    agents()
    home.until_ready()
    home.press()

    rows = cloud.until_rows(2)
    assert [row.x and row.x.rep for row in rows] == [None, None]


def test_two_agents_never_share_a_folder_and_a_folder_is_free_after_its_agent(
    settings, cloud, agents
):
    agent = agents()
    with pytest.raises(DataInUse):
        Agent(settings, CONFIG)
    agent.stop()

    agents()


def test_an_agent_that_cannot_begin_holds_nothing(settings, cloud, agents, tmp_path):
    with pytest.raises(BadSettings):
        Agent(settings, tmp_path / "nowhere")

    agents()


def test_the_doctor_finds_nothing_wrong_with_a_healthy_agent(settings, cloud, home, agents):
    agent = agents()
    home.until_ready()
    knows_its_devices(agent)

    found = doctor.examine(settings, SystemClock())

    complaints = [each for each in found["problems"] if "clock" not in each]
    assert complaints == []
    assert [device["id"] for device in doctor.devices(settings)] == ["z2m:0x00124b00aa11bb22"]
