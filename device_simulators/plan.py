"""The plan of the town: config/demo/homes.yaml as types. The file's head tells its shape."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, TypeVar

import msgspec
import yaml

from device_simulators.errors import BadPlan, NotInTown

Kind = Literal[
    "sos-bath", "sos-bed", "pendant", "motion", "door", "climate", "bed", "plug", "gas", "smoke",
    "leak", "fall", "speaker",
]  # fmt: skip
CALLS: Final = ("sos-bath", "sos-bed", "pendant")  # kinds that call for help
HOMES_MAX: Final = 40  # of the shipped file
# libyaml, where it was built in, reads forty homes in a tenth of the time.
LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
T = TypeVar("T")


class Words(msgspec.Struct, frozen=True):
    """One text in the two languages of the pages."""

    zh: str
    en: str

    def fill(self, **names: "Words") -> "Words":
        """`{name}` replaced by that name's words, each in its language."""
        return Words(
            self.zh.format_map({key: words.zh for key, words in names.items()}),
            self.en.format_map({key: words.en for key, words in names.items()}),
        )


class Device(msgspec.Struct, frozen=True):
    """A Zigbee device of a home."""

    key: str
    kind: Kind
    room: str
    ieee: str
    friendly_name: str
    vendor: str
    model: str
    profile: str | None = None
    is_sos: bool = False

    @property
    def uid(self) -> str:
        """As edge and registry call it."""
        return f"z2m:{self.ieee}"


class Resident(msgspec.Struct, frozen=True):
    """Who lives there, as far as the virtual home shows it."""

    name: str
    name_en: str
    age: int


class Home(msgspec.Struct, frozen=True):
    """A virtual home."""

    id: str
    address: Words
    residents: tuple[Resident, ...]
    devices: tuple[Device, ...]

    def device(self, key: str) -> Device:
        """Raises NotInTown."""
        for device in self.devices:
            if device.key == key:
                return device
        raise NotInTown(f"home {self.id} has no device '{key}'")


class Plan(msgspec.Struct, frozen=True):
    """The homes behind one gateway and one Zigbee2MQTT bridge."""

    gateway: str
    base_topic: str
    coordinator: str
    kinds: dict[str, Words]
    homes: tuple[Home, ...]

    def home(self, home_id: str) -> Home:
        """Raises NotInTown."""
        for home in self.homes:
            if home.id == home_id:
                return home
        raise NotInTown(f"no home '{home_id}' in this town")

    def devices(self) -> Iterator[Device]:
        """All of them, in the order of the file."""
        for home in self.homes:
            yield from home.devices


def read_plan(file: Path, homes_max: int | None = None) -> Plan:
    """The town of `file`, or its first homes. Raises BadPlan."""
    plan = _read(file, Plan)
    _check_unique(file, "home", [home.id for home in plan.homes])
    _check_unique(file, "ieee address", [device.ieee for device in plan.devices()])
    _check_unique(file, "friendly name", [device.friendly_name for device in plan.devices()])
    return msgspec.structs.replace(plan, homes=plan.homes[:homes_max])


def read_words(file: Path) -> dict[str, Words]:
    """What the virtual home's log says, by key. Raises BadPlan."""
    return _read(file, dict[str, Words])


def _read(file: Path, kind: type[T]) -> T:
    try:
        told = yaml.load(file.read_text(encoding="utf-8"), Loader=LOADER)  # noqa: S506 - both are safe
        return msgspec.convert(told, kind)
    except OSError as error:
        raise BadPlan(f"{file} cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise BadPlan(f"{file} is not YAML: {error}") from error
    except msgspec.ValidationError as error:
        raise BadPlan(f"{file}: {error}") from error


def _check_unique(file: Path, what: str, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadPlan(f"{file}: {what} {', '.join(twice)} is there twice")
