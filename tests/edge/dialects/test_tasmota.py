"""Tasmota: wired sensors, buttons and switches, Zigbee behind it, and who is there. Messages are
ours, made from its documentation."""

import pytest

from contract.messages import RegisteredDevice
from contract.vocabulary import Measurement
from edge.dialects import Hearing
from edge.dialects.profile import Profiles
from edge.meaning import NOT_KNOWN
from edge.profiles import made_profile
from tests.edge.dialects.bridge import body, by_channel, meant, quiet

SENSOR = "tele/bed-7/SENSOR"


def hear(says, on=SENSOR, retain=False, fields=None, **device):
    own = [] if fields is None else [made_profile("own", "Tasmota", "own", fields)]
    hearing = Hearing(Profiles(own))
    if fields is not None or device:
        named = {"id": "bed", "home": "ho-1", "topic": "tele/bed-7", "profile": "own", **device}
        hearing.configure([RegisteredDevice(**named)])
    return hearing.hear(on, says if isinstance(says, bytes) else body(says), retain)


@pytest.mark.parametrize(
    ("says", "name", "value"),
    [
        ({"SHT30": {"Temperature": 21.5}, "TempUnit": "C"}, "temperature", 21.5),
        ({"SHT30": {"Temperature": 68}, "TempUnit": "F"}, "temperature", 20),
        ({"SHT30": {"Humidity": 41.5}}, "humidity", 41.5),
        ({"BMP280": {"Pressure": 1003.1}, "PressureUnit": "hPa"}, "pressure", 1003.1),
        ({"BMP280": {"Pressure": 750}, "PressureUnit": "mmHg"}, "pressure", 999.917906),
        ({"BH1750": {"Illuminance": 120}}, "illuminance", 120),
        ({"SCD30": {"CarbonDioxide": 640, "eCO2": 700}}, "co2", 640),
        ({"SDS0X1": {"PM2.5": 12.5, "PM10": 20}}, "pm25", 12.5),
        ({"SR04": {"Distance": 85.5}}, "distance", 0.855),
        ({"VL53L0X": {"Distance": 855}}, "distance", 0.855),
        ({"ATC112233": {"Battery": 87}}, "battery", 87),
        ({"ESP32": {"Temperature": 51.7}}, "device_temperature", 51.7),
        ({"MPU6050": {"Temperature": 30.1}}, "device_temperature", 30.1),
        ({"ENERGY": {"Power": 60, "Total": 0.5}}, "power", 60),
    ],
)
def test_a_sensor_says_what_its_fields_and_units_say(says, name, value):
    assert meant(hear({"Time": "2026-01-02T03:04:05", **says}))[name] == pytest.approx(value)


@pytest.mark.parametrize(
    "says",
    [
        {"DS18B20": {"Id": "01", "Temperature": None}},
        {"MLX90614": {"OBJTMP": 31.2, "AMBTMP": 22}},
        {"BME680": {"DewPoint": 9.1, "Gas": 100.2}},
        {"SHT30": {"Temperature": 21}, "TempUnit": "R"},
        {"ANALOG": {"A0": 512}},
        {"Switch1": "ON"},
        {"POWER": "ON"},
    ],
)
def test_what_is_no_reading_is_none(says):
    heard = hear(says)

    assert heard.convention == "tasmota"
    assert heard.readings == ()


def test_sensors_of_one_kind_are_told_apart():
    two = hear({"DS18B20-1": {"Temperature": 20}, "DS18B20-2": {"Temperature": 22}})
    analog = hear({"ANALOG": {"Temperature1": 20, "Temperature2": 22}})

    assert by_channel(two, Measurement.TEMPERATURE) == {"DS18B20-1": 20, "DS18B20-2": 22}
    assert by_channel(analog, Measurement.TEMPERATURE) == {"1": 20, "2": 22}


@pytest.mark.parametrize("topic", ["stat/bed-7/STATUS8", "stat/bed-7/STATUS10"])
def test_an_answer_to_a_question_says_the_same(topic):
    assert meant(hear({"StatusSNS": {"SHT30": {"Humidity": 40}}}, topic)) == {"humidity": 40}


@pytest.mark.parametrize(
    ("topic", "uid"),
    [
        ("tele/bed-7/SENSOR", "tasmota:bed-7"),
        ("bed-7/tele/SENSOR", "tasmota:bed-7"),
        ("home/bed-7/tele/SENSOR", "tasmota:home/bed-7"),
        ("stat/bed-7/STATUS8", "tasmota:bed-7"),
    ],
)
def test_the_device_is_its_topic_however_the_levels_lie(topic, uid):
    heard = hear({"SHT30": {"Humidity": 40}}, topic)

    assert {reading.device for reading in heard.readings} == {uid}


