from sqlalchemy import true

from cloud.registry import sightings
from cloud.registry.model import sighting_table
from cloud.registry.sightings import Sighting, saw_unregistered, unregistered

gateway = sighting_table.c.gateway_id


def test_an_unregistered_device_is_one_line_however_often_it_speaks(registry, store, clock):
    first_ms = clock.now_ms()
    store.write(lambda work: saw_unregistered(work, "gw-demo01", "z2m:0x01"))
    clock.pass_s(60)
    store.write(lambda work: saw_unregistered(work, "gw-demo01", "z2m:0x01", 4))

    (seen,) = store.read(lambda work: unregistered(work, true()))

    assert seen == Sighting("gw-demo01", "z2m:0x01", first_ms, clock.now_ms(), 5)


def test_a_bridge_that_tells_of_itself_is_no_device(registry, store):
    assert store.write(lambda work: saw_unregistered(work, "gw-demo01", "z2m:zigbee2mqtt/bridge"))

    assert store.read(lambda work: unregistered(work, true())) == []


def test_the_newest_is_shown_first_and_only_inside_the_scope(registry, store, clock):
    store.write(lambda work: saw_unregistered(work, "gw-demo01", "z2m:0x01"))
    clock.pass_s(1)
    store.write(lambda work: saw_unregistered(work, "gw-stranger", "z2m:0x02"))

    everything = store.read(lambda work: unregistered(work, true()))
    scoped = store.read(lambda work: unregistered(work, gateway == "gw-demo01"))

    assert [each.uid for each in everything] == ["z2m:0x02", "z2m:0x01"]
    assert [each.uid for each in scoped] == ["z2m:0x01"]


def test_what_has_been_registered_since_is_shown_no_more(registry, store):
    uid = next(iter(registry.devices_of("ho-anhe01"))).uid
    store.write(lambda work: saw_unregistered(work, "gw-demo01", uid))
    store.write(lambda work: saw_unregistered(work, "gw-demo02", uid))

    seen = store.read(lambda work: unregistered(work, true()))

    assert [each.gateway_id for each in seen] == ["gw-demo02"]


def test_a_gateway_that_invents_devices_fills_its_own_limit_and_no_more(store, monkeypatch):
    monkeypatch.setattr(sightings, "SIGHTINGS_OF_GATEWAY_MAX", 2)

    kept = [
        store.write(lambda work, n=n: saw_unregistered(work, "gw-demo01", f"z2m:{n}"))
        for n in range(3)
    ]

    assert kept == [True, True, False]
    assert store.write(lambda work: saw_unregistered(work, "gw-demo01", "z2m:0"))
    assert store.write(lambda work: saw_unregistered(work, "gw-other1", "z2m:0"))
