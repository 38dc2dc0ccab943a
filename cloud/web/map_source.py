"""What an installation says of the ground of its maps; [map] in config/cloud.sample.toml."""

import re
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from cloud.dictionary import BadConfiguration

PMTILES: Final = b"PMTiles\x03"  # how a file of version 3 begins
PLACES: Final = ["{x}", "{y}", "{z}"]
HOST: Final = re.compile(r"[A-Za-z0-9.-]+(:[0-9]+)?")  # goes into a header as it is
LAYERS_MAX: Final = 4
Zoom = Annotated[int, Meta(ge=0, le=22)]
# BD-09 is for positions: its tiles are cut in another way.
TileDatum = Literal["wgs84", "gcj02"]


class MapTold(Struct, frozen=True, forbid_unknown_fields=True):
    """The section of the file."""

    attribution: Annotated[str, Meta(min_length=1, max_length=200)]
    datum: TileDatum
    tiles: Annotated[tuple[str, ...], Meta(max_length=LAYERS_MAX)] = ()
    file: str | None = None
    zoom_max: Zoom = 18


class MapSource(Struct, frozen=True):
    """Tiles of a server (addresses with {z}, {x}, {y}, from the ground upwards), or of a PMTiles
    file that we serve.

    zoom_max: the finest that the server has; a file says it itself.
    """

    attribution: str
    datum: TileDatum
    tiles: tuple[str, ...]
    file: Path | None
    zoom_max: int

    @property
    def origins(self) -> str:
        """Where images come from, as a header names it; empty: from ourselves."""
        parts = [urlsplit(address) for address in self.tiles]
        return " ".join(sorted({f"{each.scheme}://{each.netloc}" for each in parts if each.netloc}))


def map_source(told: MapTold, base: Path) -> MapSource:
    """Raises BadConfiguration for a source that no page could draw."""
    if (not told.tiles) is (told.file is None):
        raise BadConfiguration("[map] has either tiles or file; without the section: the schematic")
    for address in told.tiles:
        _check_tiles(address)
    file = None if told.file is None else base / told.file
    if file is not None:
        _check_file(file)
    return MapSource(told.attribution, told.datum, told.tiles, file, told.zoom_max)


def _check_tiles(address: str) -> None:
    parts = urlsplit(address)
    is_ours = not parts.scheme and not parts.netloc and address.startswith("/")
    is_theirs = parts.scheme in ("https", "http") and HOST.fullmatch(parts.netloc)
    if not (is_ours or is_theirs) or sorted(re.findall(r"{.*?}", address)) != PLACES:
        raise BadConfiguration(
            "[map] tiles reads https://HOST/…{z}…{x}…{y}…, or /… for tiles behind our own address"
        )


def _check_file(path: Path) -> None:
    try:
        with path.open("rb") as file:
            head = file.read(len(PMTILES))
    except OSError as error:
        raise BadConfiguration(f"[map] {path}: cannot be read: {error.strerror}") from error
    if head != PMTILES:
        raise BadConfiguration(f"[map] {path} is no PMTiles file of version 3")
