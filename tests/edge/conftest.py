"""A gateway whose home broker is of the one kind or the other."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from anju.broker_config import BrokerKind
from tests.edge.house import House


@pytest.fixture
def houses(tmp_path: Path) -> Iterator[Callable[[BrokerKind], House]]:
    made: list[House] = []

    def make(kind: BrokerKind = BrokerKind.MOSQUITTO) -> House:
        house = House(tmp_path / f"{len(made)}", kind)
        made.append(house)
        return house

    yield make
    for house in made:
        house.die()


@pytest.fixture
def house(houses: Callable[[], House]) -> House:
    return houses()


@pytest.fixture(params=list(BrokerKind), ids=str)
def either(request: pytest.FixtureRequest, houses: Callable[[BrokerKind], House]) -> House:
    """Once with each kind of home broker."""
    return houses(request.param)
