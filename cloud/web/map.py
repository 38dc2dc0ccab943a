"""What maps are drawn from: the source that the installation names, and outlines of areas."""

from typing import Final, Literal

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse
from msgspec import Struct

from cloud.identity.policy import Action
from cloud.registry import store
from cloud.registry.cards import AreaKind, Outline
from cloud.storage.unit import Work
from cloud.web.desk import OnDesk, Visitor, allowed, read, reply
from cloud.web.map_source import MapSource, TileDatum
from cloud.web.shapes import answer
from cloud.words import Words

FILE_URL: Final = "/api/map/district.pmtiles"
# Its parts are asked for again and again; a file that was exchanged has another ETag.
FILE_HEADERS: Final = {"cache-control": "private, max-age=3600"}


class Ground(Struct, frozen=True):
    """Where a page gets its tiles: addresses of a raster's layers, from the ground upwards, or the
    one of a file. zoom_max: the finest of a raster; a file says it itself."""

    kind: Literal["raster", "pmtiles"]
    urls: tuple[str, ...]
    attribution: str
    datum: TileDatum
    zoom_max: int


class DrawnArea(Struct, frozen=True):
    """An area and its polygons, WGS-84 [lon, lat]."""

    id: str
    kind: AreaKind
    name: Words
    outline: Outline


class MapShown(Struct, frozen=True):
    """The ground of every map. ground None: the schematic that came with the pages."""

    ground: Ground | None
    areas: list[DrawnArea]


def map_routes(source: MapSource | None) -> APIRouter:
    """`/api/map`, and the file where there is one."""
    router = APIRouter(prefix="/api", tags=["map"])

    @router.get("/map", responses=answer(MapShown))
    async def see_map(visit: Visitor, desk: OnDesk) -> Response:
        """Where tiles come from, and how areas are drawn. Boundaries are no secret: everybody who
        has a map sees all of them."""
        allowed(visit, Action.SEE_STATIONS)
        return reply(MapShown(_ground(source), await read(desk, _areas)))

    if source is not None and source.file is not None:
        file = source.file

        @router.get(FILE_URL.removeprefix("/api"), include_in_schema=False)
        async def map_file(visit: Visitor) -> Response:
            """The file, or the ranges of it that are asked for."""
            allowed(visit, Action.SEE_STATIONS)
            return FileResponse(file, headers=FILE_HEADERS, media_type="application/octet-stream")

    return router


def _ground(source: MapSource | None) -> Ground | None:
    if source is None:
        return None
    said = (source.attribution, source.datum, source.zoom_max)
    if source.tiles:
        return Ground("raster", source.tiles, *said)
    return Ground("pmtiles", (FILE_URL,), *said)


def _areas(work: Work) -> list[DrawnArea]:
    tree = store.areas(work)
    drawn = store.outlines(work)
    return [
        DrawnArea(area_id, tree[area_id].kind, tree[area_id].name, outline)
        for area_id, outline in drawn.items()
    ]
