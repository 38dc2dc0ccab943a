"""Whose message it is: base topics, names, side topics, registry and bridge."""

import pytest

from contract.vocabulary import Measurement
from edge.dialects import Hearing
from edge.dialects.zigbee2mqtt import ANNOUNCED_MAX, BASES_MAX, PAYLOAD_BYTES_MAX
from edge.meaning import NOT_KNOWN
from tests.edge.dialects.bridge import IEEE, body, listed, meant, registered

PRESS = body({"action": "emergency", "battery": 90})
INTRODUCTIONS = [
    ("state", b"online"),
    ("state", body({"state": "offline"})),
    ("info", body({"version": "2.6.0", "coordinator": {"type": "EmberZNet"}})),
    ("devices", listed("lamp")),
]


def devices_of(heard):
    return {reading.device for reading in heard.readings}


def test_a_message_of_nobody_is_not_known():
    hearing = Hearing()

    assert hearing.hear("weather/roof", body({"temperature": 21}), False) is NOT_KNOWN
    assert hearing.hear("", PRESS, False) is NOT_KNOWN


def test_the_usual_base_topic_is_known_from_the_start():
    heard = Hearing().hear("zigbee2mqtt/hall/bell", PRESS, False)

    assert heard.convention == "zigbee2mqtt"
    assert meant(heard) == {"sos": True, "battery": 90}
    assert devices_of(heard) == {"z2m:hall/bell"}


@pytest.mark.parametrize(("what", "payload"), INTRODUCTIONS)
@pytest.mark.parametrize("base", ["zb", "block7/z2m", "zigbee2mqtt/upstairs", "社区/网关"])
def test_another_base_topic_is_learnt_from_what_its_bridge_says(base, what, payload):
    hearing = Hearing()

    hearing.hear(f"{base}/bridge/{what}", payload, True)
    heard = hearing.hear(f"{base}/bell", PRESS, False)

    assert meant(heard)["sos"] is True
    assert devices_of(heard) == {"z2m:bell"}


@pytest.mark.parametrize(
    ("what", "payload"),
    [
        ("state", b"ON"),
        ("info", body({"version": 3})),
        ("devices", body([])),
        ("devices", body([{"id": 1}])),
        ("logging", body({"message": "online"})),
    ],
)
def test_a_bridge_of_other_software_is_not_taken_for_one(what, payload):
    hearing = Hearing()

    hearing.hear(f"other/bridge/{what}", payload, True)

    assert hearing.hear("other/bell", PRESS, False) is NOT_KNOWN


def test_a_state_with_link_quality_is_heard_before_its_bridge_is_introduced():
    heard = Hearing().hear("zb/bell", body({"action": "sos", "linkquality": 70}), False)

    assert meant(heard)["sos"] is True


def test_so_many_base_topics_are_learnt_and_no_more():
    hearing = Hearing()
    for n in range(BASES_MAX + 1):  # one is known from the start
        hearing.hear(f"base{n}/bridge/state", b"online", True)

    assert hearing.hear(f"base{BASES_MAX - 2}/bell", PRESS, False) is not NOT_KNOWN
    assert hearing.hear(f"base{BASES_MAX - 1}/bell", PRESS, False) is NOT_KNOWN


def test_a_registered_device_has_its_registry_id():
    hearing = Hearing()
    hearing.configure([registered("zigbee2mqtt/3-2-502/bed", id="z2m:bed of 502")])

    assert devices_of(hearing.hear("zigbee2mqtt/3-2-502/bed", PRESS, False)) == {"z2m:bed of 502"}
    assert devices_of(hearing.hear("zigbee2mqtt/3-2-502/bed/action", b"panic", False)) == {
        "z2m:bed of 502"
    }


def test_a_registered_device_is_heard_on_a_base_topic_that_no_bridge_has_named():
    hearing = Hearing()
    hearing.configure([registered("villa/zb/bed")])

    assert meant(hearing.hear("villa/zb/bed", PRESS, False))["sos"] is True
    assert hearing.hear("villa/zb/other", PRESS, False) is NOT_KNOWN


def test_a_device_of_another_convention_is_left_to_it():
    hearing = Hearing()
    hearing.configure([registered("shellies/door", id="shelly:door")])

    assert hearing.hear("shellies/door", body({"battery": 3}), False) is NOT_KNOWN


