"""The driver on real brokers: its ledger says neither more nor less than the truth."""

import functools
from collections import Counter
from pathlib import Path

import pytest

from anju.broker import free_port
from device_simulators.clock import SystemClock
from device_simulators.driver import Driver
from device_simulators.ledger import Ledger, read_ledger
from device_simulators.torture import (
    Shot,
    announcement,
    buttons,
    judge_presses,
    judge_readings,
    meters,
    script,
)
from tests.brokers import Hand
from tests.waiting import eventually


class Listener:
    """Everything of a torture run that came in, in order."""

    def __init__(self, hand: Hand) -> None:
        self._hand = hand
        self.presses: Counter[str] = Counter()
        self.readings: list[tuple[str, int]] = []

    def take(self) -> None:
        """One message more."""
        message = self._hand.take()
        self._hand.ack(message)
        _, what, number = message.topic.replace("_", "/").rsplit("/", 2)
        if what == "sos":
            self.presses[f"z2m:0x00124b005050{int(number):04x}"] += 1
        elif what == "light":
            payload = bytes(message.payload)
            n = int(payload.split(b":")[1].split(b",")[0])
            self.readings.append((f"z2m:0x00124b001171{int(number):04x}", n))

    def take_all(self, count: int) -> None:
        """So many messages."""
        while self.presses.total() + len(self.readings) < count:
            self.take()


@pytest.fixture
def ledger_file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.jsonl"


def has_gone_on(driver: Driver, before: int) -> bool:
    return driver.acknowledged >= before + 40


def driver_of(ledger: Ledger, presses: int, **options) -> Driver:
    return Driver(
        script(1, buttons(presses), meters(4)),
        ledger,
        SystemClock(),
        announced=announcement([*buttons(presses), *meters(4)]),
        **options,
    )


def test_all_that_is_in_the_ledger_was_delivered_once_and_in_order(broker, hands, ledger_file):
    listener = Listener(hands(broker, "edge").connect().subscribe("zigbee2mqtt/torture/#"))
    ledger = Ledger(ledger_file)
    driver = driver_of(ledger, 40)

    driver.start("127.0.0.1", broker.port)
    eventually(driver.is_done.is_set)
    driver.stop()
    ledger.close()
    listener.take_all(driver.acknowledged)

    entries = read_ledger(ledger_file)
    assert judge_presses(entries, listener.presses).held
    assert judge_readings(entries, listener.readings).held
    assert (driver.unknown, len(entries)) == (0, driver.acknowledged)


def test_an_orderly_restart_of_the_broker_loses_nothing_of_the_ledger(
    mosquitto, hands, ledger_file
):
    reader = hands(mosquitto, "edge").connect().subscribe("zigbee2mqtt/torture/#")
    reader.drop()
    ledger = Ledger(ledger_file)
    driver = driver_of(ledger, 60)

    driver.start("127.0.0.1", mosquitto.port)
    for _ in range(2):
        before = driver.acknowledged
        eventually(functools.partial(has_gone_on, driver, before))
        mosquitto.restart()
    eventually(driver.is_done.is_set)
    driver.stop()
    ledger.close()
    listener = Listener(reader.connect())
    listener.take_all(driver.acknowledged)

    entries = read_ledger(ledger_file)
    assert judge_presses(entries, listener.presses).held
    assert judge_readings(entries, listener.readings).lost == 0


def test_a_broker_that_is_not_there_yet_is_waited_for(ledger_file, hands, mosquitto):
    mosquitto.stop()
    ledger = Ledger(ledger_file)
    driver = driver_of(ledger, 5)
    driver.start("127.0.0.1", mosquitto.port)

    mosquitto.start()

    eventually(driver.is_done.is_set)
    driver.stop()
    ledger.close()
    assert len([entry for entry in read_ledger(ledger_file) if entry.is_press]) == 5


def test_a_tormentor_is_told_of_each_press_that_is_safe_with_the_broker(mosquitto, ledger_file):
    ledger = Ledger(ledger_file)
    told: list[Shot] = []
    driver = driver_of(ledger, 10, on_taken=told.extend, rate_per_s=500)

    driver.start("127.0.0.1", mosquitto.port)
    eventually(driver.is_done.is_set)
    driver.stop()
    ledger.close()

    assert [shot.device.uid for shot in told if shot.is_press] == [
        entry.device for entry in read_ledger(ledger_file) if entry.is_press
    ]


def test_a_driver_without_a_broker_can_be_stopped(ledger_file):
    ledger = Ledger(ledger_file)
    driver = driver_of(ledger, 5)
    driver.start("127.0.0.1", free_port())

    driver.stop()

    ledger.close()
    assert read_ledger(ledger_file) == []
