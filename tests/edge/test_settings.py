"""What an agent is told, and what it says of a mistake."""

import pytest

from edge.errors import BadSettings
from edge.settings import FILE_BYTES_MAX, BrokerSettings, Settings, checked, read_settings
from edge.words import read_words
from tests.edge.dialects.bridge import CONFIG
from tests.edge.house import GATEWAY


def written(folder, text):
    file = folder / "edge.toml"
    file.write_text(text)
    return file


def test_only_the_gateway_must_be_said(tmp_path):
    settings = read_settings(written(tmp_path, f'gateway = "{GATEWAY}"'))

    assert settings == Settings(gateway=GATEWAY)
    assert (settings.siren_after_s, settings.home.topics) == (30, ("#",))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "gateway"),
        ('gateway = "gw-1"', "gw-1"),
        ('gateway = "gw-test01"\nsiren = 3', "siren"),
        ('gateway = "gw-test01"\nsiren_after_s = 4', "siren_after_s"),
        ('gateway = "gw-test01"\nsiren_after_s = "30"', "siren_after_s"),
        ('gateway = "gw-test01"\n[home]\nport = 65536', "home.port"),
        ('gateway = "gw-test01"\n[home]\ntopics = []', "home.topics"),
        ('gateway = "gw-test01"\n[home]\ntopics = ["a/#/b"]', "a/#/b"),
        ("gateway = ", "edge.toml"),
        ("#" * (FILE_BYTES_MAX + 1), str(FILE_BYTES_MAX)),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path, text, named):
    with pytest.raises(BadSettings, match=named.replace("[", r"\[")):
        read_settings(written(tmp_path, text))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadSettings, match="nowhere"):
        read_settings(tmp_path / "nowhere.toml")


@pytest.mark.parametrize("topic", ["#", "+", "zigbee2mqtt/#", "a/+/b", "/a", "a//b", "a/", "$x/#"])
def test_every_topic_filter_of_mqtt_may_be_listened_to(topic):
    settings = Settings(gateway=GATEWAY, home=BrokerSettings(topics=(topic,)))

    assert checked(settings) is settings


@pytest.mark.parametrize("topic", ["", "a#", "#/a", "a+/b", "a/b+"])
def test_what_is_no_topic_filter_is_refused_before_a_broker_sees_it(topic):
    with pytest.raises(BadSettings, match="topic filter"):
        checked(Settings(gateway=GATEWAY, home=BrokerSettings(topics=(topic,))))


def test_a_password_is_read_when_it_is_needed_and_never_lies_in_the_settings(tmp_path):
    broker = BrokerSettings(password_file=written(tmp_path, "open sesame\n"))

    assert broker.password() == "open sesame"
    assert "sesame" not in repr(broker)
    assert BrokerSettings().password() is None


def test_a_password_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(BadSettings, match="secret"):
        BrokerSettings(password_file=tmp_path / "secret").password()


def test_the_gateway_has_all_its_words_in_both_languages():
    words = read_words(CONFIG)

    assert {"calling", "received", "cancelled", "local_help"} <= words.keys()
    assert all(each.zh and each.en for each in words.values())


@pytest.mark.parametrize("text", ["- a list", "edge.calling: { zh: 好 }", "edge.calling: {"])
def test_words_that_cannot_be_read_are_named(tmp_path, text):
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "edge.yaml").write_text(text, encoding="utf-8")

    with pytest.raises(BadSettings, match=r"edge\.yaml"):
        read_words(tmp_path)
