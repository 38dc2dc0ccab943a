"""`anju devices check`: messages against their meaning, whatever the devices are called. The
messages of this folder are ours, made from the conventions' documentation."""

import json
from pathlib import Path
from random import Random

import pytest

from anju.cli import main
from anju.judging import Gateway
from anju.messages_file import Case, fields_of, read_cases
from anju.paths import ROOT
from anju.permuting import permuted
from edge.dialects.catalogue import NO_CATALOGUE
from edge.profiles import FOLDER, load_profiles

PROFILES = load_profiles(ROOT / "config" / FOLDER)
OURS = Path(__file__).with_name("messages.jsonl")
REAL = ROOT.parent / "shared" / "data" / "devices" / "messages.jsonl"
CONVENTIONS = {"zigbee2mqtt", "esphome", "tasmota", "shelly_gen2", "chirpstack_v4"}


def check(capsys, file, *more):
    code = main(["devices", "check", str(file), "--json", *more])
    return code, json.loads(capsys.readouterr().out)


def written(tmp_path, *lines):
    file = tmp_path / "messages.jsonl"
    file.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    return file


def says(expect, **more):
    topic, payload = "zigbee2mqtt/bed", {"action": "emergency", "battery": 80}
    case = {"id": "x", "convention": "zigbee2mqtt", "class": "sos", "topic": topic}
    return {**case, "payload": payload, "expect": expect, **more}


SOS = {"measurement": "sos", "value": True}


@pytest.mark.parametrize("more", [(), ("--permute", "1"), ("--permute", "2"), ("--permute", "3")])
def test_our_messages_mean_what_they_should_under_any_name(capsys, more):
    code, document = check(capsys, OURS, *more)

    assert document["failed"] == []
    assert code == 0
    assert set(document["by_convention"]) == CONVENTIONS
    assert document["total"] == document["passed"] == len(read_cases(OURS))
    parts = [document[name]["total"] for name in ("decode", "raw", "dedupe")]
    assert sum(parts) == document["total"]
    assert all(parts)
    assert (document["forbidden"], document["exceptions"], document["unknown"]) == ([], [], [])


@pytest.mark.skipif(not REAL.is_file(), reason="the real messages stay out of this repository")
@pytest.mark.parametrize("more", [(), ("--permute", "4")])
def test_the_real_messages_of_our_conventions_mean_what_they_should(capsys, more):
    _, document = check(capsys, REAL, *more)

    assert [each for each in document["failed"] if each["convention"] in CONVENTIONS] == []
    assert document["exceptions"] == []


@pytest.mark.parametrize("case", read_cases(OURS), ids=lambda case: case.id)
def test_a_message_says_nothing_twice(case):
    gateway = Gateway(case, PROFILES, NO_CATALOGUE)

    said = gateway.takes(case, 0)

    assert len({(r.device, r.measurement, r.channel) for r in said}) == len(said)


@pytest.mark.parametrize(
    ("case", "why"),
    [
        (says([{"measurement": "fall", "value": True}]), "fall should be True, got none"),
        (says([{"measurement": "battery", "value": 81}]), "battery should be 81, got 80 %"),
        (says([{"measurement": "battery", "value": 80, "unit": "V"}]), "battery should be"),
        (says([{**SOS, "channel": 2}]), "sos should be True"),
        (says([{"measurement": "sos", "value": 1}]), "sos should be 1"),
        (says([SOS], expect_time="2026-01-02T03:04:05Z"), "sos is dated None"),
        (says([SOS], forbid=["battery"]), "battery 80 is forbidden"),
        (says([], reject_values=[SOS]), "sos True is rejected"),
        (says([], device={"profile": {"action": "sous"}}), "its profile cannot be read"),
    ],
)
def test_what_falls_short_is_told_with_the_reason(tmp_path, capsys, case, why):
    code, document = check(capsys, written(tmp_path, case))

    assert code == 1
    assert [(each["id"], each["class"]) for each in document["failed"]] == [("x", "sos")]
    assert why in document["failed"][0]["why"]
    assert document["forbidden"] == (["x"] if "forbidden" in why or "rejected" in why else [])


