"""How large and how old the journal grows, and what goes first."""

import sqlite3

import pytest

from contract.lanes import INTERVAL_LANES, ROW_LANES, Lane
from edge.clock import Now
from edge.errors import JournalUnavailable
from edge.journal.limits import KEEP_ACKNOWLEDGED_MS, STEP_ROWS, THIN_TO_MS, age_ms, to_thin
from edge.journal.model import Row, Taken
from tests.edge.journal.paper import DAY_MS, HOUR_MS, NOON_MS, Calls, Once, Paper, fails

MINUTE_MS = 60_000
MUCH = 2**30


def a_reading_a_minute(paper, minutes: int, **more) -> None:
    with paper.journal.writing() as work:
        for n in range(minutes):
            paper.clock.go(MINUTE_MS)
            work.append(paper.entry(Lane.DATA, n, **more))


def quarters(paper) -> list[int]:
    rows = paper.journal.view.rows(Lane.DATA)
    return [row.entry.taken.monotonic_ms // THIN_TO_MS for row in rows]


def gap_count(paper, lane: Lane, last: int) -> int:
    span = paper.journal.view.span(lane, 1, last, 10**6, MUCH)
    return sum(gap.last - gap.first + 1 for gap in span.gaps)


# ---------------------------------------------------------------- age


def test_the_age_within_one_boot_is_told_by_its_own_clock():
    taken = Taken("b", 1_000, NOON_MS, is_synced=False)

    assert age_ms(taken, Now(0, 5_000), "b", False) == 4_000


def test_the_age_over_a_reboot_is_told_by_wall_clocks_that_were_right():
    right, wrong = Taken("b", 1, NOON_MS, True), Taken("b", 1, NOON_MS, False)
    now = Now(NOON_MS + 7, 5_000)

    assert age_ms(right, now, "c", True) == 7
    assert age_ms(right, now, "c", False) is None
    assert age_ms(wrong, now, "c", True) is None


@pytest.mark.parametrize("lane", INTERVAL_LANES)
@pytest.mark.parametrize(("days", "kept"), [(7, 1), (8, 0)])
def test_readings_expire_and_are_a_gap(paper, lane, days, kept):
    paper.write(lane, 1)
    paper.clock.go(days * DAY_MS)

    paper.keep(paper.keeper(age_ms_max=7 * DAY_MS))

    assert len(paper.seqs(lane)) == kept
    assert paper.journal.view.dropped() == ({} if kept else {"expired": 1})
    assert gap_count(paper, lane, 1) == 1 - kept


def test_readings_of_unknown_age_do_not_expire(paper):
    paper.clock.synced = False
    paper.write(Lane.DATA, 1)
    paper.clock.reboot()
    paper.clock.go(100 * DAY_MS)

    paper.keep(paper.keeper(age_ms_max=7 * DAY_MS))

    assert paper.seqs(Lane.DATA) == [1]


# ---------------------------------------------------------------- alarms and events


@pytest.mark.parametrize("lane", ROW_LANES)
def test_an_alarm_that_the_cloud_has_not_stays_for_ever_however_full_it_is(paper, lane):
    paper.write(lane, "a", "b")
    paper.clock.go(1_000 * DAY_MS)
    keeper = paper.keeper(bytes_max=1, age_ms_max=1)

    paper.keep(keeper)

    assert not keeper.make_room()
    assert paper.seqs(lane) == [1, 2]


@pytest.mark.parametrize("lane", ROW_LANES)
@pytest.mark.parametrize(("ms", "kept"), [(0, [1]), (1, [])])
def test_it_stays_30_days_after_the_cloud_has_it(paper, lane, ms, kept):
    paper.write(lane, "a")
    paper.clock.go(40 * DAY_MS)  # the cloud was away all the time
    with paper.journal.writing() as work:
        work.acknowledge(lane, [1], paper.clock.wall_ms())
    paper.keep(paper.keeper())
    at_once = paper.seqs(lane)

    paper.clock.go(KEEP_ACKNOWLEDGED_MS + ms)
    paper.keep(paper.keeper())

    assert at_once == [1]
    assert paper.seqs(lane) == kept
    assert paper.write(lane, "b") == [2]


def test_a_wall_clock_that_jumps_ahead_does_not_cost_a_fresh_alarm(paper):
    paper.write(Lane.ALARM, "a")
    with paper.journal.writing() as work:
        work.acknowledge(Lane.ALARM, [1], paper.clock.wall_ms())
    paper.clock.at = paper.clock.at._replace(wall_ms=NOON_MS + 1_000 * DAY_MS)

    paper.keep(paper.keeper())

    assert paper.seqs(Lane.ALARM) == [1]


def test_of_unknown_age_it_goes_when_its_receipt_is_old_and_the_clock_is_right(paper):
    paper.clock.synced = False
    paper.write(Lane.EVENT, "a")
    with paper.journal.writing() as work:
        work.acknowledge(Lane.EVENT, [1], paper.clock.wall_ms())
    paper.clock.reboot()
    paper.clock.go(31 * DAY_MS)
    paper.keep(paper.keeper())
    while_unsure = paper.seqs(Lane.EVENT)

    paper.clock.synced = True
    paper.keep(paper.keeper())

    assert (while_unsure, paper.seqs(Lane.EVENT)) == ([1], [])


def test_one_refused_is_kept(paper):
    paper.write(Lane.ALARM, "a")
    with paper.journal.writing() as work:
        work.refuse(Lane.ALARM, [], by="epoch-1")
        work._db.execute("UPDATE rows SET refused = 'unknown_name'")
    paper.clock.go(100 * DAY_MS)

    paper.keep(paper.keeper(bytes_max=1))

    assert paper.seqs(Lane.ALARM) == [1]


# ---------------------------------------------------------------- thinning


def test_of_each_series_the_first_reading_of_a_quarter_of_an_hour_is_kept(paper):
    def row(seq, minute, **more):
        paper.clock.at = Now(NOON_MS, minute * MINUTE_MS)
        return Row(seq, paper.entry(Lane.DATA, seq, **more))

    rows = [
        row(1, 0),
        row(2, 1),
        row(3, 2, device="z2m:0x02"),
        row(4, 3, channel="left"),
        row(5, 14),
        row(6, 15),
        row(7, 29),
        row(8, 30),
    ]

    assert to_thin(rows) == [2, 5, 7]


def test_a_journal_that_is_too_large_is_thinned_first_and_its_last_hour_stays_whole(paper):
    a_reading_a_minute(paper, 300, raw="x" * 400)
    keeper = paper.keeper(bytes_max=paper.journal.used_bytes() - 1)

    paper.keep(keeper)

    whole = [q for q in quarters(paper) if q >= quarters(paper)[-1] - 3]
    thin = [q for q in quarters(paper) if q < quarters(paper)[-1] - 4]
    assert len(thin) == len(set(thin)) > 10
    assert len(whole) >= 46
    assert set(paper.journal.view.dropped()) == {"thinned"}


def test_thinning_is_the_same_over_the_end_of_a_step(paper):
    a_reading_a_minute(paper, STEP_ROWS + 50)
    paper.clock.go(HOUR_MS + 1)
    keeper = paper.keeper(bytes_max=1)

    keeper.step(paper.clock.now())
    keeper.step(paper.clock.now())

    assert paper.journal.view.dropped().keys() == {"thinned"}
    assert len(quarters(paper)) == len(set(quarters(paper)))


def test_a_step_of_thinning_that_failed_is_done_as_if_it_were_the_first(tmp_path):
    once = Once("COMMIT", fails(sqlite3.SQLITE_IOERR))
    paper = Paper(tmp_path, Calls(once, 1, 10**9).connect)
    a_reading_a_minute(paper, 60)
    paper.clock.go(HOUR_MS + 1)
    keeper = paper.keeper(bytes_max=1)
    once.arm()
    with pytest.raises(JournalUnavailable):
        keeper.step(paper.clock.now())

    keeper.step(paper.clock.now())

    assert len(quarters(paper)) == len(set(quarters(paper))) >= 4


def test_what_was_thinned_is_a_gap_of_as_many(paper):
    a_reading_a_minute(paper, 120)
    paper.clock.go(HOUR_MS + 1)
    keeper = paper.keeper(bytes_max=1)

    keeper.step(paper.clock.now())

    held = len(paper.seqs(Lane.DATA))
    assert paper.journal.view.dropped() == {"thinned": 120 - held}
    assert gap_count(paper, Lane.DATA, 120) == 120 - held


def test_a_journal_within_its_limits_is_left_alone(paper):
    a_reading_a_minute(paper, 200)
    limit = paper.journal.used_bytes()

    assert paper.keep(paper.keeper(bytes_max=limit)) == 0
    assert len(paper.seqs(Lane.DATA)) == 200


# ---------------------------------------------------------------- what goes first


def test_samples_go_first_then_diagnostics_then_states(paper):
    paper.write(Lane.HEALTH, "diagnostic")
    paper.write(Lane.DATA, "state", is_sample=False)
    paper.write(Lane.DATA, "sample")
    paper.write(Lane.ALARM, "alarm")
    paper.write(Lane.EVENT, "event")
    keeper, gone = paper.keeper(), []

    while keeper.make_room():
        held = [v for lane in Lane for v in paper.values(lane)]
        gone.append({"diagnostic", "state", "sample", "alarm", "event"} - set(held))

    assert gone == [{"sample"}, {"sample", "diagnostic"}, {"sample", "diagnostic", "state"}]
    assert paper.journal.view.dropped() == {"full": 3}


def test_the_oldest_samples_go_first_one_step_at_a_time(paper):
    with paper.journal.writing() as work:
        for n in range(STEP_ROWS + 10):
            work.append(paper.entry(Lane.DATA, n))

    assert paper.keeper().make_room()

    assert paper.seqs(Lane.DATA) == list(range(STEP_ROWS + 1, STEP_ROWS + 11))
    assert gap_count(paper, Lane.DATA, STEP_ROWS + 10) == STEP_ROWS


def test_the_journal_stays_within_its_bytes_while_the_cloud_is_away(paper):
    limit = 400 * 1024
    keeper = paper.keeper(bytes_max=limit)
    largest = given = 0

    for _ in range(20):
        paper.clock.go(2 * HOUR_MS)
        paper.write(Lane.ALARM, "kept")
        given += len(paper.write(Lane.DATA, *range(300), raw="x" * 100))
        largest = max(largest, paper.journal.used_bytes())
        paper.keep(keeper)
        paper.journal.checkpoint()

    assert largest < limit + 100 * 1024
    assert paper.journal.path.stat().st_size < limit + 200 * 1024
    assert len(paper.seqs(Lane.ALARM)) == 20
    held = len(paper.seqs(Lane.DATA))
    assert sum(paper.journal.view.dropped().values()) == given - held
    assert gap_count(paper, Lane.DATA, given) == given - held


def test_commands_are_forgotten_after_a_week(paper):
    with paper.journal.writing() as work:
        work.take_command("cm-1", paper.clock.wall_ms())
    paper.keeper().forget_commands(paper.clock.now())
    before = paper.journal.view.has_command("cm-1")

    paper.clock.go(7 * DAY_MS + 1)
    paper.keeper().forget_commands(paper.clock.now())

    assert (before, paper.journal.view.has_command("cm-1")) == (True, False)
