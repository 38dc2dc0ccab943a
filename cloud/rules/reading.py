"""A rule in words, from its syntax tree: for pages, in both languages. Pure; the words stand in
config/words/rules.yaml."""

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

    def amount(given: Amount | Given) -> Words:
        value = parameters[given.name].default if isinstance(given, Given) else given
        unit = words.say(f"rule.unit.{value.unit}")
        return words.say("rule.amount", number=f"{value.value:g}", unit=unit)

    match condition:
        case EventIs(phrase) | ModeIs(phrase):
            return _phrase(phrase, words)
        case StateIs(phrase, room):
            said = _phrase(phrase, words)
            return words.say("rule.in_room", room=_phrase(room, words), what=said) if room else said
        case NumberIs(phrase, is_above, limit):
            form = "rule.above" if is_above else "rule.below"
            return words.say(form, what=_phrase(phrase, words), limit=amount(limit))
        case Lasting(what, span):
            return words.say(
                "rule.lasting", what=spoken(what, parameters, words), span=amount(span)
            )
        case Absence(phrase, span, since_door):
            form = "rule.absence_since" if since_door else "rule.absence"
            return words.say(form, what=_phrase(f"no {phrase}", words), span=amount(span))
        case Between(from_min, to_min):
            return words.say("rule.between", start=_clock(from_min), end=_clock(to_min))
        case Not(what):
            return words.say("rule.not", what=spoken(what, parameters, words))
        case AllOf(parts) | AnyOf(parts):
            form = "rule.and" if isinstance(condition, AllOf) else "rule.or"
            said = spoken(parts[0], parameters, words)
            for part in parts[1:]:
                said = words.say(form, one=said, other=spoken(part, parameters, words))
            return said


def _phrase(phrase: str, words: Dictionary) -> Words:
    return words.say(f"rule.phrase.{phrase.replace(' ', '_')}")


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