def test_a_number_may_be_as_far_off_as_the_message_allows(tmp_path, capsys):
    near = {"measurement": "battery", "value": 80.4}

    assert check(capsys, written(tmp_path, says([{**near, "tolerance": 0.5}])))[0] == 0
    assert check(capsys, written(tmp_path, says([near])))[0] == 1


def test_a_topic_of_nobody_is_named_and_counted(tmp_path, capsys):
    stranger = says([SOS], topic="garden/gnome", convention="garden")

    code, document = check(capsys, written(tmp_path, stranger))

    assert (code, document["unknown"]) == (1, ["x"])
    assert "no dialect knows the topic" in document["failed"][0]["why"]


def test_without_json_a_table_is_shown(capsys):
    assert main(["devices", "check", str(OURS)]) == 0

    assert "chirpstack_v4" in capsys.readouterr().out


def test_a_file_that_is_none_could_not_be_checked(tmp_path, capsys):
    assert main(["devices", "check", str(tmp_path / "none.jsonl")]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_an_encoding_that_is_none_could_not_be_checked(tmp_path, capsys):
    file = written(tmp_path, says([SOS], payload_encoding="morse"))

    assert main(["devices", "check", str(file)]) == 2
    assert "morse" in capsys.readouterr().err


def test_permuted_messages_keep_nothing_of_the_names_and_all_of_the_meaning():
    for case in read_cases(OURS):
        other = permuted(case, Random(1))

        assert other == permuted(case, Random(1)) != permuted(case, Random(2))
        assert other.topic != case.topic or case.topic == "zigbee2mqtt/bridge/state"
        assert (other.expect, other.forbid) == (case.expect, case.forbid)


def test_a_field_that_is_a_topic_keeps_its_name_and_a_word_that_is_a_name_its_meaning():
    field = permuted(Case("zigbee2mqtt/hall/contact", payload="false"), Random(1))
    word = permuted(Case("zigbee2mqtt/emergency", payload={"action": "emergency"}), Random(1))

    assert field.topic.endswith("/contact")
    assert not word.topic.endswith("emergency")
    assert word.payload == {"action": "emergency"}


def test_a_renamed_message_still_fits_to_what_came_before():
    case = next(case for case in read_cases(OURS) if case.id == "esphome-1")
    other = permuted(case, Random(1))

    assert other.context[0].payload["stat_t"] == other.topic


@pytest.mark.parametrize(
    ("profile", "fields"),
    [
        ({"action:single": "sos"}, {"action": {"single": "sos"}}),
        ({"alarm": "sos"}, {"alarm": "sos"}),
        ({"level": "distance mm"}, {"level": "distance mm"}),
        ({"temperature": "Cel"}, {"temperature": "temperature Cel"}),
        ({"bthomesensor:204": "opening"}, {"bthomesensor:204": "opening"}),
        ({"a": {"measurement": "sos", "on": "ON"}}, {"a": {"ON": {"sos": True}}}),
        ({"a": {"measurement": "co2", "unit": "ppm"}}, {"a": "co2 ppm"}),
        ({"action": {"hold": "sos"}}, {"action": {"hold": "sos"}}),
        ({"c": "smoke", "inverted": True}, {"c": {True: {"smoke": False}, False: {"smoke": True}}}),
    ],
)
def test_a_profile_that_a_message_brings_becomes_one_of_ours(profile, fields):
    assert fields_of(profile) == fields


def test_a_message_knows_its_device_and_whether_an_alarm_is_due():
    case = Case("zigbee2mqtt/bed/action", expect=())

    assert (case.device_topic, case.is_due) == ("zigbee2mqtt/bed", False)
