"""What every test has: the gate on missing servers, and on which store the cloud's tests run.
Fixtures live with their area."""

import pytest

pytest_plugins = ["tests.needs"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--store postgresql`: the tests of tests/cloud on a real server."""
    parser.addoption("--store", choices=("sqlite", "postgresql"), default="sqlite")
