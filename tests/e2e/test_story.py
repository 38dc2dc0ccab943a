"""The main job in real browsers on the real demo: one press, all the way."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pyotp
import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.e2e.conftest import DESKTOP, PHONE, Demo, Visitor, keep, new_page, start_shift
from tests.waiting import eventually

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(180)]
HOME: Final = "ho-anhe01"
RINGS_WITHIN_S: Final = 1.0


class Cast:
    """Everybody's page, each in a context of their own, signed in by their one-time link."""

    def __init__(self, browser: Browser, demo: Demo) -> None:
        self.complaints: list[str] = []
        self._browser, self._demo = browser, demo
        self.first = self._enter("operator", DESKTOP)
        self.second = self._enter("operator2", DESKTOP)
        self.responder = self._enter("responder", PHONE)
        self.home = new_page(browser, demo.url, Visitor(size=DESKTOP), self.complaints)
        self.home.goto(f"/home?home={HOME}")

    def _enter(self, role: str, size: tuple[int, int]) -> Page:
        page = new_page(self._browser, self._demo.url, Visitor(size=size), self.complaints)
        page.goto(self._demo.links[role])
        expect(page).to_have_url(re.compile("/station$" if role == "responder" else "/console$"))
        return page

    def leave(self) -> None:
        for page in (self.first, self.second, self.responder, self.home):
            page.context.close()


@pytest.fixture
def cast(browser: Browser, demo_server: Demo) -> Iterator[Cast]:
    everybody = Cast(browser, demo_server)
    yield everybody
    everybody.leave()
    assert everybody.complaints == []


def test_one_press_all_the_way(cast: Cast) -> None:
    first, second, responder, home = cast.first, cast.second, cast.responder, cast.home
    start_shift(first)
    start_shift(second)
    if responder.locator(".foot .btn").count():
        responder.locator(".foot .btn").click()
    first.evaluate("window.tones = []")

    # A press: the console rings within a second and shows who and where; the home hears of it.
    row = ring(first, home)
    keep(first, "story-ring")
    expect(home.locator("[data-lamp=received], [data-lamp=operator]")).to_be_visible(timeout=5_000)

    # Two operators want it: one gets it, the other is told who.
    claim_both(first, second)
    expect(row).to_have_attribute("data-handling", "claimed")
    expect(home.locator("[data-lamp=operator]")).to_be_visible(timeout=5_000)

    # The recommended station is offered the job; a responder accepts, arrives, reports.
    send(first)
    take(responder)
    expect(home.locator("[data-lamp=coming]")).to_be_visible(timeout=5_000)
    keep(home, "story-coming")
    report(responder)
    expect(row).to_have_attribute("data-handling", "reported", timeout=5_000)

    # The operator closes; the lamp goes out.
    close(first)
    expect(row).to_have_count(0)
    expect(home.locator("[data-lamp=off]")).to_be_visible(timeout=5_000)


def ring(console: Page, home: Page) -> Locator:
    row = console.locator("[data-alarm]").filter(has_text="王秀英")
    pressed = time.monotonic()
    home.locator("[data-device=bath]").click()
    expect(row).to_be_visible(timeout=5_000)
    eventually(lambda: console.evaluate("window.tones.length >= 2"), what="two notes")
    assert time.monotonic() - pressed < RINGS_WITHIN_S
    expect(row).to_contain_text("3 栋 2 单元 502")
    return row


def claim_both(first: Page, second: Page) -> None:
    """Both click at once: the second one's claim is held on its way until the first one has it."""
    late = second.locator("[data-alarm]").filter(has_text="王秀英")
    expect(late).to_be_visible()

    def hold(route: Route) -> None:
        claim(first)
        route.continue_()

    second.route("**/claim", hold)
    late.get_by_role("button", name=re.compile("^受理")).click()
    expect(second.locator(".toast", has_text="林晓岚先受理了")).to_be_visible()
    expect(late.locator(".own")).to_contain_text("林晓岚")


def claim(page: Page) -> None:
    row = page.locator("[data-alarm]").filter(has_text="王秀英")
    row.get_by_role("button", name=re.compile("^受理")).click()
    expect(row).to_have_attribute("data-handling", "claimed")


def send(console: Page) -> None:
    console.keyboard.press("d")
    expect(console.locator(".st-o.on")).to_contain_text("推荐")
    keep(console, "story-dispatch")
    console.keyboard.press("Enter")
    expect(console.locator("[data-offer]")).to_be_visible()


def take(phone: Page) -> None:
    expect(phone.locator("[data-screen=take]")).to_be_visible(timeout=5_000)
    keep(phone, "story-offer")
    for name in ("接单", "出发", "我已到达"):
        phone.get_by_role("button", name=name, exact=True).click()


def report(phone: Page) -> None:
    expect(phone.locator("[data-screen=report]")).to_be_visible()
    for field in ("受伤，意识清楚", "扶起安置", "家属", "不需要"):
        phone.get_by_label(field, exact=True).check(force=True)
    phone.get_by_role("button", name="完成").click()
    expect(phone.locator("[data-screen=done]")).to_contain_text("已回报")


def close(console: Page) -> None:
    console.locator(".act .main").click()
    console.get_by_label("真实求助").check(force=True)
    console.get_by_label("跌倒", exact=True).check(force=True)
    console.get_by_role("dialog").get_by_role("button", name="结案").click()
    expect(console.locator("[data-event=closed]")).to_be_visible()


def test_an_administrator_sets_up_the_second_step_and_enrols_a_gateway(
    browser: Browser, demo_server: Demo, tmp_path: Path
) -> None:
    complaints: list[str] = []
    page = new_page(browser, demo_server.url, Visitor(), complaints)
    page.goto(demo_server.links["administrator"])
    picture = page.get_by_role("img", name="身份验证器的二维码")
    expect(picture).to_be_visible()
    keep(page, "login-second-step")
    assert picture.evaluate("image => image.naturalWidth") > 0

    secret = page.locator("code").inner_text().replace(" ", "")
    page.get_by_label("动态验证码").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="继续").click()

    expect(page.locator(".codes li")).to_have_count(10)
    keep(page, "login-recovery-codes")
    page.get_by_role("button", name="我已保存").click()
    page.wait_for_url("**/admin")

    # The command that the page shows, as it stands there.
    page.get_by_role("link", name="网关与证书").click()
    row = page.locator("[data-gateway=gw-demo01]")
    expect(row).to_contain_text("最近数据")
    page.get_by_role("button", name="给 gw-demo01 发安装码").click()
    command = page.locator("dialog code").first.inner_text().split()
    assert command[:3] == ["anju", "edge", "enrol"]
    subprocess.run([sys.executable, "-m", *command, "--dir", str(tmp_path)], check=True, timeout=30)
    page.reload()
    expect(row).to_contain_text("证书有效")
    keep(page, "admin-demo")
    page.context.close()
    assert complaints == []