@pytest.mark.parametrize("topic", ["tele/bed-7", "tele/bed-7/SENSOR", "bed-7", "stat/bed-7/RESULT"])
def test_a_device_is_registered_by_any_of_its_topics(topic):
    heard = hear({"SHT30": {"Humidity": 40}}, id="tasmota:dc4f22", topic=topic)

    assert heard.readings[0].device == "tasmota:dc4f22"


@pytest.mark.parametrize(
    ("time", "time_ms"),
    [
        ({"Time": "2026-01-02T03:04:05"}, None),
        ({"Time": "2026-01-02T03:04:05+01:00"}, 1767319445000),
        ({"Time": "2026-01-02T03:04:05", "Epoch": 1767319445}, 1767319445000),
        ({"Time": 1767319445}, 1767319445000),
        ({"Time": "1970-01-01T00:00:12", "Epoch": 12}, None),
    ],
)
def test_a_local_time_dates_nothing(time, time_ms):
    reading = hear({**time, "SHT30": {"Humidity": 40}}).readings[0]

    assert (reading.time_ms, reading.time_quality) == (
        (None, "received") if time_ms is None else (time_ms, "device")
    )


@pytest.mark.parametrize(
    ("topic", "says", "word"),
    [
        ("stat/bed-7/RESULT", {"Button1": {"Action": "SINGLE"}}, "single"),
        ("stat/bed-7/RESULT", {"Button2": {"Action": "HOLD"}}, "hold"),
        ("stat/bed-7/BUTTON1", {"ACTION": "DOUBLE"}, "double"),
    ],
)
def test_a_button_is_a_button(topic, says, word):
    assert meant(hear(says, topic)) == {"button": word}


def test_letting_go_is_no_press():
    assert hear({"Button1": {"Action": "CLEAR"}}, "stat/bed-7/RESULT").readings == ()


@pytest.mark.parametrize("fields", [{"Switch1": "sos"}, {"Switch1": {"ON": "sos"}}])
@pytest.mark.parametrize("says", [{"Switch1": "ON"}, {"Switch1": {"Action": "ON"}}])
def test_a_profile_says_what_a_switch_is(fields, says):
    heard = hear(says, fields=fields)

    assert meant(heard) == {"sos": True}
    assert len(heard.readings) == 1


@pytest.mark.parametrize(
    "fields", [{"Button1": "sos"}, {"Button1": {"DOUBLE": "sos"}}, {"Button1": {"double": "sos"}}]
)
def test_a_profile_says_what_a_press_is(fields):
    says = {"Button1": {"Action": "DOUBLE"}}

    assert meant(hear(says, "stat/bed-7/RESULT", fields=fields)) == {"sos": True}


def test_a_word_that_a_call_cannot_have_is_told():
    assert hear({"Switch1": "AJAR"}, fields={"Switch1": "sos"}).unreadable is not None


def test_of_a_call_button_that_nobody_describes_each_press_is_a_call():
    cord = {"profile": None, "is_sos": True}

    assert meant(hear({"Switch1": "ON"}, **cord)) == {"sos": True}
    assert quiet(hear({"Switch1": "OFF"}, **cord)) == {"sos": False}
    assert meant(hear({"Button1": {"Action": "SINGLE"}}, "stat/bed-7/RESULT", **cord)) == {
        "sos": True
    }


def test_a_word_of_a_radio_pendant_may_be_a_call_by_its_code():
    fields = {"RfReceived.Data": {"D1E2B4": "sos"}}
    says = {"RfReceived": {"Data": "D1E2B4", "RfKey": "None"}}

    assert meant(hear(says, "tele/bed-7/RESULT", fields=fields)) == {"sos": True}


# ---------------------------------------------------------------- Zigbee

FRAME = {"Device": "0x1A2B", "Temperature": 20.5, "Endpoint": 1, "LinkQuality": 90}


@pytest.mark.parametrize(
    ("topic", "says"),
    [
        (SENSOR, {"ZbReceived": {"0x1A2B": FRAME}}),
        (SENSOR, {"ZbReceived": {"Bath": {**FRAME, "Name": "Bath"}}}),
        (SENSOR, {"0x1A2B": FRAME}),
        (SENSOR, {"ZbReceived": FRAME}),
        (SENSOR, {"ZigbeeReceived": {"0x1A2B": FRAME}}),
        (SENSOR, FRAME),
        ("tele/bed-7/1A2B/SENSOR", {"ZbReceived": {"0x1A2B": FRAME}}),
        ("tele/bed-7/Bath/SENSOR", {**FRAME, "Name": "Bath"}),
    ],
)
def test_a_zigbee_device_is_itself_in_every_form_of_its_bridge(topic, says):
    heard = hear(says, topic)

    assert meant(heard) == {"temperature": 20.5, "link_quality": 90}
    assert {reading.device for reading in heard.readings} == {"tasmota:bed-7/0x1A2B"}


