"""A journal for each test."""

from collections.abc import Iterator

import pytest

from tests.edge.journal.paper import Paper


@pytest.fixture
def paper(tmp_path) -> Iterator[Paper]:
    made = Paper(tmp_path)
    yield made
    made.journal.close()
