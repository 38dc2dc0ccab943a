"""What the language understands, and what it says of what it does not."""

from pathlib import Path

import pytest

from cloud.rules.errors import BadRule
from cloud.rules.grammar import Misread, parse, read_severity
from cloud.rules.language import parse_rule, read_mode, read_rules
from cloud.rules.model import (
    Absence,
    AllOf,
    Amount,
    AnyOf,
    Between,
    Condition,
    EventIs,
    Given,
    Lasting,
    ModeIs,
    Not,
    NumberIs,
    Per,
    Severity,
    StateIs,
)

RULES = Path(__file__).parents[3] / "config" / "rules"
TEXT = (RULES / "sos.yaml").read_text("utf-8")
LONG = """rule: long
title: { zh: 久, en: Long }
why: It is tried.
kind: inactivity
severity: medium, then high after 45 min
parameters:
  limit: { default: 30 min, from: 10 min, to: 3 h, per: resident, set by: clinician }
when: bathroom occupied for {limit}
unless: home is away, or visitors present
clears: kitchen occupied
say:
  zh: "{resident}已在浴室 {duration}，上限 {limit}"
  en: "{resident} has been in the bathroom for {duration}"
"""


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("sos pressed", EventIs("sos pressed")),
        ("smoke present", StateIs("smoke present")),
        ("bathroom occupied", StateIs("occupied", "bathroom")),
        ("living room occupied", StateIs("occupied", "living room")),
        ("temperature above 35 Cel", NumberIs("temperature", True, Amount(35, "Cel"))),
        ("battery below {limit}", NumberIs("battery", False, Given("limit"))),
        ("gas present for 5 min", Lasting(StateIs("gas present"), Amount(5, "min"))),
        ("no activity for 4 h", Absence("activity", Amount(4, "h"))),
        (
            "no movement since the front door for 20 min",
            Absence("movement", Amount(20, "min"), True),
        ),
        ("home is away", ModeIs("home is away")),
        ("between 23:00 and 05:30", Between(1380, 330)),
        ("not home is away", Not(ModeIs("home is away"))),
        (
            "gas present or smoke present and not home is away",
            AnyOf(
                (
                    StateIs("gas present"),
                    AllOf((StateIs("smoke present"), Not(ModeIs("home is away")))),
                )
            ),
        ),
        (
            "(gas present or smoke present) for 5 min, and between 1:00 and 2:00",
            AllOf(
                (
                    Lasting(
                        AnyOf((StateIs("gas present"), StateIs("smoke present"))), Amount(5, "min")
                    ),
                    Between(60, 120),
                )
            ),
        ),
    ],
)
def test_a_sentence_has_its_tree(text: str, tree: Condition) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("when: sos pressed", "when: sos presed", "7:11: 'presed' is not known here; did you mean"),
        ("when: sos pressed", "when: soss pressed", "7:7: 'soss' is not known here; did you mean"),
        ("when: sos pressed", "when: bathrom occupied", "7:7: 'bathrom' is not known here; did"),
        ("when: sos pressed", "when: sos", "'sos' is not known here"),
        ("when: sos pressed", "when: sos pressed or", "7:21: the sentence ends too soon"),
        ("when: sos pressed", "when: no activity", "the sentence ends too soon; expected"),
        ("when: sos pressed", "when: [sos]", "'sos' is not known here"),
        ("when: sos pressed", "when: no acitvity for 4 h", "7:10: 'acitvity' is not known here"),
        ("when: sos pressed", "when: no activity for 4 kg", "7:25: '4 kg': expected a number"),
        ("when: sos pressed", "when: battery below 15 Cel", "one of these units: %"),
        ("when: sos pressed", "when: gas present for {limt}", "no parameter 'limt'"),
        ("when: sos pressed", "when: between 25:00 and 5:00", "'25:00' is no time of day"),
        ("when: sos pressed", "when: sos pressed\nany: sos pressed", "'when' and 'any'"),
        ("when: sos pressed\n", "", "'when' is missing"),
        ("severity: critical", "severity: dire", "severity 'dire' is not one of critical"),
        ("severity: critical", "severity: hihg", "did you mean 'high'?"),
        ("severity: critical", "severity: low, then high", "'medium, then high after 45 min'"),
        ("severity: critical", "severty: critical", "did you mean 'severity'?"),
        ("severity: critical", "", "'severity' is missing"),
        ("severity: critical", "severity: critical\nseverity: low", "stands here twice"),
        ("kind: sos", "kind: soss", "kind 'soss' is not known; did you mean 'sos'?"),
        ("{room}", "{romo}", "'{romo}' is nothing that can be said; did you mean 'room'?"),
        ("{ zh: 紧急呼叫, en: Emergency call }", "Emergency", "'title' has exactly 'zh' and 'en'"),
        ("{ zh: 紧急呼叫, en: Emergency call }", "{", "not valid YAML"),
    ],
)
def test_an_error_names_its_place_and_what_was_expected(old: str, new: str, says: str) -> None:
    with pytest.raises(BadRule) as bad:
        parse_rule(TEXT.replace(old, new), "sos.yaml")

    assert says in str(bad.value)
    assert str(bad.value).startswith("sos.yaml:")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("default: 30 min", "default: 5 min", "7:21: 5 min is outside its range"),
        ("default: 30 min", "default: soon", "7:21: 'soon' is no number with a unit"),
        ("from: 10 min", "from: 10 %", "not the same kind of unit"),
        ("per: resident", "per: residnet", "did you mean 'resident'?"),
        ("set by", "set_by", "'set_by' is not known; did you mean 'set by'?"),
        ("then high after 45 min", "then high after 45 kg", "is no span of time"),
    ],
)
def test_an_error_in_a_parameter_names_its_place(old: str, new: str, says: str) -> None:
    with pytest.raises(BadRule) as bad:
        parse_rule(LONG.replace(old, new), "long.yaml")

    assert says in str(bad.value)


