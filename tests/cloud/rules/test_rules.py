"""The shipped rules, the language's errors, and the engine's promises."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from typing_extensions import override

from cloud.rules.engine import RuleSet, step
from cloud.rules.errors import BadRule
from cloud.rules.harness import run_stories
from cloud.rules.language import parse_rule, read_rule, read_rules
from cloud.rules.model import AnyOf, Detection, EventIs, Happening, HomeState, Rule
from contract.lanes import Quality
from contract.vocabulary import Measurement

RULES = Path(__file__).parents[3] / "config" / "rules"
SOS = read_rule(RULES / "sos.yaml")
TEXT = (RULES / "sos.yaml").read_text(encoding="utf-8")


def press(at_ms: int = 1000, **changes: object) -> Happening:
    fact = Happening(
        measurement=Measurement.SOS,
        value=True,
        device="z2m:0x1",
        at_ms=at_ms,
        known_at_ms=at_ms,
        key=f"gw/j/alarm/{at_ms}",
    )
    return replace(fact, **changes)


@pytest.mark.parametrize("path", sorted(RULES.glob("*.yaml")), ids=lambda path: path.name)
def test_every_rule_has_stories_and_every_story_a_rule(path: Path) -> None:
    name = path.name.removesuffix(".yaml").removesuffix(".test")

    assert (RULES / f"{name}.yaml").exists()
    assert (RULES / f"{name}.test.yaml").exists()


@pytest.mark.parametrize("rule", read_rules(RULES), ids=lambda rule: rule.name)
def test_every_story_of_a_shipped_rule_is_kept(rule: Rule) -> None:
    results = run_stories(rule, RULES / f"{rule.name}.test.yaml")

    assert results
    assert [result for result in results if not result.is_kept] == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("when: sos pressed", "when: sos presed", "6:11: 'presed' is not known here; did you mean"),
        ("when: sos pressed", "when: soss pressed", "6:7: 'soss' is not known here; did you mean"),
        ("when: sos pressed", "when: sos", "expected an event such as 'sos pressed'"),
        ("when: sos pressed", "when: sos pressed or", "expected an event"),
        ("when: sos pressed", "when: [sos]", "'when' is one sentence"),
        ("severity: critical", "severity: dire", "severity 'dire' is not one of critical"),
        ("severity: critical", "severty: critical", "did you mean 'severity'?"),
        ("severity: critical", "", "'severity' is missing"),
        ("severity: critical", "severity: critical\nseverity: low", "stands here twice"),
        ("{ zh: 紧急呼叫, en: Emergency call }", "Emergency", "'title' has exactly 'zh' and 'en'"),
        ("{ zh: 紧急呼叫, en: Emergency call }", "{", "not valid YAML"),
    ],
)
def test_an_error_names_its_place_and_what_was_expected(old: str, new: str, says: str) -> None:
    text = TEXT.replace(old, new)

    with pytest.raises(BadRule) as bad:
        parse_rule(text, "sos.yaml")

    assert says in str(bad.value)
    assert str(bad.value).startswith("sos.yaml:")


def test_a_rule_stands_in_the_file_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "help.yaml").write_text(TEXT, encoding="utf-8")

    with pytest.raises(BadRule, match=r"belongs in 'sos.yaml'"):
        read_rules(tmp_path)


def test_a_file_that_is_too_large_is_refused() -> None:
    with pytest.raises(BadRule, match="at most"):
        parse_rule("#" * 70_000, "sos.yaml")


def test_sentences_join_by_or() -> None:
    rule = parse_rule(TEXT.replace("sos pressed", "sos pressed or sos pressed"), "sos.yaml")

    assert rule.when == AnyOf((EventIs(Measurement.SOS), EventIs(Measurement.SOS)))


def test_the_version_changes_with_the_meaning_and_not_with_the_reason() -> None:
    other_reason = parse_rule(TEXT.replace("Somebody asks", "A person asks"), "sos.yaml")
    other_severity = parse_rule(TEXT.replace("critical", "high"), "sos.yaml")

    assert other_reason.version == SOS.version
    assert other_severity.version != SOS.version


def test_a_detection_explains_itself() -> None:
    rules = RuleSet([SOS])
    state, _, _ = step(rules, {}, press(1000))

    _, [detection], _ = step(rules, state, press(4000))

    assert detection.evidence == {
        "fact": "gw/j/alarm/4000",
        "measurement": "sos",
        "device": "z2m:0x1",
        "times": 2,
        "before_at_ms": 1000,
    }
    assert (detection.rule, detection.version) == ("sos", SOS.version)


@pytest.mark.parametrize(
    "fact",
    [
        press(value=False),
        press(quality=Quality.TEST),
        press(quality=Quality.IMPLAUSIBLE),
        press(measurement=Measurement.SOS_CANCEL),
    ],
    ids=["not true", "a test", "implausible", "another word"],
)
def test_what_is_no_call_detects_nothing_and_leaves_no_trace(fact: Happening) -> None:
    assert step(RuleSet([SOS]), {}, fact) == ({}, (), ())


def test_a_changed_rule_begins_with_fresh_state() -> None:
    changed = replace(SOS, version="other")
    state, _, _ = step(RuleSet([SOS]), {}, press(1000))

    state, [detection], _ = step(RuleSet([changed]), state, press(2000))

    assert state["sos"].times == 1
    assert "before_at_ms" not in detection.evidence


class WithBrokenRule(RuleSet):
    """As if a bug of ours made one rule throw."""

    @override
    def concerned(self, measurement: Measurement) -> tuple[Rule, ...]:
        broken = replace(SOS, name="broken", when=AnyOf(None))  # type: ignore[arg-type]
        return (broken, *super().concerned(measurement))


def test_a_rule_that_fails_silences_no_other() -> None:
    state, detections, troubles = step(WithBrokenRule([SOS]), {}, press())

    assert [detection.rule for detection in detections] == ["sos"]
    assert [trouble.rule for trouble in troubles] == ["broken"]
    assert "broken" not in state


@given(st.lists(st.integers(0, 10_000), max_size=30), st.integers(0, 30))
def test_restarting_anywhere_changes_nothing(times: list[int], cut: int) -> None:
    rules = RuleSet([SOS])

    def run(restart_at: int | None) -> tuple[HomeState, list[Detection]]:
        state: HomeState = {}
        seen: list[Detection] = []
        for index, at_ms in enumerate(times):
            if index == restart_at:
                state = msgspec.json.decode(msgspec.json.encode(state), type=HomeState)
            state, detections, _ = step(rules, state, press(at_ms))
            seen += detections
        return state, seen

    assert run(None) == run(cut)
