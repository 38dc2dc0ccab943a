"""A proof on an installation never enters homes beside those of residents."""

from pathlib import Path

import pytest

from anju.errors import CannotRun
from anju.paths import ROOT
from anju.site import refuse_others
from cloud.registry.cards import AreaKind
from cloud.registry.entries import AreaEntry, GatewayEntry, HomeEntry
from cloud.registry.seed import load_demo
from cloud.registry.service import Edit
from cloud.storage.unit import Work
from cloud.words import Words
from tests.cloud.stores import HandClock, open_store

NAME = Words("-", "-")


def somebodys_home(work: Work) -> None:
    with Edit(work) as edit:
        edit.area(AreaEntry("a", AreaKind.DISTRICT, NAME))
        edit.gateway(GatewayEntry("gw-one1", "a", NAME))
        edit.home("gw-one1", HomeEntry("ho-1", "a", NAME, 22.0, 114.0))


def test_a_store_with_somebodys_homes_is_refused(tmp_path: Path) -> None:
    store = open_store(tmp_path, HandClock())
    store.write(somebodys_home)

    with pytest.raises(CannotRun, match="has homes in it"):
        store.read(refuse_others)

    store.stop()


def test_an_empty_one_and_one_that_began_as_a_proofs_are_taken(tmp_path: Path) -> None:
    store = open_store(tmp_path, HandClock())

    store.read(refuse_others)
    store.write(lambda work: load_demo(work, ROOT / "config"))
    store.write(somebodys_home)
    store.read(refuse_others)

    store.stop()
