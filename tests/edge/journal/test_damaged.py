"""A damaged file is set aside, and the new journal says so first."""

import pytest

from contract.lanes import Lane, Notice
from edge.errors import JournalBroken
from edge.journal.model import Origin
from edge.journal.schema import TABLES, VERSION, connect
from edge.journal.store import BROKEN_KEPT
from tests.edge.journal.paper import NOON_MS

PAGE = 4096


def spoil(paper, first: int, count: int = 1) -> None:
    """Overwrite pages of the closed file with noise."""
    paper.journal.close()
    with paper.journal.path.open("r+b") as file:
        file.seek(first * PAGE)
        file.write(b"\xa5" * PAGE * count)


def first_alarm(paper):
    return paper.journal.view.row(Lane.ALARM, 1).entry


def pages(paper) -> int:
    paper.journal.close()
    return paper.journal.path.stat().st_size // PAGE


def test_a_new_journal_begins_without_any_trouble(paper):
    assert paper.seqs(Lane.ALARM) == []
    assert paper.journal.broken_files() == []


def test_an_overwritten_file_is_set_aside_and_reading_goes_on(paper):
    paper.write(Lane.DATA, *["x" * 200] * 200)
    name = paper.journal.id
    spoil(paper, 0, pages(paper))

    paper.open()

    assert paper.journal.id != name
    assert first_alarm(paper).name == Notice.JOURNAL_TROUBLE.value
    assert f"journal.db.broken-{NOON_MS}" in first_alarm(paper).value
    assert paper.write(Lane.DATA, 1) == [1]
    assert paper.write(Lane.ALARM, "a") == [2]


@pytest.mark.parametrize("page", range(1, 20))
def test_whichever_page_is_overwritten_the_journal_opens_and_all_is_there_or_it_says_so(
    paper, page
):
    for lane in Lane:
        paper.write(lane, *[f"{lane}-{n}-{'x' * 200}" for n in range(40)])
    assert pages(paper) > page
    spoil(paper, page)

    paper.open()

    is_whole = all(len(paper.seqs(lane)) == 40 for lane in Lane)
    assert is_whole or first_alarm(paper).name == Notice.JOURNAL_TROUBLE.value
    assert paper.write(Lane.ALARM, "a") == [41 if is_whole else 2]


@pytest.mark.parametrize("size", [512, PAGE - 1, PAGE, 3 * PAGE])
def test_a_file_that_was_cut_is_set_aside(paper, size):
    paper.write(Lane.DATA, *["x" * 200] * 200)
    paper.journal.close()
    with paper.journal.path.open("r+b") as file:
        file.truncate(size)

    paper.open()

    assert first_alarm(paper).name == Notice.JOURNAL_TROUBLE.value


def test_the_damaged_file_is_kept_as_it_was_found(paper):
    spoil(paper, 0)
    before = paper.journal.path.read_bytes()

    paper.open()

    assert paper.journal.broken_files()[0].read_bytes() == before


def test_a_file_that_has_lost_its_name_is_no_journal(paper):
    with paper.journal.writing() as work:
        work._db.execute("DELETE FROM meta WHERE key = 'journal'")

    paper.reopen()

    assert first_alarm(paper).name == Notice.JOURNAL_TROUBLE.value


def test_a_journal_of_a_newer_version_is_refused_and_kept(paper):
    paper.write(Lane.EVENT, "of a later day")
    paper.journal.close()
    db = connect(paper.journal.path)
    db.execute(f"PRAGMA user_version = {VERSION + 1}")
    db.close()

    paper.open()

    assert first_alarm(paper).name == Notice.JOURNAL_TROUBLE.value
    assert paper.seqs(Lane.EVENT) == []
    kept = connect(paper.journal.broken_files()[0])
    assert kept.execute("SELECT value FROM rows").fetchall() == [('"of a later day"',)]
    assert kept.execute("PRAGMA user_version").fetchone() == (VERSION + 1,)
    kept.close()


def test_a_group_that_meets_damage_says_broken_and_keeps_nothing(paper):
    paper.write(Lane.DATA, *["x" * 200] * 200)
    spoil_the_rows(paper)

    with pytest.raises(JournalBroken):
        paper.write(Lane.DATA, "y")

    paper.journal.set_aside("damaged")
    assert paper.write(Lane.DATA, "y") == [1]


