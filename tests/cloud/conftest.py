"""What several rooms' tests stand on."""

from pathlib import Path

import pytest

from tests.cloud.district import District


@pytest.fixture
def district(tmp_path: Path) -> District:
    return District(tmp_path)
