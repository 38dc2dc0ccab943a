"""ESPHome: what nodes announce, what their topics say. Messages are ours, made from its
documentation and source."""

import pytest

from contract.messages import RegisteredDevice
from edge.dialects import Hearing
from edge.dialects.esphome import ENTITIES_MAX
from edge.dialects.profile import Profiles
from edge.meaning import NOT_KNOWN
from edge.profiles import made_profile
from tests.edge.dialects.bridge import body, meant, quiet

MAC = "aabbcc112233"


def listening(fields=None, **device):
    own = [] if fields is None else [made_profile("own", "ESPHome", "own", fields)]
    hearing = Hearing(Profiles(own))
    if fields is not None or device:
        named = {"id": "node", "home": "ho-1", "topic": "bath", "profile": "own", **device}
        hearing.configure([RegisteredDevice(**named)])
    return hearing


def announce(hearing, component, name, discovery="homeassistant", **said):
    config = {
        "name": name,
        "stat_t": f"bath/{component}/{name}/state",
        "avty_t": "bath/status",
        "uniq_id": f"ESP{component}{name}",
        "dev": {"ids": MAC, "name": "bath", "sw": "esphome v2026.1.0"},
        **said,
    }
    return hearing.hear(f"{discovery}/{component}/bath/{name}/config", body(config), True)


def say(component, text, hearing=None, retain=False, **said):
    hearing = hearing or listening()
    announce(hearing, component, "x", **said)
    payload = text if isinstance(text, bytes) else text.encode()
    return hearing.hear(f"bath/{component}/x/state", payload, retain)


@pytest.mark.parametrize(
    ("said", "text", "name", "value"),
    [
        ({"dev_cla": "temperature", "unit_of_meas": "°C"}, "21.4", "temperature", 21.4),
        ({"dev_cla": "temperature", "unit_of_meas": "°F"}, "68", "temperature", 20),
        ({"device_class": "humidity", "unit_of_measurement": "%"}, "44", "humidity", 44),
        ({"dev_cla": "atmospheric_pressure", "unit_of_meas": "hPa"}, "1003", "pressure", 1003),
        ({"dev_cla": "pressure", "unit_of_meas": "kPa"}, "100.3", "pressure", 1003),
        ({"dev_cla": "illuminance", "unit_of_meas": "lx"}, "80", "illuminance", 80),
        ({"dev_cla": "carbon_dioxide", "unit_of_meas": "ppm"}, "700", "co2", 700),
        ({"dev_cla": "pm25", "unit_of_meas": "µg/m³"}, "9", "pm25", 9),
        ({"dev_cla": "energy", "unit_of_meas": "Wh"}, "1500", "energy", 1.5),
        ({"dev_cla": "distance", "unit_of_meas": "cm"}, "150", "distance", 1.5),
        ({"dev_cla": "battery", "unit_of_meas": "%"}, "87", "battery", 87),
        ({"dev_cla": "signal_strength", "unit_of_meas": "dBm"}, "-61", "rssi", -61),
        (
            {"dev_cla": "temperature", "unit_of_meas": "°C", "ent_cat": "diagnostic"},
            "48.5",
            "device_temperature",
            48.5,
        ),
    ],
)
def test_a_number_means_what_was_announced(said, text, name, value):
    assert meant(say("sensor", text, **said)) == {name: pytest.approx(value)}


@pytest.mark.parametrize(
    ("class_", "name"),
    [
        ("door", "opening"),
        ("window", "opening"),
        ("moisture", "water_leak"),
        ("smoke", "smoke"),
        ("gas", "gas"),
        ("carbon_monoxide", "carbon_monoxide"),
        ("heat", "heat_alarm"),
        ("motion", "motion"),
        ("occupancy", "occupancy"),
        ("vibration", "vibration"),
        ("tamper", "tamper"),
        ("battery", "battery_low"),
    ],
)
def test_on_is_what_the_class_names(class_, name):
    assert meant(say("binary_sensor", "ON", dev_cla=class_)) == {name: True}
    assert meant(say("binary_sensor", "OFF", dev_cla=class_)) == {name: False}


def test_a_safety_sensor_calls_when_it_changes_and_not_from_before_we_listened():
    assert meant(say("binary_sensor", "ON", dev_cla="safety")) == {"sos": True}
    assert quiet(say("binary_sensor", "OFF", dev_cla="safety")) == {"sos": False}
    assert meant(say("binary_sensor", "ON", dev_cla="safety", retain=True)) == {}


def test_a_node_may_have_its_own_words():
    said = {"dev_cla": "door", "pl_on": "open", "pl_off": "shut"}

    assert meant(say("binary_sensor", "open", **said)) == {"opening": True}
    assert say("binary_sensor", "ON", **said).readings == ()


@pytest.mark.parametrize("text", ["nan", "NaN", "None", "", "unavailable", "warm"])
def test_a_sensor_that_failed_says_nothing(text):
    heard = say("sensor", text, dev_cla="temperature", unit_of_meas="°C")

    assert (heard.readings, heard.ignored) == ((), ("no_value",))


@pytest.mark.parametrize(
    ("component", "said"),
    [
        ("sensor", {"unit_of_meas": "°C"}),
        ("sensor", {"dev_cla": "temperature", "unit_of_meas": "furlong"}),
        ("binary_sensor", {}),
        ("binary_sensor", {"dev_cla": "presence"}),
        ("binary_sensor", {"dev_cla": "problem"}),
    ],
)
def test_what_is_not_described_is_not_guessed(component, said):
    text = "21" if component == "sensor" else "ON"

    assert say(component, text, **said).readings == ()


