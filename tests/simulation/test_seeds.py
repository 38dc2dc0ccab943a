"""The whole spine under drawn faults, one run a seed."""

from pathlib import Path

import pytest

from tests.simulation.storm import run_seed

REPLAYED = 283  # a seed with many kills
REPLAY = "python -m pytest tests/simulation/test_seeds.py --seed"


def test_nothing_is_lost_late_or_doubled_whatever_fails(seed: int, tmp_path: Path) -> None:
    outcome = run_seed(seed, tmp_path)

    if outcome.broken:
        told = "\n  ".join([*outcome.broken[:20], f"faults: {', '.join(outcome.fired)}"])
        pytest.fail(f"seed {seed}:\n  {told}\nreplay it: {REPLAY} {seed}", pytrace=False)


def test_a_seed_replays_to_the_last_step(tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "again").mkdir()

    first = run_seed(REPLAYED, tmp_path / "first")
    again = run_seed(REPLAYED, tmp_path / "again")

    assert first.kills > 2  # else there was little to replay
    assert again.digest == first.digest
