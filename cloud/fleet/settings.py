"""What an installation says of its certificates; [fleet] in config/cloud.sample.toml."""

from pathlib import Path
from typing import Final

from msgspec import Struct

GATEWAYS_PORT: Final = 8883


class FleetSettings(Struct, frozen=True):
    """gateways_host, _port: where gateways find the broker. crl_file: where that broker reads its
    list of revoked certificates; reload_command: makes it read the list again."""

    ca_dir: Path
    gateways_host: str | None = None
    gateways_port: int = GATEWAYS_PORT
    crl_file: Path | None = None
    reload_command: tuple[str, ...] = ()
