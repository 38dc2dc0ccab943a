"""What a home's devices have said over time, for those who may see it."""

import csv
import json

import pytest
from sqlalchemy import select, update

from cloud.identity.audit import audit_table
from cloud.identity.model import account_table
from cloud.identity.policy import Role
from cloud.timeseries.errors import Unavailable
from cloud.timeseries.model import DAY_MS, Place, Sheet, span_at
from cloud.timeseries.requests import Kind, carry_out
from cloud.timeseries.tiers import turn
from contract.messages import Batch, DeviceRows, Row
from contract.vocabulary import Measurement
from tests.cloud.web.conftest import Town
from tests.cloud.web.sides import World

HOME = "ho-anhe01"
HOUR = 3_600_000


def hear(town: Town, *rows: tuple[float, str, float | bool]) -> None:
    """rows: hours ago, name, value; of the home's first device."""
    device, now_ms = town.registry.devices_of(HOME)[0], town.clock.now_ms()
    told = [Row(-int(ago * HOUR), n, name, value) for n, (ago, name, value) in enumerate(rows, 1)]
    batch = Batch("gw-demo01", "j-1", "b-1", "data", now_ms, now_ms, [DeviceRows(device.uid, told)])
    sheet = Sheet(town.series.applied, span_at(now_ms, town.series.keeping.raw_days))
    sheet.take(batch, lambda _gateway, uid: Place(HOME, uid))
    town.series.write(sheet)


def test_the_last_24_hours_of_a_home_with_its_gaps(town: Town) -> None:
    hear(town, (23.5, "temperature", 20), (0.5, "temperature", 22), (0.5, "motion", True))
    town.sign_in()

    told = town.get(f"/api/homes/{HOME}/readings?measurement=temperature&buckets=4")

    [trace] = told["traces"]
    assert trace["mean"] == [20, None, None, 22]
    assert (told["unit"], told["width_ms"]) == ("Cel", 6 * HOUR)
    assert told["to_ms"] - told["from_ms"] == DAY_MS


def test_a_span_that_is_asked_for_is_the_one_answered(town: Town) -> None:
    hear(town, (3, "temperature", 20), (1, "temperature", 22))
    town.sign_in()
    now_ms = town.clock.now_ms()

    span = f"from={now_ms - 2 * HOUR}&to={now_ms}&buckets=7"
    told = town.get(f"/api/homes/{HOME}/readings?measurement=temperature&{span}")

    assert sum(told["traces"][0]["count"]) == 1
    assert told["from_ms"] + 7 * told["width_ms"] == told["to_ms"] >= now_ms


def test_a_span_is_a_year_at_most_and_never_empty(town: Town) -> None:
    town.sign_in()
    now_ms = town.clock.now_ms()

    for span in (f"from=0&to={now_ms}", "from=5&to=5", "from=9&to=1"):
        told = town.get(f"/api/homes/{HOME}/readings?measurement=motion&{span}")
        assert 1 <= told["width_ms"] <= 366 * DAY_MS


@pytest.mark.parametrize(
    "asked",
    [
        "measurement=weather",
        "",
        "measurement=motion&buckets=0",
        "measurement=motion&buckets=1501",
        "measurement=motion&to=-1",
        f"measurement=motion&to={2**63}",
    ],
)
def test_what_makes_no_sense_is_refused(town: Town, asked: str) -> None:
    town.sign_in()

    answer = town.client.get(f"/api/homes/{HOME}/readings?{asked}")

    assert answer.status_code == 422


def test_a_home_has_its_resident_and_devices(town: Town) -> None:
    town.sign_in()

    told = town.get(f"/api/homes/{HOME}/view")

    assert told["resident"]["name"]
    assert {device["uid"] for device in told["devices"]} == {
        device.uid for device in town.registry.devices_of(HOME)
    }


@pytest.mark.parametrize("what", ["/view", "/readings?measurement=motion", "/readings/last"])
def test_a_home_of_another_area_is_refused(town: Town, what: str) -> None:
    town.sign_in()
    assert town.client.get(f"/api/homes/{HOME}{what}").status_code == 200
    home = town.registry.home_card(HOME)
    assert home is not None
    other = min(town.registry.areas_under(home.area_path[0]) - set(home.area_path))
    moved = update(account_table).values(area_id=other)
    town.store.write(lambda work: work.execute(moved))

    assert town.client.get(f"/api/homes/{HOME}{what}").status_code == 403
    assert town.client.get(f"/api/homes/ho-nowhere{what}").status_code == 404


