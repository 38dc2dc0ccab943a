"""Stories in time beside each rule: runs `<name>.test.yaml` through the production engine."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import yaml
from msgspec.structs import replace

from cloud.rules import phrases
from cloud.rules.engine import RuleSet, Step, heard, pass_time, step
from cloud.rules.errors import BadRule
from cloud.rules.model import Happening, HomeState, Mode, Rule
from contract.lanes import Quality
from contract.vocabulary import SPECS, Measurement

MIDNIGHT_MS: Final = 1_767_196_800_000  # 2026-01-01 in Beijing: a story's day begins then
_LINE: Final = re.compile(r"(?:day (\d{1,3}) )?(\d{1,2}):(\d{2})(?::(\d{2}))? +(.+)")
_LATE: Final = re.compile(r"(.+) \(since (\d{1,2}:\d{2}(?::\d{2})?)\)")
_NUMBER: Final = re.compile(r"([a-z ]+) (-?\d+(?:\.\d+)?) [^ ]+")
_DECODE: Final = msgspec.json.Decoder(HomeState).decode
_TOLD: Final = "restart, repeat <time>, gateway heard, sos tested, temperature 20 Cel, …"


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What happens, and what must follow: detections, or the word `nothing`. cleared: where it is
    given, also what holds no more; until: time goes on to then."""

    given: tuple[str, ...]
    expect: tuple[str, ...] | str
    cleared: tuple[str, ...] | None = None
    until: str | None = None


class Told(NamedTuple):
    """A line of a story: milliseconds since midnight, and what is said."""

    at_ms: int
    what: str


class Result(NamedTuple):
    """A story that was run."""

    story: str
    expected: tuple[str, ...]
    seen: tuple[str, ...]

    @property
    def is_kept(self) -> bool:
        """Exactly what was expected, in that order."""
        return self.expected == self.seen


def run_stories(rule: Rule | Mode, path: Path) -> list[Result]:
    """Every story of a file. Raises BadRule for a file or a line that makes no sense."""
    results: list[Result] = []
    for name, script in _read(path):
        story = _Story(rule, path)
        given = [story.told(line) for line in script.given]
        expected = story.expected(script.expect)
        ends = [told.at_ms for told in (*given, *expected)]
        if script.until:
            ends.append(story.told(f"{script.until} end").at_ms)
        story.run(given, max(ends))
        wished = [f"{_clock(told.at_ms)} {told.what}" for told in expected]
        seen = story.seen
        if script.cleared is not None:
            wished += [f"{_clock(t.at_ms)} {t.what}" for t in map(story.told, script.cleared)]
            seen = [*seen, *story.cleared]
        results.append(Result(name, tuple(wished), tuple(seen)))
    return results


def _read(path: Path) -> list[tuple[str, Script]]:
    try:
        # Every scalar is a text: `until: 21:00` is a time, and to YAML 1.1 a number.
        text = path.read_text(encoding="utf-8")
        stories = yaml.load(text, yaml.BaseLoader)  # noqa: S506 - makes texts only
        told = msgspec.convert(stories, list[dict[str, Script]])
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise BadRule(str(path), line, column, f"not valid YAML: {error.problem}") from error
    except (UnicodeDecodeError, msgspec.ValidationError) as error:
        message = f"expected stories, each with 'given' and 'expect': {error}"
        raise BadRule(str(path), 1, 1, message) from error
    return [pair for story in told for pair in story.items()]


