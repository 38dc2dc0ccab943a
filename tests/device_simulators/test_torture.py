"""What a torture run sends, and that its judge is not easily fooled."""

import json

import pytest

from anju.broker_config import PACKET_BYTES_MAX
from device_simulators.ledger import Ledger, read_ledger
from device_simulators.torture import (
    PRESSES_MAX,
    Entry,
    announcement,
    buttons,
    judge_presses,
    judge_readings,
    meters,
    registered,
    script,
)


def press(device, fate="acknowledged"):
    return Entry(device, 1, 0, True, fate)


def reading(device, n, fate="acknowledged"):
    return Entry(device, n, 0, False, fate)


def test_each_press_comes_from_a_device_of_its_own():
    shots = list(script(1, buttons(50), meters()))
    pressed = [shot.device.ieee for shot in shots if shot.is_press]

    assert len(pressed) == len(set(pressed)) == 50


def test_readings_of_a_device_are_numbered_without_a_gap():
    seen: dict[str, list[int]] = {}
    for shot in script(1, buttons(30), meters(3)):
        if not shot.is_press:
            seen.setdefault(shot.device.ieee, []).append(shot.n)
            assert json.loads(shot.message.payload)["illuminance"] == shot.n

    assert len(seen) == 3
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in seen.values())


def test_the_same_seed_sends_the_same_and_the_share_of_presses_is_kept():
    first, second = (list(script(7, buttons(200), meters())) for _ in range(2))

    assert first == second
    assert 0.15 < 200 / len(first) < 0.25


def test_without_meters_there_are_presses_only():
    assert all(shot.is_press for shot in script(1, buttons(5), []))


def test_one_bridge_can_announce_the_most_devices_allowed():
    devices = [*buttons(PRESSES_MAX), *meters()]

    size = len(announcement(devices)[1].payload)

    assert size < PACKET_BYTES_MAX - 1_000


def test_more_presses_than_one_bridge_can_announce_are_refused():
    with pytest.raises(ValueError, match=f"bridge announces {PRESSES_MAX} at most"):
        buttons(PRESSES_MAX + 1)


def test_the_registry_knows_the_devices_by_uid_and_topic():
    known = registered([*buttons(3), *meters(1)], homes=2)

    assert known[0].id == "z2m:0x00124b0050500001"
    assert known[0].topic == "zigbee2mqtt/torture/sos_0001"
    assert [device.home for device in known] == [
        "ho-torture0000",
        "ho-torture0001",
        "ho-torture0000",
        "ho-torture0001",
    ]
    assert [device.is_sos for device in known] == [True, True, True, False]


def test_presses_that_arrive_once_hold():
    verdict = judge_presses([press("a"), press("b")], {"a": 1, "b": 1})

    assert (verdict.sent, verdict.stored, verdict.held) == (2, 2, True)


def test_a_lost_and_a_doubled_press_are_named():
    verdict = judge_presses([press("a"), press("b")], {"b": 2})

    assert (verdict.lost, verdict.doubled) == (1, 1)
    assert verdict.names == ("lost a", "doubled b")


@pytest.mark.parametrize("raised", [{}, {"a": 1}])
def test_a_press_of_unknown_fate_may_be_there_or_not(raised):
    assert judge_presses([press("a", "unknown")], raised).held


def test_a_press_that_nobody_sent_is_a_doubled_one():
    assert judge_presses([], {"ghost": 1}).doubled == 1


def test_a_press_of_unknown_fate_must_not_be_there_twice():
    assert judge_presses([press("a", "unknown")], {"a": 2}).doubled == 1


def test_readings_are_judged_by_their_numbers():
    ledger = [reading("m", n) for n in (1, 2, 3)]

    assert judge_readings(ledger, [("m", 1), ("m", 2), ("m", 3)]).held
    assert judge_readings(ledger, [("m", 1), ("m", 3)]).lost == 1
    assert judge_readings(ledger, [("m", 1), ("m", 2), ("m", 2), ("m", 3)]).doubled == 1


def test_a_reading_that_comes_after_a_later_one_is_out_of_order():
    ledger = [reading("m", n) for n in (1, 2, 3)]

    verdict = judge_readings(ledger, [("m", 1), ("m", 3), ("m", 2)])

    assert (verdict.out_of_order, verdict.lost, verdict.doubled) == (1, 0, 0)


def test_a_doubled_reading_is_not_out_of_order_too():
    verdict = judge_readings([reading("m", 1), reading("m", 2)], [("m", 1), ("m", 2), ("m", 1)])

    assert (verdict.out_of_order, verdict.doubled) == (0, 1)


def test_a_ledger_is_read_back_without_a_line_that_was_cut_short(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append([press("a"), reading("m", 1, "unknown")])
    ledger.append([])
    ledger.close()
    with (tmp_path / "ledger.jsonl").open("ab") as file:
        file.write(b'{"device":"b","n":1')

    assert read_ledger(tmp_path / "ledger.jsonl") == [press("a"), reading("m", 1, "unknown")]
