"""`anju accounts`: a district begins without the demo."""

import json
from pathlib import Path
from typing import Any

import pytest

from anju.cli import main


class Desk:
    """Calls `anju` on one folder."""

    def __init__(self, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.data, self._capsys = data, capsys

    def anju(self, *words: str, code: int = 0) -> dict[str, Any]:
        got = main(["--quiet", *words, "--data", str(self.data), "--json"])
        captured = self._capsys.readouterr()
        assert got == code, captured
        document: dict[str, Any] = json.loads(captured.out)
        return document

    def first(self) -> dict[str, Any]:
        who = ("--login", "wumin", "--name", "吴敏", "--name-en", "Wu Min")
        return self.anju("accounts", "create", "--role", "administrator", *who)


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path / "var", capsys)


def test_the_first_administrator_gets_a_link(desk: Desk) -> None:
    made = desk.first()

    assert made["link"].startswith("/login#link=")
    [listed] = desk.anju("accounts", "list")["accounts"]
    assert (listed["login"], listed["role"], listed["area"]) == ("wumin", "administrator", None)


def test_a_login_that_is_taken_is_said(desk: Desk) -> None:
    desk.first()

    again = ("--role", "auditor", "--login", "WuMin", "--name", "x")
    refused = desk.anju("accounts", "create", *again, code=2)

    assert "taken" in refused["error"]


def test_whoever_is_shut_out_gets_a_new_link(desk: Desk) -> None:
    first = desk.first()

    by_link = desk.anju("accounts", "link", "wumin")
    by_reset = desk.anju("accounts", "reset", "wumin")

    assert len({first["link"], by_link["link"], by_reset["link"]}) == 3
    assert "nobody" in desk.anju("accounts", "link", "noname", code=2)["error"]


def test_what_is_done_on_the_command_line_is_in_the_audit(desk: Desk) -> None:
    desk.first()
    desk.anju("accounts", "reset", "wumin")

    checked = desk.anju("db", "check")

    assert checked["problems"] == []
    assert checked["audit_head"].startswith("2:")
