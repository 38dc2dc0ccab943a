"""Areas, stations and homes out of a GeoJSON file (RFC 7946). Pure: reads and checks, enters
nothing.

A feature's properties say in `what` what it is and have the fields of the shapes below; texts in
two languages are `…_zh` and `…_en`, flat as programs for maps keep them. Outlines come out in
WGS-84, entries in the datum of the file.
"""

from collections.abc import Iterable
from itertools import chain
from typing import Annotated, Final, Literal, NamedTuple, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct

from cloud.registry.cards import POSITION_DIGITS, AreaKind, HomeKind, Outline
from cloud.registry.entries import AreaEntry, HomePlace, Id, Name, Phone, StationEntry
from cloud.registry.errors import Malformed
from cloud.travel.datum import Datum, to_wgs84
from cloud.travel.estimate import Place
from cloud.words import Words

FILE_BYTES_MAX: Final = 64 * 1024 * 1024
OUTLINE_POINTS_MAX: Final = 20_000  # every console draws them
PROBLEMS_MAX: Final = 20  # named; the others are counted
RING_POINTS_MIN: Final = 4  # the last is the first
# What an older file may name as its system: the same as what RFC 7946 has without naming it.
SYSTEMS: Final = ("CRS84", "EPSG::4326", "EPSG:4326", "EPSG::4490", "EPSG:4490")
T = TypeVar("T")
Position = Annotated[list[float], Meta(min_length=2, max_length=3)]


class _Area(Struct, tag_field="what", tag="area", forbid_unknown_fields=True):
    id: Id
    kind: AreaKind
    name_zh: Name
    name_en: Name | None = None
    parent: str | None = None


class _Station(Struct, tag_field="what", tag="station", forbid_unknown_fields=True):
    id: Id
    area: str
    name_zh: Name
    phone: Phone
    name_en: Name | None = None


class _Home(Struct, tag_field="what", tag="home", forbid_unknown_fields=True):
    id: Id
    gateway: str
    area: str
    address_zh: Name
    address_en: Name | None = None
    kind: HomeKind = HomeKind.REAL


class _Point(Struct, tag_field="type", tag="Point"):
    coordinates: Position


class _Polygon(Struct, tag_field="type", tag="Polygon"):
    coordinates: list[list[Position]]


class _MultiPolygon(Struct, tag_field="type", tag="MultiPolygon"):
    coordinates: list[list[list[Position]]]


_Geometry = _Point | _Polygon | _MultiPolygon


class _Feature(Struct):
    type: Literal["Feature"]
    geometry: _Geometry | None
    properties: _Area | _Station | _Home


class _Crs(Struct):
    properties: dict[str, str]


class _Collection(Struct):
    type: Literal["FeatureCollection"]
    features: list[Raw]
    crs: _Crs | None = None


class DrawnArea(NamedTuple):
    """outline None: the file has no geometry for it."""

    entry: AreaEntry
    outline: Outline | None


class PlacedHome(NamedTuple):
    """A home and the gateway it is behind."""

    gateway: str
    entry: HomePlace


class Features(NamedTuple):
    """What a file holds; areas from the root downwards."""

    areas: tuple[DrawnArea, ...]
    stations: tuple[StationEntry, ...]
    homes: tuple[PlacedHome, ...]


def read_features(data: bytes, datum: Datum) -> Features:
    """Raises Malformed, naming every feature that cannot be used; then nothing of it is."""
    problems: list[str] = []
    read: dict[tuple[type, str], DrawnArea | StationEntry | PlacedHome] = {}
    for n, raw in enumerate(_collection(data).features, start=1):
        try:
            feature = msgspec.json.decode(raw, type=_Feature)
            thing = _thing(feature, datum)
            key = (type(thing), feature.properties.id)
            if key in read:
                raise Malformed("the file has it twice")
        except (msgspec.DecodeError, Malformed) as error:
            problems.append(f"feature {n}{_named(raw)}: {error}")
            continue
        read[key] = thing
    refuse(problems)
    levels = list(AreaKind)
    areas = sorted(_those(read.values(), DrawnArea), key=lambda a: levels.index(a.entry.kind))
    stations, homes = _those(read.values(), StationEntry), _those(read.values(), PlacedHome)
    return Features(tuple(areas), tuple(stations), tuple(homes))


