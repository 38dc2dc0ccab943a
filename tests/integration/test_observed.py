"""One press through everything: its whole way is in the log and in the metrics, and nobody's name,
telephone number, address or door code is in the log, the metrics or a topic."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from typing_extensions import override

from anju import check
from anju.output import JsonLines, ReadableLines
from anju.paths import ROOT
from anju.story import Script
from anju.whole import Demo
from cloud.monitor.exposition import Exposition
from device_simulators.ears import Ears
from device_simulators.mqtt import Link
from device_simulators.zigbee2mqtt import Message
from edge.clock import SystemClock
from edge.textfile import TextfilePump
from tests.waiting import eventually

# The actors of the story hold their sockets as long as they play, and websockets would rather not.
pytestmark = pytest.mark.filterwarnings("ignore:connect.* must be used:DeprecationWarning")
DEMO = ROOT / "config" / "demo"
AT_HOME = ("journalled", "said", "acknowledged")
IN_CLOUD = ("received", "committed", "raised", "told", "claimed", "offered", "accepted", "closed")
PERSONAL = ("name", "name_en", "phone", "door_code", "address", "entry_notes", "conditions")


NAME = "王秀英"  # of who lives where the story plays
TWICE = text("INSERT INTO feed_counter (cell, epoch, seq) VALUES (1, :login, 0)")


class Seen(NamedTuple):
    """What one press left behind."""

    log: str
    metrics: str
    textfile: str
    topics: list[str]

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]


class Kept(logging.Handler):
    """Every line, as both logs would have it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        for formatter in (JsonLines(), ReadableLines("%(name)s: %(message)s")):
            self.lines.append(formatter.format(record))


@contextmanager
def everything_logged() -> Iterator[Kept]:
    kept, root = Kept(), logging.getLogger()
    before = root.level
    root.addHandler(kept)
    root.setLevel(logging.DEBUG)
    try:
        yield kept
    finally:
        root.removeHandler(kept)
        root.setLevel(before)


@contextmanager
def topics_of(demo: Demo) -> Iterator[list[str]]:
    topics: list[str] = []
    link = Link("listener", topics=["#"], on_message=lambda topic, _: topics.append(topic))
    link.start(demo.whole.broker.host, demo.whole.broker.port)
    assert link.wait_until_up(10)
    yield topics
    link.stop()


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    folder = tmp_path_factory.mktemp("observed")
    demo = Demo(folder, has_life=False)
    with everything_logged() as kept, demo, topics_of(demo) as topics:
        play(demo)
        return Seen("\n".join(kept.lines), metrics(demo), textfile(demo, folder), list(topics))


def play(demo: Demo) -> None:
    """The main job; then what goes wrong with personal words in it."""
    script = Script()
    ears = Ears(demo.town.plan.gateway, demo.whole.broker.host, demo.whole.broker.port)
    cast = check.enter_all(script, demo, ears)
    check._press(script, cast, demo)
    assert script.is_ok
    hand = check._Hand(demo)
    for topic in ("zigbee2mqtt/stranger", "zigbee2mqtt/3-2-502/bathroom_sos", "odd/place"):
        hand.says(Message(topic, '{"action": "王秀英 0755-0000 0201 5027#'.encode()))
    ears.until(lambda heard: heard.count("unknown") or None, 5)
    hand._link.publish(Message("anju/1/0/gw-nobody/up/alarm", "王秀英 5027#".encode()))
    counters = demo.whole.cloud.counters
    what = "the refusal of what is no message"
    eventually(lambda: counters.snapshot()[0].get("ingest.unknown_topics", 0) > 0, what=what)
    hand.stop()
    cast.leave()
    store = demo.whole.cloud.store
    with pytest.raises(IntegrityError) as refused:
        store.write(lambda work: work.execute(TWICE, [{"login": NAME}] * 2))
    logging.getLogger("cloud.pumps").error("a write failed", exc_info=refused.value)


