"""Calls and commands against a real store: folding, history, numbers, the feed."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Executable, delete, update

from cloud.alarms import commands as c
from cloud.alarms import store as alarms
from cloud.alarms.errors import ClaimedByOther, NotFound
from cloud.alarms.events import AlarmChanged
from cloud.alarms.folding import fold_key
from cloud.alarms.model import Alarm, Person, Press, Where
from cloud.alarms.service import Call, handle, raise_call, take_back
from cloud.alarms.store import history_table
from cloud.durable import feed
from cloud.rules.model import AlarmKind, Severity
from cloud.storage.bus import Bus
from cloud.storage.store import Store
from cloud.words import Words
from tests.cloud.stores import HandClock, open_store

LIN, HE = Person("ac-1", "林晓岚", "Lin Xiaolan"), Person("ac-2", "何文静", "He Wenjing")
KEY = fold_key(AlarmKind.SOS, "ho-1", "gw-test01")


class House:
    """A store with alarms, and everything that was told."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.told = HandClock(), list[str]()
        bus = Bus()
        bus.on(AlarmChanged, lambda _work, news: self.told.append(type(news.event).__name__))
        self.store: Store = open_store(folder, self.clock, bus)

    def press(self, seq: int, repeats: int | None = None, age_ms: int | None = 0) -> Alarm:
        received_ms = self.clock.now_ms()
        call = Call(
            kind=AlarmKind.SOS,
            severity=Severity.CRITICAL,
            fold_key=KEY,
            rule="sos",
            version="v1",
            say=Words("按下", "pressed"),
            press=Press(f"p{seq}", "gw-test01", received_ms, age_ms=age_ms),
            where=Where(area_code="440310002902"),
            repeats=f"p{repeats}" if repeats else None,
        )
        return self.store.write(lambda work: raise_call(work, call))

    def do(self, alarm: Alarm, command: c.Command) -> Alarm:
        return self.store.write(lambda work: handle(work, alarm.id, command))

    def kinds(self, alarm: Alarm) -> list[str]:
        rows = self.store.read(lambda work: alarms.history(work, alarm.id))
        return [type(row.event).__name__ for row in rows]

    def problems(self) -> list[str]:
        return self.store.read(alarms.broken_chains)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_a_press_raises_and_another_one_joins(house: House) -> None:
    first, second = house.press(1), house.press(2)

    assert first.id == second.id
    assert second.presses == 2
    assert house.kinds(first) == ["AlarmRaised", "PressRepeated"]
    assert house.told == ["AlarmRaised", "PressRepeated"]


def test_a_press_told_twice_is_an_echo_while_its_alarm_is_open(house: House) -> None:
    house.press(1)
    alarm = house.press(2, repeats=1)

    assert alarm.presses == 1
    assert house.kinds(alarm) == ["AlarmRaised", "PressEchoed"]


def test_nothing_is_folded_into_a_closed_alarm(house: House) -> None:
    first = house.press(1)
    house.do(first, c.Claim(LIN))
    house.do(first, c.Close(LIN, "false"))

    late = house.press(2, age_ms=900_000)
    echo = house.press(3, repeats=1)

    assert late.id != first.id
    assert late.is_late
    assert echo.id == late.id
    assert echo.presses == 2


def test_a_call_that_is_taken_back_stays_open_for_the_operator(house: House) -> None:
    alarm = house.press(1)
    press = Press("p2", "gw-test01", house.clock.now_ms())

    after = house.store.write(lambda work: take_back(work, "p1", KEY, press))

    assert after is not None
    assert after.id == alarm.id
    assert after.is_open
    assert after.is_cancelled_by_resident


def test_taking_back_where_nobody_has_called_is_no_alarm(house: House) -> None:
    press = Press("p2", "gw-test01", house.clock.now_ms())

    assert house.store.write(lambda work: take_back(work, None, KEY, press)) is None


def test_numbers_count_up_each_local_day(house: House) -> None:
    first = house.press(1)
    house.do(house.do(first, c.Claim(LIN)), c.Close(LIN, "test"))
    second = house.press(2)
    house.do(house.do(second, c.Claim(LIN)), c.Close(LIN, "test"))
    house.clock.pass_s(86_400)
    third = house.press(3)

    assert first.no.endswith("-0001")
    assert second.no.endswith("-0002")
    assert third.no.endswith("-0001")
    assert third.no[:6] > first.no[:6]


def test_a_lost_race_changes_nothing(house: House) -> None:
    alarm = house.do(house.press(1), c.Claim(LIN))

    with pytest.raises(ClaimedByOther):
        house.do(alarm, c.Claim(HE))

    assert house.kinds(alarm) == ["AlarmRaised", "AlarmClaimed"]


def test_a_command_on_nothing_is_not_found(house: House) -> None:
    with pytest.raises(NotFound):
        house.store.write(lambda work: handle(work, "al-none", c.Claim(LIN)))


def test_the_feed_tells_the_alarm_as_pages_expect_it(tmp_path: Path) -> None:
    house = House(tmp_path)
    seen: list[feed.Op] = []
    house.store._finishers = (lambda work: seen.extend(work.notes.get("feed", [])),)

    house.press(1)

    [op] = seen
    shown = msgspec.json.decode(op.v)
    assert (op.area, shown["handling"], shown["presses"]) == ("440310002902", "unclaimed", 1)
    assert not {"fold_key", "area_code", "offer_id"} & shown.keys()


def test_what_somebody_has_in_hand_is_known(house: House) -> None:
    alarm = house.press(1)
    assert house.store.read(alarms.has_unclaimed)

    house.do(alarm, c.Claim(LIN))

    assert house.store.read(lambda work: alarms.claimed_by(work, LIN.id)) == [alarm.id]
    assert not house.store.read(alarms.has_unclaimed)
    assert [each.id for each in house.store.read(alarms.open_alarms)] == [alarm.id]


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda t: update(t).where(t.c.n == 2).values(body=b"{}"), "row 2: was changed"),
        (lambda t: delete(t).where(t.c.n == 2), "row 2 is missing"),
        (lambda t: delete(t).where(t.c.n == 3), "history ends before row 3"),
    ],
    ids=["a row changed", "a row removed", "the tail cut"],
)
def test_a_history_that_was_tampered_with_names_its_row(
    house: House, harm: Callable[..., Executable], says: str
) -> None:
    alarm = house.do(house.press(1), c.Claim(LIN))
    house.do(alarm, c.Note(LIN, "spoke to her"))
    assert house.problems() == []

    house.store.write(lambda work: work.execute(harm(history_table)))

    assert any(says in problem for problem in house.problems())
