"""Stories in time beside each rule: runs `<rule>.test.yaml` through the production engine."""

import re
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import yaml

from cloud.rules.engine import RuleSet, step
from cloud.rules.errors import BadRule
from cloud.rules.model import Happening, HomeState, Rule
from contract.lanes import Quality
from contract.vocabulary import Measurement

_LINE: Final = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))? +(.+)")
_DECODE: Final = msgspec.json.Decoder(HomeState).decode
SAID: Final[dict[str, tuple[Measurement, bool, Quality]]] = {
    "sos pressed": (Measurement.SOS, True, Quality.OK),
    "sos tested": (Measurement.SOS, True, Quality.TEST),
    "sos taken back": (Measurement.SOS_CANCEL, True, Quality.OK),
}


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What happens, and what must follow: detections, or the word `nothing`."""

    given: tuple[str, ...]
    expect: tuple[str, ...] | str


class Told(NamedTuple):
    """A line of a story: seconds since midnight, and what is said."""

    at_s: int
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


def run_stories(rule: Rule, path: Path) -> list[Result]:
    """Every story of a file. Raises BadRule for a file or a line that makes no sense."""
    results: list[Result] = []
    for name, script in _read(path):
        given = [_told(line, path) for line in script.given]
        results.append(Result(name, _expected(script.expect, path), _run(rule, given, path)))
    return results


def _read(path: Path) -> list[tuple[str, Script]]:
    try:
        stories = yaml.safe_load(path.read_text(encoding="utf-8"))
        told = msgspec.convert(stories, list[dict[str, Script]])
    except (yaml.YAMLError, UnicodeDecodeError, msgspec.ValidationError) as error:
        message = f"expected stories, each with 'given' and 'expect': {error}"
        raise BadRule(str(path), 1, 1, message) from error
    return [pair for story in told for pair in story.items()]


def _run(rule: Rule, given: list[Told], path: Path) -> tuple[str, ...]:
    rules, state = RuleSet([rule]), HomeState()
    seen: list[str] = []
    for at_s, what in given:
        if what == "restart":  # the state goes to the store and comes back
            state = _DECODE(msgspec.json.encode(state))
            continue
        if what not in SAID:
            raise BadRule(str(path), 1, 1, f"'{what}' is none of {', '.join(SAID)}, restart")
        measurement, value, quality = SAID[what]
        happening = Happening(
            measurement=measurement,
            value=value,
            device="z2m:story",
            at_ms=at_s * 1000,
            known_at_ms=at_s * 1000,
            key=f"story/{len(seen)}",
            quality=quality,
        )
        state, detections, _ = step(rules, state, happening)
        seen += [f"{_clock(d.at_ms // 1000)} {d.rule} {d.severity}" for d in detections]
    return tuple(seen)


def _expected(wish: tuple[str, ...] | str, path: Path) -> tuple[str, ...]:
    if isinstance(wish, str):
        if wish == "nothing":
            return ()
        raise BadRule(str(path), 1, 1, f"'{wish}': expected a list of detections, or 'nothing'")
    return tuple(f"{_clock(told.at_s)} {told.what}" for told in (_told(w, path) for w in wish))


def _told(line: str, path: Path) -> Told:
    match = _LINE.fullmatch(line)
    if match is None:
        raise BadRule(str(path), 1, 1, f"'{line}': expected a time such as 10:00 and what happens")
    hours, minutes, seconds = int(match[1]), int(match[2]), int(match[3] or 0)
    return Told(hours * 3600 + minutes * 60 + seconds, match[4])


def _clock(at_s: int) -> str:
    return f"{at_s // 3600:02}:{at_s // 60 % 60:02}:{at_s % 60:02}"
