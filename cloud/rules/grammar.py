"""The sentences of a rule, as a formal grammar (Lark). Grows by forms; what is here keeps its
meaning.

`when: sos pressed` is the first form: an event. The table below is what each event's sentence says.
"""

from difflib import get_close_matches
from typing import Any, Final

from lark import Lark, Token, Transformer, UnexpectedInput
from lark.exceptions import VisitError

from cloud.rules.model import AnyOf, Condition, EventIs
from contract.vocabulary import Measurement

EVENTS: Final = {
    ("sos", "pressed"): Measurement.SOS,
}
GRAMMAR: Final = r"""
    ?start: any_of
    ?any_of: event ("or" event)*
    event: WORD WORD
    WORD: /(?!or\b)[a-z_]+/
    %import common.WS
    %ignore WS
"""


class Misread(Exception):
    """A sentence outside the grammar. column begins at 1 and counts from the sentence's start."""

    def __init__(self, column: int, message: str) -> None:
        super().__init__(message)
        self.column, self.message = column, message


class _Build(Transformer[Token, Any]):
    def event(self, words: list[Token]) -> EventIs:
        subject, verb = str(words[0]), str(words[1])
        measurement = EVENTS.get((subject, verb))
        if measurement is None:
            raise Misread(*_advice(words))
        return EventIs(measurement)

    def any_of(self, parts: list[Condition]) -> Condition:
        return AnyOf(tuple(parts))


_parser = Lark(GRAMMAR, parser="lalr")


def parse(sentence: str) -> Condition:
    """The tree of a sentence. Raises Misread."""
    try:
        tree = _parser.parse(sentence)
    except UnexpectedInput as error:
        column = max(1, getattr(error, "column", 1))
        raise Misread(column, f"expected {_expected()}") from error
    try:
        built: Condition = _Build(visit_tokens=False).transform(tree)
    except VisitError as error:
        if isinstance(error.orig_exc, Misread):
            raise error.orig_exc from None
        raise
    return built


def _expected() -> str:
    return "an event such as " + ", ".join(f"'{' '.join(words)}'" for words in EVENTS)


def _advice(words: list[Token]) -> tuple[int, str]:
    subjects, verbs = {s for s, _ in EVENTS}, {v for _, v in EVENTS}
    for word, known in zip(words, (subjects, verbs), strict=True):
        if word not in known:
            near = get_close_matches(str(word), known, 1, 0.5)
            hint = f"; did you mean '{near[0]}'?" if near else f"; expected {_expected()}"
            return word.column or 1, f"'{word}' is not known here{hint}"
    return words[0].column or 1, f"expected {_expected()}"
