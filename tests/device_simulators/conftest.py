"""The town that the demo ships."""

from pathlib import Path

import pytest

from device_simulators.plan import Home, Plan, read_plan

DEMO = Path(__file__).parents[2] / "config" / "demo"


@pytest.fixture(scope="session")
def plan() -> Plan:
    return read_plan(DEMO / "homes.yaml")


@pytest.fixture(scope="session")
def ten(plan: Plan) -> tuple[Home, ...]:
    """Those that are written by hand."""
    return plan.homes[:10]


@pytest.fixture(scope="session")
def home(plan: Plan) -> Home:
    return plan.homes[0]
