"""A store with one area, a front door with a fast hash, and two accounts."""

import itertools

import pytest
from argon2 import PasswordHasher

from cloud.identity.front_door import FrontDoor
from cloud.identity.passwords import Passwords
from cloud.identity.policy import Role
from cloud.identity.service import AccountEntry, add_account
from cloud.registry.cards import AreaKind
from cloud.registry.entries import AreaEntry
from cloud.registry.service import Edit
from cloud.storage.bus import Bus
from cloud.words import Words
from tests.cloud.stores import HandClock, open_store

PASSWORD = "correct horse"


class CountedSecrets:
    """Secrets that a test can foretell."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def token(self) -> str:
        return f"token-{next(self._numbers)}"

    def password(self) -> str:
        return f"password-{next(self._numbers)}"


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
def passwords():
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def secrets():
    return CountedSecrets()


@pytest.fixture
def door(store, passwords, secrets):
    return FrontDoor(store, passwords, secrets)


@pytest.fixture
def operator(store, passwords):
    entry = AccountEntry("operator", Role.OPERATOR, "Lin", "Lin Xiaolan", area="a1")

    def enter(work):
        with Edit(work) as edit:
            edit.area(AreaEntry("a1", AreaKind.DISTRICT, Words("-", "-")))
        return add_account(work, entry, passwords.hash(PASSWORD))

    return store.write(enter)
