"""What a home's devices have said over time, for those who may see it."""

import pytest
from sqlalchemy import update

from cloud.identity.model import account_table
from cloud.timeseries.model import DAY_MS, Place, Sheet, span_at
from contract.messages import Batch, DeviceRows, Row
from contract.vocabulary import Measurement
from tests.cloud.web.conftest import Town

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


@pytest.mark.parametrize("what", ["/view", "/readings?measurement=motion"])
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


@pytest.mark.parametrize("what", ["/view", "/readings?measurement=motion"])
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
