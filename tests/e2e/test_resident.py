"""A resident's last 24 hours, against the stand-in: what was not heard is said, not drawn."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import (
    DESKTOP,
    PHONE,
    Demo,
    Opens,
    Visitor,
    keep,
    new_page,
    violations,
)
from tests.e2e.stand_in import StandIn

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(90)]
OPERATOR, ANYBODY = Visitor("operator"), Visitor()
PATH = "/resident?home=ho-anhe01"


def test_each_measurement_has_its_chart_and_newest_value(visit: Opens) -> None:
    page = visit(PATH, OPERATOR)

    expect(page.locator("[data-panel=temperature] canvas")).to_be_visible()
    expect(page.locator("[data-panel=temperature] .now")).to_contain_text("°C")
    expect(page.locator("[data-panel=motion] .now").first).to_have_text("有活动")
    expect(page.locator("[data-panel=opening] .now")).to_have_text("关")
    expect(page.locator(".who")).to_contain_text("王秀英")


def test_a_gap_is_a_line_of_the_table_and_no_value(visit: Opens) -> None:
    page = visit(PATH, OPERATOR)

    page.locator("[data-panel=opening] summary").click()

    rows = page.locator("[data-panel=opening] tbody tr")
    # Closed for three hours; held for four more; unknown for one; then closed, open, closed.
    expect(rows).to_have_text([re.compile(what) for what in ("关", "无数据", "关", "开", "关")])


def test_the_chart_shades_the_gap_and_draws_nothing_in_it(visit: Opens) -> None:
    page = visit(PATH, OPERATOR)
    canvas = page.locator("[data-panel=temperature] canvas")
    expect(canvas).to_be_visible()

    drawn = canvas.evaluate(
        """(canvas) => {
          const root = getComputedStyle(document.documentElement)
          const rgb = (name) => root.getPropertyValue(name).trim().match(/[0-9a-f]{2}/g)
            .map((part) => parseInt(part, 16))
          const pen = canvas.getContext('2d')
          const { data } = pen.getImageData(0, 0, canvas.width, canvas.height)
          const seen = { line: [], gap: [] }
          const [line, gap] = [rgb('--chart-1'), rgb('--chart-gap')]
          for (let n = 0; n < data.length; n += 4) {
            const x = (n / 4) % canvas.width
            const is = (color) => color.every((part, at) => data[n + at] === part)
            if (data[n + 3] === 255 && is(line)) seen.line.push(x)
            if (data[n + 3] === 255 && is(gap)) seen.gap.push(x)
          }
          const reduce = (xs, fn) => xs.reduce((a, b) => fn(a, b), xs[0])
          const [from, to] = [reduce(seen.gap, Math.min), reduce(seen.gap, Math.max)]
          const inside = seen.line.filter((x) => x > from + 4 && x < to - 4).length
          return { from, to, width: canvas.width, inside, line: seen.line.length }
        }"""
    )

    assert drawn["line"] > 100
    assert drawn["inside"] == 0
    assert 0.15 < (drawn["to"] - drawn["from"]) / drawn["width"] < 0.25  # five hours of 24


def test_a_measurement_that_nobody_tells_is_said(visit: Opens) -> None:
    page = visit(PATH, OPERATOR)

    expect(page.locator("[data-panel=battery]")).to_contain_text("近 24 小时没有数据")


def test_with_the_series_away_each_panel_says_so_and_comes_back(
    visit: Opens, stand_in: StandIn
) -> None:
    stand_in.day.is_away = True
    page = visit(PATH, Visitor("operator", has_own_clock=True))
    alert = page.locator("[data-panel=temperature] [role=alert]")
    expect(alert).to_contain_text("没有载入")
    expect(page.locator(".who")).to_contain_text("王秀英")

    stand_in.day.is_away = False
    page.clock.fast_forward(6_000)

    expect(page.locator("[data-panel=temperature] canvas")).to_be_visible()


def test_what_has_grown_old_stays_with_its_time(visit: Opens, stand_in: StandIn) -> None:
    page = visit(PATH, Visitor("operator", has_own_clock=True))
    expect(page.locator("[data-panel=temperature] canvas")).to_be_visible()

    stand_in.day.is_away = True
    page.clock.fast_forward(61_000)

    expect(page.locator("[data-panel=temperature] .stale")).to_contain_text("数据停止于")
    expect(page.locator("[data-panel=temperature] canvas")).to_be_visible()


def test_a_home_that_does_not_exist_is_said(visit: Opens) -> None:
    page = visit("/resident?home=nowhere", OPERATOR)

    expect(page.get_by_role("alert")).to_contain_text("没有载入")


def test_the_console_leads_to_the_day_of_the_home_that_calls(
    visit: Opens, stand_in: StandIn
) -> None:
    alarm = stand_in.town.press("ho-anhe01")
    page = visit(f"/console?alarm={alarm['id']}", OPERATOR)

    link = page.get_by_role("link", name="近 24 小时")

    expect(link).to_have_attribute("href", PATH)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_page_is_accessible(
    lang: str, size: tuple[int, int], visit: Opens, stand_in: StandIn
) -> None:
    page = visit(PATH, Visitor("operator", lang, size))
    expect(page.locator("[data-panel=opening] canvas")).to_be_visible()
    page.locator("[data-panel=motion] summary").first.click()

    keep(page, f"resident-{lang}-{size[0]}")

    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_what_the_devices_of_a_home_have_said_is_on_the_page(
    browser: Browser, demo_server: Demo
) -> None:
    complaints: list[str] = []
    page = new_page(browser, demo_server.url, ANYBODY, complaints)
    page.goto(demo_server.links["operator"])
    page.wait_for_url("**/console**")

    page.goto(PATH)

    for panel, says in (
        ("temperature", "°C"),
        ("motion", "活动"),
        ("opening", re.compile("开|关")),
        ("battery", "%"),
    ):
        newest = page.locator(f"[data-panel={panel}] .now").first
        expect(newest).to_contain_text(says, timeout=70_000)  # the page looks once a minute
    keep(page, "resident-demo")
    page.context.close()
    assert complaints == []
