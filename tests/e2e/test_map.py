"""Maps on the real cloud: tiles of a server in either datum, a PMTiles file, imported outlines.

No pixels are compared: where a home lies in a tile is worked out here by the formula of every tile
server, and its mark must stand there.
"""

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, NamedTuple, get_args

import pytest
from argon2 import PasswordHasher
from httpx2 import Client
from playwright.sync_api import Browser, Page, expect
from typing_extensions import override

from anju.broker import HOST, free_port
from cloud.alarms.folding import fold_key
from cloud.alarms.model import HomeCard, Press, Where
from cloud.alarms.service import Call, raise_call
from cloud.app import Cloud
from cloud.identity.demo import make_demo_accounts
from cloud.identity.passwords import Passwords
from cloud.identity.tokens import SystemSecrets
from cloud.ingest.mqtt import BrokerAddress
from cloud.registry.seed import load_demo
from cloud.registry.service import Edit
from cloud.rules.model import AlarmKind, Severity
from cloud.settings import CloudSettings, HttpSettings
from cloud.travel.datum import Datum, from_wgs84
from cloud.travel.estimate import Place
from cloud.web.map_source import MapSource, MapTold, TileDatum, map_source
from cloud.words import Words
from tests.e2e.archive import TileKind, archive, layer, line, png
from tests.e2e.conftest import PHONE, ROOT, Visitor, keep, new_page
from tests.e2e.stand_in import COOKIE, STATIC
from tests.waiting import eventually

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(90)]
CONFIG: Final = ROOT / "config"
HOME: Final = "ho-anhe01"
HOME_AT: Final = Place(22.66012, 114.33574)
SAID: Final = "© 示例图商 GS(2026)0000号"
PAPER, ROAD = (226, 232, 230), (214, 222, 219)
QUICK: Final = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
OUTSIDE_PX: Final = 1.5  # half a pixel of the tile's bend in another datum, and rounding


class Cell(NamedTuple):
    """Which tile a place lies in, and where in it in shares of its side."""

    zoom: int
    column: int
    row: int
    right: float
    down: float


def cell_of(at: Place, zoom: int) -> Cell:
    lat = math.radians(at.lat)
    x = (at.lon + 180) / 360 * 2**zoom
    y = (1 - math.log(math.tan(lat) + 1 / math.cos(lat)) / math.pi) / 2 * 2**zoom
    return Cell(zoom, int(x), int(y), x % 1, y % 1)


class TileServer:
    """Images by their numbers; `home`: where a dot is, as the server's datum has it."""

    def __init__(self, home: Place) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.is_broken = False
        asked = self.asked
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append((self.path, self.headers["referer"]))
                zoom, column, row = map(int, self.path.partition(".png")[0].split("/")[-3:])
                dot = cell_of(home, zoom)
                is_here = (dot.column, dot.row) == (column, row)
                body = png(256, PAPER if (column + row) % 2 else ROAD, dot[3:] if is_here else None)
                self.send_response(503 if server.is_broken else 200)
                self.send_header("content-type", "image/png")
                self.end_headers()
                self.wfile.write(b"" if server.is_broken else body)

            @override
            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self.template = f"http://{HOST}:{self._server.server_port}/{{z}}/{{x}}/{{y}}.png"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Site:
    """A cloud with the demo's homes, one of which has an alarm, and with a source of maps."""

    def __init__(self, data: Path, browser: Browser, source: MapSource | None) -> None:
        self.complaints: list[str] = []
        self._browser = browser
        self._pages: list[Page] = []
        self.cloud = Cloud(
            CloudSettings(
                data_dir=data / "var",
                config_dir=CONFIG,
                pages_dir=STATIC,
                broker=BrokerAddress(HOST, free_port()),  # absent: what is pressed is here already
                http=HttpSettings(port=0),
                map=source,
            )
        )
        self.cloud.start()
        store = self.cloud.store
        store.write(lambda work: load_demo(work, CONFIG))
        made = store.write(lambda work: make_demo_accounts(work, SystemSecrets(), CONFIG, QUICK))
        self._words = {each.login: each.password for each in made}
        home = self.cloud.registry.home_card(HOME)
        assert home is not None
        assert (home.lat, home.lon) == HOME_AT
        card = HomeCard(HOME, home.address, home.area, home.lat, home.lon, home.kind.value)
        call = Call(
            kind=AlarmKind.SOS,
            severity=Severity.CRITICAL,
            fold_key=fold_key(AlarmKind.SOS, HOME, home.gateway_id),
            rule="sos",
            version="1",
            say=Words("按下", "pressed"),
            press=Press("p-1", home.gateway_id, self.cloud.clock.now_ms()),
            where=Where(card, area_code=home.area_id),
        )
        self.alarm = store.write(lambda work: raise_call(work, call)).id

    @contextmanager
    def sign_in(self, login: str) -> Iterator[Client]:
        with Client(base_url=self.cloud.url) as client:
            body = {"login": login, "password": self._words[login]}
            answer = client.post("/api/session", json=body).raise_for_status()
            client.headers["x-csrf"] = answer.json()["csrf"]
            yield client

    def dispatch(self) -> None:
        """The nearest station is sent, and one of its people accepts."""
        with self.sign_in("operator") as operator, self.sign_in("chenli") as responder:
            told = f"/api/alarms/{self.alarm}"
            operator.post(f"{told}/claim", json={}).raise_for_status()
            sent = operator.post(f"{told}/dispatch", json={"station_id": "st-anhe"})
            offer = sent.raise_for_status().json()["offer"]["id"]
            responder.post(f"/api/offers/{offer}/accept", json={}).raise_for_status()

    def open(self, path: str, who: Visitor) -> Page:
        with self.sign_in(str(who.login)) as client:
            cookie = {"name": COOKIE, "value": client.cookies[COOKIE], "url": self.cloud.url}
        page = new_page(self._browser, self.cloud.url, who, self.complaints)
        page.context.add_cookies([cookie])  # type: ignore[list-item]
        self._pages.append(page)
        page.goto(path)
        return page

    def console(self) -> Page:
        return self.open(f"/console?alarm={self.alarm}", Visitor("operator"))

    def close(self) -> None:
        for page in self._pages:
            page.context.close()
        self.cloud.stop()


