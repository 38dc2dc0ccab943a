"""The town's file: what it must hold, and what is said when it is wrong."""

import re
from pathlib import Path

import pytest

from device_simulators.errors import BadPlan, NotInTown
from device_simulators.models import MODELS
from device_simulators.plan import CALLS, HOMES_MAX, read_plan, read_words
from device_simulators.virtual_home import cancel_of

DEMO = Path(__file__).parents[2] / "config" / "demo"


def changed(tmp_path: Path, before: str, after: str) -> Path:
    text = (DEMO / "homes.yaml").read_text(encoding="utf-8")
    assert before in text
    file = tmp_path / "homes.yaml"
    file.write_text(text.replace(before, after), encoding="utf-8")
    return file


def test_the_demo_has_forty_homes_with_a_way_to_call_for_help_each(plan):
    assert len(plan.homes) == HOMES_MAX == 40
    assert all(any(d.kind in CALLS and d.is_sos for d in home.devices) for home in plan.homes)


def test_every_home_can_take_a_call_back_by_a_gesture_that_a_profile_names(plan):
    assert all(cancel_of(home)[0].profile for home in plan.homes)


def test_the_gesture_for_i_am_fine_is_the_one_that_the_shipped_profile_names(plan):
    profiles = {cancel_of(home)[0].profile for home in plan.homes}
    for profile in profiles:
        file = DEMO.parent / "profiles" / f"{profile}.yaml"
        if not file.exists():
            pytest.skip(f"{file.name} is not shipped yet")
        text = file.read_text(encoding="utf-8")
        assert re.search(r"hold\W+sos_cancel|sos_cancel\W+hold", text), text
        assert re.search(r"single\W+sos\b|sos\W+single", text), text


def test_in_one_home_only_the_profile_knows_what_an_emergency_is(plan):
    homes = [
        home.id
        for home in plan.homes
        if all(device.profile for device in home.devices if device.is_sos)
    ]

    assert homes == ["ho-anhe07"]


def test_every_model_of_the_demo_is_known_with_its_vendor(plan):
    assert all(MODELS[device.model].vendor == device.vendor for device in plan.devices())


def test_every_address_has_the_form_that_the_edge_knows(plan):
    assert all(re.fullmatch(r"0x00124b00[0-9a-f]{8}", device.ieee) for device in plan.devices())
    assert {device.uid for device in plan.devices()} == {f"z2m:{d.ieee}" for d in plan.devices()}


def test_residents_are_between_70_and_92_years_old(plan):
    ages = [resident.age for home in plan.homes for resident in home.residents]

    assert (min(ages), max(ages)) == (70, 92)


def test_a_smaller_town_takes_the_first_homes():
    assert [home.id for home in read_plan(DEMO / "homes.yaml", 2).homes] == [
        "ho-anhe01",
        "ho-anhe02",
    ]


def test_two_devices_with_one_address_are_refused_by_name(tmp_path):
    file = changed(tmp_path, "0x00124b0014a00102", "0x00124b0014a00101")

    with pytest.raises(BadPlan, match="ieee address 0x00124b0014a00101 is there twice"):
        read_plan(file)


def test_an_unknown_kind_of_device_is_refused_with_its_place(tmp_path):
    file = changed(tmp_path, "kind: sos-bath", "kind: bell")

    with pytest.raises(BadPlan, match=r"homes\.yaml: .*bell.*homes"):
        read_plan(file)


def test_broken_yaml_and_a_missing_file_are_named(tmp_path):
    (tmp_path / "broken.yaml").write_text("homes: [")

    with pytest.raises(BadPlan, match=r"broken\.yaml is not YAML"):
        read_plan(tmp_path / "broken.yaml")
    with pytest.raises(BadPlan, match=r"none\.yaml cannot be read: No such file"):
        read_plan(tmp_path / "none.yaml")


def test_a_home_or_device_that_is_not_there_is_named(plan, home):
    with pytest.raises(NotInTown, match="no home 'ho-nowhere'"):
        plan.home("ho-nowhere")
    with pytest.raises(NotInTown, match="home ho-anhe01 has no device 'bell'"):
        home.device("bell")


def test_the_log_has_words_in_both_languages():
    words = read_words(DEMO / "words.yaml")

    assert all(text.zh and text.en and text.zh != text.en for text in words.values())
    assert words["pressed"].fill(device=words["moved"]).en.startswith(words["moved"].en)
