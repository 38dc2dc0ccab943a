"""Reads rule files and the file of modes: a short YAML envelope around sentences. Every error names
file, line, column."""

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import yaml

from cloud.rules import phrases
from cloud.rules.engine import RuleSet
from cloud.rules.errors import BadRule
from cloud.rules.grammar import Misread, parse, read_amount, read_severity
from cloud.rules.model import (
    SPANS,
    Absence,
    AlarmKind,
    AllOf,
    Amount,
    AnyOf,
    Condition,
    Given,
    Lasting,
    Mode,
    Not,
    NumberIs,
    Parameter,
    Per,
    Rise,
    Rule,
)
from cloud.words import Words, gaps
from contract.vocabulary import SPECS

NEEDED: Final = ("rule", "title", "why", "kind", "say")
KEYS: Final = (*NEEDED, "severity", "when", "any", "unless", "clears", "parameters", "takes back")
OF_PARAMETER: Final = ("default", "from", "to", "per", "set by")
OF_MODE: Final = ("mode", "why", "when", "any", "parameters")
SPOKEN: Final = ("resident", "room", "device", "value", "duration")  # gaps that every rule may use
FILE_BYTES_MAX: Final = 64 * 1024
T = TypeVar("T")


class _Sheet:
    """One mapping of a file, with the place of everything in it."""

    def __init__(self, node: yaml.Node, file: str, keys: tuple[str, ...]) -> None:
        self.file, self._node = file, node
        if not isinstance(node, yaml.MappingNode):
            raise self.bad(node, f"expected '{keys[0]}:', '{keys[1]}:', … here")
        self.fields: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = str(key.value)
            if keys and name not in keys:
                raise self.bad(key, f"'{name}' is not known{_nearest(name, keys)}")
            if name in self.fields:
                raise self.bad(key, f"'{name}' stands here twice")
            self.fields[name] = value

    def bad(self, node: yaml.Node, message: str, column: int = 1) -> BadRule:
        """An error at this place. column: within the node."""
        mark = node.start_mark
        is_quoted = isinstance(node, yaml.ScalarNode) and node.style in ("'", '"')
        shift = column - 1 + (1 if is_quoted and column > 1 else 0)
        return BadRule(self.file, mark.line + 1, mark.column + 1 + shift, message)

    def missing(self, key: str) -> BadRule:
        """The mapping has no such key."""
        return self.bad(self._node, f"'{key}' is missing")

    def text(self, key: str) -> str:
        """One sentence."""
        node = self.fields.get(key)
        if node is None:
            raise self.missing(key)
        if not isinstance(node, yaml.ScalarNode) or not str(node.value).strip():
            raise self.bad(node, f"'{key}' is one sentence")
        return str(node.value)

    def choice(self, key: str, known: Any) -> Any:
        """One word of a list."""
        text = self.text(key)
        if text not in list(known):
            near = _nearest(text, tuple(known))
            raise self.bad(self.fields[key], f"{key} '{text}' is not known{near}")
        return known(text)

    def words(self, key: str) -> Words:
        """A text in both languages."""
        node = self.fields.get(key)
        if node is None:
            raise self.missing(key)
        if isinstance(node, yaml.MappingNode):
            said = {
                str(k.value): str(v.value) for k, v in node.value if isinstance(v, yaml.ScalarNode)
            }
            if said.keys() == {"zh", "en"}:
                return Words(said["zh"], said["en"])
        raise self.bad(node, f"'{key}' has exactly 'zh' and 'en'")

    def read(self, node: yaml.Node, read: Callable[[str], T]) -> T:
        """A sentence by its own grammar."""
        try:
            return read(str(node.value))
        except Misread as error:
            raise self.bad(node, error.message, error.column) from error

    def condition(self, key: str) -> Condition:
        """One sentence, or a list: all of them under `when`, any of them under `any`."""
        node = self.fields[key]
        if isinstance(node, yaml.ScalarNode) and str(node.value).strip():
            return self.read(node, parse)
        is_list = isinstance(node, yaml.SequenceNode) and len(node.value) > 0
        if not is_list or not all(isinstance(each, yaml.ScalarNode) for each in node.value):
            raise self.bad(node, f"'{key}' is one sentence, or a list of them")
        parts = tuple(self.read(each, parse) for each in node.value)
        return AnyOf(parts) if key == "any" else AllOf(parts)


def read_rule_set(config: Path) -> RuleSet:
    """The rules and modes of a configuration folder. Raises BadRule."""
    return RuleSet(read_rules(config / "rules"), read_modes(config / "modes"))


