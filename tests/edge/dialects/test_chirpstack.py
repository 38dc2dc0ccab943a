"""ChirpStack: whose uplink it is, what its fields or bytes say, when it was. Messages are ours,
made from its documentation."""

from base64 import b64encode

import pytest

from contract.lanes import Quality
from contract.messages import RegisteredDevice
from contract.vocabulary import Measurement
from edge.dialects import Hearing
from edge.dialects.frames import Frame, parts_of
from edge.meaning import NOT_KNOWN, Doubles
from edge.profiles import load_profiles
from tests.edge.dialects.bridge import CONFIG, body, by_channel, meant, quiet

EUI = "a1b2c3d4e5f60718"
TOPIC = f"application/7/device/{EUI}/event/up"
SHIPPED = load_profiles(CONFIG / "profiles")


def uplink(fields=None, **more):
    info = {"devEui": EUI, "deviceName": "x", "deviceProfileName": "any"}
    time = "2026-01-02T03:04:05.123456789+00:00"
    event = {"time": time, "deviceInfo": info, "devAddr": "01ab23cd", "fCnt": 9, "fPort": 2}
    return {**event, **({} if fields is None else {"object": fields}), **more}


def hear(says, on=TOPIC, retain=False, profiles=SHIPPED, **device):
    hearing = Hearing(profiles)
    if device:
        named = {"id": "lorawan:x", "home": "ho-1", "topic": TOPIC, **device}
        hearing.configure([RegisteredDevice(**named)])
    return hearing.hear(on, says if isinstance(says, bytes) else body(says), retain)


@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [
        ({"temperature": 21.5}, "temperature", 21.5),
        ({"TempC_SHT": 21.5}, "temperature", 21.5),
        ({"air_temperature": {"value": 21.5, "unit": "°C"}}, "temperature", 21.5),
        ({"barometric_pressure": {"value": 100310, "unit": "Pa"}}, "pressure", 1003.1),
        ({"barometric_pressure": 100310}, "pressure", 1003.1),
        ({"Humi": 44}, "humidity", 44),
        ({"battery": 92.0}, "battery", 92),
        ({"battery": 3.6}, "battery_voltage", 3.6),
        ({"vdd": 3601}, "battery_voltage", 3.601),
        ({"BatV": 3.1}, "battery_voltage", 3.1),
        ({"voltage": 229.5}, "voltage", 229.5),
        ({"water_leak": "leak"}, "water_leak", True),
        ({"leakage_status": "normal"}, "water_leak", False),
        ({"WATER_LEAK_STATUS": 1}, "water_leak", True),
        ({"magnet_status": "open"}, "opening", True),
        ({"DOOR_OPEN_STATUS": 0}, "opening", False),
        ({"pir": "trigger"}, "motion", True),
        ({"pir": 0}, "motion", False),
        ({"motion": 6}, "motion", True),
        ({"occupancy": "vacant"}, "occupancy", False),
        ({"tamper_status": "uninstalled"}, "tamper", True),
        ({"lowBatteryAlarm": "Alarm"}, "battery_low", True),
        ({"sos": True}, "sos", True),
        ({"panic_button": 1}, "sos", True),
        ({"press": "short"}, "button", "single"),
        ({"button_event": "long_press"}, "button", "long"),
        ({"latitude": 22.7}, "latitude", 22.7),
    ],
)
def test_a_decoded_field_means_what_its_name_says(fields, name, value):
    assert meant(hear(uplink(fields))) == {name: value}


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature": "NoSensor"},
        {"temperature": 327.67},
        {"temperature_alarm_config": {"threshold_max": 30}},
        {"history": [{"temperature": 20}]},
        {"contact": 1},
        {"contact_switch": "on"},
        {"motion_status": "unknown"},
        {"Alarm": 1},
        {"Cmd": "ConfigReportRsp", "Status": "Success"},
    ],
)
def test_what_a_name_does_not_say_is_not_guessed(fields):
    assert hear(uplink(fields)).readings == ()


