"""The shipped rules and modes, their stories, and how they read."""

import re
from pathlib import Path

import pytest

from cloud.dictionary import read_dictionary
from cloud.rules import phrases
from cloud.rules.harness import run_stories
from cloud.rules.language import read_file, read_modes, read_rule, read_rule_set, read_rules
from cloud.rules.model import Mode, Rule
from cloud.rules.reading import sentence

CONFIG = Path(__file__).parents[3] / "config"
FOLDERS = ("rules", "modes")
FILES = [
    path
    for folder in FOLDERS
    for path in sorted((CONFIG / folder).glob("*.yaml"))
    if not path.name.endswith(".test.yaml")
]
WORDS = read_dictionary(CONFIG / "words")
FIRST = {
    "sos", "cancel", "fall", "smoke", "gas", "carbon_monoxide", "water_leak", "no_activity",
    "silent_gateway", "silent_device", "device_offline", "button_untested", "battery",
}  # fmt: skip


def test_the_first_rules_are_there() -> None:
    assert {rule.name for rule in read_rules(CONFIG / "rules")} == FIRST
    assert {mode.name for mode in read_modes(CONFIG / "modes")} == set(phrases.MODES)


def test_every_story_has_a_rule() -> None:
    stories = [path for folder in FOLDERS for path in (CONFIG / folder).glob("*.test.yaml")]

    assert {path.name.removesuffix(".test.yaml") for path in stories} == {
        path.stem for path in FILES
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_story_of_a_shipped_rule_is_kept(path: Path) -> None:
    results = run_stories(read_file(path), path.with_name(f"{path.stem}.test.yaml"))

    assert any(result.expected for result in results)
    assert any(not result.expected for result in results) or isinstance(read_file(path), Mode)
    assert [result for result in results if not result.is_kept] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_another_limit_breaks_a_story(path: Path, tmp_path: Path) -> None:
    rule = read_file(path)
    text, stories = path.read_text("utf-8"), path.with_name(f"{path.stem}.test.yaml")
    (tmp_path / stories.name).write_text(stories.read_text("utf-8"), "utf-8")

    for parameter in rule.parameters.values():
        factor = 2 if parameter.default.unit == "1" else 1.2  # people are counted in whole ones
        other = f"default: {parameter.default.value * factor:.4f} {parameter.default.unit}"
        changed = text.replace(f"default: {parameter.default}", other)
        (tmp_path / path.name).write_text(changed, "utf-8")
        mended = read_file(tmp_path / path.name)

        assert changed != text
        assert not all(each.is_kept for each in run_stories(mended, tmp_path / stories.name))


@pytest.mark.parametrize("rule", read_rules(CONFIG / "rules"), ids=lambda rule: rule.name)
def test_a_rule_reads_in_both_languages(rule: Rule) -> None:
    said = sentence(rule, WORDS)

    assert "rule." not in said.zh + said.en
    assert "…" not in said.zh + said.en


def test_every_phrase_has_its_words() -> None:
    absent = [f"no {phrase}" for phrase in phrases.ABSENT]
    every = [
        *phrases.EVENTS, *phrases.STATES, *phrases.NUMBERS, *phrases.MODES, *phrases.ROOMS, *absent,
    ]  # fmt: skip

    assert [p for p in every if f"rule.phrase.{p.replace(' ', '_')}" not in WORDS.keys()] == []


def test_the_silence_of_a_home_reads_as_a_sentence() -> None:
    said = sentence(read_rule(CONFIG / "rules" / "no_activity.yaml"), WORDS)

    assert said.en == "no activity for 12 h, unless home is away or home is unoccupied"
    assert said.zh == "12 小时 没有任何活动；家中无人（外出），或长期无人居住时除外"


def test_the_set_changes_with_any_of_its_rules() -> None:
    rules = read_rule_set(CONFIG)

    assert type(rules)(rules.rules[1:], rules.modes).version != rules.version


def test_the_example_in_the_manual_is_a_rule_whose_stories_are_kept(tmp_path: Path) -> None:
    manual = (CONFIG.parent / "docs" / "adding-a-rule.md").read_text("utf-8")
    rule, stories = re.findall(r"```yaml\n(.*?)```", manual, re.DOTALL)
    file = tmp_path / "bathroom_overlong_stay.yaml"
    beside = tmp_path / "bathroom_overlong_stay.test.yaml"
    file.write_text(rule, "utf-8")
    beside.write_text(stories, "utf-8")

    results = run_stories(read_file(file), beside)

    assert [result for result in results if not result.is_kept] == []
    assert len(results) == 3