Opens = Callable[[MapTold | None], Site]


@pytest.fixture
def site(tmp_path: Path, browser: Browser) -> Iterator[Opens]:
    """At the end no page may have complained of its security policy."""
    sites: list[Site] = []

    def begin(told: MapTold | None) -> Site:
        sites.append(Site(tmp_path, browser, map_source(told, tmp_path) if told else None))
        return sites[-1]

    yield begin
    for one in sites:
        one.close()
        assert one.complaints == []


@pytest.fixture
def tile_server() -> Iterator[Callable[[TileDatum], TileServer]]:
    servers: list[TileServer] = []

    def begin(datum: TileDatum) -> TileServer:
        servers.append(TileServer(from_wgs84(HOME_AT, Datum(datum))))
        return servers[-1]

    yield begin
    for one in servers:
        one.stop()


def middle(page: Page, selector: str) -> tuple[float, float]:
    """Of an element, in pixels of the page."""
    box = page.locator(selector).bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def place_in_tile(page: Page, at: Place) -> tuple[float, float]:
    """Where the tile that is drawn has a place, in pixels of the page."""
    boxes: list[dict[str, Any]] = page.evaluate(
        "[...document.querySelectorAll('svg.map-svg image')].map((one) => {"
        " const box = one.getBoundingClientRect();"
        " return { href: one.href.baseVal, x: box.x, y: box.y, w: box.width, h: box.height }"
        "})"
    )
    for box in boxes:
        zoom, column, row = map(int, box["href"].partition(".png")[0].split("/")[-3:])
        cell = cell_of(at, zoom)
        if (cell.column, cell.row) == (column, row):
            return box["x"] + cell.right * box["w"], box["y"] + cell.down * box["h"]
    raise AssertionError(f"no tile has {at}: {boxes}")


MARK: Final = "svg.map-svg g.crit .halo"


@pytest.mark.parametrize("datum", get_args(TileDatum))
def test_on_tiles_of_either_datum_the_mark_stands_where_the_home_is(
    site: Opens, tile_server: Callable[[TileDatum], TileServer], datum: TileDatum
) -> None:
    server = tile_server(datum)
    layers = (server.template, server.template + "?names")
    town = site(MapTold(attribution=SAID, datum=datum, tiles=layers))

    page = town.console()
    expect(page.locator("svg.map-svg image").first).to_be_visible()
    page.locator(MARK).wait_for()
    for _ in range(3):
        page.get_by_role("button", name="放大").click()

    there = place_in_tile(page, from_wgs84(HOME_AT, Datum(datum)))
    assert math.dist(middle(page, MARK), there) < OUTSIDE_PX
    expect(page.locator(".map .note")).to_contain_text(SAID)
    eventually(lambda: any(path.endswith("?names") for path, _ in server.asked))
    assert {referer for _, referer in server.asked} == {f"{town.cloud.url}/"}
    page.wait_for_load_state("networkidle")
    keep(page, f"map-raster-{datum}")


def test_tiles_that_do_not_come_are_said_and_the_marks_stay(
    site: Opens, tile_server: Callable[[TileDatum], TileServer]
) -> None:
    server = tile_server("wgs84")
    server.is_broken = True
    town = site(MapTold(attribution=SAID, datum="wgs84", tiles=(server.template,)))

    page = town.console()

    expect(page.locator(".map .note")).to_contain_text("底图未能载入")
    expect(page.locator(MARK)).to_be_visible()