def test_the_low_battery_that_a_codec_notes_beside_the_volts_is_heard():
    assert meant(hear(uplink({"Volt": "2.4(low battery)"}))) == {
        "battery_low": True,
        "battery_voltage": 2.4,
    }


def test_cayenne_channels_are_told_apart():
    heard = hear(uplink({"temperatureSensor": {"1": 20.5, "2": 22}, "presenceSensor": {"3": 1}}))

    assert by_channel(heard, Measurement.TEMPERATURE) == {"1": 20.5, "2": 22}
    assert meant(heard)["occupancy"] is True


def test_an_uplink_is_dated_by_its_network():
    reading = hear(uplink({"temperature": 21})).readings[0]

    assert (reading.time_ms, reading.time_quality) == (1767323045123, "gateway")


def test_the_best_gateway_tells_the_signal():
    heard = hear(uplink({"temperature": 21}, rxInfo=[{"rssi": -99}, {"rssi": -60}, {}]))

    assert meant(heard) == {"temperature": 21, "rssi": -60}


def test_the_test_button_of_a_smoke_alarm_is_no_fire():
    fields = {"smokeAlarm": "Alarm", "testButtonPressed": "Pushed"}

    assert [r.quality for r in hear(uplink(fields)).readings] == [Quality.TEST]


@pytest.mark.parametrize("device", [{"topic": TOPIC}, {"topic": "x", "id": f"lorawan:{EUI}"}])
def test_a_device_is_registered_by_its_eui(device):
    capitals = TOPIC.replace(EUI, EUI.upper())

    heard = hear(uplink({"temperature": 21}), capitals, **{"id": "lorawan:x", **device})

    assert heard.readings[0].device == device.get("id", "lorawan:x")
    assert hear(uplink({"temperature": 21})).readings[0].device == f"lorawan:{EUI}"


def test_another_topic_of_the_integration_is_known_by_what_it_carries():
    assert meant(hear(uplink({"temperature": 21}), "lns/any/event/up")) == {"temperature": 21}
    assert hear({"temperature": 21}, "lns/any/event/up") is NOT_KNOWN
    assert hear(b"\x0a", "eu868/gateway/0016c001f153a14c/event/up").readings == ()


@pytest.mark.parametrize(
    ("type_", "says", "name", "value"),
    [
        ("status", {"batteryLevel": 88.5, "margin": 7}, "battery", 88.5),
        ("location", {"location": {"latitude": 22.7, "longitude": 114.1}}, "longitude", 114.1),
    ],
)
def test_other_events_say_their_own(type_, says, name, value):
    heard = hear(uplink(**says), f"application/7/device/{EUI}/event/{type_}")

    assert meant(heard)[name] == value


@pytest.mark.parametrize(
    ("type_", "says"),
    [
        ("join", {}),
        ("ack", {"acknowledged": True}),
        ("txack", {}),
        ("log", {"level": "ERROR", "description": "sos: true"}),
        ("status", {"batteryLevel": 0, "batteryLevelUnavailable": True}),
        ("status", {"batteryLevel": 0, "externalPowerSource": True}),
    ],
)
def test_what_is_no_reading_is_none(type_, says):
    heard = hear(uplink({"sos": True}, **says), f"application/7/device/{EUI}/event/{type_}")

    assert (heard.convention, heard.readings) == ("chirpstack_v4", ())


# ---------------------------------------------------------------- bytes


def raw(data, port, **device):
    event = uplink(data=b64encode(bytes.fromhex(data)).decode(), fPort=port)
    return hear(event, **device)


def test_bytes_are_read_by_the_profile_of_the_model():
    heard = raw("01 75 5C 05 00 01", 85, vendor="Milesight", model="em300-mld")

    assert meant(heard) == {"battery": 92, "water_leak": True}


def test_bytes_of_a_stranger_are_read_where_the_server_names_the_model():
    info = {"devEui": EUI, "deviceProfileName": "WS303"}
    event = uplink(data=b64encode(bytes.fromhex("030001")).decode(), deviceInfo=info)

    assert meant(hear(event)) == {"water_leak": True}


