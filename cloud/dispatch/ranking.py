"""Which station to ask, and why: nearest by great circle, then best by road, duty and load. Pure.

Measured (EVIDENCE section 5): the nearest by great circle is not the nearest by road for a quarter
of the homes; the best road time among the three nearest is, but for 2 %.
"""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

NEAREST_MAX: Final = 3
BUSY_PENALTY_S: Final = 300  # a case under way at the station counts as five minutes more of way
RADIUS_S_MAX: Final = 1800  # 30 minutes: the longest service radius in use (PEERS section 4)


class Standing(Struct, frozen=True):
    """A station as it stands now. on_duty, free: people; load: cases under way or offered.

    has_been_asked: it declined or let this alarm's offer expire; skills: of who is free.
    """

    station_id: str
    distance_m: float
    travel_s: float
    on_duty: int
    free: int
    load: int
    is_own_area: bool = True
    has_been_asked: bool = False
    skills: frozenset[str] = frozenset()


class Reason(Struct, frozen=True):
    """Why, as a key of config/words (`dispatch.<key>`) and what fills its gaps."""

    key: str
    facts: dict[str, str | int] = {}


class Candidate(Struct, frozen=True):
    """A station in order of preference. is_possible: it may be asked."""

    station_id: str
    rank: int
    distance_m: int
    travel_s: int
    on_duty: int
    free: int
    load: int
    is_possible: bool
    is_recommended: bool
    reasons: tuple[Reason, ...]


def rank(
    standings: Iterable[Standing], wanted: frozenset[str] = frozenset()
) -> tuple[Candidate, ...]:
    """Best first. Those that cannot be asked stand last, each with what it lacks.

    The three nearest that can be asked compete by road time and load; further ones follow by road
    time. wanted: skills that the case asks for; who lacks them still stands before nobody.
    """
    everybody = sorted(standings, key=lambda s: (s.distance_m, s.station_id))
    possible = [each for each in everybody if _is_possible(each)]
    near, far = possible[:NEAREST_MAX], possible[NEAREST_MAX:]
    ordered = [
        *sorted(near, key=lambda s: _cost(s, wanted)),
        *sorted(far, key=lambda s: _cost(s, wanted)),
        *(each for each in everybody if not _is_possible(each)),
    ]
    return tuple(_candidate(each, i, wanted) for i, each in enumerate(ordered, 1))


def _is_possible(standing: Standing) -> bool:
    return standing.free > 0 and not standing.has_been_asked


def _cost(standing: Standing, wanted: frozenset[str]) -> tuple[bool, float, str]:
    lacks = not wanted <= standing.skills
    return lacks, standing.travel_s + BUSY_PENALTY_S * standing.load, standing.station_id


def _candidate(standing: Standing, place: int, wanted: frozenset[str]) -> Candidate:
    is_possible = _is_possible(standing)
    return Candidate(
        station_id=standing.station_id,
        rank=place,
        distance_m=round(standing.distance_m),
        travel_s=round(standing.travel_s),
        on_duty=standing.on_duty,
        free=standing.free,
        load=standing.load,
        is_possible=is_possible,
        is_recommended=is_possible and place == 1,
        reasons=tuple(_reasons(standing, wanted)),
    )


def _reasons(standing: Standing, wanted: frozenset[str]) -> list[Reason]:
    """What speaks for and against it, most important first."""
    minutes = max(1, round(standing.travel_s / 60))
    reasons = [Reason("way", {"km": f"{standing.distance_m / 1000:.1f}", "minutes": minutes})]
    if not standing.on_duty:
        reasons.append(Reason("nobody_on_duty"))
    elif not standing.free:
        reasons.append(Reason("all_busy", {"count": standing.on_duty}))
    else:
        reasons.append(Reason("free", {"count": standing.free}))
    if standing.load:
        reasons.append(Reason("load", {"count": standing.load}))
    if not wanted <= standing.skills:
        reasons.append(Reason("skills_missing"))
    if not standing.is_own_area:
        reasons.append(Reason("by_agreement"))
    if standing.has_been_asked:
        reasons.append(Reason("asked_already"))
    if standing.travel_s > RADIUS_S_MAX:
        reasons.append(Reason("far", {"minutes": RADIUS_S_MAX // 60}))
    return reasons