def test_a_configuration_replaces_the_one_before():
    hearing = Hearing()
    hearing.configure([registered("zigbee2mqtt/bed", id="z2m:a", is_sos=True)])
    hearing.configure([registered("zigbee2mqtt/bed", id="z2m:b")])

    assert devices_of(hearing.hear("zigbee2mqtt/bed", PRESS, False)) == {"z2m:b"}
    assert not hearing.is_sos("z2m:a")


def test_only_what_the_registry_calls_an_sos_device_is_one():
    hearing = Hearing()
    hearing.configure(
        [
            registered("zigbee2mqtt/bed", id="z2m:bed", is_sos=True),
            registered("zigbee2mqtt/door", id="z2m:door"),
        ]
    )

    assert hearing.is_sos("z2m:bed")
    assert not hearing.is_sos("z2m:door")
    assert not hearing.is_sos("z2m:stranger")


def test_a_device_that_the_bridge_has_listed_is_known_by_its_address():
    hearing = Hearing()
    hearing.hear("zigbee2mqtt/bridge/devices", listed("kitchen/bell"), True)

    assert devices_of(hearing.hear("zigbee2mqtt/kitchen/bell", PRESS, False)) == {f"z2m:{IEEE}"}


def test_a_device_renamed_at_the_bridge_is_still_the_registered_one():
    hearing = Hearing()
    hearing.configure([registered("zigbee2mqtt/old name", is_sos=True)])
    hearing.hear("zigbee2mqtt/bridge/devices", listed("new name"), True)

    heard = hearing.hear("zigbee2mqtt/new name", b"{", False)

    assert heard.unreadable is not None
    assert heard.unreadable.device == f"z2m:{IEEE}"
    assert hearing.is_sos(heard.unreadable.device)


def test_a_device_registered_by_its_address_may_be_named_later():
    hearing = Hearing()
    hearing.configure([registered(f"zigbee2mqtt/{IEEE}", id="z2m:bed 7")])
    hearing.hear("zigbee2mqtt/bridge/devices", listed("bed"), True)

    assert devices_of(hearing.hear("zigbee2mqtt/bed", PRESS, False)) == {"z2m:bed 7"}


def test_two_bridges_may_have_devices_of_one_name():
    hearing = Hearing()
    hearing.hear("a/bridge/devices", listed("bell", ieee="0x00124b0000000a0a"), True)
    hearing.hear("b/bridge/devices", listed("bell", ieee="0x00124b0000000b0b"), True)

    assert devices_of(hearing.hear("a/bell", PRESS, False)) == {"z2m:0x00124b0000000a0a"}
    assert devices_of(hearing.hear("b/bell", PRESS, False)) == {"z2m:0x00124b0000000b0b"}


def test_a_list_that_cannot_be_read_leaves_the_earlier_one():
    hearing = Hearing()
    hearing.hear("zigbee2mqtt/bridge/devices", listed("bell"), True)

    for broken in (b"[", body({}), b"", b"[]" + b" " * PAYLOAD_BYTES_MAX):
        hearing.hear("zigbee2mqtt/bridge/devices", broken, True)

    assert devices_of(hearing.hear("zigbee2mqtt/bell", PRESS, False)) == {f"z2m:{IEEE}"}


def test_entries_of_the_list_that_make_no_sense_cost_only_themselves():
    entries = [
        None,
        {"friendly_name": "x"},
        {"ieee_address": 5, "friendly_name": "y"},
        {"ieee_address": "0x1", "friendly_name": "z", "definition": [1]},
        {"ieee_address": IEEE, "friendly_name": "bell", "definition": {"exposes": [None, {}, 3]}},
    ]
    hearing = Hearing()

    hearing.hear("zigbee2mqtt/bridge/devices", body(entries), True)

    assert devices_of(hearing.hear("zigbee2mqtt/bell", PRESS, False)) == {f"z2m:{IEEE}"}
    assert devices_of(hearing.hear("zigbee2mqtt/z", PRESS, False)) == {"z2m:0x1"}


