"""Browsers, the stand-in server, and the real demo for the pages' tests."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.stand_in import COOKIE, STATIC, StandIn
from tests.needs import require
from tests.waiting import eventually

ROOT: Final = Path(__file__).parents[2]
AXE: Final = ROOT / "dashboards" / "node_modules" / "axe-core" / "axe.min.js"
DESKTOP: Final = (1440, 900)
PHONE: Final = (390, 844)
FLAGS: Final = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
READY_WITHIN_S: Final = 60
# Written down in the page: which notes were played when, and every message of the console.
LISTEN: Final = """
  window.tones = []
  const start = OscillatorNode.prototype.start
  OscillatorNode.prototype.start = function (at) {
    window.tones.push({ hz: this.frequency.value, at: Date.now() })
    return start.call(this, at)
  }
"""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = require("chromium")
    if not (STATIC / "console.html").exists():
        pytest.fail("the pages are not built: run `npm ci && npm run build` in dashboards/")
    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield one
        one.close()


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    server = StandIn()
    server.start()
    yield server
    server.stop()


class Visitor(NamedTuple):
    """Who looks, with what."""

    login: str | None = None
    lang: str = "zh"
    size: tuple[int, int] = DESKTOP
    has_own_clock: bool = False  # time goes on by itself, and can be sent forward


Opens = Callable[..., Page]


@pytest.fixture
def visit(browser: Browser, stand_in: StandIn) -> Iterator[Opens]:
    """Opens a page of the stand-in. At the end no page may have complained."""
    pages: list[Page] = []
    complaints: list[str] = []

    def open_page(path: str, who: Visitor) -> Page:
        page = new_page(browser, stand_in.url, who, complaints)
        pages.append(page)
        if who.login is not None:
            cookie = {"name": COOKIE, "value": who.login, "url": stand_in.url}
            page.context.add_cookies([cookie])  # type: ignore[list-item]
        page.goto(path)
        return page

    yield open_page
    for page in pages:
        page.context.close()
    assert complaints == []


def new_page(browser: Browser, url: str, who: Visitor, complaints: list[str]) -> Page:
    width, height = who.size
    context = browser.new_context(base_url=url, viewport={"width": width, "height": height})
    context.add_init_script(LISTEN)
    context.add_init_script(f"localStorage.setItem('anju.lang', '{who.lang}')")
    page = context.new_page()
    if who.has_own_clock:
        page.clock.install()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    # Statuses that a test provokes are told there too; what counts are blocked styles and scripts.
    page.on("console", lambda m: complaints.append(m.text) if "Security Policy" in m.text else None)
    return page


def start_shift(page: Page) -> None:
    page.locator(".ban .btn.pri").click()
    page.locator(".ban .btn.pri").wait_for(state="detached")


def violations(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.2 A and AA and its best practices."""
    if not AXE.exists():
        pytest.fail("axe-core is missing: run `npm ci` in dashboards/")
    page.evaluate(AXE.read_text("utf-8"))
    found: list[dict[str, Any]] = page.evaluate(
        "axe.run({ resultTypes: ['violations'] }).then((result) => result.violations)"
    )
    return [f"{one['id']}: {node['html'][:120]}" for one in found for node in one["nodes"]]


# ── The real thing ──────────────────────────────────────────────────────────────────────────────


class Demo(NamedTuple):
    """A running demo. links: one-time sign-in links by role; sim: the virtual homes."""

    url: str
    links: dict[str, str]
    sim: str


@pytest.fixture(scope="module")
def demo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """`anju demo` on a free port with its data in a temporary folder; its links work once."""
    data = tmp_path_factory.mktemp("demo")
    command = (
        sys.executable,
        "-m",
        "anju",
        "demo",
        "--homes",
        "10",
        "--data",
        str(data),
        "--port",
        "0",
        "--ready-json",
    )
    with (data / "demo.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert process.stdout is not None
        line = first_line(process.stdout, READY_WITHIN_S)
        if line is None:
            pytest.fail(f"the demo was not ready: {(data / 'demo.log').read_text()[-3000:]}")
        ready = json.loads(line)
        yield Demo(ready["url"], ready["links"], ready["sim"])
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
        if process.stdout is not None:
            process.stdout.close()


def first_line(stream: IO[str], within_s: float) -> str | None:
    """The first line that is a JSON object; None where none comes in time."""
    found: list[str] = []

    def read() -> None:
        for line in stream:
            if line.lstrip().startswith("{") and not found:
                found.append(line)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        eventually(lambda: found or not thread.is_alive(), within_s)
    except TimeoutError:
        return None
    return found[0] if found else None


def keep(page: Page, name: str) -> None:
    """A picture for people, where ANJU_SHOTS names a folder."""
    folder = os.environ.get("ANJU_SHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(folder) / f"{name}.png"))
