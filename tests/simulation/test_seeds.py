"""The whole spine under drawn faults, one run a seed."""

from pathlib import Path

import pytest

from tests.simulation.storm import run_seed

REPLAY = "python -m pytest tests/simulation/test_seeds.py --seed"


def test_nothing_is_lost_late_or_doubled_whatever_fails(seed: int, tmp_path: Path) -> None:
    outcome = run_seed(seed, tmp_path)

    if outcome.broken:
        told = "\n  ".join([*outcome.broken[:20], f"faults: {', '.join(outcome.fired)}"])
        pytest.fail(f"seed {seed}:\n  {told}\nreplay it: {REPLAY} {seed}", pytrace=False)


def test_a_seed_replays_to_the_last_step(tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "again").mkdir()

    first = run_seed(7, tmp_path / "first")
    again = run_seed(7, tmp_path / "again")

    assert first.kills > 0
    assert again.digest == first.digest


def test_an_edge_that_acknowledges_before_its_commit_is_found_out(tmp_path: Path) -> None:
    def is_found_out(seed: int) -> bool:
        folder = tmp_path / str(seed)
        folder.mkdir()
        return any(
            "presses acknowledged" in each
            for each in run_seed(seed, folder, settles_early=True).broken
        )

    assert any(is_found_out(seed) for seed in range(1, 30))
