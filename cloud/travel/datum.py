"""Coordinates of other datums, at the rim only: inside everything is WGS-84. Pure.

GCJ-02 is what public maps of mainland China are drawn in, BD-09 Baidu's twist of it. Neither is
published; these are the formulas that every open converter has. In Pingshan they lie 587 m and
1,233 m beside WGS-84 (docs/decisions/0018).
"""

import math
from collections.abc import Callable
from enum import StrEnum
from typing import Final

from cloud.travel.estimate import Place

AXIS_M: Final = 6_378_245.0  # Krasovsky 1940, as the formula has it
ECCENTRICITY_2: Final = 0.00669342162296594323
BD: Final = math.pi * 3000 / 180
EXACT_DEG: Final = 1e-11  # about a micrometre
STEPS_MAX: Final = 12  # GCJ-02 needs three, BD-09 about six


class Datum(StrEnum):
    """What degrees mean. CGCS2000 is WGS-84 to within centimetres."""

    WGS84 = "wgs84"
    GCJ02 = "gcj02"
    BD09 = "bd09"


def to_wgs84(place: Place, datum: Datum) -> Place:
    """A position that was given in this datum. Outside China all datums are one."""
    if datum is Datum.WGS84 or _is_outside(place):
        return place
    shifted = _FORWARD[datum]
    found = place
    for _ in range(STEPS_MAX):
        there = shifted(found)
        off_lat, off_lon = there.lat - place.lat, there.lon - place.lon
        found = Place(found.lat - off_lat, found.lon - off_lon)
        if max(abs(off_lat), abs(off_lon)) < EXACT_DEG:
            break
    return found


def from_wgs84(place: Place, datum: Datum) -> Place:
    """Where this datum has a WGS-84 position. Outside China: there."""
    return place if datum is Datum.WGS84 or _is_outside(place) else _FORWARD[datum](place)


def _is_outside(place: Place) -> bool:
    """The box that the formula is cut off at."""
    return not (72.004 <= place.lon <= 137.8347 and 0.8293 <= place.lat <= 55.8271)


def _gcj02(place: Place) -> Place:
    lat_rad = math.radians(place.lat)
    x, y = place.lon - 105, place.lat - 35
    w = 1 - ECCENTRICITY_2 * math.sin(lat_rad) ** 2
    meridian_m = AXIS_M * (1 - ECCENTRICITY_2) / w**1.5
    parallel_m = AXIS_M / math.sqrt(w) * math.cos(lat_rad)
    return Place(
        place.lat + math.degrees(_north_m(x, y) / meridian_m),
        place.lon + math.degrees(_east_m(x, y) / parallel_m),
    )


def _bd09(place: Place) -> Place:
    lat, lon = _gcj02(place)
    z = math.hypot(lon, lat) + 0.00002 * math.sin(lat * BD)
    theta = math.atan2(lat, lon) + 0.000003 * math.cos(lon * BD)
    return Place(z * math.sin(theta) + 0.006, z * math.cos(theta) + 0.0065)


def _north_m(x: float, y: float) -> float:
    return (
        -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x))
        + _waves(x, ((20, 6), (20, 2)))
        + _waves(y, ((20, 1), (40, 1 / 3), (160, 1 / 12), (320, 1 / 30)))
    )  # fmt: skip


def _east_m(x: float, y: float) -> float:
    return (
        300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x))
        + _waves(x, ((20, 6), (20, 2), (20, 1), (40, 1 / 3), (150, 1 / 12), (300, 1 / 30)))
    )  # fmt: skip


def _waves(at: float, waves: tuple[tuple[float, float], ...]) -> float:
    """Two thirds of the sum of amplitude × sin(π × frequency × at)."""
    return 2 / 3 * sum(high * math.sin(math.pi * often * at) for high, often in waves)


_FORWARD: Final[dict[Datum, Callable[[Place], Place]]] = {Datum.GCJ02: _gcj02, Datum.BD09: _bd09}
