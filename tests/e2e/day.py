"""The stand-in's homes over time: a day with a silence of five hours."""

import math
from typing import Final

from tests.e2e.town import Refused, Thing, Town, now_ms

TELLS: Final = {"temperature": "climate", "motion": "motion", "opening": "door"}
SILENT_H: Final = (3, 8)  # after the beginning


class Day:
    """What devices have said. is_away: as if the time series were stopped."""

    def __init__(self, town: Town) -> None:
        self._town, self.is_away = town, False

    def home(self, home_id: str) -> Thing:
        if home_id not in self._town.homes:
            raise Refused(404, "not_found")
        home = self._town.homes[home_id]
        devices = [
            {**self._town._device(d), "model": d["model"], "battery": 91, "last_seen_ms": now_ms()}
            for d in home["devices"]
        ]
        resident = self._town._resident(home["residents"][0])
        return {**self._town._home(home), "resident": resident, "devices": devices}

    def readings(self, home_id: str, asked: Thing) -> Thing:
        if self.is_away:
            raise Refused(503, "unavailable")
        name, count, start = asked["measurement"], int(asked["buckets"]), int(asked["from"])
        width = -(-86_400_000 // count)
        told = [
            {"device": f"z2m:{d['ieee']}", "count": [1] * count, **_columns(name, count)}
            for d in self._town.homes[home_id]["devices"]
            if d["kind"] == TELLS.get(name)
        ]
        return {
            "home_id": home_id,
            "measurement": name,
            "unit": None,
            "from_ms": start,
            "to_ms": start + width * count,
            "width_ms": width,
            "traces": told,
        }


def _columns(name: str, count: int) -> Thing:
    hours = [n * 24 / count for n in range(count)]
    values = [None if SILENT_H[0] <= hour < SILENT_H[1] else _value(name, hour) for hour in hours]
    return {"mean": values, "low": values, "high": values, "last": values}


def _value(name: str, hour: float) -> float:
    if name == "temperature":
        return 21.5 + 2.5 * math.sin(hour / 24 * 2 * math.pi)
    if name == "motion":
        return float(9 <= hour < 10 or 12.5 <= hour < 14 or hour >= 23)
    return float(10 <= hour < 10.5)