def district_tile(cell: Cell) -> bytes:
    """A road whose bend is the home, a park, water, and a name."""
    x, y = int(cell.right * 4096), int(cell.down * 4096)
    return (
        layer("earth", 3, line([(0, 0), (4096, 0), (4096, 4096), (0, 4096)], is_ring=True))
        + layer("landuse", 3, line([(x - 900, y), (x, y - 900), (x, y)], is_ring=True), kind="park")
        + layer("water", 3, line([(x, y), (x + 900, y), (x, y + 900)], is_ring=True), kind="lake")
        + layer("roads", 2, line([(0, y), (x, y), (x, 4096)]), kind="highway")
        + layer("places", 1, line([(x + 100, y - 200)]), name="安和社区")
    )


def write_district(folder: Path, kind: TileKind, home: Place, zoom: int) -> None:
    cell = cell_of(home, zoom)
    tile = district_tile(cell) if kind is TileKind.MVT else png(256, PAPER, cell[3:])
    (folder / "district.pmtiles").write_bytes(archive(kind, {cell[:3]: tile}))


@pytest.mark.parametrize("datum", get_args(TileDatum))
def test_a_file_of_vector_tiles_is_drawn_with_its_names_and_the_home_at_its_road(
    site: Opens, tmp_path: Path, datum: TileDatum
) -> None:
    home = from_wgs84(HOME_AT, Datum(datum))
    write_district(tmp_path, TileKind.MVT, home, 14)
    town = site(MapTold(attribution=SAID, datum=datum, file="district.pmtiles"))

    page = town.console()

    road = page.locator("svg.map-svg svg path.main")
    road.wait_for(state="attached")
    page.locator(MARK).wait_for()
    bend = page.evaluate(
        "() => { const road = document.querySelector('svg.map-svg svg path.main');"
        " const [, x, y] = road.getAttribute('d').match(/L(\\d+) (\\d+)/).map(Number);"
        " const at = new DOMPoint(x, y).matrixTransform(road.getScreenCTM()); return [at.x, at.y] }"
    )
    assert math.dist(middle(page, MARK), bend) < OUTSIDE_PX
    expect(page.locator("svg.map-svg text", has_text="安和社区").first).to_be_visible()
    expect(page.locator(".map .note")).to_contain_text(SAID)
    keep(page, f"map-pmtiles-{datum}")


def test_a_file_of_images_is_drawn_on_a_responders_phone(site: Opens, tmp_path: Path) -> None:
    write_district(tmp_path, TileKind.PNG, HOME_AT, 14)
    town = site(MapTold(attribution=SAID, datum="wgs84", file="district.pmtiles"))
    town.dispatch()

    page = town.open("/station", Visitor("chenli", size=PHONE))

    image = page.locator("svg.map-svg image")
    image.wait_for(state="attached")
    assert str(image.get_attribute("href")).startswith("data:image/png;base64,")
    expect(page.locator(".note", has_text=SAID)).to_be_visible()
    keep(page, "map-station")


def test_outlines_that_were_imported_take_the_place_of_the_schematic(site: Opens) -> None:
    town = site(None)
    square = [[114.30, 22.64], [114.36, 22.64], [114.37, 22.68], [114.31, 22.69], [114.30, 22.64]]

    def draw(work: Any) -> None:
        with Edit(work) as edit:
            edit.outline("440310002", [[square]])

    town.cloud.store.write(draw)
    page = town.console()

    expect(page.locator("svg.map-svg path.outline")).to_have_count(1)
    expect(page.locator("svg.map-svg path.river")).to_have_count(0)
    expect(page.locator(".map .note")).to_contain_text("仅有边界")
    page.get_by_role("button", name="回到全区").click()
    expect(page.locator("svg.map-svg text", has_text="马峦街道")).to_be_visible()
    drawn, pane = (page.locator(it).bounding_box() for it in ("path.outline", "svg.map-svg"))
    assert drawn is not None
    assert pane is not None
    assert pane["width"] * 0.7 < drawn["width"] < pane["width"]
    assert pane["x"] < drawn["x"]
    keep(page, "map-outlines")


def test_without_a_source_the_schematic_is_drawn_and_no_reader_of_files_is_loaded(
    site: Opens,
) -> None:
    town = site(None)
    page = town.console()

    expect(page.locator("svg.map-svg path.river")).to_have_count(1)
    expect(page.locator(".map .note")).to_contain_text("示意图")
    page.wait_for_load_state("networkidle")
    loaded = page.evaluate("performance.getEntriesByType('resource').map((one) => one.name)")
    assert [name for name in loaded if "archive" in name or ".pmtiles" in name] == []
    keep(page, "map-schematic")
