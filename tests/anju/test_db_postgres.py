"""`anju db` on a real PostgreSQL."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, text
from sqlalchemy.pool import NullPool

from anju.cli import main
from cloud.storage import migrate, postgres
from cloud.storage.lock import AdvisoryLock
from tests.postgres import Databases, databases, run

__all__ = ["databases"]


class Shop:
    """Calls `anju db` on one database."""

    def __init__(self, folder: Path, url: URL, capsys: pytest.CaptureFixture[str]) -> None:
        self.url, self._capsys = url, capsys
        self.config = folder / "cloud.toml"
        address = url.render_as_string(hide_password=False)
        self.config.write_text(
            f'data_dir = "var"\n[broker]\nhost = "x"\n[database]\nurl = "{address}"\n'
        )

    def db(self, *words: str, code: int = 0) -> dict[str, Any]:
        """The document; the exit code must be this one."""
        got = main(["--quiet", "db", *words, "--config", str(self.config), "--json"])
        captured = self._capsys.readouterr()
        assert got == code, captured
        document: dict[str, Any] = json.loads(captured.out)
        return document

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Straight out of the database."""
        engine = postgres.open_engine(self.url, writes=False, pool=NullPool)
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(sql))]


@pytest.fixture
def shop(tmp_path: Path, databases: Databases, capsys: pytest.CaptureFixture[str]) -> Shop:
    return Shop(tmp_path, databases.bare(), capsys)


def test_a_store_is_made_saved_changed_and_restored_with_a_new_epoch(shop: Shop) -> None:
    assert "anju db upgrade" in shop.db("check", code=2)["error"]
    made = shop.db("upgrade")
    run(shop.url, "INSERT INTO feed_counter VALUES ('cell', 'ep-first', 7)")
    saved = Path(shop.db("backup")["file"])
    run(shop.url, "UPDATE feed_counter SET seq = 9")

    restored = shop.db("restore", str(saved))

    [(_, epoch, seq)] = shop.rows("SELECT * FROM feed_counter")
    assert (seq, epoch != "ep-first") == (7, True)
    aside = restored["before"].removeprefix("schema ")
    run(shop.url, f"ALTER SCHEMA {aside} RENAME TO aside")
    assert shop.rows("SELECT seq FROM aside.feed_counter") == [(9,)]
    assert restored["revision"] == made["revision"]
    assert shop.db("check")["problems"] == []
    assert shop.db("backup")["bytes"] < 2 * saved.stat().st_size  # without what was set aside


def test_what_cannot_be_restored_changes_nothing(shop: Shop, tmp_path: Path) -> None:
    shop.db("upgrade")
    saved = shop.db("backup")["file"]
    broken = tmp_path / "broken.dump"
    broken.write_bytes(Path(saved).read_bytes()[:-2000])

    assert "pg_restore failed" in shop.db("restore", str(broken), code=2)["error"]
    run(shop.url, "UPDATE alembic_version SET version_num = '9999'")
    newer = shop.db("backup")["file"]
    run(shop.url, "UPDATE alembic_version SET version_num = '0001'")
    assert "9999" in shop.db("restore", newer, code=2)["error"]

    assert shop.db("check")["problems"] == []


def test_nothing_is_restored_under_a_platform_that_runs(shop: Shop) -> None:
    shop.db("upgrade")
    saved = shop.db("backup")["file"]
    lock = AdvisoryLock(shop.url, "ingest")
    assert lock.take()

    assert "stop it first" in shop.db("restore", saved, code=2)["error"]

    lock.release()


def test_a_history_that_was_changed_is_a_problem_that_names_its_row(shop: Shop) -> None:
    shop.db("upgrade")
    run(shop.url, "INSERT INTO alarm_history VALUES ('al-1', 1, 0, 'raised', 'x', 'no', 'chain')")

    assert "alarm al-1, row 1: was changed" in shop.db("check", code=1)["problems"]


def test_going_back_saves_the_store_first(shop: Shop) -> None:
    shop.db("upgrade")

    back = shop.db("downgrade", "base")

    assert back["revision"] is None
    assert Path(back["backup"]).is_file()
    assert migrate.current_revision(shop.url) is None


def test_without_the_servers_programs_it_says_what_to_install(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.db("upgrade")
    monkeypatch.setattr("anju.postgres.DEBIAN", Path("/nowhere"))
    monkeypatch.setenv("PATH", "/nowhere")

    assert "postgresql-client" in shop.db("backup", code=2)["error"]


def test_a_server_that_is_not_there_is_said_in_one_sentence(shop: Shop) -> None:
    shop.config.write_text(shop.config.read_text().replace(str(shop.url.port), "9"))

    assert "cannot be worked on" in shop.db("check", code=2)["error"]
