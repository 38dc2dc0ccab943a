"""`anju db`: a store is made, saved, restored and looked over."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from anju.cli import main
from cloud.storage.lock import FolderLock


class Shop:
    """Calls `anju db` on one folder."""

    def __init__(self, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.data, self.file, self._capsys = data, data / "cloud.db", capsys

    def db(self, *words: str, code: int = 0) -> dict[str, Any]:
        """The document; the exit code must be this one."""
        got = main(["--quiet", "db", *words, "--data", str(self.data), "--json"])
        captured = self._capsys.readouterr()
        assert got == code, captured
        document: dict[str, Any] = json.loads(captured.out)
        return document

    def sql(self, text: str) -> list[tuple[Any, ...]]:
        """Straight into the file."""
        with closing(sqlite3.connect(self.file)) as connection, connection:
            return list(connection.execute(text))


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shop:
    return Shop(tmp_path / "var", capsys)


def test_a_new_store_has_the_newest_revision_and_no_problems(shop: Shop) -> None:
    made = shop.db("upgrade")

    assert made["revision"]
    assert made["file"] == str(shop.file)
    assert shop.db("check")["problems"] == []


def test_a_backup_is_one_sound_file_and_its_restoring_a_new_epoch(shop: Shop) -> None:
    shop.db("upgrade")
    shop.sql("INSERT INTO feed_counter VALUES ('cell', 'ep-first', 7)")
    saved = Path(shop.db("backup")["file"])
    shop.sql("UPDATE feed_counter SET seq = 9")

    restored = shop.db("restore", str(saved))

    assert [file.name for file in saved.parent.iterdir() if "before" not in file.name] == [
        saved.name
    ]
    [(_, epoch, seq)] = shop.sql("SELECT * FROM feed_counter")
    assert (seq, epoch != "ep-first") == (7, True)
    assert Path(restored["before"]).is_file()
    assert shop.db("check")["problems"] == []


def test_a_broken_file_is_never_restored(shop: Shop, tmp_path: Path) -> None:
    shop.db("upgrade")
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"SQLite format 3\0" + bytes(4096))

    assert "take an older one" in shop.db("restore", str(broken), code=2)["error"]


def test_nothing_is_restored_under_a_platform_that_runs(shop: Shop) -> None:
    shop.db("upgrade")
    saved = shop.db("backup")["file"]
    lock = FolderLock(shop.data / "ingest.lock")
    assert lock.take()

    assert "stop it first" in shop.db("restore", saved, code=2)["error"]

    lock.release()


def test_a_history_that_was_changed_is_a_problem_that_names_its_row(shop: Shop) -> None:
    shop.db("upgrade")
    shop.sql("INSERT INTO alarm_history VALUES ('al-1', 1, 0, 'raised', x'7b7d', 'no', 'chain')")

    assert "alarm al-1, row 1: was changed" in shop.db("check", code=1)["problems"]


def test_going_back_saves_the_store_first(shop: Shop) -> None:
    shop.db("upgrade")

    back = shop.db("downgrade", "base")

    assert back["revision"] is None
    assert Path(back["backup"]).is_file()


def test_there_is_no_way_back_to_a_revision_that_never_was(shop: Shop) -> None:
    shop.db("upgrade")

    assert "no way back to 'brewed'" in shop.db("downgrade", "brewed", code=2)["error"]
    assert shop.db("check")["problems"] == []


def test_a_store_that_is_not_there_could_not_be_checked(shop: Shop) -> None:
    assert "anju db upgrade" in shop.db("check", code=2)["error"]


def audited(shop: Shop, rows: int = 3) -> str:
    """A store whose audit has some rows; its head."""
    for n in range(rows):
        who = ("--role", "auditor", "--login", f"a{n}", "--name", "x")
        assert main(["--quiet", "accounts", "create", *who, "--data", str(shop.data)]) == 0
    shop._capsys.readouterr()
    return str(shop.db("check")["audit_head"])


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at_ms", "at_ms + 1"),
        ("who", "'ac-other'"),
        ("what", "'nothing'"),
        ("target", "'x'"),
        ("area", "'x'"),
        ("source", "'10.0.0.9'"),
        ("data", "x'7b7d'"),
        ("hash", "'0'"),
        ("before", "'0'"),
    ],
)
def test_an_audit_row_that_was_changed_is_named(shop: Shop, column: str, value: str) -> None:
    audited(shop)
    shop.sql(f"UPDATE audit SET {column} = {value} WHERE n = 2")  # noqa: S608

    problems = shop.db("check", code=1)["problems"]

    assert problems[0] == "audit, row 2: was changed"


def test_an_audit_row_that_was_removed_is_named(shop: Shop) -> None:
    audited(shop)
    shop.sql("DELETE FROM audit WHERE n = 2")

    problems = shop.db("check", code=1)["problems"]

    assert problems == ["audit, row 3: row 2 is missing before it"]


def test_an_audit_whose_tail_was_cut_is_named(shop: Shop) -> None:
    audited(shop)
    shop.sql("DELETE FROM audit WHERE n > 1")

    problems = shop.db("check", code=1)["problems"]

    assert problems == ["audit, row 3: the rows end at 1, so the tail was cut"]


def test_an_audit_that_was_rewritten_as_a_whole_does_not_meet_the_head_kept_outside(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    anchor = audited(shop)
    shop.db("check", "--anchor", anchor)
    other = Shop(tmp_path / "other", capsys)
    audited(other)

    problems = other.db("check", "--anchor", anchor, code=1)["problems"]

    assert problems == ["audit, row 3: is not the one that was written down outside"]


def test_an_audit_cut_with_its_head_does_not_meet_the_head_kept_outside(shop: Shop) -> None:
    anchor = audited(shop)
    shop.sql("DELETE FROM audit WHERE n = 3")
    shop.sql("UPDATE audit_head SET n = 2, hash = (SELECT hash FROM audit WHERE n = 2)")
    assert shop.db("check")["problems"] == []

    problems = shop.db("check", "--anchor", anchor, code=1)["problems"]

    assert problems == ["audit, row 3: is not the one that was written down outside"]


def test_a_backup_says_what_it_has_of_readings(shop: Shop) -> None:
    shop.db("upgrade")

    saved = shop.db("backup")

    assert (saved["readings"], saved["note"]) == (None, "there are no readings yet")
    assert "those of now stay" in shop.db("restore", saved["file"])["note"]


def test_readings_in_influxdb_are_saved_there_and_the_backup_says_so(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "token").write_text("secret")
    file = tmp_path / "cloud.toml"
    file.write_text(
        f'data_dir = "{shop.data}"\n[broker]\nhost = "mq"\n[timeseries.influx]\n'
        'url = "http://influx:8086"\norg = "o"\ntoken_file = "token"\n'
    )
    shop.db("upgrade")

    assert main(["--quiet", "db", "backup", "--config", str(file), "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert told["readings"]["buckets"] == ["anju", "anju_hours", "anju_applied"]


def test_a_broken_copy_of_readings_changes_nothing(shop: Shop) -> None:
    shop.db("upgrade")
    saved = Path(shop.db("backup")["file"])
    saved.with_suffix(".readings.duckdb").write_bytes(b"nothing of the kind" * 100)
    before = shop.file.read_bytes()

    assert "no sound copy" in shop.db("restore", str(saved), code=2)["error"]

    assert shop.file.read_bytes() == before
