"""What fields mean: units and polarity from exposes, else the catalogue, else the name."""

import pytest

from contract.lanes import Quality
from contract.vocabulary import SPECS, Measurement
from edge.dialects import Hearing
from edge.dialects.exposes import FEATURES_MAX, features_of
from edge.profiles import load_catalogue, load_hearing
from tests.edge.dialects.bridge import CONFIG, body, by_channel, listed, meant, quiet, registered

TOPIC = "zigbee2mqtt/thing"


def hear(fields, *exposes, retain=False):
    hearing = Hearing()
    if exposes:
        hearing.hear("zigbee2mqtt/bridge/devices", listed("thing", *exposes), True)
    return hearing.hear(TOPIC, body(fields), retain)


def binary(name, on, off, **more):
    return {"property": name, "type": "binary", "value_on": on, "value_off": off, **more}


def numeric(name, unit=None, **more):
    return {"property": name, "type": "numeric", **({"unit": unit} if unit else {}), **more}


@pytest.mark.parametrize(
    ("field", "raw", "name", "value"),
    [
        ("smoke", True, "smoke", True),
        ("gas", False, "gas", False),
        ("carbon_monoxide", True, "carbon_monoxide", True),
        ("water_leak", True, "water_leak", True),
        ("contact", False, "opening", True),
        ("contact", True, "opening", False),
        ("occupancy", True, "occupancy", True),
        ("presence", False, "occupancy", False),
        ("vibration", True, "vibration", True),
        ("vibration", "high", "vibration", True),
        ("tamper", True, "tamper", True),
        ("battery_low", True, "battery_low", True),
        ("battery_state", "low", "battery_low", True),
        ("battery_state", "middle", "battery_low", False),
        ("battery", 87, "battery", 87),
        ("battery", "80.00", "battery", 80.0),
        ("temperature", 21.4, "temperature", 21.4),
        ("local_temperature", 19, "temperature", 19),
        ("device_temperature", 31, "device_temperature", 31),
        ("humidity", 44, "humidity", 44),
        ("pressure", 1002.5, "pressure", 1002.5),
        ("illuminance", 12, "illuminance", 12),
        ("co2", 640, "co2", 640),
        ("pm25", 9, "pm25", 9),
        ("power", 60.5, "power", 60.5),
        ("energy", 3.25, "energy", 3.25),
        ("breathing_rate", 15, "respiratory_rate", 15),
        ("linkquality", 120, "link_quality", 120),
        ("status", "falling", "fall", True),
        ("fall_status", "fall_alarm", "fall", True),
        ("fall_down_status", "fall", "fall", True),
    ],
)
def test_a_name_alone_says_what_most_models_mean_by_it(field, raw, name, value):
    heard = hear({field: raw})

    assert meant(heard) == {name: value}
    assert heard.readings[0].unit == SPECS[Measurement(name)].unit
    assert heard.readings[0].path == field


@pytest.mark.parametrize(
    ("field", "word"),
    [
        ("status", "on_the_bed"),
        ("fall_status", "normal"),
        ("fall_status", "fall_warning"),
        ("fall_down_status", "none"),
        ("fall_down_status", "maybe_fall"),
    ],
)
def test_a_fall_that_is_none_or_only_suspected_is_quiet(field, word):
    assert meant(hear({field: word})) == {}
    assert quiet(hear({field: word})) == {"fall": False}


@pytest.mark.parametrize(
    "fields",
    [
        {"fall_status": "unknown"},
        {"battery_state": "USB"},
        {"gas": 3.5},
        {"voltage": 3000},
        {"target_distance": 120},
        {"noise": 40},
        {"garage_door_contact": True},
        {"temperature": None},
        {"temperature": "warm"},
        {"temperature": True},
        {"temperature": 10**40},
        {"smoke": "perhaps"},
        {"occupancy_timeout": 60},
        {"temperature_calibration": 1},
        {"current_heating_setpoint": 20},
        {"update": {"state": "idle"}},
        {"alarm": True},
    ],
)
def test_what_the_name_does_not_say_is_not_guessed(fields):
    assert meant(hear(fields)) == {}


