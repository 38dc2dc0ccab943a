"""What an agent is told: one TOML file, explained key by key in config/edge.sample.toml."""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from contract.topics import GATEWAY_PATTERN
from edge.errors import BadSettings

Port = Annotated[int, Meta(ge=1, le=65535)]
FILE_BYTES_MAX: Final = 64 * 1024
FILTER_PATTERN: Final = r"(?=.)(([^+#/]*|\+)/)*([^+#/]*|\+|#)"  # a wildcard fills its level


class BrokerSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a broker listens and how to sign in there."""

    host: str = "127.0.0.1"
    port: Port = 1883
    username: str | None = None
    password_file: Path | None = None
    topics: tuple[str, ...] = ("#",)

    def password(self) -> str | None:
        """Read when needed, so that it never lies in a settings file. Raises BadSettings."""
        if self.password_file is None:
            return None
        try:
            return self.password_file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise BadSettings(
                f"password_file {self.password_file} cannot be read: {error}"
            ) from error


class Settings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """See config/edge.sample.toml."""

    gateway: str
    data_dir: Path = Path("var/edge")
    home: BrokerSettings = BrokerSettings()
    cloud: BrokerSettings = BrokerSettings()
    siren_after_s: Annotated[int, Meta(ge=5, le=3600)] = 30
    readings_start_within_s: Annotated[int, Meta(ge=0, le=3600)] = 300
    journal_mb_max: Annotated[int, Meta(ge=8, le=100_000)] = 200
    journal_days_max: Annotated[int, Meta(ge=1, le=365)] = 7


def read_settings(path: Path) -> Settings:
    """Raises BadSettings with the file, the key and what was expected."""
    try:
        text = path.read_bytes()[: FILE_BYTES_MAX + 1]
        if len(text) > FILE_BYTES_MAX:
            raise BadSettings(f"{path}: larger than {FILE_BYTES_MAX} bytes")
        plain = tomllib.loads(text.decode())
        settings = msgspec.convert(plain, Settings, strict=True, dec_hook=_path)
    except OSError as error:
        raise BadSettings(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise BadSettings(f"{path}: {error}") from error
    return checked(settings)


def _path(kind: type, value: object) -> Path:
    """The one kind of value that TOML does not know."""
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise TypeError(f"expected a text, got {value!r}")


def checked(settings: Settings) -> Settings:
    """Raises BadSettings where a value cannot be."""
    if re.fullmatch(GATEWAY_PATTERN, settings.gateway) is None:
        raise BadSettings(
            f"gateway '{settings.gateway}' is no gateway id; expected gw- and 4 to 16 of a-z, 0-9"
        )
    for topic in settings.home.topics:
        if re.fullmatch(FILTER_PATTERN, topic) is None:
            raise BadSettings(f"home.topics: '{topic}' is no MQTT topic filter")
    if not settings.home.topics:
        raise BadSettings("home.topics names nothing to listen to")
    return settings