def read_rules(folder: Path) -> tuple[Rule, ...]:
    """Every `<name>.yaml` of a folder, in order of name. Raises BadRule."""
    files = (p for p in sorted(folder.glob("*.yaml")) if not p.name.endswith(".test.yaml"))
    return tuple(read_rule(path) for path in files)


def read_modes(folder: Path) -> tuple[Mode, ...]:
    """Every mode of a folder, in order of name. Raises BadRule."""
    files = (p for p in sorted(folder.glob("*.yaml")) if not p.name.endswith(".test.yaml"))
    return tuple(read_mode(path) for path in files)


def read_file(path: Path) -> Rule | Mode:
    """A rule or a mode, whichever its first key says. Raises BadRule."""
    is_mode = any(line.startswith("mode:") for line in _bytes_of(path).splitlines())
    return read_mode(path) if is_mode else read_rule(path)


def read_rule(path: Path) -> Rule:
    """One file. Raises BadRule, also where the file's name is not the rule's."""
    rule = parse_rule(_bytes_of(path), str(path))
    if path.stem != rule.name:
        raise BadRule(str(path), 1, 1, f"rule '{rule.name}' belongs in '{rule.name}.yaml'")
    return rule


def read_mode(path: Path) -> Mode:
    """One file of config/modes. Raises BadRule."""
    text = _bytes_of(path)
    sheet = _sheet(text, str(path), OF_MODE)
    name = sheet.choice("mode", _mode_name)
    parameters = _parameters(sheet)
    when = _when(sheet)
    _check(sheet, "any" if "any" in sheet.fields else "when", when, parameters)
    meaning = msgspec.json.encode([name, when, parameters])
    return Mode(name, _hash(meaning), sheet.text("why"), when, parameters)


def parse_rule(text: str, file: str) -> Rule:
    """The rule that a text says. file: its name, for errors. Raises BadRule."""
    sheet = _sheet(text, file, KEYS)
    for key in NEEDED:
        if key not in sheet.fields:
            raise BadRule(file, 1, 1, f"'{key}' is missing")
    parameters = _parameters(sheet)
    conditions: dict[str, Condition | None] = {"when": _when(sheet)}
    for key in ("unless", "clears"):
        conditions[key] = sheet.condition(key) if key in sheet.fields else None
    for key, condition in conditions.items():
        if condition is not None:
            where = "any" if key == "when" and "any" in sheet.fields else key
            _check(sheet, where, condition, parameters)
    say = sheet.words("say")
    for gap in sorted(gaps(say) - {*SPOKEN, *parameters}):
        near = _nearest(gap, (*SPOKEN, *parameters))
        raise sheet.bad(sheet.fields["say"], f"'{{{gap}}}' is nothing that can be said{near}")
    rises = _rises(sheet)
    kind = sheet.choice("kind", AlarmKind)
    takes_back = _takes_back(sheet)
    when = conditions["when"]
    assert when is not None  # noqa: S101 - _when raises
    name = sheet.text("rule")
    meaning = [name, kind, rises, *conditions.values(), parameters, say, takes_back]
    return Rule(
        name=name,
        version=_hash(msgspec.json.encode(meaning)),
        title=sheet.words("title"),
        why=sheet.text("why"),
        kind=kind,
        rises=rises,
        when=when,
        unless=conditions["unless"],
        clears=conditions["clears"],
        parameters=parameters,
        say=say,
        takes_back=takes_back,
    )


def _bytes_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")[: FILE_BYTES_MAX + 1]


def _sheet(text: str, file: str, keys: tuple[str, ...]) -> _Sheet:
    if len(text.encode()) > FILE_BYTES_MAX:
        raise BadRule(file, 1, 1, f"a rule file has at most {FILE_BYTES_MAX} bytes")
    try:
        root = yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise BadRule(file, line, column, f"not valid YAML: {error.problem}") from error
    if root is None:
        raise BadRule(file, 1, 1, f"the file is empty; expected '{keys[0]}:' at the left margin")
    return _Sheet(root, file, keys)


def _when(sheet: _Sheet) -> Condition:
    found = [key for key in ("when", "any") if key in sheet.fields]
    if not found:
        raise sheet.missing("when")
    if len(found) == 2:
        raise sheet.bad(sheet.fields["any"], "'when' and 'any': one of them")
    return sheet.condition(found[0])


