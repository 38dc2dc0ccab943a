"""From a gateway's bytes to an alarm on the feed, over the demo's registry."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, true
from typing_extensions import override

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
from cloud.registry.model import device_table
from cloud.registry.registry import Registry
from cloud.registry.seed import load_demo
from cloud.registry.sightings import unregistered
from cloud.rules import state as rule_state
from cloud.rules.language import read_rule_set
from cloud.rules.model import HomeState
from cloud.rules.state import Due, rule_state_table
from cloud.storage.store import Store
from cloud.storage.unit import Work
from contract.lanes import Lane
from contract.messages import Batch, DeviceRows, Row, RowExtra
from contract.properties import Identity
from contract.vocabulary import Measurement
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
        self.rules = read_rule_set(CONFIG)
        follower = Follower(self.registry, self.rules, words, self.counters)
        judge = HomeJudge(self.registry, follower, words, self.counters)
        self.due = DuePump(
            self.store, follower, self.counters, self.store.write(claim_all), lambda: None
        )
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
    [seen] = town.store.read(lambda work: unregistered(work, true()))
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


# ---------------------------------------------------------------- rules of all kinds

PIR = "z2m:0x00124b0014a00104"


def tell(
    town: Town, seq: int, name: str, value: Any, at_ms: int, device: str = PIR, **more: Any
) -> None:
    """A reading, heard at at_ms."""
    clock = town.store._clock
    assert isinstance(clock, HandClock)
    clock.at_ms = at_ms
    lane = more.pop("lane", Lane.DATA)
    row = Row(0, seq, name, value, None, RowExtra(**more) if more else None)
    batch = Batch(GATEWAY, "j1", "b1", lane.value, at_ms, at_ms, [DeviceRows(device, [row])])
    town.take(delivery(batch, lane=lane, gateway=GATEWAY, received_ms=at_ms))


def look(town: Town, at_ms: int) -> None:
    """Time goes by, and the rules look at what is due."""
    clock = town.store._clock
    assert isinstance(clock, HandClock)
    clock.at_ms = at_ms
    town.due.run_once(at_ms)


def kinds(town: Town) -> list[tuple[str, str, str]]:
    return [(each.kind.value, each.severity.value, each.condition.value) for each in town.open()]


T0 = 1_767_196_800_000
HOUR = 3_600_000


def test_dangers_are_alarms_of_their_own_and_clear_by_themselves(town: Town) -> None:
    tell(town, 1, "gas", True, T0, lane=Lane.ALARM)
    tell(town, 2, "fall", True, T0 + 1, lane=Lane.ALARM)
    tell(town, 3, "gas", True, T0 + 2, lane=Lane.ALARM)
    tell(town, 4, "gas", False, T0 + 3, lane=Lane.ALARM)

    assert kinds(town) == [("gas", "critical", "cleared"), ("fall", "critical", "active")]
    gas, fall = town.open()
    assert (gas.presses, fall.presses) == (1, 1)
    assert (gas.resident, gas.home) == (fall.resident, fall.home)
    assert gas.say.en.endswith("has detected gas")


def test_nobody_seen_for_half_a_day_rings_and_becomes_worse(town: Town) -> None:
    tell(town, 1, "motion", True, T0)
    tell(town, 2, "motion", False, T0 + 1)
    tell(town, 3, "temperature", 20, T0 + 12 * HOUR - 1)

    look(town, T0 + 12 * HOUR)
    assert [each for each in kinds(town) if each[0] == "inactivity"] == [
        ("inactivity", "medium", "active")
    ]
    look(town, T0 + 12 * HOUR + 60_000)  # nothing doubles
    tell(town, 4, "temperature", 20, T0 + 12 * HOUR + 40 * 60_000)
    look(town, T0 + 12 * HOUR + 46 * 60_000)

    [alarm] = [each for each in town.open() if each.kind.value == "inactivity"]
    assert (alarm.severity.value, alarm.presses, alarm.device) == ("high", 2, None)
    assert "12 h" in alarm.say.en


def test_a_gateway_that_says_nothing_rings_until_it_is_heard(town: Town) -> None:
    tell(town, 1, "temperature", 20, T0)
    look(town, T0 + HOUR // 2 - 1)
    assert town.open() == []

    look(town, T0 + HOUR // 2)
    assert kinds(town) == [("gateway", "medium", "active")]
    tell(town, 2, "temperature", 20, T0 + HOUR)

    [alarm] = town.open()
    card = town.registry.gateway_card(GATEWAY)
    assert card is not None
    assert alarm.condition.value == "cleared"
    assert card.name.en in alarm.say.en
    assert alarm.area_code == card.area_path[-1]


def test_a_rise_of_what_people_have_closed_opens_nothing(town: Town) -> None:
    tell(town, 1, "temperature", 20, T0)
    look(town, T0 + HOUR)
    case = town.open()[0].id
    town.store.write(lambda work: handle(work, case, Claim(LIN)))
    town.store.write(lambda work: handle(work, case, Close(LIN, "technical")))

    look(town, T0 + 3 * HOUR)

    assert town.open() == []


def test_a_device_that_was_taken_away_is_not_silent(town: Town) -> None:
    tell(town, 1, "motion", True, T0)
    tell(town, 2, "temperature", 20, T0 + 26 * HOUR - 60_000, device=town.button)
    town.store.write(lambda work: work.execute(delete(device_table).where(
        device_table.c.uid == PIR)))  # fmt: skip
    town.registry.forget()

    look(town, T0 + 27 * HOUR)

    assert not [each for each in town.open() if each.rule == "silent_device"]


def test_a_rule_that_fails_is_counted_and_stops_no_call(town: Town) -> None:
    rules = town.rules
    broken = rules.every["gas"]._replace(when=_fail)
    rules._begin = {**rules._begin, Measurement.SOS: (broken, *rules.concerned(Measurement.SOS))}

    town.say(1, "sos")

    counts, troubles, _ = town.counters.snapshot()
    assert len(town.open()) == 1
    assert counts["rules.failed"] == 1
    assert "ZeroDivisionError" in troubles["rule.gas"].text


def _fail(_look: object) -> bool:
    raise ZeroDivisionError("a bug of ours")


def test_a_memory_that_cannot_be_read_begins_anew_and_stops_no_call(town: Town) -> None:
    row = {"partition": 0, "due_ms": T0, "body": b"no JSON"}
    rows = [{"subject": each, **row} for each in (town.home, f"gateway:{GATEWAY}")]
    town.store.write(lambda work: work.execute(insert(rule_state_table), rows))

    town.say(1, "sos")
    town.say(2, "sos")

    assert [alarm.presses for alarm in town.open()] == [2]
    assert town.counters.snapshot()[0]["rules.failed"] == 2


class Clumsy(Follower):
    """As if a bug of ours struck one home."""

    @override
    def look_again(self, work: Work, due: Due) -> None:
        if due.subject == "ho-anhe02":
            raise ZeroDivisionError("a bug of ours")
        super().look_again(work, due)


def test_one_home_whose_rules_fail_is_looked_at_later_and_holds_up_no_other(town: Town) -> None:
    tell(town, 1, "temperature", 20, T0)
    other = HomeState(due_ms=T0)
    town.store.write(lambda w: rule_state.keep(w, "ho-anhe02", 0, other, is_new=True))
    words = read_dictionary(CONFIG / "words")
    clumsy = Clumsy(town.registry, town.rules, words, town.counters)
    town.due = DuePump(town.store, clumsy, town.counters, town.store.write(claim_all), lambda: None)

    look(town, T0 + HOUR)

    assert kinds(town) == [("gateway", "medium", "active")]
    assert "ho-anhe02" in town.counters.snapshot()[1]["ingest.rules"].text
    assert "ho-anhe02" not in [
        due.subject for due in town.store.read(lambda w: rule_state.due(w, 9))
    ]


def test_who_is_overtaken_looks_at_no_home_and_says_so(town: Town) -> None:
    tell(town, 1, "temperature", 20, T0)
    told: list[str] = []
    follower = Follower(town.registry, town.rules, read_dictionary(CONFIG / "words"), town.counters)
    generation = town.store.write(claim_all)
    town.due = DuePump(
        town.store, follower, town.counters, generation, lambda: told.append("overtaken")
    )
    town.store.write(claim_all)

    look(town, T0 + HOUR)

    assert (told, kinds(town)) == (["overtaken"], [])


def test_a_resident_takes_a_fall_back(town: Town) -> None:
    tell(town, 1, "fall", True, T0, lane=Lane.ALARM)
    tell(town, 2, "sos_cancel", True, T0 + 1, lane=Lane.ALARM)

    [alarm] = town.open()
    assert alarm.is_cancelled_by_resident