def test_a_rule_with_everything_is_understood() -> None:
    rule = parse_rule(LONG, "long.yaml")

    limit = rule.parameters["limit"]
    assert (limit.default, limit.per, limit.set_by) == (
        Amount(30, "min"),
        Per.RESIDENT,
        "clinician",
    )
    assert [(rise.after_ms, rise.severity) for rise in rule.rises] == [
        (0, Severity.MEDIUM),
        (2_700_000, Severity.HIGH),
    ]
    assert rule.unless == AnyOf((ModeIs("home is away"), ModeIs("visitors present")))
    assert rule.clears == StateIs("occupied", "kitchen")


def test_a_list_under_any_means_any_and_under_when_all() -> None:
    one, other = "  - sos pressed\n", "  - fall detected\n"

    some = parse_rule(TEXT.replace("when: sos pressed", f"any:\n{one}{other}"), "sos.yaml")
    all_of = parse_rule(TEXT.replace("when: sos pressed", f"when:\n{one}{other}"), "sos.yaml")

    parts = (EventIs("sos pressed"), EventIs("fall detected"))
    assert (some.when, all_of.when) == (AnyOf(parts), AllOf(parts))


def test_a_severity_that_comes_down_in_time_is_refused() -> None:
    with pytest.raises(Misread, match="expected such as"):
        read_severity("medium after 3 min, then high after 45 min")


def test_a_rule_stands_in_the_file_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "help.yaml").write_text(TEXT, encoding="utf-8")

    with pytest.raises(BadRule, match=r"belongs in 'sos.yaml'"):
        read_rules(tmp_path)


def test_a_file_that_is_too_large_is_refused() -> None:
    with pytest.raises(BadRule, match="at most"):
        parse_rule("#" * 70_000, "sos.yaml")


def test_a_mode_has_a_name_that_rules_know(tmp_path: Path) -> None:
    file = tmp_path / "gone.yaml"
    file.write_text("mode: home is awya\nwhy: It is tried.\nwhen: bed occupied\n", "utf-8")

    with pytest.raises(BadRule, match="did you mean 'home is away'"):
        read_mode(file)


def test_the_version_changes_with_the_meaning_and_not_with_the_reason() -> None:
    rule = parse_rule(TEXT, "sos.yaml")

    other_reason = parse_rule(TEXT.replace("Somebody asks", "A person asks"), "sos.yaml")
    other_severity = parse_rule(TEXT.replace("severity: critical", "severity: high"), "sos.yaml")

    assert other_reason.version == rule.version
    assert other_severity.version != rule.version