def spoil_the_rows(paper) -> None:
    """The tree of rows, under the open journal; its head and the small tables stay well."""
    db = connect(paper.journal.path)
    root = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'rows'").fetchone()[0]
    db.close()
    spoil(paper, root - 1)
    paper.journal._check = lambda db: None
    paper.journal._db = None


def test_a_reader_that_meets_damage_says_broken(paper):
    paper.write(Lane.DATA, *["x" * 200] * 200)
    spoil_the_rows(paper)

    with pytest.raises(JournalBroken):
        paper.seqs(Lane.DATA)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE rows SET value = '{'",
        "UPDATE rows SET quality = 'qk'",
        "UPDATE lanes SET acked = '[[1]'",
        "UPDATE messages SET rows = '?'",
    ],
)
def test_a_text_that_cannot_be_read_is_damage_too(paper, change):
    paper.write(Lane.DATA, 1)
    with paper.journal.writing() as work:
        work.remember_message(1, ORIGIN, [(Lane.DATA, 1)])
        work._db.execute(change)
    view = paper.journal.view

    with pytest.raises(JournalBroken):
        (view.rows(Lane.DATA), view.lanes(), view.messages())


def test_what_a_reader_found_damaged_the_writer_sets_aside_at_its_next_turn(paper):
    paper.write(Lane.ALARM, "a")
    with paper.journal.writing() as work:
        work._db.execute("UPDATE rows SET value = '{'")
    with pytest.raises(JournalBroken):
        paper.journal.view.row(Lane.ALARM, 1)

    with pytest.raises(JournalBroken):
        paper.write(Lane.ALARM, "b")
    paper.journal.set_aside("damaged")

    assert paper.write(Lane.ALARM, "b") == [2]


@pytest.mark.parametrize("times", [BROKEN_KEPT, BROKEN_KEPT + 1])
def test_the_last_damaged_files_are_kept_and_no_more(paper, times):
    for _ in range(times):
        paper.clock.go(1)
        paper.journal.set_aside("for this test")

    kept = [path.name for path in paper.journal.broken_files()]
    last = range(times, times - BROKEN_KEPT, -1)
    assert kept == [f"journal.db.broken-{NOON_MS + n}" for n in last]
    assert len([p for p in paper.folder.iterdir() if "broken" in p.name]) <= 3 * BROKEN_KEPT


def test_a_clock_that_was_set_back_never_costs_the_newest_damaged_file(paper):
    for _ in range(BROKEN_KEPT):
        paper.clock.go(1)
        paper.journal.set_aside("for this test")
    name = paper.journal.id
    paper.clock.at = paper.clock.at._replace(wall_ms=86_000)  # 1970

    paper.journal.set_aside("for this test")

    newest = paper.journal.broken_files()[0]
    assert first_alarm(paper).value.endswith(newest.name)
    kept = connect(newest)
    assert kept.execute("SELECT value FROM meta WHERE key = 'journal'").fetchone() == (name,)
    kept.close()


def test_twice_within_a_millisecond_are_two_files(paper):
    for _ in range(2):
        paper.journal.set_aside("for this test")

    assert len(paper.journal.broken_files()) == 2


def test_killed_between_setting_aside_the_file_and_its_log_the_old_log_is_not_taken_in(paper):
    paper.write(Lane.ALARM, "old")
    log = (paper.folder / "journal.db-wal").read_bytes()
    paper.journal.close()
    paper.journal.path.rename(paper.folder / f"journal.db.broken-{NOON_MS}")
    (paper.folder / "journal.db-wal").write_bytes(log)

    paper.open()

    assert first_alarm(paper).name == Notice.JOURNAL_TROUBLE.value
    assert paper.write(Lane.ALARM, "new") == [2]


def test_killed_before_the_new_journal_was_made_the_trouble_is_told_all_the_same(paper):
    paper.journal.close()
    paper.journal.path.rename(paper.folder / f"journal.db.broken-{NOON_MS}")
    paper.journal.path.write_bytes(b"")

    paper.open()

    assert first_alarm(paper).name == Notice.JOURNAL_TROUBLE.value


def test_half_made_tables_are_made_anew(tmp_path, paper):
    paper.journal.close()
    paper.journal.path.unlink()
    db = connect(paper.journal.path)
    db.execute("BEGIN")
    db.execute(TABLES[0])
    db.close()

    assert paper.open().view.counts() == dict.fromkeys(("alarm", "event", "data", "health"), 0)


ORIGIN = Origin(1, "t", "00ff")