def test_two_zigbee_devices_in_one_message_are_two():
    other = {"Device": "0x3C4D", "Humidity": 44, "LinkQuality": 80}

    heard = hear({"ZbReceived": {"0x1A2B": FRAME, "0x3C4D": other}})

    assert len({reading.device for reading in heard.readings}) == 2


@pytest.mark.parametrize(
    ("says", "name", "value"),
    [
        ({"Occupancy": 1}, "occupancy", True),
        ({"Contact": 0}, "opening", False),
        ({"Water": 1}, "water_leak", True),
        ({"Fire": 1}, "smoke", True),
        ({"CO": 0}, "carbon_monoxide", False),
        ({"Panic": 1}, "sos", True),
        ({"BatteryPercentage": 66}, "battery", 66),
        ({"Battery": 66}, "battery", 66),
        ({"Voltage": 2.995}, "battery_voltage", 2.995),
        ({"LocalTemperature": 20.5}, "temperature", 20.5),
        ({"Click": "double"}, "button", "double"),
        ({"AqaraVibrationMode": "vibrate"}, "vibration", True),
    ],
)
def test_a_zigbee_attribute_has_its_meaning(says, name, value):
    frame = {"Device": "0x1A2B", **says, "Endpoint": 1}

    assert meant(hear({"ZbReceived": {"0x1A2B": frame}})) == {name: value}


@pytest.mark.parametrize(
    "says", [{"Power": 1}, {"Illuminance": 21000}, {"AqaraVibrationMode": "drop"}]
)
def test_a_zigbee_attribute_without_a_sure_meaning_is_none(says):
    assert hear({"ZbReceived": {"0x1A2B": {**says, "Endpoint": 1}}}).readings == ()


@pytest.mark.parametrize("place", ["bed-7/0x1A2B", "bed-7/Bath"])
def test_a_zigbee_device_is_registered_behind_its_bridge(place):
    says = {"ZbReceived": {"0x1A2B": {**FRAME, "Name": "Bath"}}}

    assert hear(says, id="bath", topic=place).readings[0].device == "bath"


# ---------------------------------------------------------------- who is there


def test_the_last_will_says_who_is_there():
    assert meant(hear(b"Online", "tele/bed-7/LWT", retain=True)) == {"online": True}
    assert meant(hear(b"Offline", "tele/bed-7/LWT")) == {"online": False}
    assert hear(b"online", "home/gateway/LWT") is NOT_KNOWN  # somebody else's


def test_an_announcement_tells_address_words_and_sleep():
    hearing = Hearing()
    config = {"t": "bed-7", "onln": "Da", "ofln": "Weg", "dslp": 1, "ver": 1}
    hearing.hear("tasmota/discovery/DC4F2233AA55/config", body(config), True)

    online = hearing.hear("tele/bed-7/LWT", b"Da", True)
    asleep = hearing.hear("tele/bed-7/LWT", b"Weg", True)

    assert [(r.device, r.value) for r in online.readings] == [("tasmota:dc4f2233aa55", True)]
    assert (asleep.readings, asleep.ignored) == ((), ("asleep",))


@pytest.mark.parametrize("topic", ["stat/bed-7/POWER", "tele/bed-7/INFO1", "cmnd/bed-7/POWER"])
def test_what_a_known_device_says_besides_is_no_news(topic):
    assert hear(b"ON", topic, is_sos=True).ignored == ("other",)
    assert hear(b"ON", topic) is NOT_KNOWN


def test_signal_strength_is_told_with_the_state():
    assert meant(hear({"Wifi": {"RSSI": 80, "Signal": -60}}, "tele/bed-7/STATE")) == {"rssi": -60}


@pytest.mark.parametrize("topic", [SENSOR, "stat/bed-7/RESULT", "tele/bed-7/STATE"])
@pytest.mark.parametrize("payload", [b"[1]", b"{", b"\xff", b'{"a": NaN}', b"null"])
def test_what_cannot_be_read_is_told_of_a_known_device(topic, payload):
    known = hear(payload, topic, is_sos=True)

    assert known.unreadable is not None
    assert known.unreadable.device == "bed"
    assert hear(payload, topic).unreadable is None
