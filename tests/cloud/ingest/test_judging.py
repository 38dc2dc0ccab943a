"""From a gateway's bytes to an alarm on the feed, over the demo's registry."""

from pathlib import Path
from typing import Any

import pytest

from cloud.alarms import store as alarms
from cloud.alarms.commands import Claim, Close
from cloud.alarms.model import Alarm, Person
from cloud.alarms.service import handle
from cloud.dictionary import read_dictionary
from cloud.ingest.due import DuePump
from cloud.ingest.fence import claim_all
from cloud.ingest.following import Follower
from cloud.ingest.intake import Intake
from cloud.ingest.judging import HomeJudge
from cloud.ingest.source import Delivery
from cloud.observe import Counters
from cloud.registry.last_values import last_values
from cloud.registry.registry import Registry
from cloud.registry.seed import load_demo
from cloud.registry.sightings import unregistered
from cloud.rules.language import read_rule_set
from cloud.storage.store import Store
from contract.lanes import Lane
from contract.messages import Batch, DeviceRows, Row, RowExtra
from contract.properties import Identity
from tests.cloud.ingest.fakes import delivery
from tests.cloud.stores import HandClock, open_store

CONFIG = Path(__file__).parents[3] / "config"
GATEWAY = "gw-demo01"
LIN = Person("ac-1", "林晓岚", "Lin Xiaolan")


class Town:
    """The demo's homes, and a judge over them."""

    def __init__(self, folder: Path) -> None:
        self.store: Store = open_store(folder, HandClock())
        self.store.write(lambda work: load_demo(work, CONFIG))
        self.registry = Registry(self.store.read)
        words, self.counters = read_dictionary(CONFIG / "words"), Counters()
        follower = Follower(self.registry, read_rule_set(CONFIG), words, self.counters)
        judge = HomeJudge(self.registry, follower, words, self.counters)
        self.due = DuePump(self.store, follower, self.counters, self.store.write(claim_all))
        self.intake = Intake(judge, "ep-1")
        self.home = self.registry.homes_of(GATEWAY)[0]
        self.button = next(d.uid for d in self.registry.devices_of(self.home) if d.is_sos)

    def take(self, message: Delivery) -> None:
        self.store.write(lambda work: self.intake.take(work, message))

    def say(self, seq: int, name: str, device: str | None = None, **extra: Any) -> None:
        row = Row(0, seq, name, extra.pop("value", True), None, RowExtra(**extra))
        lane = Lane.EVENT if extra.get("q") == "test" else Lane.ALARM
        rows = [DeviceRows(device or self.button, [row])]
        batch = Batch(GATEWAY, "j1", "b1", lane.value, 900_000, 900_001, rows)
        self.take(delivery(batch, lane=lane, gateway=GATEWAY))

    def open(self) -> list[Alarm]:
        return self.store.read(alarms.open_alarms)


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def test_a_press_says_who_and_where(town: Town) -> None:
    town.say(1, "sos")

    [alarm] = town.open()
    card = town.registry.home_card(town.home)
    assert card is not None
    assert card.resident is not None
    assert alarm.resident is not None
    assert alarm.home is not None
    assert alarm.resident.name == card.resident.name
    assert alarm.home.address == card.address
    assert card.resident.name in alarm.say.zh
    assert alarm.area_code == card.area_id
    assert alarm.kind.value == "sos"


def test_a_press_delivered_again_adds_nothing(town: Town) -> None:
    town.say(1, "sos")
    town.say(1, "sos")

    assert [alarm.presses for alarm in town.open()] == [1]


def test_a_second_press_folds_and_an_echo_does_not_count(town: Town) -> None:
    town.say(1, "sos")
    town.say(2, "sos")
    town.say(3, "sos", rep=2)

    assert [alarm.presses for alarm in town.open()] == [2]


def test_an_echo_after_the_close_raises_anew(town: Town) -> None:
    town.say(1, "sos")
    first = town.open()[0].id
    town.store.write(lambda work: handle(work, first, Claim(LIN)))
    town.store.write(lambda work: handle(work, first, Close(LIN, "test")))

    town.say(2, "sos", rep=1)

    assert len(town.open()) == 1


def test_a_resident_takes_the_call_back_and_the_case_stays_open(town: Town) -> None:
    town.say(1, "sos")
    town.say(2, "sos_cancel", cancels=1)

    [alarm] = town.open()
    assert alarm.is_cancelled_by_resident


def test_a_test_press_rings_nobody(town: Town) -> None:
    town.say(1, "sos", q="test")

    assert town.open() == []
    values = town.store.read(lambda work: last_values(work, town.home))
    assert "sos" in values[town.button]


def test_a_call_of_an_unregistered_device_is_a_technical_alarm_once(town: Town) -> None:
    town.say(1, "sos", device="z2m:0xdead")
    town.say(1, "sos", device="z2m:0xdead")

    [alarm] = town.open()
    assert (alarm.kind.value, alarm.severity.value, alarm.presses) == ("technical", "high", 1)
    assert "0xdead" in alarm.say.en
    [seen] = town.store.read(unregistered)
    assert seen.uid == "z2m:0xdead"


def test_undecodable_bytes_on_the_alarm_topic_are_a_technical_alarm_once(town: Town) -> None:
    broken = delivery(b"\xff", identity=Identity("j1", Lane.ALARM, 4, 4), gateway=GATEWAY)

    town.take(broken)
    town.take(broken)

    [alarm] = town.open()
    assert (alarm.kind.value, alarm.presses) == ("technical", 1)
    assert GATEWAY in alarm.say.zh


def test_a_message_that_an_sos_device_garbled_is_a_technical_alarm_of_its_home(town: Town) -> None:
    town.say(1, "unreadable", value="not JSON")

    [alarm] = town.open()
    assert alarm.kind.value == "technical"
    assert alarm.home is not None
    assert alarm.home.id == town.home


def test_a_call_from_an_unregistered_gateway_is_never_silence(town: Town) -> None:
    row = DeviceRows("z2m:0x1", [Row(0, 1, "sos", True)])
    batch = Batch("gw-stranger", "j1", "b1", "alarm", 900_000, 900_001, [row])

    town.take(delivery(batch, gateway="gw-stranger"))

    [alarm] = town.open()
    assert (alarm.kind.value, alarm.home) == ("technical", None)


def test_a_clock_that_ran_ahead_does_not_keep_its_reading_the_last_one(town: Town) -> None:
    ahead = Batch(GATEWAY, "j1", "b1", "data", 2**50, 0, [_temperature(town, 1, 10.0)])
    right = Batch(GATEWAY, "j1", "b1", "data", 999_000, 0, [_temperature(town, 2, 20.0)])

    town.take(delivery(ahead, lane=Lane.DATA, gateway=GATEWAY, received_ms=990_000))
    town.take(delivery(right, lane=Lane.DATA, gateway=GATEWAY, received_ms=1_000_000))

    values = town.store.read(lambda work: last_values(work, town.home))
    assert values[town.button]["temperature"].v == 20.0


def _temperature(town: Town, seq: int, value: float) -> DeviceRows:
    return DeviceRows(town.button, [Row(0, seq, "temperature", value, "Cel")])
