"""What a resident hears, and how it reaches the gateway."""

from collections.abc import Sequence

import pytest

from cloud.alarms import commands as c
from cloud.alarms.events import AlarmChanged, AlarmClaimed
from cloud.durable.outbox import finish_letters
from cloud.notify.edge_say import EDGE_SAY, EdgeSay
from cloud.observe import Counters
from cloud.pumps import Signal
from cloud.rules.model import AlarmKind
from cloud.workers.outbox import OutboxPump
from contract.envelope import decode_down
from contract.messages import Say
from contract.topics import down_topic
from tests.cloud.district import CHEN, GATEWAY, HE, HOME, LIN, District


def keys(district: District) -> Sequence[str]:
    return [each["payload"]["key"] for each in district.letters()]


def test_a_resident_hears_of_the_operator_of_help_and_of_the_end(district: District) -> None:
    alarm = district.do(district.press(), c.Claim(LIN))
    made = district.store.write(lambda w: district.desk.dispatch(w, alarm.id, LIN))
    district.store.write(lambda w: district.desk.accept(w, made["id"], CHEN))
    district.do(alarm, c.Close(LIN, "true", "fall"))

    letters = district.letters()

    assert sorted(keys(district)) == ["closed", "help_is_coming", "operator_with_you"]
    assert {(each["kind"], each["target"], each["alarm_id"]) for each in letters} == {
        (EDGE_SAY, GATEWAY, alarm.id)
    }
    coming = next(e["payload"] for e in letters if e["payload"]["key"] == "help_is_coming")
    assert "陈立" in coming["words"]["zh"]
    assert "Chen Li" in coming["words"]["en"]
    assert coming["home"] == HOME
    assert all(each["payload"]["id"] == each["id"] for each in letters)


def test_what_happens_once_is_said_once(district: District) -> None:
    alarm = district.do(district.press(), c.Claim(LIN))
    again = AlarmChanged(alarm, AlarmClaimed(at_ms=district.clock.now_ms(), by=LIN))

    district.do(alarm, c.Claim(LIN))
    district.store.write(lambda work: work.publish(again))

    assert keys(district) == ["operator_with_you"]


def test_a_second_operator_is_announced_too(district: District) -> None:
    alarm = district.press()

    for command in (c.Claim(LIN), c.Release(LIN), c.Claim(HE)):
        district.do(alarm, command)

    assert keys(district) == ["operator_with_you", "operator_with_you"]


def test_nobody_is_spoken_to_where_nobody_is_known_to_live(district: District) -> None:
    district.do(district.press(None, AlarmKind.TECHNICAL), c.Claim(LIN))

    assert keys(district) == []


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        (AlarmKind.SMOKE, "smoke"),
        (AlarmKind.GAS, "gas"),
        (AlarmKind.CARBON_MONOXIDE, "carbon_monoxide"),
        (AlarmKind.WATER_LEAK, "water_leak"),
        (AlarmKind.FALL, "fall_seen"),
    ],
)
def test_a_danger_is_spoken_of_in_the_home_once(
    district: District, kind: AlarmKind, key: str
) -> None:
    district.press(kind=kind)
    district.press(kind=kind)

    assert keys(district) == [key]
    words = district.letters()[0]["payload"]["words"]
    assert "say." not in words["zh"] + words["en"]


def test_nobody_is_frightened_by_the_upkeep_of_a_device(district: District) -> None:
    alarm = district.do(district.press(kind=AlarmKind.DEVICE), c.Claim(LIN))
    district.do(alarm, c.Close(LIN, "technical"))

    assert keys(district) == []


class Wire:
    """A broker that may be away."""

    connection = 1

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes, str]] = []
        self.is_away = False

    def publish(self, topic: str, payload: bytes, content_type: str) -> None:
        if self.is_away:
            raise ConnectionError("no broker")
        self.sent.append((topic, payload, content_type))


@pytest.fixture
def wire() -> Wire:
    return Wire()


def pump_of(district: District, wire: Wire) -> OutboxPump:
    return OutboxPump(district.store, {EDGE_SAY: EdgeSay(wire).carry}, Signal(), Counters())


def test_a_prompt_is_sent_until_the_edge_has_said_it(district: District, wire: Wire) -> None:
    district.do(district.press(), c.Claim(LIN))
    pump, clock = pump_of(district, wire), district.clock

    wire.is_away = True
    pump.run_once(clock.now_ms())
    wire.is_away = False
    for _ in range(2):
        clock.pass_s(20)
        pump.run_once(clock.now_ms())
    topic, payload, content_type = wire.sent[0]
    said = decode_down(payload, content_type)
    assert isinstance(said, Say)
    district.store.write(lambda work: finish_letters(work, [said.id]))
    clock.pass_s(60)
    pump.run_once(clock.now_ms())

    assert topic == down_topic(GATEWAY, "cmd")
    assert (said.home, said.key, said.words["zh"]) == (
        HOME,
        "operator_with_you",
        "值守员在了，请慢慢说。",
    )
    assert len(wire.sent) == 2


def test_a_prompt_whose_time_is_over_is_not_said(district: District, wire: Wire) -> None:
    district.do(district.press(), c.Claim(LIN))

    district.clock.pass_s(120)
    pump_of(district, wire).run_once(district.clock.now_ms())

    assert wire.sent == []
    assert [each["state"] for each in district.letters()] == ["dead"]


def test_every_prompt_has_its_words_and_no_gap_that_nothing_fills(district: District) -> None:
    alarm = district.do(district.press(), c.Claim(LIN))
    made = district.store.write(lambda w: district.desk.dispatch(w, alarm.id, LIN))
    district.store.write(lambda w: district.desk.accept(w, made["id"], CHEN))

    said = [word for each in district.letters() for word in each["payload"]["words"].values()]
    assert not any("…" in word or word.startswith("say.") for word in said)