def metrics(demo: Demo) -> str:
    cloud = demo.whole.cloud
    page = Exposition(cloud.counters, cloud.store, cloud.hub, cloud.clock, cloud._links)
    return page.page().decode()


def textfile(demo: Demo, folder: Path) -> str:
    agent = demo._agent
    assert agent is not None
    view = agent.home._journal.view
    pump = TextfilePump(folder / "x.prom", agent.settings.gateway, "1", view, agent.health)
    return pump.text(SystemClock().now())


def secrets() -> set[str]:
    """Every personal word of the demo, in both languages."""
    found: set[str] = set()
    for name in ("homes.yaml", "stations.yaml", "accounts.yaml"):
        document = yaml.safe_load((DEMO / name).read_text("utf-8"))
        for thing in ("homes", "stations", "accounts"):
            for each in document.get(thing, []):
                found |= set(personal(each))
    return {each for each in found if len(each) > 1}


def personal(thing: Any, key: str = "") -> Iterator[str]:
    if isinstance(thing, dict):
        for inner, value in thing.items():
            yield from personal(value, key if key in PERSONAL else inner)
    elif isinstance(thing, list):
        for value in thing:
            yield from personal(value, key)
    elif key in PERSONAL:
        yield str(thing)


def test_the_key_of_a_press_finds_its_way_from_the_button_to_the_alarm(seen: Seen) -> None:
    raised = next(line for line in seen.lines() if line.get("hop") == "raised")

    way = [line["hop"] for line in seen.lines() if line.get("press") == raised["press"]]

    assert [hop for hop in way if hop in AT_HOME] == list(AT_HOME)
    assert way.index("said") < way.index("received") < way.index("raised")
    assert way.index("committed") < way.index("acknowledged")


def test_the_id_of_an_alarm_finds_everything_that_was_done_about_it(seen: Seen) -> None:
    raised = next(line for line in seen.lines() if line.get("hop") == "raised")

    hops = [line.get("hop") for line in seen.lines() if raised["alarm"] in json.dumps(line)]

    assert [hop for hop in IN_CLOUD if hop not in ("received", "committed", *hops)] == []
    assert {"sent", "taken", "carried_out", "done"} <= set(hops)  # the words to the resident
    both = [line for line in seen.log.splitlines() if raised["alarm"] in line]
    assert any(line.startswith("cloud.monitor.trail: alarm") for line in both)


def test_each_hop_is_measured(seen: Seen) -> None:
    for hop in ("taken_received", "received_committed", "received_raised", "committed_told"):
        assert f'anju_alarm_hop_seconds_count{{hop="{hop}"}}' in seen.metrics
    for step in ("claimed", "offered", "accepted", "arrived", "closed"):
        assert f'anju_alarm_step_seconds_count{{step="{step}"}} 1.0' in seen.metrics
    for hop in ("journalled", "acknowledged"):
        assert f'anju_edge_hop_seconds_count{{hop="{hop}"}}' in seen.textfile


def test_there_is_something_to_be_found(seen: Seen) -> None:
    found = secrets()

    assert {"王秀英", "Zhou Min", "0755-0000 0201", "5027#", "0755-0000 0021", "陈立"} <= found
    assert len(found) > 60
    assert len(seen.topics) > 5
    assert len(seen.lines()) > 30


def test_nothing_personal_is_in_the_log_the_metrics_or_a_topic(seen: Seen) -> None:
    places = {
        "log": seen.log,
        "metrics": seen.metrics,
        "textfile": seen.textfile,
        "topics": "\n".join(seen.topics),
    }
    escaped = {secret: json.dumps(secret)[1:-1] for secret in secrets()}

    assert [
        f"{secret} in the {place}: {[t for t in text.splitlines() if secret in t][:1]}"
        for place, text in places.items()
        for secret, other in escaped.items()
        if secret in text or other in text
    ] == []
