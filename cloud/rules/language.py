"""Reads rule files: a short YAML envelope around sentences. Every error names file, line,
column."""

from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
import yaml

from cloud.rules.errors import BadRule
from cloud.rules.grammar import Misread, parse
from cloud.rules.model import Rule, Severity
from cloud.words import Words

KEYS: Final = ("rule", "title", "why", "severity", "when", "say")
FILE_BYTES_MAX: Final = 64 * 1024


class _Leaf:
    """A text of the file and where it stands."""

    def __init__(self, node: yaml.Node, text: str) -> None:
        self.text = text
        self.line, self.column = node.start_mark.line + 1, node.start_mark.column + 1


def read_rules(folder: Path) -> tuple[Rule, ...]:
    """Every `<name>.yaml` of a folder, in order of name. Raises BadRule."""
    files = (p for p in sorted(folder.glob("*.yaml")) if not p.name.endswith(".test.yaml"))
    return tuple(read_rule(path) for path in files)


def read_rule(path: Path) -> Rule:
    """One file. Raises BadRule, also where the file's name is not the rule's."""
    rule = parse_rule(path.read_text(encoding="utf-8")[: FILE_BYTES_MAX + 1], str(path))
    if path.stem != rule.name:
        raise BadRule(str(path), 1, 1, f"rule '{rule.name}' belongs in '{rule.name}.yaml'")
    return rule


def parse_rule(text: str, file: str) -> Rule:
    """The rule that a text says. file: its name, for errors. Raises BadRule."""
    if len(text.encode()) > FILE_BYTES_MAX:
        raise BadRule(file, 1, 1, f"a rule file has at most {FILE_BYTES_MAX} bytes")
    fields = _fields(text, file)
    for key in KEYS:
        if key not in fields:
            raise BadRule(file, 1, 1, f"'{key}' is missing")
    severity = _text(fields, "severity", file)
    if severity.text not in Severity.__members__.values():
        known = ", ".join(Severity)
        message = f"severity '{severity.text}' is not one of {known}"
        raise BadRule(file, severity.line, severity.column, message)
    sentence = _text(fields, "when", file)
    try:
        when = parse(sentence.text)
    except Misread as error:
        column = sentence.column + error.column - 1
        raise BadRule(file, sentence.line, column, error.message) from error
    name, why = _text(fields, "rule", file).text, _text(fields, "why", file).text
    title, say = _words(fields, "title", file), _words(fields, "say", file)
    meaning = msgspec.json.encode([name, severity.text, when, say])
    return Rule(
        name=name,
        version=sha256(meaning).hexdigest()[:12],
        title=title,
        why=why,
        severity=Severity(severity.text),
        when=when,
        say=say,
    )


def _fields(text: str, file: str) -> dict[str, yaml.Node]:
    try:
        root = yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise BadRule(file, line, column, f"not valid YAML: {error.problem}") from error
    if not isinstance(root, yaml.MappingNode):
        raise BadRule(file, 1, 1, "expected 'rule:', 'title:', … at the left margin")
    fields: dict[str, yaml.Node] = {}
    for key, value in root.value:
        where = _Leaf(key, str(key.value))
        if where.text not in KEYS:
            near = get_close_matches(where.text, KEYS, 1)
            hint = f"; did you mean '{near[0]}'?" if near else f"; expected {', '.join(KEYS)}"
            raise BadRule(file, where.line, where.column, f"'{where.text}' is not known{hint}")
        if where.text in fields:
            raise BadRule(file, where.line, where.column, f"'{where.text}' stands here twice")
        fields[where.text] = value
    return fields


def _text(fields: dict[str, yaml.Node], key: str, file: str) -> _Leaf:
    node = fields[key]
    leaf = _Leaf(node, str(node.value))
    if not isinstance(node, yaml.ScalarNode) or not leaf.text.strip():
        raise BadRule(file, leaf.line, leaf.column, f"'{key}' is one sentence")
    return leaf


def _words(fields: dict[str, yaml.Node], key: str, file: str) -> Words:
    node = fields[key]
    if isinstance(node, yaml.MappingNode):
        said = {str(k.value): str(v.value) for k, v in node.value if isinstance(v, yaml.ScalarNode)}
        if said.keys() == {"zh", "en"}:
            return Words(said["zh"], said["en"])
    leaf = _Leaf(node, "")
    raise BadRule(file, leaf.line, leaf.column, f"'{key}' has exactly 'zh' and 'en'")
