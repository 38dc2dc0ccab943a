"""What a message of a file needs around it: its device in the registry, its profile in the
configuration."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import yaml

from anju.messages_file import Case, fields_of
from anju.paths import config_dir
from anju.whole import Demo
from cloud.registry.cards import DeviceCard, HomeCard
from cloud.registry.entries import HomeEntry, ResidentEntry
from cloud.registry.service import Edit
from cloud.storage.unit import Work
from cloud.words import Words
from contract.vocabulary import Measurement
from edge.dialects.telling import EMERGENCIES
from edge.profiles import CATALOGUE, FOLDER, load_catalogue

NEAR: Final = "ho-anhe01"  # the homes of a file's devices stand where this one does


def register(demo: Demo, number: int, case: Case, config: Path) -> None:
    """A home of its own for the message's device; without a device nothing is registered."""
    if case.device is None:
        return
    gateway, is_sos = demo.town.plan.gateway, is_for_calls(case, config)

    def enter(work: Work) -> None:
        near = demo.whole.cloud.registry.home_card(NEAR)
        assert near is not None  # noqa: S101 - the demo has it
        with Edit(work) as edit:
            edit.home(gateway, _home(number, near))
            edit.device(_card(number, case, gateway, is_sos=is_sos))

    demo.whole.cloud.store.write(enter)
    demo.await_config()


def is_for_calls(case: Case, config: Path) -> bool:
    """Whether a district would register the device as one to call for help with: the message says
    so, or the model."""
    if case.expects(Measurement.SOS):
        return True
    if case.device is None:
        return False
    catalogue = load_catalogue(config / CATALOGUE)
    features = catalogue.features(case.device.vendor, case.device.model)
    action = features.get("action")
    said = set() if action is None else set(action.values)
    return bool(said & EMERGENCIES) or Measurement.SOS.value in features


def config_for(cases: Sequence[Case], folder: Path) -> Path:
    """Our configuration, with the profiles that the messages bring along."""
    brought = {
        number: case.device
        for number, case in enumerate(cases, start=1)
        if case.device is not None and isinstance(case.device.profile, dict)
    }
    if not brought:
        return config_dir()
    config = folder / "config"
    shutil.copytree(config_dir(), config)
    for number, device in brought.items():
        written = {
            "vendor": device.vendor or "check",
            "models": [device.model or _profile_name(number)],
            "source": "the message's own profile",
            "fields": fields_of(device.profile),
            "examples": [{"says": {}, "means": {}}],
        }
        path = config / FOLDER / f"{_profile_name(number)}.yaml"
        path.write_text(yaml.safe_dump(written, allow_unicode=True), encoding="utf-8")
    return config


def _home(number: int, near: HomeCard) -> HomeEntry:
    label = f"Check {number}"
    resident = ResidentEntry(f"pe-check{number}", label, label, age=80, sex="f", lives_alone=True)
    where = Words(label, label)
    return HomeEntry(
        f"ho-check{number}", near.area_id, where, near.lat, near.lon, residents=(resident,)
    )


def _card(number: int, case: Case, gateway: str, *, is_sos: bool) -> DeviceCard:
    device = case.device
    assert device is not None  # noqa: S101 - the caller has looked
    profile = _profile_name(number) if isinstance(device.profile, dict) else device.profile
    name = case.device_topic.partition("/")[2] or case.device_topic
    return DeviceCard(
        uid=f"z2m:{name}",
        gateway_id=gateway,
        home_id=f"ho-check{number}",
        topic=case.device_topic,
        key=f"check{number}",
        kind="button",
        vendor=device.vendor,
        model=device.model,
        name=Words(name, name),
        room=Words(f"Check {number}", f"Check {number}"),
        profile=profile,
        is_sos=is_sos,
    )


def _profile_name(number: int) -> str:
    return f"check_{number}"