@pytest.mark.parametrize(
    "what", ["/view", "/readings?measurement=motion", "/readings/last", "/readings/export"]
)
def test_a_responder_sees_no_readings(town: Town, what: str) -> None:
    town.sign_in("chenli")

    answer = town.client.get(f"/api/homes/{HOME}{what}")

    assert answer.status_code == 403


def test_with_the_series_away_the_page_is_told_to_come_again(town: Town) -> None:
    town.series.is_away = True
    town.sign_in()

    answer = town.client.get(f"/api/homes/{HOME}/readings?measurement={Measurement.MOTION}")

    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "unavailable"
    assert town.get(f"/api/homes/{HOME}/view")["id"] == HOME


def test_a_span_of_long_ago_is_answered_in_whole_hours(town: Town) -> None:
    hear(town, (20 * 24, "temperature", 20), (20 * 24 - 0.1, "temperature", 22))
    while turn(town.series, town.clock.now_ms()):
        pass
    town.sign_in()
    now_ms = town.clock.now_ms()

    span = f"from={now_ms - 30 * DAY_MS}&to={now_ms}&buckets=500"
    told = town.get(f"/api/homes/{HOME}/readings?measurement=temperature&{span}")

    assert (told["from_ms"] % HOUR, told["width_ms"]) == (0, 2 * HOUR)
    assert told["to_ms"] >= now_ms
    assert [mean for mean in told["traces"][0]["mean"] if mean is not None] == [21]


def test_the_last_word_of_each_device_has_its_time_and_unit(town: Town) -> None:
    hear(town, (2, "temperature", 20), (1, "temperature", 21), (3, "motion", True))
    town.sign_in()

    told = town.get(f"/api/homes/{HOME}/readings/last")["readings"]

    now_ms = town.clock.now_ms()
    assert [(r["measurement"], r["value"], r["unit"], now_ms - r["at_ms"]) for r in told] == [
        ("motion", 1, None, 3 * HOUR),
        ("temperature", 21, "Cel", HOUR),
    ]


def test_a_home_takes_its_readings_away_as_csv_the_old_ones_by_the_hour(town: Town) -> None:
    hear(town, (80 * 24, "temperature", 20), (1, "temperature", 21))
    town.clock.pass_s(30 * 86_400)
    while turn(town.series, town.clock.now_ms()):
        pass
    town.sign_in("supervisor")

    answer = town.client.get(f"/api/homes/{HOME}/readings/export")

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert f"readings-{HOME}.csv" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(answer.text.splitlines()))
    assert [(r["seconds"], r["value"], r["readings"], r["last"]) for r in rows] == [
        ("3600", "20.0", "1", "20.0"),
        ("0", "21.0", "1", ""),
    ]


def test_or_as_one_object_a_line_however_many_there_are(town: Town) -> None:
    hear(town, *((n / 1000, "temperature", n % 30) for n in range(1, 5001)))
    town.sign_in("supervisor")

    answer = town.client.get(f"/api/homes/{HOME}/readings/export?form=ndjson")

    rows = [json.loads(line) for line in answer.text.splitlines()]
    assert len(rows) == 5000
    assert {(row["measurement"], row["unit"], row["seconds"]) for row in rows} == {
        ("temperature", "Cel", 0)
    }


def test_an_export_is_in_the_audit_and_waits_for_the_series(town: Town) -> None:
    town.sign_in("supervisor")
    assert town.client.get(f"/api/homes/{HOME}/readings/export").status_code == 200
    town.series.is_away = True

    assert town.client.get(f"/api/homes/{HOME}/readings/export").status_code == 503

    deeds = town.store.read(lambda work: work.execute(select(audit_table)).mappings().all())
    told = [d for d in deeds if d["what"].endswith("/readings/export")]
    assert [(d["target"], d["data"]) for d in told] == [(HOME, b'{"form":"csv"}')]


def test_erasing_is_in_the_audit_and_done_when_the_series_is_there_again(town: Town) -> None:
    world = World(town)
    administrator = world.caller(Role.ADMINISTRATOR)
    hear(town, (1, "temperature", 21))
    town.series.is_away = True

    answer = world.ask(administrator, "DELETE", f"/api/homes/{HOME}/readings")

    assert answer.status_code == 200, answer.text
    do = {Kind.ERASE: town.series.erase}
    with pytest.raises(Unavailable):
        carry_out(town.store, do, town.clock.now_ms())
    town.series.is_away = False
    assert carry_out(town.store, do, town.clock.now_ms()) == 0  # and once more, later
    assert town.series.kept == []
    deeds = town.store.read(lambda work: work.execute(select(audit_table)).mappings().all())
    assert any(d["what"].startswith("DELETE") and d["target"] == HOME for d in deeds)
