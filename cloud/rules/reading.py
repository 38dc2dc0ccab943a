"""A rule in words, from its syntax tree: for pages, in both languages. Pure; the words stand in
config/words/rules.yaml."""

from functools import reduce

from cloud.rules.model import (
    Absence,
    AllOf,
    AnyOf,
    Between,
    Condition,
    EventIs,
    Given,
    Lasting,
    ModeIs,
    Not,
    NumberIs,
    Parameter,
    Rule,
    StateIs,
)
from cloud.words import Dictionary, Words


def sentence(rule: Rule, words: Dictionary) -> Words:
    """When it rings, and what excuses."""
    said = spoken(rule.when, rule.parameters, words)
    if rule.unless is None:
        return said
    excuse = spoken(rule.unless, rule.parameters, words)
    return words.say("rule.unless", what=said, excuse=excuse)


def spoken(condition: Condition, parameters: dict[str, Parameter], words: Dictionary) -> Words:
    """One condition."""
    match condition:
        case EventIs(phrase) | ModeIs(phrase):
            return _phrase(phrase, words)
        case StateIs(phrase, room):
            said = _phrase(phrase, words)
            return words.say("rule.in_room", room=_phrase(room, words), what=said) if room else said
        case Between(from_min, to_min):
            return words.say("rule.between", start=_clock(from_min), end=_clock(to_min))
        case NumberIs() | Lasting() | Absence():
            return _measured(condition, parameters, words)
        case Not() | AllOf() | AnyOf():
            return _joined(condition, parameters, words)


def _joined(
    condition: Not | AllOf | AnyOf, parameters: dict[str, Parameter], words: Dictionary
) -> Words:
    if isinstance(condition, Not):
        return words.say("rule.not", what=spoken(condition.what, parameters, words))
    form = "rule.and" if isinstance(condition, AllOf) else "rule.or"
    said = [spoken(part, parameters, words) for part in condition.parts]
    return reduce(lambda one, other: words.say(form, one=one, other=other), said)


def _measured(
    condition: NumberIs | Lasting | Absence, parameters: dict[str, Parameter], words: Dictionary
) -> Words:
    if isinstance(condition, NumberIs):
        form = "rule.above" if condition.is_above else "rule.below"
        what, limit = _phrase(condition.phrase, words), condition.limit
    elif isinstance(condition, Lasting):
        form, limit = "rule.lasting", condition.span
        what = spoken(condition.what, parameters, words)
    else:
        form = "rule.absence_since" if condition.since_door else "rule.absence"
        what, limit = _phrase(f"no {condition.phrase}", words), condition.span
    amount = parameters[limit.name].default if isinstance(limit, Given) else limit
    unit = words.say(f"rule.unit.{amount.unit}")
    told = words.say("rule.amount", number=f"{amount.value:g}", unit=unit)
    return words.say(form, what=what, limit=told)


def _phrase(phrase: str, words: Dictionary) -> Words:
    return words.say(f"rule.phrase.{phrase.replace(' ', '_')}")


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