def _takes_back(sheet: _Sheet) -> tuple[AlarmKind, ...]:
    if "takes back" not in sheet.fields:
        return ()
    kinds = [kind.strip() for kind in sheet.text("takes back").split(",")]
    for kind in kinds:
        if kind not in list(AlarmKind):
            near = _nearest(kind, tuple(AlarmKind))
            raise sheet.bad(sheet.fields["takes back"], f"kind '{kind}' is not known{near}")
    return tuple(AlarmKind(kind) for kind in kinds)


def _rises(sheet: _Sheet) -> tuple[Rise, ...]:
    if "takes back" in sheet.fields:
        return ()
    sheet.text("severity")
    node = sheet.fields["severity"]
    told = sheet.read(node, read_severity)
    rises = []
    for severity, after in told:
        if after is not None and after.unit not in SPANS:
            raise sheet.bad(node, f"'{after}' is no span of time: {', '.join(SPANS)}")
        rises.append(Rise(after.ms if after else 0, severity))
    if [rise.after_ms for rise in rises] != sorted({rise.after_ms for rise in rises}):
        raise sheet.bad(node, "severities come in order of time")
    return tuple(rises)


def _parameters(sheet: _Sheet) -> dict[str, Parameter]:
    node = sheet.fields.get("parameters")
    if node is None:
        return {}
    if not isinstance(node, yaml.MappingNode):
        raise sheet.bad(node, "'parameters' has a line for each, such as limit: { default: 4 h }")
    return {str(key.value): _parameter(sheet.file, value) for key, value in node.value}


def _parameter(file: str, node: yaml.Node) -> Parameter:
    one = _Sheet(node, file, OF_PARAMETER)
    one.text("default")
    amounts = {
        key: one.read(one.fields[key], read_amount)
        for key in ("default", "from", "to")
        if key in one.fields
    }
    default, least, most = (amounts.get(key) for key in ("default", "from", "to"))
    assert default is not None  # noqa: S101 - one.text has raised
    size = _size(default)
    for bound in (least, most):
        if bound is not None and (bound.unit in SPANS) is not (default.unit in SPANS):
            raise one.bad(node, f"'{bound}' and '{default}' have not the same kind of unit")
    if (least and _size(least) > size) or (most and _size(most) < size):
        raise one.bad(one.fields["default"], f"{default} is outside its range")
    per = one.choice("per", Per) if "per" in one.fields else None
    set_by = one.text("set by") if "set by" in one.fields else None
    return Parameter(default, least, most, per, set_by)


def _size(amount: Amount) -> float:
    return amount.ms if amount.unit in SPANS else amount.value


def _check(sheet: _Sheet, key: str, condition: Condition, parameters: dict[str, Parameter]) -> None:
    """Parameters exist, units fit. Raises BadRule."""
    node = sheet.fields[key]
    for part in _parts(condition):
        wanted: Amount | Given
        match part:
            case Lasting(_, span) | Absence(_, span):
                wanted, units = span, tuple(SPANS)
            case NumberIs(phrase, _, limit):
                wanted = limit
                units = (SPECS[phrases.NUMBERS[phrase]].unit or "1",)
            case _:
                continue
        if isinstance(wanted, Given):
            if wanted.name not in parameters:
                near = _nearest(wanted.name, tuple(parameters))
                raise _placed(sheet, node, wanted.name, f"no parameter '{wanted.name}'{near}")
            wanted = parameters[wanted.name].default
        if wanted.unit not in units:
            known = ", ".join(units)
            message = f"'{wanted}': expected a number with one of these units: {known}"
            raise _placed(sheet, node, wanted.unit, message)


def _placed(sheet: _Sheet, node: yaml.Node, word: str, message: str) -> BadRule:
    """At the word, where the sentence has it."""
    sentences = node.value if isinstance(node, yaml.SequenceNode) else [node]
    for each in sentences:
        if word in str(each.value):
            return sheet.bad(each, message, str(each.value).index(word) + 1)
    return sheet.bad(node, message)


def _parts(condition: Condition) -> Iterator[Condition]:
    yield condition
    match condition:
        case Lasting(what) | Not(what):
            yield from _parts(what)
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from _parts(part)
        case _:
            return


class _ModeNames:
    """The names of modes, as `choice` takes an enumeration."""

    def __iter__(self) -> Iterator[str]:
        return iter(phrases.MODES)

    def __call__(self, name: str) -> str:
        return name


_mode_name: Final = _ModeNames()


def _nearest(word: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(word, known, 1)
    return f"; did you mean '{near[0]}'?" if near else f"; expected {', '.join(known) or 'none'}"


def _hash(meaning: bytes) -> str:
    return sha256(meaning).hexdigest()[:12]