@pytest.mark.parametrize(
    ("raw", "on", "off", "is_open"),
    [
        (False, False, True, True),
        (True, False, True, False),
        (True, True, False, True),
        ("ON", "ON", "OFF", True),
        ("off", "ON", "OFF", False),
    ],
)
def test_the_polarity_of_a_contact_is_what_its_bridge_exposes(raw, on, off, is_open):
    assert meant(hear({"contact": raw}, binary("contact", on, off))) == {"opening": is_open}


@pytest.mark.parametrize(
    ("field", "unit", "raw", "name", "value"),
    [
        ("temperature", "°C", 20.5, "temperature", 20.5),
        ("temperature", "°F", 68, "temperature", 20),
        ("pressure", "kPa", 100.2, "pressure", 1002),
        ("voltage", "mV", 2995, "battery_voltage", 2.995),
        ("voltage", "V", 231.5, "voltage", 231.5),
        ("target_distance", "m", 1.5, "distance", 1.5),
        ("target_distance", "cm", 150, "distance", 1.5),
        ("noise", "dBA", 41.5, "sound_level", 41.5),
        ("energy", "Wh", 1500, "energy", 1.5),
        ("breathing_rate", "breaths/min", 16, "respiratory_rate", 16),
        ("pm25", "µg/m³", 12, "pm25", 12),
        ("linkquality", "lqi", 200, "link_quality", 200),
        ("humidity", None, 51, "humidity", 51),
    ],
)
def test_the_unit_is_what_its_bridge_exposes(field, unit, raw, name, value):
    assert meant(hear({field: raw}, numeric(field, unit))) == {name: pytest.approx(value)}


@pytest.mark.parametrize(
    ("field", "unit", "raw"),
    [("gas", "m³", 12.5), ("gas", "%LEL", 3), ("illuminance", "%", 40), ("co2", "ppb", 9)],
)
def test_a_unit_of_something_else_is_no_reading(field, unit, raw):
    assert meant(hear({field: raw}, numeric(field, unit))) == {}


def test_volts_beside_a_battery_are_the_battery_s():
    heard = hear({"voltage": 3.1}, numeric("voltage", "V"), numeric("battery", "%"))

    assert meant(heard) == {"battery_voltage": 3.1}


def test_an_endpoint_is_a_channel():
    heard = hear(
        {"temperature_l1": 20, "temperature_l2": 22, "humidity_2": 40},
        numeric("temperature_l1", "°C", endpoint="l1"),
        numeric("temperature_l2", "°C", endpoint="l2"),
    )

    assert by_channel(heard, Measurement.TEMPERATURE) == {"l1": 20, "l2": 22}
    assert by_channel(heard, Measurement.HUMIDITY) == {"2": 40}


def test_two_zones_of_one_detector_are_two_channels():
    heard = hear({"water_leak_alarm_1": True, "water_leak_alarm_2": False, "contact_alarm_1": True})

    assert by_channel(heard, Measurement.WATER_LEAK) == {"alarm_1": True, "alarm_2": False}
    assert by_channel(heard, Measurement.OPENING) == {"alarm_1": True}


def test_two_fields_of_one_meaning_do_not_contradict_each_other():
    heard = hear({"presence": True, "occupancy": False})

    assert by_channel(heard, Measurement.OCCUPANCY) == {None: False, "presence": True}


def test_light_is_the_lux_where_the_raw_measure_comes_with_it():
    assert meant(hear({"illuminance": 16_994, "illuminance_lux": 50})) == {"illuminance": 50}


def test_what_a_switch_exposes_inside_itself_is_known():
    lock = {"type": "lock", "features": [binary("contact", True, False)]}
    composite = {"type": "composite", "property": "x", "features": [binary("contact", True, False)]}

    assert meant(hear({"contact": True}, lock)) == {"opening": True}
    assert meant(hear({"contact": True}, composite)) == {"opening": False}


def test_so_many_features_of_a_device_are_kept_and_no_more():
    exposes = [numeric(f"p{n}") for n in range(FEATURES_MAX + 1)]

    assert len(features_of(exposes)) == FEATURES_MAX
    assert f"p{FEATURES_MAX - 1}" in features_of(exposes)


