"""The gateway's metrics as a file."""

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from edge.textfile import EVERY_MS, TextfilePump
from tests.edge.house import GATEWAY, House


def pump(house: House, path: Path) -> TextfilePump:
    return TextfilePump(path, GATEWAY, "1.2", house.journal.view, house.health)


def read(path: Path) -> dict[str, float]:
    """`name{values of its labels}` -> value."""
    return {
        f"{s.name}{{{','.join(s.labels.values())}}}": s.value
        for family in text_string_to_metric_families(path.read_text("utf-8"))
        for s in family.samples
    }


def test_a_press_is_counted_and_timed_and_waits_until_it_is_acknowledged(
    house: House, tmp_path: Path
) -> None:
    path = tmp_path / "anju.prom"
    pump(house, path).run_once(house.clock.now())
    before = read(path)
    house.press()
    pump(house, path).run_once(house.clock.now())
    waiting = read(path)
    house.clock.pass_ms(700)
    house.acknowledge(1)
    pump(house, path).run_once(house.clock.now())
    done = read(path)

    assert before["anju_edge_link_up{cloud}"] == 1
    assert (before["anju_edge_waiting_rows{alarm}"], waiting["anju_edge_waiting_rows{alarm}"]) == (
        0,
        1,
    )
    assert waiting["anju_edge_hop_seconds_count{journalled}"] == 1
    assert done["anju_edge_waiting_rows{alarm}"] == 0
    assert done["anju_edge_hop_seconds_bucket{acknowledged,0.5}"] == 0
    assert done["anju_edge_hop_seconds_bucket{acknowledged,1.0}"] == 1
    assert done["anju_edge_events_total{said_alarm}"] == 1


def test_the_file_is_written_every_quarter_of_a_minute_and_replaced_whole(
    house: House, tmp_path: Path
) -> None:
    path = tmp_path / "anju.prom"
    writer, now = pump(house, path), house.clock.now()

    assert writer.run_once(now) == now.monotonic_ms + EVERY_MS
    first = path.stat().st_ino
    writer.run_once(now)
    assert path.stat().st_ino == first
    house.clock.pass_ms(EVERY_MS)
    writer.run_once(house.clock.now())

    assert path.stat().st_ino != first
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["anju.prom"]


def test_a_part_with_an_odd_name_does_not_spoil_the_file(house: House, tmp_path: Path) -> None:
    house.health.trouble('a "b"\n\\', "x", house.clock.now())
    path = tmp_path / "anju.prom"

    pump(house, path).run_once(house.clock.now())

    assert read(path)['anju_edge_trouble_total{a "b"\n\\}'] == 1
