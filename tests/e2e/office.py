"""The real routes over a real store, served to a browser: what the office's page is tested on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, cast

from fastapi import FastAPI

from cloud.identity import sessions, store
from cloud.identity.tokens import SystemSecrets
from cloud.registry import removals
from cloud.registry.entries import HomeEntry
from cloud.registry.removals import RemovalEntry
from cloud.registry.service import Edit
from cloud.storage.unit import Work
from cloud.web.serving import HttpServer
from cloud.words import Words
from tests.cloud.web.conftest import Town, open_town
from tests.e2e.stand_in import STATIC


class Office(NamedTuple):
    """town: what stands behind the page."""

    town: Town
    url: str

    def cookie(self, login: str, *, has_second: bool = True) -> str:
        """Somebody is signed in."""
        token = SystemSecrets().token()

        def enter(work: Work) -> None:
            found = store.account_by_login(work, login)
            assert found is not None
            sessions.open_session(work, found[0], token, has_second=has_second)

        self.town.store.write(enter)
        return token

    def enter_homes(self, count: int) -> None:
        """Behind the demo's gateway."""

        def enter(work: Work) -> None:
            with Edit(work) as edit:
                for n in range(count):
                    address = Words(f"{n} 号", f"no. {n}")
                    entry = HomeEntry(f"ho-{n:05}", "440310002902", address, 22.66, 114.33)
                    edit.home("gw-demo01", entry)

        self.town.store.write(enter)

    def ask_removal(self, login: str, home: str) -> None:
        """Somebody wants a home removed."""

        def write(work: Work) -> None:
            found = store.account_by_login(work, login)
            assert found is not None
            entry = RemovalEntry("已搬走", homes=(home,))
            removals.ask(work, found[0].area_id or "", entry, found[0].id)

        self.town.store.write(write)


@contextmanager
def open_office(folder: Path) -> Iterator[Office]:
    """With a CA, so that gateways can enrol."""
    with open_town(folder, STATIC) as town:
        town.gateways.create("Test")
        server = HttpServer("127.0.0.1", 0)
        server.start(cast("FastAPI", town.client.app))
        try:
            yield Office(town, f"http://127.0.0.1:{server.port}")
        finally:
            server.stop()
