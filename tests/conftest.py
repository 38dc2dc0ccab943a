"""What every test has: the gate on missing servers, and what whole clouds stand on. Fixtures live
with their area."""

pytest_plugins = ["tests.needs", "tests.ground"]