def test_an_announcement_that_needs_a_template_is_left_to_others():
    heard = say("sensor", "21", dev_cla="temperature", val_tpl="{{ value_json.t }}")

    assert heard.readings == ()


def test_no_announcement_takes_the_topic_of_another_device():
    hearing = listening()
    press = body({"action": "emergency", "linkquality": 80})
    said = {"dev_cla": "humidity", "avty_t": "zigbee2mqtt/bed", "pl_avail": press.decode()}
    announce(hearing, "sensor", "x", stat_t="zigbee2mqtt/bed", **said)
    announce(hearing, "sensor", "y", **said)

    assert meant(hearing.hear("zigbee2mqtt/bed", press, False))["sos"] is True


def test_topics_may_be_shortened_and_the_discovery_lie_elsewhere():
    hearing = listening()
    said = {"~": "bath", "stat_t": "~/sensor/x/state", "avty_t": "~/status"}
    announce(hearing, "sensor", "x", "ha/disc", dev_cla="humidity", unit_of_meas="%", **said)

    assert meant(hearing.hear("bath/sensor/x/state", b"44", True)) == {"humidity": 44}


def test_an_entity_that_is_taken_back_says_nothing_more():
    hearing = listening()
    announce(hearing, "sensor", "x", dev_cla="humidity", unit_of_meas="%")
    hearing.hear("homeassistant/sensor/bath/x/config", b"", True)

    assert hearing.hear("bath/sensor/x/state", b"44", False).readings == ()


def test_the_device_is_its_address_once_it_has_told_it():
    hearing = listening()

    assert hearing.hear("bath/status", b"online", True).readings[0].device == "esphome:bath"
    announce(hearing, "sensor", "x")
    assert hearing.hear("bath/status", b"online", True).readings[0].device == f"esphome:{MAC}"


@pytest.mark.parametrize("topic", ["bath", "bath/status", "bath/sensor/x/state"])
def test_a_node_is_registered_by_its_prefix_or_any_of_its_topics(topic):
    heard = say("sensor", "44", listening(topic=topic), dev_cla="humidity", unit_of_meas="%")

    assert heard.readings[0].device == "node"


def test_a_node_says_that_it_is_there_and_its_broker_that_it_is_not():
    assert meant(listening().hear("a/bath/status", b"online", True)) == {"online": True}
    assert meant(listening().hear("bath/status", b"offline", False)) == {"online": False}
    assert listening().hear("bath/status", b"ready", False) is NOT_KNOWN


def test_a_node_may_have_its_own_words_for_being_there():
    hearing = listening()
    announce(hearing, "sensor", "x", pl_avail="up", pl_not_avail="down")

    assert meant(hearing.hear("bath/status", b"down", False)) == {"online": False}
    assert hearing.hear("bath/status", b"offline", False) is NOT_KNOWN


def test_home_assistant_itself_is_no_device():
    hearing = listening()
    announce(hearing, "sensor", "x", discovery="ha")

    assert hearing.hear("ha/status", b"online", False) is NOT_KNOWN
    assert hearing.hear("homeassistant/status", b"online", False) is NOT_KNOWN


def test_an_event_is_a_press():
    said = {"dev_cla": "button", "evt_typ": ["press", "double_press"]}

    assert meant(say("event", body({"event_type": "press"}), **said)) == {"button": "press"}
    assert meant(say("event", body({"event_type": "emergency"}), **said)) == {"sos": True}


def test_a_profile_says_what_a_topic_is():
    fields = {"binary_sensor/x": "sos", "sensor/x": "respiratory_rate /min"}

    assert meant(say("binary_sensor", "ON", listening(fields))) == {"sos": True}
    pressed = body({"event_type": "press"})
    assert meant(say("event", pressed, listening({"event/x": "sos"}))) == {"sos": True}
    assert meant(say("sensor", "15", listening(fields), unit_of_meas="bpm")) == {
        "respiratory_rate": 15
    }


def test_of_a_call_button_that_nobody_describes_each_on_is_a_call():
    node = listening(profile=None, is_sos=True)

    assert meant(node.hear("bath/binary_sensor/cord/state", b"ON", False)) == {"sos": True}
    assert quiet(node.hear("bath/binary_sensor/cord/state", b"OFF", False)) == {"sos": False}


@pytest.mark.parametrize("payload", [b"\xff\xfe", b"perhaps", b"{"])
def test_what_cannot_be_read_of_a_call_button_is_told(payload):
    node = listening(profile=None, is_sos=True)

    heard = node.hear("bath/binary_sensor/cord/state", payload, False)

    assert heard.unreadable is not None
    assert heard.unreadable.device == "node"


def test_so_many_entities_are_kept_and_no_more():
    hearing = listening()
    for n in range(ENTITIES_MAX + 1):
        announce(hearing, "sensor", f"s{n}", dev_cla="humidity", unit_of_meas="%")

    last, beyond = f"bath/sensor/s{ENTITIES_MAX - 1}/state", f"bath/sensor/s{ENTITIES_MAX}/state"
    assert meant(hearing.hear(last, b"44", False)) == {"humidity": 44}
    assert hearing.hear(beyond, b"44", False).readings == ()