@pytest.mark.parametrize("exposes", [None, 5, "x", [None], [{}], [{"property": 1, "type": 2}]])
def test_exposes_of_no_known_form_say_nothing(exposes):
    assert features_of(exposes) == {}


def test_exposes_nested_without_end_are_left():
    exposes = [numeric("temperature", "°F")]
    for _ in range(100):
        exposes = [{"type": "switch", "features": exposes}]

    assert "temperature" not in features_of(exposes)


def test_a_test_of_a_detector_is_no_fire():
    heard = hear({"smoke": True, "test": True, "battery_low": False})

    assert {r.measurement: r.quality for r in heard.readings} == {
        Measurement.SMOKE: Quality.TEST,
        Measurement.BATTERY_LOW: Quality.OK,
    }


def test_a_call_for_help_is_never_a_test():
    heard = hear({"action": "emergency", "test": True})

    assert [r.quality for r in heard.readings] == [Quality.OK]


def test_a_value_out_of_range_is_kept_and_marked():
    assert hear({"humidity": 170}).readings[0].quality is Quality.IMPLAUSIBLE


@pytest.mark.parametrize(
    ("last_seen", "time_ms"),
    [
        (1_795_507_200_000, 1_795_507_200_000),
        ("2026-11-24T08:00:00.000Z", 1_795_507_200_000),
        ("2026-11-24T16:00:00+08:00", 1_795_507_200_000),
        ("2026-11-24T08:00:00", None),
        ("N/A", None),
        (-1, None),
        (10**30, None),
        (None, None),
    ],
)
def test_the_bridge_s_own_time_counts_where_it_has_an_offset(last_seen, time_ms):
    reading = hear({"contact": True, "last_seen": last_seen}).readings[0]

    assert reading.time_ms == time_ms
    assert reading.time_quality == ("received" if time_ms is None else "device")


def test_a_retained_state_is_a_state():
    heard = hear({"smoke": True}, retain=True)

    assert [(r.value, r.retained) for r in heard.readings] == [(True, True)]


@pytest.mark.parametrize(
    ("vendor", "model", "fields", "expected"),
    [
        ("TERNCY", "TERNCY-DC01", {"contact": True}, {"opening": True}),
        ("PushOk Hardware", "POK003", {"contact": "ON"}, {"opening": True}),
        ("Tuya", "TS0603", {"garage_door_contact": True}, {"opening": True}),
        ("", "GDC311ZBQ1", {"garage_door_contact": True}, {"opening": False}),
        ("Lincukoo", "E04CF-Z10T", {"gas": 4}, {}),
        ("Ensystec", "Ensystec-Leak-Protect-Zigbee", {"battery_low_1": "Low"}, {"battery_low": 1}),
        ("unheard of", "neither", {"contact": True}, {"opening": False}),
    ],
)
def test_before_its_bridge_has_spoken_a_registered_model_is_read_by_the_catalogue(
    vendor, model, fields, expected
):
    hearing = load_hearing(CONFIG)
    hearing.configure([registered(TOPIC, vendor=vendor, model=model)])

    assert meant(hearing.hear(TOPIC, body(fields), False)) == expected


def test_what_the_bridge_exposes_goes_before_the_catalogue():
    hearing = load_hearing(CONFIG)
    hearing.configure([registered(TOPIC, vendor="TERNCY", model="TERNCY-DC01")])
    hearing.hear(
        "zigbee2mqtt/bridge/devices", listed("thing", binary("contact", False, True)), True
    )

    assert meant(hearing.hear(TOPIC, body({"contact": True}), False)) == {"opening": False}


def test_the_catalogue_knows_every_way_of_calling_for_help():
    catalogue = load_catalogue(CONFIG / "zigbee_models.json")

    assert "emergency" in catalogue.features("Tuya", "TS0215A_sos")["action"].values
    assert catalogue.features("feibit", "seb01zb")["sos"].value_on is True
    assert catalogue.features("nobody", "nothing") == {}
