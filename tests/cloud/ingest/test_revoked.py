"""What a revoked gateway still sends: put aside, counted, shown, never judged, never answered."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import true

from cloud.durable.received import rejected
from cloud.fleet.authority import Authority
from cloud.fleet.certificates import Kind, new_key
from cloud.fleet.deny import DenyList
from cloud.ingest.intake import Intake
from cloud.observe import Counters
from contract.lanes import Lane
from tests.cloud.ingest.fakes import GATEWAY, FakeJudge, delivery, hello, press, samples
from tests.cloud.stores import HandClock, open_store


class Desk:
    """An intake with a deny list behind it."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.counters, self.judge = HandClock(), Counters(), FakeJudge()
        self.store = open_store(folder, self.clock)
        self.ca = Authority(folder / "ca", self.clock)
        self.ca.create("Test")
        self.denied = DenyList(self.ca, self.counters)
        self.intake = Intake(self.judge, "ep-1", self.denied)

    def certify(self) -> None:
        self.ca.sign(new_key().public_key(), Kind.GATEWAY, [GATEWAY])
        self.denied.run_once(self.clock.now_ms())

    def revoke(self) -> None:
        self.ca.revoke(GATEWAY, "stolen")
        self.denied.run_once(self.clock.now_ms())

    def take(self, message):
        return self.store.write(lambda work: self.intake.take(work, message))


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    desk.certify()
    yield desk
    desk.store.stop()


def test_a_certified_gateway_is_welcome(desk):
    [answer] = desk.take(delivery(press(1)))

    assert answer.ack.seqs == [1]


def test_a_revoked_one_is_neither_judged_nor_answered_but_its_first_call_is_a_technical_alarm(desk):
    desk.revoke()

    answers = [desk.take(delivery(press(seq))) for seq in (1, 2, 3)]

    assert answers == [[], [], []]
    assert desk.judge.facts == []
    assert [case.reason for case in desk.judge.cases] == ["revoked"]


def test_everything_that_it_sends_is_put_aside_once_a_lane_and_counted(desk):
    desk.revoke()

    for seq in range(1, 51):
        desk.take(delivery(press(seq)))
        desk.take(delivery(samples(seq, seq), lane=Lane.DATA))
    desk.take(delivery(hello(), lane=Lane.HEALTH))

    kept = desk.store.read(lambda work: rejected(work, true()))
    assert sorted((each["lane"], each["times"]) for each in kept) == [
        ("alarm", 50),
        ("data", 50),
        ("health", 1),
    ]
    counts, troubles, _ = desk.counters.snapshot()
    assert counts["ingest.revoked"] == 101
    assert GATEWAY in troubles["ingest.revoked"].text


def test_with_a_new_certificate_it_is_welcome_again_and_a_second_theft_rings_again(desk):
    desk.revoke()
    desk.take(delivery(press(1)))
    desk.clock.pass_s(60)
    desk.certify()

    assert desk.take(delivery(press(2)))[0].ack.seqs == [2]
    desk.clock.pass_s(60)
    desk.revoke()
    desk.take(delivery(press(3)))
    assert [case.reason for case in desk.judge.cases] == ["revoked", "revoked"]


def test_a_neighbour_is_not_concerned(desk):
    desk.revoke()
    other = "gw-other1"

    [answer] = desk.take(delivery(replace(press(1), gateway=other), gateway=other))

    assert answer.ack.seqs == [1]


def test_a_ledger_that_cannot_be_read_changes_nothing_and_is_shown(desk):
    desk.revoke()
    (desk.ca.folder / "ledger.jsonl").write_bytes(b"damage\n")

    desk.denied.run_once(desk.clock.now_ms())

    assert desk.take(delivery(press(1))) == []
    assert "damaged" in desk.counters.snapshot()[1]["ingest.denied"].text
