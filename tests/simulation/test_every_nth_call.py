"""One press, with a fault at the first call, the second, the third, … of each place, until the
story runs through untouched. Not drawn: every place at which something can break is tried."""

from pathlib import Path

import pytest

from tests.simulation.faults import Mode, Place
from tests.simulation.people import People
from tests.simulation.storm import WARM_UP_MS, Outcome, finish
from tests.simulation.world import Climate, World

CALLS_MAX = 200
IN_SHORT = (Mode.FAIL, Mode.DIE_AFTER)  # the other two in `make prove`
MODES = [pytest.param(mode, marks=() if mode in IN_SHORT else pytest.mark.prove) for mode in Mode]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("place", Place)
def test_one_press_survives_a_fault_at_every_call(place: Place, mode: Mode, tmp_path: Path) -> None:
    for nth in range(1, CALLS_MAX):
        outcome = _press_with_a_fault_at(nth, place, mode, tmp_path)
        assert outcome.broken == [], f"{place}, call {nth}, {mode}"
        if not outcome.fired:
            assert nth > 1
            return
    pytest.fail(f"{place} is called more than {CALLS_MAX} times for one press")


def test_an_edge_that_acknowledges_before_its_commit_is_found_out(tmp_path: Path) -> None:
    outcomes = (
        _press_with_a_fault_at(nth, Place.JOURNAL_COMMIT, Mode.DIE, tmp_path, settles_early=True)
        for nth in range(1, 20)
    )

    assert any("presses acknowledged" in each for outcome in outcomes for each in outcome.broken)


def _press_with_a_fault_at(
    nth: int, place: Place, mode: Mode, tmp_path: Path, *, settles_early: bool = False
) -> Outcome:
    folder = tmp_path / str(nth)
    folder.mkdir()
    world = World(nth, folder, Climate(settles_early=settles_early))
    people = People(world, alike=True)
    world.run(WARM_UP_MS)
    world.later(1, "press", people.press)
    world.later(3_000, "operator", people.operate)
    world.faults.arm(place, nth, mode)
    world.run(6_000)
    world.faults.disarm()
    assert people.pressed.total() >= 1
    return finish(world, people)
