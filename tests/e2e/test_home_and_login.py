"""The virtual home and the sign-in page, against the stand-in."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import PHONE, Opens, Visitor, violations
from tests.e2e.stand_in import StandIn

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(60)]
ANYBODY = Visitor()


def test_a_press_lights_the_lamp_speaks_and_is_logged(visit: Opens, stand_in: StandIn) -> None:
    page = visit("/home?home=ho-anhe01", ANYBODY)

    page.get_by_role("button", name="卫生间按钮").click()

    expect(page.locator("[data-lamp=received]")).to_contain_text("值守中心已收到")
    expect(page.locator("[data-said=received]")).to_be_visible()
    expect(page.locator(".log")).to_contain_text("卫生间按钮按下")
    assert len(stand_in.town.alarms) == 1


def test_the_home_hears_how_its_call_goes_on(visit: Opens, stand_in: StandIn) -> None:
    town = stand_in.town
    page = visit("/home?home=ho-anhe01", ANYBODY)
    expect(page.locator(".state")).to_contain_text("网关在线")
    alarm = town.press("ho-anhe01")

    town.claim(alarm["id"], town.accounts["operator"])
    expect(page.locator("[data-lamp=operator]")).to_contain_text("值守员在处理")
    job = town.dispatch(alarm["id"], town.accounts["operator"], "st-anhe")
    town.take(job["id"], "accept", town.accounts["chenli"], {})

    expect(page.locator("[data-lamp=coming]")).to_contain_text("已派人")


def test_what_is_not_connected_yet_says_so_and_cannot_be_pressed(visit: Opens) -> None:
    page = visit("/home?home=ho-anhe03", ANYBODY)

    gas = page.get_by_role("button", name="燃气报警器 尚未接入")

    expect(gas).to_be_disabled()


def test_another_home_can_be_chosen(visit: Opens) -> None:
    page = visit("/home", ANYBODY)
    expect(page.locator(".pick li")).to_have_count(10)

    page.get_by_role("link", name="陈国强").click()
    expect(page.locator("h1")).to_have_text("陈国强的家")
    page.get_by_label("选择一户").select_option("ho-anhe03")

    expect(page.locator("h1")).to_have_text("李桂芳的家")


def test_a_home_that_does_not_exist_is_said(visit: Opens) -> None:
    page = visit("/home?home=nowhere", ANYBODY)

    expect(page.get_by_role("alert")).to_contain_text("没有这一户")


def test_the_simulation_band_is_always_there(visit: Opens) -> None:
    page = visit("/home?home=ho-anhe01", Visitor(size=PHONE))

    expect(page.get_by_role("banner")).to_have_text("模拟 SIMULATION")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]


def test_signing_in_leads_to_the_page_of_the_role(visit: Opens) -> None:
    page = visit("/login", ANYBODY)
    page.get_by_label("账号").fill("chenli")
    page.get_by_label("密码").fill("right")

    page.get_by_role("button", name="登录").click()

    expect(page).to_have_url(re.compile("/station$"))


def test_a_wrong_password_is_said_at_the_fields(visit: Opens) -> None:
    page = visit("/login", ANYBODY)
    page.get_by_label("账号").fill("operator")
    page.get_by_label("密码").fill("wrong")

    page.get_by_role("button", name="登录").click()

    expect(page.get_by_role("alert")).to_have_text("账号或密码不对")
    expect(page.get_by_label("密码")).to_have_attribute("aria-invalid", "true")


def test_too_many_attempts_count_down(visit: Opens) -> None:
    page = visit("/login", ANYBODY)
    page.get_by_label("账号").fill("slow")
    page.get_by_label("密码").fill("wrong")

    page.get_by_role("button", name="登录").click()

    expect(page.get_by_role("button", name=re.compile("请等 (20|19) 秒"))).to_be_disabled()


def test_a_one_time_link_signs_in_and_leaves_the_address(visit: Opens) -> None:
    page = visit("/login#link=link-operator", ANYBODY)

    expect(page).to_have_url(re.compile("/console$"))


def test_a_used_link_says_what_to_do(visit: Opens) -> None:
    page = visit("/login#link=used", ANYBODY)

    expect(page.get_by_role("alert")).to_contain_text("请用账号登录")
    assert "#" not in page.url


def test_next_leads_only_to_our_own_pages(visit: Opens) -> None:
    page = visit("/login?next=//evil.example/console", ANYBODY)
    page.get_by_label("账号").fill("operator")
    page.get_by_label("密码").fill("right")

    page.get_by_role("button", name="登录").click()

    expect(page).to_have_url(re.compile(r"127\.0\.0\.1:\d+/console$"))


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_an_administrator_is_asked_for_the_code_as_well(visit: Opens, lang: str) -> None:
    page = visit("/login", Visitor(lang=lang))
    page.locator("#login").fill("administrator")
    page.locator("#password").fill("right")
    page.locator("form .pri").click()

    page.locator("#code").fill("000000")
    page.locator("form .pri").click()
    said = {"zh": "验证码不对或已用过", "en": "The code is wrong"}
    expect(page.get_by_role("alert")).to_contain_text(said[lang])
    assert violations(page) == []
    page.locator("#code").fill("123456")
    page.locator("form .pri").click()

    expect(page).to_have_url(re.compile("/admin$"))


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_new_administrator_sets_up_the_second_step_and_a_password(
    visit: Opens, stand_in: StandIn, lang: str
) -> None:
    page = visit("/login#link=link-administrator", Visitor(lang=lang))
    expect(page.locator("code")).to_have_text("JBSW Y3DP EHPK 3PXP")
    assert violations(page) == []

    page.locator("#code").fill("123456")
    page.locator("form .pri").click()
    expect(page.locator(".codes li")).to_have_count(10)
    assert violations(page) == []
    kept = {"zh": "我已保存", "en": "I have kept them"}
    page.get_by_role("button", name=kept[lang]).click()
    page.locator("#password").fill("short")
    page.locator("form .pri").click()
    expect(page.locator("#password")).to_have_attribute("aria-invalid", "true")
    assert violations(page) == []
    page.locator("#password").fill("correct horse battery")
    page.locator("form .pri").click()

    expect(page).to_have_url(re.compile("/admin$"))
    assert "PUT session/password" in stand_in.asked
