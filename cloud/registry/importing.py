"""Entering what a file of features holds: all of it or nothing. Never commits."""

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from sqlalchemy import Table, select

from cloud.registry import store
from cloud.registry.errors import Malformed, RegistryError
from cloud.registry.geojson import DrawnArea, Features, refuse
from cloud.registry.model import area_table, home_table, station_table
from cloud.registry.service import Edit
from cloud.storage.unit import Work

Counts = dict[str, dict[str, int]]
NEW: Final = "new"
CHANGED: Final = "changed"
SAME: Final = "same"


class _Entering:
    """Counts what becomes of each feature, and keeps what is wrong with it."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self.counts: Counts = {}
        self.problems: list[str] = []

    def enter(self, table: Table, steps: Mapping[str, Callable[[], bool]]) -> None:
        """Each step by its thing's id; it says whether it has changed anything."""
        known = set(self._work.execute(select(table.c.id)).scalars())
        found = Counter({NEW: 0, CHANGED: 0, SAME: 0})
        for thing_id, step in steps.items():
            try:
                is_other = step()
            except RegistryError as error:
                self.problems.append(f"{table.name} {thing_id}: {error}")
                continue
            found[NEW if thing_id not in known else CHANGED if is_other else SAME] += 1
        self.counts[table.name] = dict(found)


def enter_features(work: Work, features: Features) -> Counts:
    """How many of each table are new, changed or the same as before.

    What the file does not name stays: nothing is removed. Raises Malformed, naming every feature
    that cannot be entered; the caller's transaction must end with it.
    """
    entering = _Entering(work)
    with Edit(work) as edit:
        areas = {each.entry.id: partial(_area, edit, each) for each in features.areas}
        entering.enter(area_table, areas)
        stations = {each.id: partial(edit.station, each) for each in features.stations}
        entering.enter(station_table, stations)
        homes = {h.entry.id: partial(edit.home_place, h.gateway, h.entry) for h in features.homes}
        entering.enter(home_table, homes)
        refuse(entering.problems)
        _require_one_tree(work)
    return entering.counts


def _area(edit: Edit, drawn: DrawnArea) -> bool:
    is_other = edit.area(drawn.entry)
    if drawn.outline is not None:
        is_other |= edit.outline(drawn.entry.id, drawn.outline)
    return is_other


def _require_one_tree(work: Work) -> None:
    """Areas that hold each other in a ring have each another root."""
    roots = {area.path[0] for area in store.areas(work).values()}
    if len(roots) > 1:
        raise Malformed(f"not all areas lie below one root, but below {', '.join(sorted(roots))}")
