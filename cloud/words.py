"""Texts that people see, in both languages, and the dictionary that holds them. Pure; files are
read in dictionary.py."""

from collections.abc import Mapping
from string import Formatter

from msgspec import Struct

_formatter = Formatter()


class Words(Struct, frozen=True):
    """One text: Chinese first, English at a switch."""

    zh: str
    en: str


def gaps(words: Words) -> set[str]:
    """Names of the `{gaps}` in either language."""
    texts = (words.zh, words.en)
    return {name for text in texts for _, name, _, _ in _formatter.parse(text) if name}


def fill(words: Words, facts: Mapping[str, Words | str | int | float]) -> Words:
    """Put facts into the gaps. A gap without a fact stays visible as `…`: a sentence is never lost
    for want of a word."""
    return Words(_fill(words.zh, facts, "zh"), _fill(words.en, facts, "en"))


def _fill(text: str, facts: Mapping[str, Words | str | int | float], language: str) -> str:
    parts: list[str] = []
    for literal, name, _, _ in _formatter.parse(text):
        parts.append(literal)
        if name is not None:
            fact = facts.get(name, "…")
            parts.append(str(getattr(fact, language) if isinstance(fact, Words) else fact))
    return "".join(parts)


class Dictionary:
    """Texts by key."""

    def __init__(self, entries: Mapping[str, Words]) -> None:
        self._entries = dict(entries)

    def say(self, key: str, /, **facts: Words | str | int | float) -> Words:
        """The text with its gaps filled; a key that is missing shows itself rather than failing an
        alarm."""
        words = self._entries.get(key)
        return fill(words, facts) if words is not None else Words(key, key)

    def keys(self) -> set[str]:
        """All keys, for checks that nothing is missing."""
        return set(self._entries)
