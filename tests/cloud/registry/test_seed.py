import shutil

import pytest

from cloud.dictionary import BadConfiguration
from cloud.registry import store as queries
from cloud.registry.cards import HomeKind
from cloud.registry.events import GatewayChanged, RegistryChanged
from cloud.registry.seed import apply_demo, load_demo, read_demo
from tests.cloud.registry.conftest import CONFIG


def test_the_demo_has_forty_simulated_homes_behind_one_gateway(registry):
    homes = [registry.home_card(home_id) for home_id in registry.homes_of("gw-demo01")]

    assert len(homes) == 40
    assert {home.kind for home in homes} == {HomeKind.SIMULATED}


def test_every_home_of_the_demo_can_call_for_help_and_be_answered(registry):
    for home_id in registry.homes_of("gw-demo01"):
        home = registry.home_card(home_id)

        assert any(device.is_sos for device in registry.devices_of(home_id))
        assert home.resident is not None
        assert home.call_plan
        assert registry.contacts_of(home_id)


def test_both_stations_may_be_sent_to_every_home_of_the_demo_and_have_two_people(registry, clock):
    for home_id in registry.homes_of("gw-demo01"):
        home = registry.home_card(home_id)

        near = registry.stations_near(home.lat, home.lon, home.area_path)

        assert [each.station.id for each in near] == ["st-anhe", "st-jiangling"]
        assert [each.is_own_area for each in near] == [True, False]
        assert all(each.distance_m < 3000 for each in near)
        for each in near:
            assert len(registry.responders_on_duty(each.station.id, clock.now_ms())) == 2


def test_entering_the_demo_twice_changes_nothing(registry, store, bus, demo):
    told = []
    bus.on(RegistryChanged, lambda work, event: told.append(event))
    before = store.read(queries.revision)

    store.write(lambda work: apply_demo(work, demo))

    assert told == []
    assert store.read(queries.revision) == before


def test_entering_the_demo_publishes_the_gateway_once(store, bus, demo):
    told = []
    bus.on(GatewayChanged, lambda work, event: told.append(event))

    store.write(lambda work: apply_demo(work, demo))

    assert [event.gateway_id for event in told] == ["gw-demo01"]


def test_ages_are_those_of_the_file(registry, demo, clock):
    entry = demo.community.homes[0].residents[0]

    resident = registry.home_card(demo.community.homes[0].id).resident

    assert resident.age_at(clock.now_ms()) == entry.age


def test_a_device_in_a_room_without_a_name_is_refused_with_file_and_home(tmp_path):
    shutil.copytree(CONFIG / "demo", tmp_path / "demo")
    homes = tmp_path / "demo" / "homes.yaml"
    text = homes.read_text(encoding="utf-8").replace("room: hall", "room: attic", 1)
    homes.write_text(text, encoding="utf-8")

    with pytest.raises(BadConfiguration, match=r"homes\.yaml: ho-\w+, device door.*attic"):
        read_demo(tmp_path)


def test_a_latitude_off_the_earth_is_refused_with_its_place(tmp_path, store):
    shutil.copytree(CONFIG / "demo", tmp_path / "demo")
    stations = tmp_path / "demo" / "stations.yaml"
    text = stations.read_text(encoding="utf-8").replace("lat: 22.", "lat: 222.", 1)
    stations.write_text(text, encoding="utf-8")

    with pytest.raises(BadConfiguration, match=r"stations\[0\]\.lat"):
        store.write(lambda work: load_demo(work, tmp_path))
