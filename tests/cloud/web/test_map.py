"""What maps are drawn from: as it is configured, told, served in ranges, and allowed by headers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.dictionary import BadConfiguration
from cloud.registry.service import Edit
from cloud.web.map import FILE_URL
from cloud.web.map_source import MapSource, MapTold, map_source
from tests.cloud.web.conftest import Town, open_town

TILES = "https://tiles.example:8443/{z}/{x}/{y}.png?key=k"
ARCHIVE = b"PMTiles\x03" + bytes(range(256)) * 4
SQUARE = [[[[114.3, 22.6], [114.4, 22.6], [114.4, 22.7], [114.3, 22.6]]]]


def told(*tiles: str, file: str | None = None) -> MapTold:
    return MapTold(attribution="© example", datum="gcj02", tiles=tiles, file=file)


@pytest.fixture
def raster(tmp_path: Path) -> Iterator[Town]:
    with open_town(tmp_path, source=map_source(told(TILES), tmp_path)) as town:
        yield town


@pytest.fixture
def filed(tmp_path: Path) -> Iterator[Town]:
    (tmp_path / "district.pmtiles").write_bytes(ARCHIVE)
    with open_town(tmp_path, source=map_source(told(file="district.pmtiles"), tmp_path)) as town:
        yield town


def test_without_a_source_the_page_draws_what_it_has_and_loads_nothing_from_elsewhere(
    town: Town,
) -> None:
    town.sign_in()

    assert town.get("/api/map") == {"ground": None, "areas": []}
    assert town.client.get(FILE_URL).status_code == 404
    csp = town.client.get("/login").headers["content-security-policy"]
    assert "img-src 'self' data:;" in csp


def test_outlines_that_were_imported_are_told_to_everybody_who_has_a_map(town: Town) -> None:
    def draw(work):
        with Edit(work) as edit:
            edit.outline("440310002", SQUARE)

    town.store.write(draw)
    town.sign_in("operator")
    [area] = town.get("/api/map")["areas"]
    town.sign_in("chenli")

    assert town.get("/api/map")["areas"] == [area]
    assert (area["id"], area["kind"], area["outline"]) == ("440310002", "subdistrict", SQUARE)
    assert area["name"]["en"]


def test_a_raster_source_is_told_with_its_datum_and_its_host_alone_is_allowed(
    raster: Town,
) -> None:
    raster.sign_in()

    ground = raster.get("/api/map")["ground"]
    headers = raster.client.get("/login").headers

    assert (ground["kind"], ground["urls"], ground["datum"]) == ("raster", [TILES], "gcj02")
    assert "img-src 'self' data: https://tiles.example:8443;" in headers["content-security-policy"]
    assert "connect-src 'self';" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "strict-origin"


def test_a_file_is_served_in_ranges_to_who_is_signed_in(filed: Town) -> None:
    assert filed.client.get(FILE_URL).status_code == 401
    filed.sign_in()
    ground = filed.get("/api/map")["ground"]

    part = filed.client.get(ground["urls"][0], headers={"range": "bytes=8-15"})
    whole = filed.client.get(ground["urls"][0])
    beyond = filed.client.get(FILE_URL, headers={"range": f"bytes={len(ARCHIVE)}-"})

    assert (part.status_code, part.content) == (206, bytes(range(8)))
    assert part.headers["content-range"] == f"bytes 8-15/{len(ARCHIVE)}"
    assert part.headers["etag"] == whole.headers["etag"]
    assert "no-store" not in part.headers["cache-control"]
    assert (whole.status_code, whole.content) == (200, ARCHIVE)
    assert whole.headers["accept-ranges"] == "bytes"
    assert beyond.status_code == 416


def test_a_range_of_a_file_that_was_exchanged_is_answered_with_the_whole_new_one(
    filed: Town,
) -> None:
    filed.sign_in()
    asked = {"range": "bytes=0-7", "if-range": '"of-the-old-file"'}

    answer = filed.client.get(FILE_URL, headers=asked)

    assert (answer.status_code, answer.content) == (200, ARCHIVE)


def test_who_has_no_map_does_not_get_the_file(filed: Town) -> None:
    filed.sign_in("station")
    assert filed.client.get(FILE_URL).status_code == 200
    filed.sign_in("auditor")

    assert filed.client.get("/api/map").status_code == 403
    assert filed.client.get(FILE_URL).status_code == 403


@pytest.mark.parametrize(
    "tiles",
    [
        "https://tiles.example/{z}/{x}.png",
        "https://{s}.tiles.example/{z}/{x}/{y}.png",
        "https://tiles.example/{z}/{x}/{y}/{y}.png",
        "https://me:word@tiles.example/{z}/{x}/{y}",
        "https://tiles.example;script-src/{z}/{x}/{y}",
        "ftp://tiles.example/{z}/{x}/{y}",
        "//tiles.example/{z}/{x}/{y}",
        "tiles/{z}/{x}/{y}",
    ],
)
def test_an_address_that_no_page_could_use_is_refused(tmp_path: Path, tiles: str) -> None:
    with pytest.raises(BadConfiguration, match="tiles reads"):
        map_source(told(tiles), tmp_path)


def test_tiles_behind_our_own_address_need_no_other_host(tmp_path: Path) -> None:
    assert map_source(told("/tiles/{z}/{x}/{y}.png"), tmp_path).origins == ""


def test_layers_of_several_hosts_are_all_allowed(tmp_path: Path) -> None:
    source = map_source(told(TILES, TILES + "&labels", "http://b.example/{z}/{x}/{y}"), tmp_path)

    assert source.origins == "http://b.example https://tiles.example:8443"


def test_a_source_is_tiles_or_a_file_that_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "old.pmtiles").write_bytes(b"PM\x02\x00")

    for wrong, why in (
        (told(), "either"),
        (told(TILES, file="x.pmtiles"), "either"),
        (told(file="none.pmtiles"), "cannot be read"),
        (told(file="old.pmtiles"), "version 3"),
    ):
        with pytest.raises(BadConfiguration, match=why):
            map_source(wrong, tmp_path)


def test_a_file_comes_from_ourselves(tmp_path: Path) -> None:
    (tmp_path / "m.pmtiles").write_bytes(ARCHIVE)

    source = map_source(told(file="m.pmtiles"), tmp_path)

    assert source == MapSource("© example", "gcj02", (), tmp_path / "m.pmtiles", 18)
    assert source.origins == ""
