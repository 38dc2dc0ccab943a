"""The frame of the command line: exit codes, one document on stdout, sentences on stderr."""

import json
from pathlib import Path

import pytest

from anju.cli import COMMANDS, main
from anju.output import table
from anju.paths import ROOT

RULES = ROOT / "config" / "rules"
GOOD = (RULES / "sos.yaml").read_text(encoding="utf-8")


def told(capsys: pytest.CaptureFixture[str]) -> dict:
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_is_for(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])

    assert ended.value.code == 0
    assert f"anju {name}" in capsys.readouterr().out


def test_an_unknown_command_could_not_run() -> None:
    with pytest.raises(SystemExit) as ended:
        main(["brew"])

    assert ended.value.code == 2


def test_the_shipped_rules_hold(capsys: pytest.CaptureFixture[str]) -> None:
    folders = [str(RULES), str(RULES.with_name("modes"))]
    assert main(["rules", "check", *folders, "--json"]) == 0
    assert told(capsys) == {"files": 17, "rules": 17, "cases": 0, "failed": []}

    assert main(["rules", "test", *folders, "--json"]) == 0
    document = told(capsys)
    assert (document["rules"], document["failed"]) == (17, [])
    assert document["cases"] >= 6 * 13


def test_a_misspelt_rule_falls_short_and_is_named_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "sos.yaml"
    file.write_text(GOOD.replace("sos pressed", "sos presed"), encoding="utf-8")

    code = main(["rules", "check", str(file)])

    assert code == 1
    assert f"{file}:7:11: 'presed' is not known here; did you mean" in capsys.readouterr().out


def test_a_story_that_is_not_kept_is_told_with_what_came_instead(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sos.yaml").write_text(GOOD, encoding="utf-8")
    story = '- it is silent:\n    given: ["10:00 sos pressed"]\n    expect: nothing\n'
    (tmp_path / "sos.test.yaml").write_text(story, encoding="utf-8")

    code = main(["rules", "test", str(tmp_path), "--json"])

    assert code == 1
    [failed] = told(capsys)["failed"]
    assert failed["story"] == "it is silent"
    assert failed["seen"] == ["10:00:00 sos critical"]


@pytest.mark.parametrize("stories", ["", "- 1", "- a: {given: [x]}", "- a: {given: 3, expect: no}"])
def test_stories_without_shape_are_a_fault_and_no_crash(
    stories: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sos.yaml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "sos.test.yaml").write_text(stories, encoding="utf-8")

    assert main(["rules", "test", str(tmp_path)]) == 1
    assert "expected stories" in capsys.readouterr().out


def test_a_rule_without_stories_falls_short_of_the_test(tmp_path: Path) -> None:
    (tmp_path / "sos.yaml").write_text(GOOD, encoding="utf-8")

    assert main(["rules", "check", str(tmp_path)]) == 0
    assert main(["rules", "test", str(tmp_path)]) == 1


def test_a_path_that_is_not_there_could_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["rules", "check", str(tmp_path / "none.yaml"), "--json"])

    captured = capsys.readouterr()
    assert code == 2
    assert "give a rule file or a folder" in captured.err
    assert "none.yaml" in json.loads(captured.out)["error"]


def test_columns_are_as_wide_as_their_widest_word() -> None:
    assert table(("hop", "ms"), [("decode", 3), ("x", 12)]) == [
        "hop     ms",
        "decode  3",
        "x       12",
    ]