class _Story:
    """A home, or a gateway, and the one rule of the file."""

    def __init__(self, rule: Rule | Mode, path: Path) -> None:
        modes = [rule] if isinstance(rule, Mode) else []
        self._rules = RuleSet([rule] if isinstance(rule, Rule) else [], modes)
        self._state, self._path = HomeState(), path
        self._told: list[tuple[Told, Happening]] = []
        self.seen: list[str] = []
        self.cleared: list[str] = []

    def run(self, given: Sequence[Told], until_ms: int) -> None:
        """Line by line, then on to the end."""
        for told in given:
            self._pass(told.at_ms)
            self._happen(told)
        self._pass(until_ms)

    def expected(self, wish: tuple[str, ...] | str) -> list[Told]:
        """What is to be seen."""
        if isinstance(wish, str):
            if wish == "nothing":
                return []
            raise self._bad(f"'{wish}': expected a list of detections, or 'nothing'")
        return [self.told(line) for line in wish]

    def told(self, line: str) -> Told:
        """A line of the file. Raises BadRule."""
        match = _LINE.fullmatch(line)
        if match is None:
            raise self._bad(f"'{line}': expected a time such as 10:00 and what happens")
        days = int(match[1]) - 1 if match[1] else 0
        clock = (days * 24 + int(match[2])) * 3600 + int(match[3]) * 60 + int(match[4] or 0)
        return Told(clock * 1000, match[5])

    def _happen(self, told: Told) -> None:
        what, now_ms = told.what, MIDNIGHT_MS + told.at_ms
        if what == "restart":  # the state goes to the store and comes back
            self._state = _DECODE(msgspec.json.encode(self._state))
        elif what == "gateway heard":
            self._take(heard(self._rules, self._state, now_ms))
        elif what in phrases.MODES:
            modes = {**self._state.modes, what: now_ms}
            self._state = replace(self._state, modes=modes)
        elif what.startswith("repeat "):
            earlier = self.told(f"{what.removeprefix('repeat ')} x").at_ms
            for before, happening in list(self._told):
                if before.at_ms == earlier:
                    again = replace(happening, known_at_ms=now_ms)
                    self._take(step(self._rules, self._state, again))
        else:
            happening = self._happening(what, now_ms)
            self._told.append((told, happening))
            self._take(step(self._rules, self._state, happening))

    def _happening(self, what: str, now_ms: int) -> Happening:
        at_ms = now_ms
        if match := _LATE.fullmatch(what):
            what, at_ms = match[1], MIDNIGHT_MS + self.told(f"{match[2]} x").at_ms
        what, _, device = what.partition(" of ")
        measurement, value, quality, room = self._meaning(what)
        return Happening(
            measurement=measurement,
            value=value,
            device=device or room or measurement.value,
            room=room,
            at_ms=at_ms,
            known_at_ms=now_ms,
            key=f"story/{len(self._told)}",
            quality=quality,
            is_call=SPECS[measurement].is_alarm,
        )

    def _meaning(self, what: str) -> tuple[Measurement, Any, Quality, str]:
        if what == "sos tested":
            return Measurement.SOS, True, Quality.TEST, ""
        if what in phrases.EVENTS:
            event = phrases.EVENTS[what]
            return event.measurements[0], True, event.quality, ""
        for phrase, state in phrases.STATES.items():
            for said, value in ((phrase, state.value), (state.ends, not state.value)):
                room = what.removesuffix(f" {said}") if state.has_room else ""
                if what == said or (room in phrases.ROOMS and what.endswith(said)):
                    return state.measurement, value, Quality.OK, room if room != what else ""
        match = _NUMBER.fullmatch(what)
        if match and match[1] in phrases.NUMBERS:
            return phrases.NUMBERS[match[1]], float(match[2]), Quality.OK, ""
        raise self._bad(f"'{what}' is none of {', '.join(phrases.known())}, {_TOLD}")

    def _pass(self, until_ms: int) -> None:
        """As the timers of a running cloud do, each at its instant."""
        while (due_ms := self._state.due_ms) is not None and due_ms <= MIDNIGHT_MS + until_ms:
            before = self._state
            self._take(pass_time(self._rules, before, due_ms))
            if self._state == before:
                raise self._bad(f"the rule is due at {due_ms} for ever")

    def _take(self, result: Step) -> None:
        self._state = result.state
        if result.troubles:
            raise self._bad(f"the rule failed: {result.troubles[0].text}")
        self.seen += [
            f"{_clock(each.at_ms - MIDNIGHT_MS)} {each.rule} "
            f"{'takes back' if each.takes_back else each.severity}"
            for each in result.detections
        ]
        self.seen += [
            f"{_clock(each.at_ms - MIDNIGHT_MS)} {each.mode} {'begins' if each.is_on else 'ends'}"
            for each in result.modes
        ]
        self.cleared += [
            f"{_clock(each.at_ms - MIDNIGHT_MS)} {each.rule}" for each in result.clearings
        ]

    def _bad(self, message: str) -> BadRule:
        """At the line that has the first quoted words of the message."""
        quoted = message.split("'")[1] if message.startswith("'") else ""
        lines = self._path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, 1):
            if quoted and quoted in line:
                return BadRule(str(self._path), number, line.index(quoted) + 1, message)
        return BadRule(str(self._path), 1, 1, message)


def _clock(at_ms: int) -> str:
    at_s = at_ms // 1000
    return f"{at_s // 3600:02}:{at_s // 60 % 60:02}:{at_s % 60:02}"
