"""What the doctor says of a gateway."""

import fcntl
import os
import socket

import pytest

from contract.lanes import Lane
from contract.messages import Refusal
from edge import doctor
from edge.settings import BrokerSettings, Settings
from tests.edge.dialects.bridge import IEEE
from tests.edge.fakes import HandClock
from tests.edge.house import BUTTON, GATEWAY


@pytest.fixture
def broker():
    """Something that accepts connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield BrokerSettings(port=server.getsockname()[1])


@pytest.fixture
def settings(house, broker):
    return Settings(gateway=GATEWAY, data_dir=house.journal.path.parent, home=broker, cloud=broker)


@pytest.fixture
def running(settings):
    """An agent holds the folder."""
    lock = os.open(settings.data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    yield
    os.close(lock)


def problems(settings, clock=None):
    return doctor.examine(settings, clock or HandClock())["problems"]


def test_a_healthy_gateway_has_no_problem(settings, running):
    found = doctor.examine(settings, HandClock())

    assert found["ok"]
    assert found["problems"] == []
    assert found["waiting"]["alarm"] == 0


def test_no_agent_is_a_problem_and_looking_does_not_hinder_one(settings):
    assert any("no agent works" in problem for problem in problems(settings))

    lock = os.open(settings.data_dir / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(lock)


def test_a_gateway_that_never_ran_has_no_journal(tmp_path):
    found = problems(Settings(gateway=GATEWAY, data_dir=tmp_path / "none"))

    assert any("does not exist" in problem for problem in found)
    assert any("no journal" in problem for problem in found)


def test_calls_that_wait_are_a_problem(house, settings, running):
    house.press()

    assert [p for p in problems(settings) if p.startswith("1 calls wait")]


def test_refused_rows_are_shown_with_their_reason(house, settings, running):
    house.press()
    house.cloud_says(house.ack(Lane.ALARM, refused=[Refusal(1, "what?")]))

    found = doctor.examine(settings, HandClock())

    assert found["refused"] == [{"lane": "alarm", "seq": 1, "reason": "what?"}]
    assert any("refused" in problem for problem in found["problems"])


def test_messages_that_gave_nothing_are_shown(house, settings, running):
    house.home_broker.send(BUTTON, b"nonsense")
    house.turn()

    [rejected] = doctor.examine(settings, HandClock())["rejected"]

    assert (rejected["topic"], rejected["payload"]) == (BUTTON, "nonsense")


def test_a_damaged_journal_that_was_set_aside_is_named(house, settings, running):
    house.disk.is_broken = True
    house.press()

    assert any("journal.db.broken-" in problem for problem in problems(settings))


def test_a_clock_that_nobody_keeps_right_is_a_problem(settings, running):
    clock = HandClock()
    clock.is_right = False

    assert any("NTP" in problem for problem in problems(settings, clock))


def test_a_broker_that_does_not_answer_is_named(house, broker, running):
    deaf = Settings(
        gateway=GATEWAY,
        data_dir=house.journal.path.parent,
        home=broker,
        cloud=BrokerSettings(port=1),
    )

    assert any("cloud broker at 127.0.0.1:1" in problem for problem in problems(deaf))


def test_devices_are_those_that_the_registry_last_said(settings):
    assert [each["id"] for each in doctor.devices(settings)] == [
        f"z2m:{IEEE}",
        "z2m:cord",
        "z2m:other",
        "z2m:thermo",
    ]


def test_a_journal_that_is_no_journal_is_a_problem_and_no_crash(tmp_path, broker):
    (tmp_path / "journal.db").write_bytes(b"no database" * 1_000)
    settings = Settings(gateway=GATEWAY, data_dir=tmp_path, home=broker, cloud=broker)

    assert any("damaged" in problem for problem in problems(settings))
