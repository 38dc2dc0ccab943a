"""A real InfluxDB 2 for tests: at an address from the environment, else one that is started.

Looked for in this order: ANJU_TEST_INFLUX_URL (with _ORG and _TOKEN); then as anju/influx.py does.
"""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from anju import influx
from anju.influx import InfluxProcess
from cloud.timeseries.model import InfluxAddress

URL: Final = "ANJU_TEST_INFLUX_URL"


def where() -> str | None:
    """For tests/needs.py."""
    if url := os.environ.get(URL):
        return f"{influx.ping(url) or 'no answer'} at {url}"
    found = influx.program()
    return found and f"{influx.version(found)} at {found}"


def own(folder: Path) -> Iterator[InfluxProcess]:
    """A server of the test's own, to be stopped, killed and started again."""
    if influx.program() is None:
        pytest.skip("the server in the environment is not ours to stop")
    server = InfluxProcess(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def running(folder: Path) -> Iterator[InfluxAddress]:
    """The address of a server with a bucket that nobody else uses."""
    bucket = f"anju-{uuid.uuid4().hex[:8]}"
    if url := os.environ.get(URL):
        org, token = os.environ["ANJU_TEST_INFLUX_ORG"], os.environ["ANJU_TEST_INFLUX_TOKEN"]
        yield InfluxAddress(url, org, token, bucket)
        return
    yield from (server.address(bucket) for server in own(folder))
