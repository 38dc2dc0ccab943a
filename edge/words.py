"""What the gateway itself says in a home, in both languages: config/words/edge.yaml."""

from pathlib import Path
from typing import NamedTuple

import msgspec
import yaml

from edge.errors import BadSettings


class Words(NamedTuple):
    """One text."""

    zh: str
    en: str


Dictionary = dict[str, Words]


def read_words(config_dir: Path) -> Dictionary:
    """By key, without the leading `edge.`. Raises BadSettings."""
    path = config_dir / "words" / "edge.yaml"
    try:
        said = msgspec.convert(
            yaml.safe_load(path.read_text(encoding="utf-8")), dict[str, dict[str, str]]
        )
        return {key.removeprefix("edge."): Words(**each) for key, each in said.items()}
    except (OSError, yaml.YAMLError, msgspec.ValidationError, TypeError) as error:
        raise BadSettings(f"{path} cannot be read: {error}") from error
