"""A registry with the demo in it."""

from pathlib import Path

import pytest

from cloud.registry.registry import Registry
from cloud.registry.seed import Demo, apply_demo, read_demo
from cloud.storage.bus import Bus
from cloud.storage.store import Store
from tests.cloud.stores import HandClock, open_store

CONFIG = Path(__file__).parents[3] / "config"


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def bus():
    return Bus()


@pytest.fixture
def store(tmp_path, clock, bus):
    store = open_store(tmp_path, clock, bus)
    yield store
    store.stop()


@pytest.fixture(scope="session")
def demo() -> Demo:
    return read_demo(CONFIG)


@pytest.fixture
def registry(store: Store, bus: Bus, demo: Demo) -> Registry:
    store.write(lambda work: apply_demo(work, demo))
    registry = Registry(store.read)
    registry.listen(bus)
    return registry
