"""What several rooms' tests stand on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloud.district import District
from tests.cloud.stores import Stores
from tests.ground import Ground
from tests.postgres import databases

__all__ = ["databases"]


@pytest.fixture(autouse=True)
def stores(ground: None) -> Iterator[None]:
    """Where `open_store` makes them. At the end nothing is left open, also of a store that a test
    has let crash."""
    lender = Ground.databases
    Stores.databases = None if lender is None else lender.lend
    yield
    while Stores.opened:
        Stores.opened.pop().dispose()
    Stores.urls.clear()
    if lender is not None:
        lender.take_back()


@pytest.fixture
def district(tmp_path: Path) -> District:
    return District(tmp_path)