def refuse(problems: list[str]) -> None:
    """Raises Malformed where there are any."""
    if not problems:
        return
    more = len(problems) - PROBLEMS_MAX
    named = problems[:PROBLEMS_MAX] + ([f"and {more} more"] if more > 0 else [])
    raise Malformed("\n".join(["nothing was entered:", *named]), problems=len(problems))


def _collection(data: bytes) -> _Collection:
    if len(data) > FILE_BYTES_MAX:
        raise Malformed(f"the file has {len(data)} bytes, at most {FILE_BYTES_MAX} are read")
    if b"\\u0000" in data:  # no database keeps it in a text
        raise Malformed("a text has a NUL character")
    try:
        found = msgspec.json.decode(data, type=_Collection)
    except msgspec.DecodeError as error:
        raise Malformed(f"this is no GeoJSON FeatureCollection: {error}") from error
    system = found.crs.properties.get("name", "") if found.crs else SYSTEMS[0]
    if not system.endswith(SYSTEMS):
        raise Malformed(f"the file is in {system}: export it in degrees (CRS84, EPSG:4326)")
    return found


def _thing(feature: _Feature, datum: Datum) -> DrawnArea | StationEntry | PlacedHome:
    told, shape = feature.properties, feature.geometry
    if isinstance(told, _Area):
        if told.parent == told.id:
            raise Malformed("an area does not lie below itself")
        name = _words(told.name_zh, told.name_en)
        area = AreaEntry(told.id, told.kind, name, told.parent)
        return DrawnArea(area, None if shape is None else _outline(shape, datum))
    if not isinstance(shape, _Point):
        raise Malformed("its geometry must be a Point")
    lon, lat = _position(shape.coordinates)
    if isinstance(told, _Station):
        name = _words(told.name_zh, told.name_en)
        return StationEntry(told.id, told.area, name, told.phone, lat, lon, datum=datum)
    address = _words(told.address_zh, told.address_en)
    return PlacedHome(
        told.gateway, HomePlace(told.id, told.area, address, lat, lon, told.kind, datum)
    )


def _words(zh: str, en: str | None) -> Words:
    return Words(zh, zh if en is None else en)


def _outline(shape: _Geometry, datum: Datum) -> Outline:
    if isinstance(shape, _Point):
        raise Malformed("its geometry must be a Polygon or MultiPolygon, or null")
    polygons = [shape.coordinates] if isinstance(shape, _Polygon) else shape.coordinates
    rings = list(chain.from_iterable(polygons))
    points = sum(map(len, rings))
    if points > OUTLINE_POINTS_MAX:
        raise Malformed(f"it has {points} points, at most {OUTLINE_POINTS_MAX}: simplify it")
    if not rings or any(len(ring) < RING_POINTS_MIN or ring[0] != ring[-1] for ring in rings):
        raise Malformed("a ring has four points or more, and ends where it begins")
    return [[[_kept(at, datum) for at in ring] for ring in polygon] for polygon in polygons]


def _kept(given: list[float], datum: Datum) -> list[float]:
    lon, lat = _position(given)
    place = to_wgs84(Place(lat, lon), datum)
    return [round(place.lon, POSITION_DIGITS), round(place.lat, POSITION_DIGITS)]


def _position(given: list[float]) -> tuple[float, float]:
    """lon, lat, as the file has them."""
    lon, lat = given[0], given[1]
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise Malformed(f"[{lon}, {lat}] is no position: it reads [longitude, latitude] in degrees")
    return lon, lat


def _named(raw: Raw) -> str:
    """Its id as far as it has one, for who must find it in the file."""
    try:
        told = msgspec.json.decode(raw, type=dict[str, object]).get("properties")
    except msgspec.DecodeError:
        return ""
    return f" ({told['id']})" if isinstance(told, dict) and "id" in told else ""


def _those(things: Iterable[object], kind: type[T]) -> list[T]:
    return [each for each in things if isinstance(each, kind)]
