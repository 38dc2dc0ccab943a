"""Where what we ship is found."""

from pathlib import Path

import pytest

from anju.errors import CannotRun
from anju.paths import ROOT, config_dir, pages_dir


def test_the_source_tree_has_the_configuration() -> None:
    assert config_dir() == ROOT / "config"


def test_an_option_goes_before_the_source_tree(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()

    assert config_dir(tmp_path) == tmp_path


def test_an_option_that_is_no_such_folder_could_not_run(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="no configuration"):
        config_dir(tmp_path)
    with pytest.raises(CannotRun, match="no built pages"):
        pages_dir(tmp_path)
