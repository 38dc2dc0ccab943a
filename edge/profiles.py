"""Reads device profiles and the catalogue of Zigbee models, and gives the hearing with them.

A profile is one YAML file of config/profiles/; docs/adding-a-device.md says how to write one.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import yaml

from contract.messages import RegisteredDevice
from contract.vocabulary import SPECS, Measurement
from edge.dialects import DIALECTS, Hearing
from edge.dialects.catalogue import Catalogue, read_catalogue
from edge.dialects.frames import Frame, parts_of
from edge.dialects.profile import ZIGBEE2MQTT, Example, Meant, Plain, Profile, Profiles
from edge.dialects.units import SAME, factors
from edge.dialects.values import OFF, ON, spoken
from edge.errors import BadSettings
from edge.meaning import Value

CATALOGUE: Final = "zigbee_models.json"
FOLDER: Final = "profiles"


class _Frame(msgspec.Struct, forbid_unknown_fields=True):
    """How a profile writes `frames.Frame`; groups: the key in hexadecimal → its parts."""

    groups: dict[str, str]
    kind: Literal["keys", "flags"] = "keys"
    order: Literal["little", "big"] = "big"
    ports: list[int] = []


class _File(msgspec.Struct, forbid_unknown_fields=True):
    """A profile as it is written."""

    vendor: str
    models: list[str]
    source: str
    examples: list[Example]
    convention: str = ZIGBEE2MQTT
    fields: dict[str, dict[Any, Any] | str] = {}
    frame: _Frame | None = None


def load_hearing(config_dir: Path) -> Hearing:
    """The hearing with the profiles and the catalogue of a config folder. Raises BadSettings."""
    return Hearing(load_profiles(config_dir / FOLDER), load_catalogue(config_dir / CATALOGUE))


def load_profiles(folder: Path) -> Profiles:
    """The profiles of a folder; a file's name is its profile's. Raises BadSettings."""
    if not folder.is_dir():
        raise BadSettings(f"there are no device profiles in {folder}; name the config folder")
    return Profiles(read_profile(file) for file in sorted(folder.glob("*.yaml")))


def load_catalogue(file: Path) -> Catalogue:
    """Raises BadSettings."""
    try:
        return read_catalogue(file.read_bytes())
    except (OSError, msgspec.MsgspecError) as error:
        raise BadSettings(f"the catalogue of Zigbee models cannot be read: {error}") from error


def read_profile(file: Path) -> Profile:
    """One profile. Raises BadSettings with the place of the mistake."""
    try:
        written = msgspec.convert(yaml.safe_load(file.read_text("utf-8")), _File)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise BadSettings(f"{file}: {error}") from error
    if not written.models or not written.examples:
        raise BadSettings(f"{file}: a profile names its models and has at least one example")
    return _profile(file, written)


def made_profile(name: str, vendor: str, model: str, fields: dict[str, Any]) -> Profile:
    """A profile from elsewhere than a file, with `fields` as there. Raises BadSettings."""
    told = {"vendor": vendor, "models": [model], "source": name, "examples": [], "fields": fields}
    try:
        return _profile(Path(name), msgspec.convert(told, _File))
    except msgspec.ValidationError as error:
        raise BadSettings(f"{name}: {error}") from error


def _profile(file: Path, written: _File) -> Profile:
    if written.convention not in DIALECTS:
        raise BadSettings(f"{file}: convention is one of {', '.join(DIALECTS)}")
    fields = written.fields.items()
    return Profile(
        name=file.stem,
        vendor=written.vendor,
        models=tuple(written.models),
        fields={name: _words(file, name, each) for name, each in fields if isinstance(each, dict)},
        examples=tuple(written.examples),
        plain={name: _plain(file, name, each) for name, each in fields if isinstance(each, str)},
        frame=None if written.frame is None else _frame(file, written.frame),
        convention=written.convention,
    )


def mistakes(profile: Profile, catalogue: Catalogue) -> list[str]:
    """What the profile's own examples say against it, one sentence each; empty is right."""
    hearing = Hearing(Profiles((profile,)), catalogue)
    dialect = DIALECTS[profile.convention]
    found: list[str] = []
    for example in profile.examples:
        topic, payload = dialect.example(example.says)
        device = RegisteredDevice(
            "example", "", topic, vendor=profile.vendor, model=profile.models[0]
        )
        hearing.configure([device])
        heard = hearing.hear(topic, payload, retain=False)
        said = {each.measurement: each.value for each in (*heard.readings, *heard.quiet)}
        calls = {name: True for name, value in said.items() if value and SPECS[name].is_alarm}
        for name in example.means.keys() | calls.keys():
            if name not in said or said[name] != example.means.get(name):
                place = f"{profile.name}: {example.says}"
                wanted, got = example.means.get(name), said.get(name)
                found.append(f"{place}: {name.value} should be {wanted!r}, it is {got!r}")
    return found


def _plain(file: Path, field: str, text: str) -> Plain:
    """`illuminance`, `distance mm`: the measurement, and the unit that the device says it in."""
    name, _, unit = text.partition(" ")
    try:
        measurement = Measurement(name)
    except ValueError as error:
        raise BadSettings(f"{file}: {field}: {error}") from error
    by = factors(measurement, unit) if unit else SAME
    if by is None:
        raise BadSettings(f"{file}: {field}: {unit} is no unit of {name}")
    return Plain(measurement, by)


def _frame(file: Path, written: _Frame) -> Frame:
    try:
        groups = {bytes.fromhex(key): parts_of(parts) for key, parts in written.groups.items()}
    except ValueError as error:
        raise BadSettings(f"{file}: frame: {error}") from error
    if not groups or b"" in groups:
        raise BadSettings(f"{file}: frame: groups needs keys of at least one byte")
    return Frame(written.kind, written.order, groups, tuple(written.ports))


def _words(file: Path, field: str, words: dict[Any, Any]) -> dict[str, Meant]:
    return {
        each: _meant(file, f"{field}: {word}", meaning)
        for word, meaning in words.items()
        for each in _spellings(word)
    }


def _spellings(word: object) -> Iterator[str]:
    """YAML reads an unquoted `off` as false, so both stand for the same."""
    if isinstance(word, bool):
        yield from ON if word else OFF
    else:
        yield spoken(word) or ""


def _meant(file: Path, place: str, meaning: object) -> Meant:
    """`sos`, or `{occupancy: true, fall: false}`."""
    told = {meaning: True} if isinstance(meaning, str) else meaning
    try:
        meant = msgspec.convert(told, dict[Measurement, Value])
    except msgspec.ValidationError as error:
        raise BadSettings(f"{file}: {place}: {error}") from error
    for measurement, value in meant.items():
        if isinstance(value, bool) is not (SPECS[measurement].type == "bool"):
            raise BadSettings(f"{file}: {place}: {measurement.value} cannot be {value!r}")
    return meant