def test_bytes_that_nobody_can_read_are_told_of_a_known_device():
    assert raw("00", 1, vendor="Acme", model="X", is_sos=True).unreadable is not None
    assert raw("EE", 85, vendor="Milesight", model="WS303").unreadable is not None
    assert raw("00", 1).unreadable is None
    assert hear(uplink(data="%%%"), vendor="Milesight", model="WS303").unreadable is not None


def test_a_port_without_measurements_says_nothing():
    heard = raw("82 02 00 3C", 7, vendor="Netvox", model="R311A")

    assert (heard.readings, heard.unreadable) == ((), None)


def test_a_group_that_is_cut_off_gives_nothing_and_those_before_it_stay():
    heard = raw("01 75 5C 03 67 34", 85, vendor="Milesight", model="AM102")

    assert meant(heard) == {"battery": 92}


@pytest.mark.parametrize(
    ("text", "data", "value"),
    [
        ("u8 x", "FF", 255),
        ("i8 x", "FF", -1),
        ("u16/10 x", "0134", 30.8),
        ("i16/100 x", "FF38", -2),
        ("u8&0x7f/10 x", "9A", 2.6),
        ("u16-32768 x", "8320", 800),
        ("u16/65535*175-45 x", "6666", 25),
        ("skip 1, u8 x", "0A0B", 11),
        ("u8 y, again u8&0x80/128 x", "80", 1),
    ],
)
def test_a_part_of_a_frame_reads_as_it_is_written(text, data, value):
    frame = Frame("keys", "big", {b"\x01": parts_of(text)})

    values = frame.read(b"\x01" + bytes.fromhex(data), 1)

    assert values is not None
    assert values["x"] == value


def test_a_sensor_that_is_not_there_is_no_value():
    frame = Frame("keys", "big", {b"\x01": parts_of("i16!0xffff/10 x")})

    assert frame.read(b"\x01\xff\xff", 1) == {}
    assert frame.read(b"\x01\xff\xfe", 1) == {"x": -0.2}


@pytest.mark.parametrize("text", ["u7 x", "u16/ten x", "u16", "skip", "jump 3", "u16 x y"])
def test_a_part_that_makes_no_sense_is_told(text):
    with pytest.raises(ValueError, match="is no part of a frame"):
        parts_of(text)


# ---------------------------------------------------------------- calls


def test_an_emergency_button_is_one_by_its_model():
    button = {"vendor": "netvox", "model": "R312A", "is_sos": True}

    assert meant(hear(uplink({"Alarm": 1}), **button)) == {"sos": True}
    assert quiet(hear(uplink({"Alarm": 0}), **button)) == {"sos": False}


def test_of_a_call_button_that_nobody_describes_alarms_and_presses_are_calls():
    button = {"vendor": "Acme", "model": "X", "is_sos": True}

    assert meant(hear(uplink({"alarm": True}), **button)) == {"sos": True}
    assert meant(hear(uplink({"press": "short"}), **button)) == {"sos": True}


def test_a_smart_button_calls_where_people_call_with_it():
    button = {"vendor": "Milesight", "model": "WS101"}

    assert meant(raw("FF 2E 01", 85, **button)) == {"button": "single"}
    assert meant(raw("FF 2E 01", 85, is_sos=True, **button)) == {"sos": True}


def test_a_frame_that_is_sent_again_is_the_same_press_and_the_next_frame_another():
    hearing, doubles = Hearing(SHIPPED), Doubles()

    def press(number, at_ms):
        event = uplink({"sos": True}, fCnt=number)
        (reading,) = hearing.hear(TOPIC, body(event), False).readings
        repeats = doubles.repeat_of(reading, TOPIC, at_ms)
        doubles.remember(reading, TOPIC, at_ms, at_ms)
        return repeats

    assert press(9, 1_000) is None
    assert press(9, 4_500) == 1_000
    assert press(10, 5_000) is None
    assert press(9, 20_000) is None  # a device that counts anew


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff", b"[]", b'"up"'])
def test_what_cannot_be_read_is_told_of_a_known_device(payload):
    assert hear(payload, is_sos=True).unreadable is not None
    assert hear(payload).unreadable is None
