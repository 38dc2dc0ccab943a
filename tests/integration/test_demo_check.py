"""`anju demo --check`: the main job on the whole of it, started and stopped for the purpose."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from anju.paths import ROOT
from tests.ground import Ground

BUTTON: Final = {"vendor": "Tuya", "model": "TS0215A_sos"}
PRESS: Final = {
    "id": "press",
    "topic": "hub7/attic/red",
    "payload": {"action": "emergency", "linkquality": 80},
    "device": BUTTON,
    "expect": [{"measurement": "sos", "value": True}],
}
CASES: Final = (
    PRESS,
    PRESS | {"id": "stranger", "topic": "zigbee2mqtt/stranger", "device": None},
    {
        "id": "torn",
        "topic": "zigbee2mqtt/torn",
        "payload": '{"action": "emer',
        "payload_encoding": "text",
        "device": BUTTON,
        "expect": [],
    },
    PRESS | {"id": "old", "topic": "zigbee2mqtt/old", "retain": True, "expect": []},
    {
        "id": "second telling",
        "topic": "zigbee2mqtt/twice/action",
        "payload": "emergency",
        "payload_encoding": "text",
        "context": [
            {"topic": "zigbee2mqtt/twice", "payload": {"action": "emergency", "linkquality": 9}}
        ],
        "expect": [],
    },
    {
        "id": "own profile",
        "topic": "zigbee2mqtt/own",
        "payload": {"action": "single"},
        "device": {"vendor": "Any", "model": "Any-1", "profile": {"action:single": "sos"}},
        "expect": [{"measurement": "sos", "value": True}],
    },
    {
        "id": "thermometer",
        "topic": "zigbee2mqtt/warm",
        "payload": {"temperature": 21.5, "battery": 80},
        "device": {"vendor": "Aqara", "model": "WSDCGQ11LM"},
        "expect": [{"measurement": "temperature", "value": 21.5}],
    },
)


def check(path: Path, *cases: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    path.write_text("".join(json.dumps(case) + "\n" for case in cases))
    command = [sys.executable, "-m", "anju", "demo", "--check", "--message", str(path), "--json"]
    command += Ground.options()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110)
    return done.returncode, json.loads(done.stdout)


def test_one_press_goes_all_the_way_and_each_hop_says_how_long_it_took() -> None:
    command = [sys.executable, "-m", "anju", "demo", "--check", "--json", *Ground.options()]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)

    found = json.loads(done.stdout)
    assert (done.returncode, found["ok"]) == (0, True), found
    names = [hop["name"] for hop in found["hops"]]
    assert names.index("press") < names.index("alarm") < names.index("claim") < names.index("close")
    assert all(hop["ok"] and hop["ms"] >= 0 for hop in found["hops"])


def test_messages_of_real_devices_ring_exactly_where_they_should(tmp_path: Path) -> None:
    code, found = check(tmp_path / "messages.jsonl", *CASES)

    assert (code, found["ok"]) == (0, True), found
    names = {hop["name"] for hop in found["hops"]}
    assert {"press/report", "stranger/close", "torn/close", "own profile/report"} <= names
    assert {"old/no_alarm", "second telling/no_alarm", "thermometer/no_alarm"} <= names


def test_an_alarm_that_should_not_have_come_falls_short(tmp_path: Path) -> None:
    code, found = check(tmp_path / "messages.jsonl", PRESS | {"expect": []})

    assert code == 1
    assert [hop["name"] for hop in found["hops"] if not hop["ok"]] == ["no_alarm"]


def test_a_message_that_no_dialect_knows_falls_short_where_it_is_decoded(tmp_path: Path) -> None:
    case = {"topic": "somebody/else/says", "payload": {"a": 1}, "expect": []}

    code, found = check(tmp_path / "messages.jsonl", case)

    assert code == 1
    assert [hop["name"] for hop in found["hops"] if not hop["ok"]] == ["decode"]


@pytest.mark.parametrize("line", ["no json", "[1]", '{"payload": 1}'])
def test_a_file_that_makes_no_sense_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "messages.jsonl"
    path.write_text(line)
    command = [sys.executable, "-m", "anju", "demo", "--check", "--message", str(path)]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert done.returncode == 2
    assert f"{path}, line 1" in done.stderr
