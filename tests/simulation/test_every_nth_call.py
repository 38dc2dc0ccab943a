"""One press, with a fault at the first call, the second, the third, … of each place, until the
story runs through untouched. Not drawn: every place at which something can break is tried."""

from pathlib import Path

import pytest

from tests.simulation.faults import Mode, Place
from tests.simulation.people import People
from tests.simulation.storm import finish
from tests.simulation.world import World

CALLS_MAX = 200


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("place", Place)
def test_one_press_survives_a_fault_at_every_call(place: Place, mode: Mode, tmp_path: Path) -> None:
    for nth in range(1, CALLS_MAX):
        folder = tmp_path / str(nth)
        folder.mkdir()
        if not _press_with_a_fault_at(nth, place, mode, folder):
            assert nth > 1
            return
    pytest.fail(f"{place} is called more than {CALLS_MAX} times for one press")


def _press_with_a_fault_at(nth: int, place: Place, mode: Mode, folder: Path) -> bool:
    """Whether it came so far as the nth call."""
    world = World(nth, folder)
    people = People(world, alike=True)
    world.run(10_000)
    world.later(1, "press", people.press)
    world.later(3_000, "operator", people.operate)
    world.faults.arm(place, nth, mode)
    world.run(6_000)
    is_fired = bool(world.faults.fired)
    world.faults.disarm()

    outcome = finish(world, people)

    assert people.pressed.total() >= 1
    assert outcome.broken == [], f"{place}, call {nth}, {mode}: {outcome.broken}"
    return is_fired
