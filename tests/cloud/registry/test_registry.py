from msgspec.structs import replace

from cloud.registry.seed import apply_demo
from cloud.registry.service import Edit, off_duty, on_duty
from cloud.registry.store import door_code_of
from contract.envelope import encode

GATEWAY = "gw-demo01"


def first_device(demo):
    home = demo.community.homes[0]
    return demo.community.device_card(home.id, home.devices[0])


def test_a_device_is_found_behind_its_own_gateway_only(registry, demo):
    card = first_device(demo)

    assert registry.device_of(GATEWAY, card.uid) == card
    assert registry.device_of("gw-other", card.uid) is None
    assert registry.device_of(GATEWAY, "z2m:0xffffffffffffffff") is None


def test_a_device_is_found_by_its_topic_while_the_edge_does_not_know_its_address(registry, demo):
    card = first_device(demo)
    friendly_name = demo.community.homes[0].devices[0].friendly_name

    assert registry.device_of(GATEWAY, f"z2m:{friendly_name}") == card


def test_a_home_card_says_where_it_is_in_words_and_in_scopes(registry):
    home = registry.home_card("ho-anhe01")

    assert home.area.en == "Anheyuan, Maluan Sub-district"
    assert home.area_path == ("440310", "440310002", "440310002902")
    assert home.resident.name_en == "Wang Xiuying"
    assert len(home.resident.conditions) == 3


def test_no_card_carries_the_door_code(registry, store):
    home = registry.home_card("ho-anhe01")

    assert "5027#" not in repr(home)
    assert store.read(lambda work: door_code_of(work, "ho-anhe01")) == "5027#"


def test_contacts_are_in_the_order_in_which_they_are_called(registry):
    contacts = registry.contacts_of("ho-anhe01")

    assert [contact.order for contact in contacts] == [1, 2, 3]
    assert [contact.has_key for contact in contacts] == [False, True, False]


def test_the_gateways_configuration_names_every_device_and_fits_the_wire(registry):
    config = registry.gateway_config(GATEWAY)

    sos = [device for device in config.devices if device.is_sos]
    assert len(sos) >= 20
    assert all(device.id.startswith("z2m:0x") and device.home for device in config.devices)
    assert all(device.topic.startswith("zigbee2mqtt/") for device in config.devices)
    assert encode(config).payload


def test_an_unknown_gateway_has_no_configuration_and_no_home(registry):
    assert registry.gateway_config("gw-stranger") is None
    assert registry.home_of_gateway("gw-stranger") is None
    assert registry.gateway_card("gw-stranger") is None


def test_an_unregistered_device_belongs_to_no_home_where_the_gateway_serves_several(registry):
    assert registry.home_of_gateway(GATEWAY) is None


def test_a_change_is_seen_after_its_commit_and_raises_the_gateways_revision(registry, store, demo):
    card = first_device(demo)
    before = registry.gateway_config(GATEWAY).revision

    with_profile = replace(card, profile="other")
    store.write(lambda work: edit_device(work, with_profile))

    assert registry.device_of(GATEWAY, card.uid).profile == "other"
    assert registry.gateway_config(GATEWAY).revision == before + 1


def test_a_change_that_is_rolled_back_is_never_seen(registry, store, demo):
    card = first_device(demo)
    registry.device_of(GATEWAY, card.uid)

    def fail(work):
        edit_device(work, replace(card, profile="other"))
        assert registry.device_of(GATEWAY, card.uid).profile is None
        raise RuntimeError

    future = store.submit(fail)

    assert isinstance(future.exception(), RuntimeError)
    assert registry.device_of(GATEWAY, card.uid).profile is None


def test_warm_lookups_ask_the_store_nothing(registry, store, demo):
    home = registry.home_card("ho-anhe01")
    registry.device_of(GATEWAY, first_device(demo).uid)
    registry.contacts_of("ho-anhe01")
    registry.stations_near(home.lat, home.lon, home.area_path)

    store.stop()  # no connection is left
    registry._read = None

    assert registry.home_card("ho-anhe01") == home
    assert registry.device_of(GATEWAY, first_device(demo).uid)
    assert registry.contacts_of("ho-anhe01")
    assert registry.stations_near(home.lat, home.lon, home.area_path)


def test_what_was_being_read_while_it_changed_is_not_kept(registry, store, demo):
    card = first_device(demo)
    read = registry._read

    def slow_read(fn):
        result = read(fn)
        registry._read = read
        store.write(lambda work: edit_device(work, replace(card, profile="newer")))
        return result

    registry.home_card("ho-anhe01")  # the areas are warm
    registry._read = slow_read
    registry.device_of(GATEWAY, card.uid)

    assert registry.device_of(GATEWAY, card.uid).profile == "newer"


def test_a_process_that_did_not_make_a_change_sees_it_at_its_next_refresh(
    registry, store, demo, bus
):
    other = type(registry)(store.read)
    other.refresh()
    card = first_device(demo)
    other.device_of(GATEWAY, card.uid)

    store.write(lambda work: edit_device(work, replace(card, profile="other")))

    assert other.device_of(GATEWAY, card.uid).profile is None
    assert other.refresh() is True
    assert other.device_of(GATEWAY, card.uid).profile == "other"
    assert other.refresh() is False


def test_the_scope_of_an_area_is_everything_below_it(registry):
    assert registry.areas_under("440310002") == {"440310002", "440310002901", "440310002902"}
    assert len(registry.areas_under("440310")) == 10
    assert registry.areas_under("nowhere") == frozenset()


def test_a_station_without_an_agreement_is_never_near(registry):
    assert registry.stations_near(22.69, 114.34, ("440310", "440310001")) == ()


def test_who_goes_off_duty_is_not_sent_and_who_comes_back_is(registry, store, clock):
    store.write(lambda work: off_duty(work, "re-chenli"))
    clock.pass_s(1)
    alone = registry.responders_on_duty("st-anhe", clock.now_ms())
    store.write(lambda work: on_duty(work, "re-chenli"))
    both = registry.responders_on_duty("st-anhe", clock.now_ms())

    assert [each.id for each in alone] == ["re-dengxm"]
    assert len(both) == 2


def test_duty_that_has_an_end_is_over_by_itself(registry, store, clock):
    store.write(lambda work: off_duty(work, "re-chenli"))
    clock.pass_s(1)
    store.write(lambda work: on_duty(work, "re-chenli", until_ms=work.now_ms + 60_000))
    registry.responders_on_duty("st-anhe", clock.now_ms())

    clock.pass_s(60)

    on = registry.responders_on_duty("st-anhe", clock.now_ms())
    assert [each.id for each in on] == ["re-dengxm"]


def test_the_demo_does_not_put_anybody_back_on_duty_who_went_off(registry, store, clock, demo):
    store.write(lambda work: off_duty(work, "re-chenli"))
    clock.pass_s(1)
    store.write(lambda work: apply_demo(work, demo))

    on = registry.responders_on_duty("st-anhe", clock.now_ms())
    assert [each.id for each in on] == ["re-dengxm"]


def edit_device(work, card):
    with Edit(work) as edit:
        edit.device(card)
