"""What several rooms' tests stand on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloud.district import District
from tests.cloud.stores import Stores
from tests.postgres import Databases, databases

__all__ = ["databases"]


@pytest.fixture(autouse=True)
def stores(request: pytest.FixtureRequest) -> Iterator[None]:
    """Where `open_store` makes them. At the end nothing is left open, also of a store that a test
    has let crash."""
    lender: Databases | None = None
    if request.config.getoption("store") == "postgresql":
        lender = request.getfixturevalue("databases")
        Stores.databases = lender.lend
    yield
    while Stores.opened:
        Stores.opened.pop().dispose()
    Stores.urls.clear()
    if lender is not None:
        lender.take_back()


@pytest.fixture
def district(tmp_path: Path) -> District:
    return District(tmp_path)
