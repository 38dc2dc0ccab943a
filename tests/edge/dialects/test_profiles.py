"""Device profiles: the shipped ones keep their own promises, a wrong one is told with its place."""

import pytest

from contract.vocabulary import Measurement
from edge.dialects.profile import Profiles
from edge.errors import BadSettings
from edge.profiles import (
    load_catalogue,
    load_hearing,
    load_profiles,
    mistakes,
    read_profile,
)
from tests.edge.dialects.bridge import CONFIG

SHIPPED = list(load_profiles(CONFIG / "profiles"))
GOOD = """
vendor: Acme
models: [X-1]
source: its manual, page 3
fields:
  state:
    up: sos
    down: { occupancy: true, sos: false }
  flag:
    off: opening
examples:
  - { says: { state: up }, means: { sos: true } }
"""


def write(folder, text):
    file = folder / "acme_x_1.yaml"
    file.write_text(text, "utf-8")
    return file


@pytest.mark.parametrize("profile", SHIPPED, ids=lambda profile: profile.name)
def test_a_shipped_profile_means_what_its_examples_say(profile):
    assert mistakes(profile, load_catalogue(CONFIG / "zigbee_models.json")) == []


@pytest.mark.parametrize("profile", SHIPPED, ids=lambda profile: profile.name)
def test_every_word_of_a_shipped_profile_that_calls_or_cancels_has_an_example(profile):
    named = {m for words in profile.fields.values() for meant in words.values() for m in meant}
    shown = {m for example in profile.examples for m in example.means}

    assert named <= shown


def test_a_profile_is_named_as_its_file(tmp_path):
    profile = read_profile(write(tmp_path, GOOD))

    assert (profile.name, profile.vendor, profile.models) == ("acme_x_1", "Acme", ("X-1",))
    assert load_profiles(tmp_path).named("acme_x_1") == profile
    assert load_profiles(tmp_path).of_model("ACME", "x-1") == profile


def test_an_unquoted_off_in_yaml_is_the_word_and_the_value(tmp_path):
    flag = read_profile(write(tmp_path, GOOD)).fields["flag"]

    assert flag.keys() == {"off", "false"}


def test_a_field_that_is_one_measurement_says_it_in_its_own_unit(tmp_path):
    written = GOOD.replace("  flag:\n    off: opening", "  flag: opening\n  level: distance mm")
    profile = read_profile(write(tmp_path, written))

    assert profile.meaning_of("flag", "OFF") == {Measurement.OPENING: False}
    assert profile.meaning_of("flag", 1) == {Measurement.OPENING: True}
    assert profile.meaning_of("flag", "ajar") == {}
    assert profile.meaning_of("level", 1500) == {Measurement.DISTANCE: 1.5}
    assert profile.meaning_of("other", 1) is None


def test_a_model_alone_finds_its_profile_and_a_vendor_only_its_own(tmp_path):
    profiles = Profiles([read_profile(write(tmp_path, GOOD))])

    assert profiles.of_model("", "X-1") is not None
    assert profiles.of_model("Other", "X-1") is None


def test_an_example_that_is_not_kept_is_told(tmp_path):
    wrong = GOOD.replace("means: { sos: true }", "means: { occupancy: true }")
    profile = read_profile(write(tmp_path, wrong))

    found = mistakes(profile, load_catalogue(CONFIG / "zigbee_models.json"))

    assert len(found) == 2  # what is missing, and the call for help that nobody expected
    assert all("acme_x_1" in mistake for mistake in found)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("up: sos", "up: sous", "state: up"),
        ("occupancy: true", "occupancy: perhaps", "occupancy"),
        ("occupancy: true", "temperature: true", "temperature"),
        ("vendor: Acme", "maker: Acme", "maker"),
        ("models: [X-1]", "models: []", "models"),
        ("vendor: Acme", "vendor: [", "acme_x_1"),
        ("source: its manual, page 3\n", "", "source"),
        ("means: { sos: true }", "means: { help: true }", "help"),
        ("vendor: Acme", "vendor: Acme\nconvention: smoke_signs", "convention is one of"),
        ("  flag:\n    off: opening", "  flag: opened", "opened"),
        ("  flag:\n    off: opening", "  flag: distance lx", "lx is no unit of distance"),
        ("fields:", "frame: { groups: { '01': u9 x } }\nfields:", "u9 x"),
        ("fields:", "frame: { groups: { 'xy': u8 x } }\nfields:", "frame"),
        ("fields:", "frame: { groups: {} }\nfields:", "at least one byte"),
        ("fields:", "frame: { groups: { '01': u8 x }, kind: odd }\nfields:", "kind"),
    ],
)
def test_a_mistake_in_a_profile_is_told_with_its_place(tmp_path, before, after, told):
    file = write(tmp_path, GOOD.replace(before, after))

    with pytest.raises(BadSettings, match=told) as caught:
        read_profile(file)

    assert str(file) in str(caught.value)


def test_a_folder_without_profiles_or_catalogue_is_told(tmp_path):
    with pytest.raises(BadSettings, match="profiles"):
        load_hearing(tmp_path)
    (tmp_path / "profiles").mkdir()
    with pytest.raises(BadSettings, match="catalogue"):
        load_hearing(tmp_path)


def test_a_damaged_catalogue_is_told(tmp_path):
    file = tmp_path / "zigbee_models.json"
    file.write_bytes(b'{"about": 1}')

    with pytest.raises(BadSettings, match="catalogue"):
        load_catalogue(file)