def test_a_list_of_two_mebibytes_is_read():
    entries = [{"ieee_address": f"0x{n:016x}", "friendly_name": f"d{n}"} for n in range(100)]
    payload = body(entries)
    padded = payload + b" " * (PAYLOAD_BYTES_MAX - len(payload))
    hearing = Hearing()

    hearing.hear("zigbee2mqtt/bridge/devices", padded, True)

    assert devices_of(hearing.hear("zigbee2mqtt/d99", PRESS, False)) == {"z2m:0x0000000000000063"}


def test_so_many_devices_of_a_bridge_are_kept_and_no_more():
    entries = [
        {"ieee_address": f"0x{n:x}", "friendly_name": f"d{n}"} for n in range(ANNOUNCED_MAX + 1)
    ]
    hearing = Hearing()

    hearing.hear("zigbee2mqtt/bridge/devices", body(entries), True)

    last, beyond = f"zigbee2mqtt/d{ANNOUNCED_MAX - 1}", f"zigbee2mqtt/d{ANNOUNCED_MAX}"
    assert devices_of(hearing.hear(last, PRESS, False)) == {f"z2m:0x{ANNOUNCED_MAX - 1:x}"}
    assert devices_of(hearing.hear(beyond, PRESS, False)) == {f"z2m:d{ANNOUNCED_MAX}"}


@pytest.mark.parametrize(
    "topic",
    ["bed/set", "bed/get", "bed/set/state", "bed/l1/set", "room/bed/set", "room/bed/get/state"],
)
def test_what_others_ask_of_a_device_is_not_its_word(topic):
    hearing = Hearing()
    hearing.configure([registered("zigbee2mqtt/bed")])

    heard = hearing.hear(f"zigbee2mqtt/{topic}", PRESS, False)

    assert heard.readings == ()
    assert heard.ignored == ("command",)


@pytest.mark.parametrize(
    "what", ["logging", "event", "response/device/rename", "request/permit_join", "groups", "log"]
)
def test_what_the_bridge_says_of_devices_is_not_their_word(what):
    heard = Hearing().hear(f"zigbee2mqtt/bridge/{what}", PRESS, False)

    assert (heard.convention, heard.readings) == ("zigbee2mqtt", ())


@pytest.mark.parametrize(
    ("payload", "is_online"),
    [
        (body({"state": "online"}), True),
        (b"online", True),
        (body({"state": "offline"}), False),
        (b"offline", False),
    ],
)
def test_availability_is_told_of_devices_known_or_not_and_of_the_bridge(payload, is_online):
    hearing = Hearing()
    hearing.configure([registered("zigbee2mqtt/bed", id="z2m:bed")])

    told = {
        reading.device: reading.value
        for topic in ("bed/availability", "a/door/availability", "bridge/state")
        for reading in hearing.hear(f"zigbee2mqtt/{topic}", payload, True).readings
        if reading.measurement is Measurement.ONLINE and reading.retained
    }

    assert told == {
        "z2m:bed": is_online,
        "z2m:a/door": is_online,
        "z2m:zigbee2mqtt/bridge": is_online,
    }


@pytest.mark.parametrize("payload", [b"", b"maybe", body({"state": 1}), body({}), b"\xff", b"[1]"])
def test_availability_in_no_known_word_says_nothing(payload):
    assert Hearing().hear("zigbee2mqtt/door/availability", payload, False).readings == ()


def test_a_field_may_have_its_own_topic():
    hearing = Hearing()
    hearing.configure([registered("zigbee2mqtt/a/door")])

    known = hearing.hear("zigbee2mqtt/a/door/contact", b"false", False)
    stranger = hearing.hear("zigbee2mqtt/b/door/temperature", b"21.5", False)

    assert [(r.measurement, r.value, r.path) for r in known.readings] == [
        (Measurement.OPENING, True, "/contact")
    ]
    assert meant(stranger) == {"temperature": 21.5}
    assert devices_of(stranger) == {"z2m:b/door"}


def test_a_device_whose_name_goes_on_behind_a_known_one_is_another_device():
    hearing = Hearing()
    hearing.configure([registered("zigbee2mqtt/kitchen")])

    assert devices_of(hearing.hear("zigbee2mqtt/kitchen/bell", PRESS, False)) == {
        "z2m:kitchen/bell"
    }
