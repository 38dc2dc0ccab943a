"""Reads configuration that people write: YAML into checked types, with an error that names the
file and the place."""

from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import yaml

from cloud.words import Dictionary, Words

# libyaml, where it was built in, is ten times as fast.
LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
T = TypeVar("T")
FILE_BYTES_MAX: Final = 256 * 1024


class BadConfiguration(Exception):
    """A configuration file that cannot be used; the text says which, where, and what was
    expected."""


def read_yaml(path: Path) -> Any:
    """Plain data. Raises BadConfiguration."""
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise BadConfiguration(f"{path}: larger than {FILE_BYTES_MAX} bytes")
        return yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)  # noqa: S506 - both are safe
    except OSError as error:
        raise BadConfiguration(f"{path}: cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadConfiguration(f"{path}: not valid YAML: {error}") from error


def read_as(path: Path, kind: type[T]) -> T:
    """The file as this type. Raises BadConfiguration."""
    try:
        return msgspec.convert(read_yaml(path), kind)
    except msgspec.ValidationError as error:
        raise BadConfiguration(f"{path}: {error}") from error


def read_dictionary(folder: Path) -> Dictionary:
    """All texts of config/words. Raises BadConfiguration, also where two files say the same key."""
    entries: dict[str, Words] = {}
    for path in sorted(folder.glob("*.yaml")):
        found = read_as(path, dict[str, Words])
        if doubled := entries.keys() & found.keys():
            raise BadConfiguration(f"{path}: {sorted(doubled)[0]} is said in another file already")
        entries.update(found)
    return Dictionary(entries)
