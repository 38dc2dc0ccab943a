"""The responder's phone, against the stand-in."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import PHONE, Opens, Visitor
from tests.e2e.stand_in import StandIn
from tests.waiting import eventually

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(90)]
CHEN = Visitor("chenli", size=PHONE)
VIBRATES = "window.shaken = 0; navigator.vibrate = () => { window.shaken += 1; return true }"


def offer(stand_in: StandIn, station: str = "st-anhe") -> dict[str, Any]:
    town = stand_in.town
    operator = town.accounts["operator"]
    alarm = town.press("ho-anhe01")
    town.claim(alarm["id"], operator)
    return town.dispatch(alarm["id"], operator, station)


def ready(visit: Opens) -> Page:
    page = visit("/station", CHEN)
    page.evaluate(VIBRATES)
    page.get_by_role("button", name="打开声音").click()
    expect(page.locator("main")).to_contain_text("在岗，等待派单")
    return page


def test_an_offer_fills_the_screen_rings_and_vibrates(visit: Opens, stand_in: StandIn) -> None:
    page = ready(visit)
    page.evaluate("window.tones = []")

    offer(stand_in)

    expect(page.locator("[data-screen=take]")).to_be_visible(timeout=1000)
    expect(page.get_by_role("timer")).to_contain_text("秒内接单")
    expect(page.locator("main")).to_contain_text("服抗凝药")
    eventually(lambda: page.evaluate("window.tones.length"))
    assert page.evaluate("window.shaken") >= 1


def test_hazards_come_first_and_the_door_code_goes_after_arrival(
    visit: Opens, stand_in: StandIn
) -> None:
    page = ready(visit)
    offer(stand_in)

    page.get_by_role("button", name="接单", exact=True).click()
    expect(page.locator(".haz2")).to_contain_text("右耳听力差")
    expect(page.locator("main")).to_contain_text("5027#")
    link = page.get_by_role("link", name="打开地图导航")
    expect(link).to_have_attribute("href", re.compile("coordinate=wgs84"))
    page.get_by_role("button", name="出发").click()
    page.get_by_role("button", name="我已到达").click()

    expect(page.locator("[data-screen=report]")).to_be_visible()
    expect(page.locator("main")).not_to_contain_text("5027#")


def test_a_report_takes_four_taps(visit: Opens, stand_in: StandIn) -> None:
    page = ready(visit)
    job = offer(stand_in)
    for name in ("接单", "出发", "我已到达"):
        page.get_by_role("button", name=name, exact=True).click()

    for field in ("受伤，意识清楚", "扶起安置", "家属", "不需要"):
        page.get_by_label(field, exact=True).check(force=True)
    page.get_by_role("button", name="完成").click()

    expect(page.locator("[data-screen=done]")).to_contain_text("已回报")
    told = stand_in.town.offers[job["id"]]["report"]
    assert told == {
        "found": "injured", "action": "helped_up", "handover": "family", "follow_up": "none",
    }  # fmt: skip


def test_declining_needs_a_reason(visit: Opens, stand_in: StandIn) -> None:
    page = ready(visit)
    job = offer(stand_in)
    page.get_by_role("button", name="不能接，选择原因").click()
    expect(page.get_by_role("button", name="确认不接")).to_be_disabled()

    page.get_by_label("手上有事").check(force=True)
    page.get_by_role("button", name="确认不接").click()

    expect(page.locator("[data-screen=waiting]")).to_be_visible()
    assert stand_in.town.offers[job["id"]]["state"] == "declined"


def test_a_step_without_answer_is_said_and_sent_until_it_arrives(
    visit: Opens, stand_in: StandIn
) -> None:
    page = ready(visit)
    job = offer(stand_in)
    page.get_by_role("button", name="接单", exact=True).click()
    page.get_by_role("button", name="出发").click()
    eventually(lambda: stand_in.town.offers[job["id"]]["state"] == "departed")
    stand_in.is_refusing = True

    page.get_by_role("button", name="我已到达").click()

    expect(page.locator("[data-screen=report]")).to_be_visible()
    expect(page.get_by_text("1 步待送达")).to_be_visible(timeout=15_000)
    stand_in.is_refusing = False
    expect(page.get_by_text("1 步待送达")).to_have_count(0, timeout=15_000)
    assert stand_in.town.offers[job["id"]]["state"] == "arrived"


def test_an_offer_that_somebody_else_takes_leaves_with_a_word(
    visit: Opens, stand_in: StandIn
) -> None:
    page = ready(visit)
    job = offer(stand_in)
    expect(page.locator("[data-screen=take]")).to_be_visible()

    stand_in.town.take(job["id"], "accept", stand_in.town.accounts["dengxm"], {})

    expect(page.locator(".toast")).to_contain_text("邓小梅接了这一单")
    expect(page.locator("[data-screen=waiting]")).to_be_visible()


def test_offers_of_another_station_do_not_ring_here(visit: Opens, stand_in: StandIn) -> None:
    page = ready(visit)

    offer(stand_in, "st-jiangling")
    offer_here = offer(stand_in)

    expect(page.locator("[data-screen=take]")).to_be_visible()
    assert offer_here["station"]["id"] == "st-anhe"


def test_nothing_scrolls_sideways_on_a_phone(visit: Opens, stand_in: StandIn) -> None:
    page = ready(visit)
    offer(stand_in)
    for name in ("接单", "出发", "我已到达"):
        page.get_by_role("button", name=name, exact=True).click()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
