"""What every test has: the gate on missing servers. Fixtures live with their area."""

pytest_plugins = ["tests.needs"]
