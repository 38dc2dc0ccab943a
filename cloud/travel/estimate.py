"""Travel estimates: the port, and the fallback that needs no road data."""

import math
from typing import Final, NamedTuple, Protocol

EARTH_RADIUS_M: Final = 6_371_008.8  # mean radius, IUGG
DETOUR: Final = 1.4  # road against great circle, EVIDENCE section 5
SPEED_M_S: Final = 20_000 / 3600  # 20 km/h, door to door on an electric bicycle


class Place(NamedTuple):
    """A position, WGS-84 degrees."""

    lat: float
    lon: float


class Travel(Protocol):
    """Seconds from one place to another by road."""

    def seconds(self, origin: Place, target: Place) -> float:
        """At the usual speed of a responder."""


def great_circle_m(a: Place, b: Place) -> float:
    """Metres as the crow flies, by the haversine formula."""
    lat_a, lat_b = math.radians(a.lat), math.radians(b.lat)
    half_lat, half_lon = (lat_b - lat_a) / 2, math.radians(b.lon - a.lon) / 2
    h = math.sin(half_lat) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, h)))


class CrowTravel:
    """Great circle × 1.4 at 20 km/h, where no road table is loaded."""

    def seconds(self, origin: Place, target: Place) -> float:
        """See Travel."""
        return great_circle_m(origin, target) * DETOUR / SPEED_M_S
