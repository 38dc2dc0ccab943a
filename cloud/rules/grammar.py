"""The sentences of a rule, as a formal grammar (Lark). Grows by forms; what is here keeps its
meaning. Which phrases there are stands in phrases.py."""

import re
from difflib import get_close_matches
from typing import Any, Final

from lark import Lark, Token, Transformer, UnexpectedInput
from lark.exceptions import VisitError

from cloud.rules import phrases
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
    Severity,
    StateIs,
)

GRAMMAR: Final = r"""
    start: any_of
    ?any_of: all_of ("or" all_of)*
    ?all_of: unit ("and" unit)*
    ?unit: bare | bare "for" amount -> lasting
    ?bare: "not" bare -> negated
        | "(" any_of ")"
        | "no" phrase "for" amount -> absence
        | "no" phrase "since" "the" phrase "for" amount -> absence_since
        | "between" CLOCK "and" CLOCK -> between
        | phrase "above" amount -> above
        | phrase "below" amount -> below
        | phrase -> plain
    phrase: WORD+
    amount: AMOUNT | GIVEN
    CLOCK.3: /\d{1,2}:\d{2}/
    AMOUNT.2: /-?\d+(\.\d+)? *([%A-Za-z\[\]\/]+|\b1\b)/
    GIVEN: /\{[a-z_]+\}/
    WORD: /[a-z_]+[0-9]*/
    %import common.WS
    %ignore WS
    %ignore ","
"""
_AMOUNT: Final = re.compile(r"(-?\d+(?:\.\d+)?) *([%A-Za-z\[\]/]+|\b1\b)")
_RISE: Final = re.compile(r" *([a-z]+)(?: +after +(.+))? *")
EXAMPLES: Final = "'sos pressed', 'smoke present', 'no activity for 4 h' or 'home is away'"


class Misread(Exception):
    """A sentence outside the grammar. column begins at 1 and counts from the sentence's start."""

    def __init__(self, column: int, message: str) -> None:
        super().__init__(message)
        self.column, self.message = column, message


class _Phrase(str):
    """Some words, and where they begin."""

    column: int
    words: list[Token]


class _Build(Transformer[Token, Any]):
    def start(self, parts: list[Condition]) -> Condition:
        return parts[0]

    def any_of(self, parts: list[Condition]) -> Condition:
        return AnyOf(tuple(parts))

    def all_of(self, parts: list[Condition]) -> Condition:
        return AllOf(tuple(parts))

    def negated(self, parts: list[Condition]) -> Condition:
        return Not(parts[0])

    def lasting(self, parts: list[Any]) -> Condition:
        return Lasting(parts[0], parts[1])

    def phrase(self, words: list[Token]) -> _Phrase:
        said = _Phrase(" ".join(words))
        said.column, said.words = words[0].column or 1, words
        return said

    def amount(self, tokens: list[Token]) -> Amount | Given:
        token = tokens[0]
        if token.type == "GIVEN":
            return Given(token[1:-1])
        return read_amount(str(token), token.column or 1)

    def plain(self, parts: list[_Phrase]) -> Condition:
        said = parts[0]
        if said in phrases.EVENTS:
            return EventIs(str(said))
        if said in phrases.MODES:
            return ModeIs(str(said))
        room, _, rest = said.rpartition(" ")
        if said in phrases.STATES and not phrases.STATES[said].has_room:
            return StateIs(str(said))
        if room in phrases.ROOMS and rest in phrases.STATES and phrases.STATES[rest].has_room:
            return StateIs(rest, room)
        raise _advice(said, phrases.known())

    def above(self, parts: list[Any]) -> Condition:
        return self._number(parts, is_above=True)

    def below(self, parts: list[Any]) -> Condition:
        return self._number(parts, is_above=False)

    def _number(self, parts: list[Any], *, is_above: bool) -> Condition:
        said, limit = parts
        if said not in phrases.NUMBERS:
            raise _advice(said, list(phrases.NUMBERS))
        return NumberIs(str(said), is_above, limit)

    def absence(self, parts: list[Any]) -> Condition:
        said, span = parts
        if said not in phrases.ABSENT:
            raise _advice(said, list(phrases.ABSENT))
        return Absence(str(said), span)

    def absence_since(self, parts: list[Any]) -> Condition:
        said, door, span = parts
        if said != "movement":
            raise Misread(said.column, "only 'no movement' has a 'since'")
        if door != phrases.FRONT_DOOR:
            raise _advice(door, [phrases.FRONT_DOOR])
        return Absence(str(said), span, since_door=True)

    def between(self, clocks: list[Token]) -> Condition:
        return Between(*(_minutes(clock) for clock in clocks))


_parser = Lark(GRAMMAR, parser="lalr")


def parse(sentence: str) -> Condition:
    """The tree of a sentence. Raises Misread."""
    try:
        tree = _parser.parse(sentence)
    except UnexpectedInput as error:
        column = getattr(error, "column", 1)
        at_end = column < 1 or getattr(getattr(error, "token", None), "type", "") == "$END"
        what = "the sentence ends too soon" if at_end else "this does not fit here"
        place = len(sentence) + 1 if at_end else column
        raise Misread(place, f"{what}; expected {EXAMPLES}") from error
    try:
        built: Condition = _Build().transform(tree)
    except VisitError as error:
        if isinstance(error.orig_exc, Misread):
            raise error.orig_exc from None
        raise
    return built


def read_amount(text: str, column: int = 1) -> Amount:
    """A number with its unit, such as `30 min`. Raises Misread."""
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise Misread(column, f"'{text}' is no number with a unit, such as '30 min' or '15 %'")
    return Amount(float(match[1]), match[2])


def read_severity(text: str) -> list[tuple[Severity, Amount | None]]:
    """`medium, then high after 45 min`: in order; the first one at once. Raises Misread."""
    found: list[tuple[Severity, Amount | None]] = []
    column = 1
    for part in text.split(", then"):
        match = _RISE.fullmatch(part)
        word = match[1] if match else part.strip()
        if match is None or word not in Severity.__members__.values():
            near = get_close_matches(word, list(Severity), 1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            known = ", ".join(Severity)
            raise Misread(column, f"severity '{word}' is not one of {known}{hint}")
        after = read_amount(match[2], column + match.start(2)) if match[2] else None
        if (after is None) is bool(found):
            raise Misread(column, "expected such as 'medium, then high after 45 min'")
        found.append((Severity(word), after))
        column += len(part) + len(", then")
    return found


def _minutes(clock: Token) -> int:
    hours, minutes = (int(part) for part in clock.split(":"))
    if hours > 24 or minutes > 59:
        raise Misread(clock.column or 1, f"'{clock}' is no time of day")
    return hours * 60 + minutes


def _advice(said: _Phrase, known: list[str]) -> Misread:
    """Names the first word that no phrase has, or else the whole."""
    words = {word for phrase in known for word in phrase.split()}
    for word in said.words:
        if word not in words:
            near = get_close_matches(word, sorted(words), 1, 0.5)
            hint = f"did you mean '{near[0]}'?" if near else f"expected {EXAMPLES}"
            return Misread(word.column or 1, f"'{word}' is not known here; {hint}")
    near = get_close_matches(said, known, 1, 0.4)
    hint = f"did you mean '{near[0]}'?" if near else f"expected {EXAMPLES}"
    return Misread(said.column, f"'{said}' is not known here; {hint}")
