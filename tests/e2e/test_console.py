"""The operator's console in states that the story does not reach, against the stand-in."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import PHONE, Opens, Visitor, keep, start_shift
from tests.e2e.stand_in import StandIn
from tests.waiting import eventually

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(120)]
OPERATOR = Visitor("operator")


def row(page: Page, alarm: dict[str, str]) -> str:
    return f'[data-alarm="{alarm["id"]}"]'


def top(locator: Locator) -> float:
    box = locator.bounding_box()
    assert box is not None
    return box["y"]


def tones(page: Page) -> list[dict[str, float]]:
    heard: list[dict[str, float]] = page.evaluate("window.tones")
    return heard


def test_an_alarm_shows_who_and_where_and_rings_two_rising_notes(
    visit: Opens, stand_in: StandIn
) -> None:
    page = visit("/console", OPERATOR)
    start_shift(page)
    page.evaluate("window.tones = []")

    alarm = stand_in.town.press("ho-anhe01")

    expect(page.locator(row(page, alarm))).to_contain_text("王秀英", timeout=1000)
    expect(page.locator(row(page, alarm))).to_contain_text("3 栋 2 单元 502")
    low, high = (tone["hz"] for tone in eventually(lambda: tones(page)))
    assert low < high


def test_a_claim_stops_the_ringing_and_opens_the_incident(visit: Opens, stand_in: StandIn) -> None:
    page = visit("/console", OPERATOR)
    start_shift(page)
    alarm = stand_in.town.press("ho-anhe01")

    page.locator(row(page, alarm)).get_by_role("button", name="受理 王秀英").click()

    expect(page.locator(".inc h2")).to_contain_text("王秀英")
    expect(page.locator("[data-event=claimed]")).to_contain_text("林晓岚受理")
    assert page.url.endswith(f"?alarm={alarm['id']}")
    assert "受理" not in page.title()


def test_a_lost_race_says_who_was_first_without_a_dialog(visit: Opens, stand_in: StandIn) -> None:
    page = visit("/console", OPERATOR)
    alarm = stand_in.town.press("ho-anhe01")
    expect(page.locator(row(page, alarm))).to_be_visible()
    stand_in.is_silent = True  # the other's claim is not told before ours arrives
    stand_in.town.claim(alarm["id"], stand_in.town.accounts["operator2"])

    page.locator(row(page, alarm)).get_by_role("button", name="受理").click()

    expect(page.locator(".toast")).to_contain_text("何文静先受理了")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator(row(page, alarm)).locator(".own")).to_contain_text("何文静")


def test_repeats_late_presses_and_take_backs_are_marked(visit: Opens, stand_in: StandIn) -> None:
    town = stand_in.town
    page = visit("/console", OPERATOR)
    again = town.press("ho-anhe01")
    town.press("ho-anhe01")
    late = town.press("ho-anhe02", age_ms=840_000)
    town.fine("ho-anhe02")

    expect(page.locator(row(page, again)).locator(".times")).to_have_text("×2")
    expect(page.locator(row(page, late))).to_contain_text("迟到 14 分钟")
    expect(page.locator(row(page, late))).to_contain_text("长者说没事")


def test_an_unreadable_message_is_a_technical_alarm_with_its_gateway(
    visit: Opens, stand_in: StandIn
) -> None:
    page = visit("/console", OPERATOR)

    alarm = stand_in.town.technical()

    expect(page.locator(row(page, alarm))).to_contain_text("技术警情")
    expect(page.locator(row(page, alarm))).to_contain_text("gw-demo01")


def test_rows_stand_still_under_the_pointer_and_new_criticals_still_show(
    visit: Opens, stand_in: StandIn
) -> None:
    town, he = stand_in.town, stand_in.town.accounts["operator2"]
    page = visit("/console", OPERATOR)
    alarms = [town.press(f"ho-anhe0{n}") for n in range(1, 7)]
    for alarm in alarms[1:]:
        town.claim(alarm["id"], he)
    last = page.locator(row(page, alarms[5]))
    expect(last.locator(".own")).to_contain_text("何文静")
    last.hover()
    before = top(last)

    new = town.press("ho-anhe08")
    town.release(alarms[1]["id"], he)
    town.technical()

    expect(page.locator(f".pins {row(page, new)}")).to_be_visible()
    expect(page.locator(".newbar")).to_contain_text("1 条新警情")
    assert top(last) == pytest.approx(before, abs=1)
    page.mouse.move(900, 500)
    expect(page.locator(f".pins {row(page, alarms[1])}")).to_be_visible()


def test_no_filter_hides_an_unclaimed_critical(visit: Opens, stand_in: StandIn) -> None:
    page = visit("/console", OPERATOR)
    alarm = stand_in.town.press("ho-anhe01")

    page.get_by_role("button", name=re.compile("^我的")).click()

    expect(page.locator(row(page, alarm))).to_be_visible()


def test_the_whole_case_can_be_led_with_the_keyboard(visit: Opens, stand_in: StandIn) -> None:
    page = visit("/console", OPERATOR)
    first = stand_in.town.press("ho-anhe01", waited_ms=5_000)
    second = stand_in.town.press("ho-anhe02")
    expect(page.locator(row(page, second))).to_be_visible()

    page.keyboard.press("j")
    expect(page.locator(row(page, first))).to_have_attribute("aria-current", "true")
    page.keyboard.press("c")
    expect(page.locator(row(page, first))).to_have_attribute("data-handling", "claimed")
    page.keyboard.press("d")
    expect(page.locator(".st-o.on")).to_contain_text("推荐")
    page.keyboard.press("Enter")
    expect(page.locator(row(page, first))).to_have_attribute("data-handling", "offered")
    page.keyboard.press("x")
    page.keyboard.press("Space")
    expect(page.get_by_role("dialog")).to_contain_text("请再选原因")


def test_keys_do_nothing_while_somebody_writes(visit: Opens, stand_in: StandIn) -> None:
    page = visit("/console", OPERATOR)
    alarm = stand_in.town.press("ho-anhe01")
    page.locator(row(page, alarm)).get_by_role("button", name="受理").click()
    expect(page.locator(row(page, alarm))).to_have_attribute("data-handling", "claimed")
    page.keyboard.press("n")

    page.get_by_role("textbox", name="备注").press_sequentially("dcx?")

    expect(page.get_by_role("dialog")).to_have_count(1)
    page.get_by_role("button", name="保存").click()
    expect(page.locator("[data-event=noted]")).to_contain_text("dcx?")


def test_silence_turns_stale_then_offline_and_a_claim_asks_twice(
    visit: Opens, stand_in: StandIn
) -> None:
    page = visit("/console", Visitor("operator", has_own_clock=True))
    alarm = stand_in.town.press("ho-anhe01")
    expect(page.locator(row(page, alarm))).to_be_visible()
    stand_in.is_silent = stand_in.is_refusing = True

    page.clock.fast_forward(5_500)
    expect(page.locator(".ban.stale")).to_be_visible()
    page.clock.fast_forward(7_000)
    expect(page.locator(".ban.off")).to_be_visible()
    keep(page, "console-offline")
    page.locator(row(page, alarm)).get_by_role("button", name="受理").click()
    page.get_by_role("button", name="仍要受理").click()
    expect(page.locator(row(page, alarm))).to_contain_text("排队中")
    stand_in.is_silent = stand_in.is_refusing = False

    expect(page.locator(row(page, alarm))).to_have_attribute(
        "data-handling", "claimed", timeout=20_000
    )
    expect(page.locator(".ban.off")).to_have_count(0, timeout=20_000)


def test_the_console_tells_the_server_that_it_is_awake_and_audible(
    visit: Opens, stand_in: StandIn
) -> None:
    page = visit("/console", OPERATOR)
    eventually(lambda: stand_in.acks)
    assert stand_in.acks[-1]["audio_ok"] is False

    start_shift(page)

    assert eventually(lambda: stand_in.acks[-1]["audio_ok"]) is True


def test_muting_lasts_a_minute_at_the_most(visit: Opens, stand_in: StandIn) -> None:
    page = visit("/console", OPERATOR)
    start_shift(page)
    stand_in.town.press("ho-anhe01")
    eventually(lambda: len(tones(page)) >= 3)

    page.keyboard.press("m")

    expect(page.locator(".sound")).to_contain_text(re.compile(r"静音 (60|59) 秒"))


def test_an_address_with_an_alarm_opens_it(visit: Opens, stand_in: StandIn) -> None:
    alarm = stand_in.town.press("ho-anhe03")

    page = visit(f"/console?alarm={alarm['id']}", OPERATOR)

    expect(page.locator(".inc h2")).to_contain_text("李桂芳")


def test_the_door_code_is_shown_only_after_a_logged_look(visit: Opens, stand_in: StandIn) -> None:
    page = visit("/console", OPERATOR)
    alarm = stand_in.town.press("ho-anhe01")
    page.locator(row(page, alarm)).get_by_role("button", name="受理").click()
    expect(page.locator("[data-event=claimed]")).to_be_visible()
    expect(page.locator(".inc")).not_to_contain_text("5027#")

    page.get_by_role("button", name="门禁与入户").click()

    expect(page.locator(".inc")).to_contain_text("5027#")
    expect(page.locator("[data-event=revealed]")).to_be_visible()


def test_on_a_phone_the_incident_is_a_sheet_over_the_queue(visit: Opens, stand_in: StandIn) -> None:
    page = visit("/console", Visitor("operator", size=PHONE))
    alarm = stand_in.town.press("ho-anhe01")

    page.locator(row(page, alarm)).get_by_role("button", name="王秀英", exact=True).click()

    expect(page.locator(".sheet h2")).to_contain_text("王秀英")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    page.get_by_role("button", name="返回列表").click()
    expect(page.locator(".sheet")).to_have_count(0)


def test_the_language_switches_at_once_and_is_remembered(visit: Opens) -> None:
    page = visit("/console", OPERATOR)
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")

    page.get_by_role("button", name="切换到英文").click()

    expect(page.locator("h1")).to_have_text("Operator console")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    assert page.evaluate("localStorage.getItem('anju.lang')") == "en"


def test_somebody_not_signed_in_is_led_to_the_sign_in_page(visit: Opens) -> None:
    page = visit("/console?alarm=al-7", Visitor())

    expect(page).to_have_url(re.compile(r"/login\?next=%2Fconsole%3Falarm%3Dal-7"))
