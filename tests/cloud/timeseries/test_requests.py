"""What is asked of the time series is done once it can be, and not forgotten."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cloud.observe import Counters
from cloud.storage.store import Store
from cloud.timeseries.errors import Unavailable
from cloud.timeseries.requests import (
    AGAIN_MS,
    KEPT_MS,
    Kind,
    carry_out,
    copy_readings,
    erase_home_readings,
    request,
    sweep_requests,
    withdraw,
)
from cloud.workers.housekeeping import Chore, Housekeeping
from tests.cloud.stores import HandClock, open_store


class Office:
    """A store, and a series that notes what it is asked to do."""

    def __init__(self, folder: Path) -> None:
        self.clock = HandClock()
        self.store: Store = open_store(folder, self.clock)
        self.done: list[str] = []
        self.away: set[str] = set()
        self.do: dict[Kind, Callable[[str], None]] = {Kind.ERASE: self._erase}

    def _erase(self, home: str) -> None:
        if home in self.away:
            raise Unavailable("a test has stopped it")
        self.done.append(home)

    def ask(self, home: str) -> str:
        return self.store.write(lambda work: erase_home_readings(work, home))

    def turn(self, after_ms: int = 0) -> int:
        self.clock.pass_s(after_ms / 1000)
        return carry_out(self.store, self.do, self.clock.now_ms())


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_a_home_is_erased_and_once_more_for_what_was_on_its_way(office: Office) -> None:
    office.ask("ho-1")

    told = [office.turn(), office.turn(AGAIN_MS - 1), office.turn(1), office.turn(AGAIN_MS)]

    assert office.done == ["ho-1", "ho-1"]
    assert told == [0, 0, 1, 0]


def test_it_is_tried_again_until_the_series_is_there(office: Office) -> None:
    asked = office.ask("ho-1")
    office.away = {"ho-1"}
    for _ in range(3):
        with pytest.raises(Unavailable):
            office.turn(10_000)
    waiting = office.store.read(lambda work: request(work, asked))

    office.away = set()
    office.turn(10_000)
    office.turn(AGAIN_MS)

    assert waiting is not None
    assert (waiting.done_ms, "stopped" in (waiting.trouble or "")) == (None, True)
    done = office.store.read(lambda work: request(work, asked))
    assert done is not None
    assert (done.done_ms, done.trouble) == (office.clock.now_ms(), None)


def test_one_that_fails_holds_up_no_other(office: Office) -> None:
    office.away = {"ho-1"}
    office.ask("ho-1")
    office.ask("ho-2")

    with pytest.raises(Unavailable):
        office.turn()

    assert office.done == ["ho-2"]


def test_what_a_transaction_did_not_commit_was_never_asked(office: Office) -> None:
    with pytest.raises(ZeroDivisionError):
        office.store.write(lambda work: (erase_home_readings(work, "ho-1"), 1 / 0))

    office.turn()

    assert office.done == []


def test_what_this_store_cannot_do_waits_and_can_be_withdrawn(office: Office) -> None:
    asked = office.store.write(lambda work: copy_readings(work, "file"))

    assert office.turn() == 0

    office.store.write(lambda work: withdraw(work, asked))
    assert office.store.read(lambda work: request(work, asked)) is None


def test_what_was_done_long_ago_is_forgotten(office: Office) -> None:
    office.ask("ho-1")
    office.turn()
    office.turn(AGAIN_MS)
    office.ask("ho-2")
    office.clock.pass_s(KEPT_MS / 1000 + 1)

    assert office.store.write(sweep_requests) == 1


def test_a_chore_that_fails_is_a_trouble_on_the_health_page(office: Office) -> None:
    office.ask("ho-1")
    office.away = {"ho-1"}
    counters = Counters()
    chore = Chore(10, lambda now_ms: carry_out(office.store, office.do, now_ms))
    housekeeping = Housekeeping(office.store, office.clock, counters, {"asked": chore})

    with pytest.raises(Unavailable):
        housekeeping.sweep("asked")

    assert "stopped" in str(counters.snapshot()[1]["sweep.asked"])
