"""`pytest tests/simulation --seed S [--seeds N]`: these seeds; without it, the short form."""

import logging
from collections.abc import Iterator
from typing import Final

import pytest

SHORT: Final = 12  # seeds of `make test`, from 1 on


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, default=None, help="first seed of the simulation")
    parser.addoption("--seeds", type=int, default=None, help="how many seeds from --seed on")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" not in metafunc.fixturenames:
        return
    # Absent where pytest was not started in this folder: then the option is not known either.
    first = metafunc.config.getoption("--seed", default=None)
    number = metafunc.config.getoption("--seeds", default=None)
    if first is None:
        first, number = 1, number or SHORT
    metafunc.parametrize("seed", range(first, first + (number or 1)))


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Injected faults are logged by the thousand; what is wrong stands in the verdict."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
