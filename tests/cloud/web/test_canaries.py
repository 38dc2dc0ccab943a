"""Secrets that are known to the test are looked for where none may be: logs, the audit, the store's
file with everything that a backup takes along."""

import logging
from pathlib import Path

import pyotp
import pytest
from sqlalchemy import select

from cloud.storage.engine import open_engine
from cloud.storage.schema import metadata
from tests.cloud.stores import fresh_url
from tests.cloud.web.conftest import open_town
from tests.cloud.web.test_begin import Office, begin

PASSWORD, WRONG = "canary-password-0001", "canary-password-0002"


def everything_stored(folder: Path) -> bytes:
    """The files of a store in files, freed pages with them, and every row of any."""
    files = b"".join(path.read_bytes() for path in folder.glob("anju.db*"))
    engine = open_engine(fresh_url(folder), writes=False)
    with engine.connect() as connection:
        every = (connection.execute(select(table)) for table in metadata.sorted_tables)
        rows = [repr(row) for rows_of_one in every for row in rows_of_one]
    engine.dispose()
    return files + "\n".join(rows).encode()


def test_no_secret_is_in_a_log_or_in_the_store(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with open_town(tmp_path) as town:
        office = Office(town)
        begin(office)
        secret = office.do("POST", "/api/session/second-factor", {})["secret"]
        code = pyotp.TOTP(secret).at(town.clock.now_ms() // 1000)
        confirmed = office.do("POST", "/api/session/second-factor/confirm", {"code": code})
        office.ask("PUT", "/api/session/password", {"new": PASSWORD})
        entry = {"login": "lin", "role": "operator", "name": "-", "name_en": "-"}
        made = office.do("POST", "/api/accounts", {**entry, "area": "440399"})
        told = [*town.client.cookies.values(), made["link_token"], office.session["csrf"]]
        _, answer = (
            town.client.post("/api/session", json={"login": "wumin", "password": password})
            for password in (WRONG, PASSWORD)
        )
        ticket = answer.json()["error"]["data"]["ticket"]
    hidden = [PASSWORD, WRONG, ticket, *told, *confirmed["recovery_codes"]]

    stored = everything_stored(tmp_path)
    assert [each for each in [*hidden, secret, "2580-canary"] if each in caplog.text] == []
    assert [each for each in hidden if each.encode() in stored] == []
    assert b"wumin" in stored  # it is the file that was written
