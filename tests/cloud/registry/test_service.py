import pytest

from cloud.registry import store as registry
from cloud.registry.cards import AreaKind
from cloud.registry.entries import AreaEntry, GatewayEntry, HomeEntry, StationEntry
from cloud.registry.errors import Malformed, Unknown
from cloud.registry.events import DutyChanged, GatewayChanged
from cloud.registry.service import Edit, off_duty, on_duty
from cloud.travel.datum import Datum, from_wgs84
from cloud.travel.estimate import Place
from cloud.words import Words

NAME = Words("-", "-")
AREA = AreaEntry("a", AreaKind.DISTRICT, NAME)


def test_a_gateway_id_that_the_wire_refuses_is_refused(store):
    def enter(work):
        with Edit(work) as edit:
            edit.area(AREA)
            edit.gateway(GatewayEntry("GW+1", "a", NAME))

    with pytest.raises(Malformed, match=r"GW\+1"):
        store.write(enter)


def test_a_home_in_an_area_that_nobody_entered_is_refused(store):
    def enter(work):
        with Edit(work) as edit:
            edit.home("gw-demo01", HomeEntry("ho-1", "nowhere", NAME, 22.0, 114.0))

    with pytest.raises(Unknown, match="area 'nowhere'"):
        store.write(enter)


@pytest.mark.parametrize("datum", Datum)
def test_a_home_and_a_station_entered_in_any_datum_are_kept_where_they_are(store, datum):
    at = Place(22.6624, 114.3371)
    there = from_wgs84(at, datum)

    def enter(work):
        with Edit(work) as edit:
            edit.area(AREA)
            edit.gateway(GatewayEntry("gw-one1", "a", NAME))
            edit.home("gw-one1", HomeEntry("ho-1", "a", NAME, *there, datum=datum))
            edit.station(StationEntry("st-1", "a", NAME, "-", *there, datum=datum))
        return registry.home(work, "ho-1", {}), registry.stations(work)["st-1"]

    home, station = store.write(enter)

    assert (home.lat, home.lon) == (station.lat, station.lon) == at


def test_a_home_that_moves_tells_both_gateways(store, bus):
    home = HomeEntry("ho-1", "a", NAME, 22.0, 114.0)
    told = []

    def enter(work, gateway_id):
        with Edit(work) as edit:
            edit.area(AREA)
            edit.gateway(GatewayEntry("gw-one1", "a", NAME))
            edit.gateway(GatewayEntry("gw-two2", "a", NAME))
            edit.home(gateway_id, home)

    store.write(lambda work: enter(work, "gw-one1"))
    bus.on(GatewayChanged, lambda work, event: told.append(event.gateway_id))
    store.write(lambda work: enter(work, "gw-two2"))

    assert told == ["gw-one1", "gw-two2"]


def test_going_on_and_off_duty_is_told_once_each(registry, store, bus, clock):
    told = []
    bus.on(DutyChanged, lambda work, event: told.append(event.is_on_duty))

    store.write(lambda work: on_duty(work, "re-chenli"))  # is on duty already
    store.write(lambda work: off_duty(work, "re-chenli"))
    store.write(lambda work: off_duty(work, "re-chenli"))
    clock.pass_s(1)
    store.write(lambda work: on_duty(work, "re-chenli"))

    assert told == [False, True]


def test_nobody_unknown_goes_on_duty(registry, store):
    with pytest.raises(Unknown, match="responder 're-nobody'"):
        store.write(lambda work: on_duty(work, "re-nobody"))
