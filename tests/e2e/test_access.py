"""Every page, in both languages and its main states, passes the automated accessibility rules."""

from collections.abc import Callable
from typing import Final

import pytest
from playwright.sync_api import Page

from tests.e2e.conftest import DESKTOP, PHONE, Opens, Visitor, keep, start_shift, violations
from tests.e2e.stand_in import StandIn

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(120)]
LANGS: Final = ("zh", "en")
SIZES: Final = {"desktop": DESKTOP, "phone": PHONE}
Stage = Callable[[Page, StandIn], None]


def nothing(page: Page, stand_in: StandIn) -> None:
    page.locator("h1").first.wait_for(state="attached")


def on_duty(page: Page, stand_in: StandIn) -> None:
    start_shift(page)
    page.locator(".empty").first.wait_for()


def busy(page: Page, stand_in: StandIn) -> None:
    """Every lane filled, one alarm claimed and open."""
    town, he = stand_in.town, stand_in.town.accounts["operator2"]
    start_shift(page)
    late = town.press("ho-anhe03", age_ms=840_000, waited_ms=700_000)
    town.claim(late["id"], he)
    town.press("ho-anhe05", waited_ms=24_000)
    town.press("ho-anhe05")
    town.technical()
    mine = town.press("ho-anhe01", waited_ms=40_000)
    page.locator(f'[data-alarm="{mine["id"]}"] .btn').click()
    page.locator("[data-event=claimed]").wait_for(state="attached")


def dispatching(page: Page, stand_in: StandIn) -> None:
    busy(page, stand_in)
    page.locator(".act .main").click()
    page.locator(".st-o.on").wait_for()


def under_way(page: Page, stand_in: StandIn) -> None:
    dispatching(page, stand_in)
    page.locator(".drw-f .pri").click()
    page.locator("[data-offer=offered]").wait_for()


def closing(page: Page, stand_in: StandIn) -> None:
    busy(page, stand_in)
    page.keyboard.press("x")
    page.locator("dialog label").first.click()


def shortcuts(page: Page, stand_in: StandIn) -> None:
    page.locator("h1").first.wait_for()
    page.keyboard.press("?")
    page.locator("dialog").wait_for()


def offline(page: Page, stand_in: StandIn) -> None:
    busy(page, stand_in)
    stand_in.is_silent = stand_in.is_refusing = True
    page.clock.fast_forward(13_000)
    page.locator(".ban.off").wait_for()


def offered(page: Page, stand_in: StandIn) -> None:
    town, operator = stand_in.town, stand_in.town.accounts["operator"]
    page.locator(".foot .btn").click()
    alarm = town.press("ho-anhe01")
    town.claim(alarm["id"], operator)
    town.dispatch(alarm["id"], operator, "st-anhe")
    page.locator("[data-screen=take]").wait_for()


def declining(page: Page, stand_in: StandIn) -> None:
    offered(page, stand_in)
    page.locator(".no").click()


def on_the_way(page: Page, stand_in: StandIn) -> None:
    offered(page, stand_in)
    page.locator(".yes").click()
    page.locator(".next").click()


def reporting(page: Page, stand_in: StandIn) -> None:
    on_the_way(page, stand_in)
    page.locator(".since").wait_for()
    page.locator(".next").click()
    page.locator(".opts label").first.click()


def pressed(page: Page, stand_in: StandIn) -> None:
    page.locator("[data-device=bath]").click()
    page.locator("[data-lamp=received]").wait_for()


def asked_for_a_code(page: Page, stand_in: StandIn) -> None:
    page.locator("#login").fill("administrator")
    page.locator("#password").fill("right")
    page.locator("form .pri").click()
    page.locator("#code").wait_for()


def setting_up(page: Page, stand_in: StandIn) -> None:
    page.locator("code").wait_for()


def recovery_codes(page: Page, stand_in: StandIn) -> None:
    page.locator("#code").fill("123456")
    page.locator("form .pri").click()
    page.locator(".codes li").first.wait_for()


def choosing_a_password(page: Page, stand_in: StandIn) -> None:
    recovery_codes(page, stand_in)
    page.locator(".right .pri").click()
    page.locator("#password").wait_for()


LINK: Final = "/login#link=link-administrator"
STATES: Final[dict[str, tuple[str, str | None, Stage]]] = {
    "login": ("/login", None, nothing),
    "login code": ("/login", None, asked_for_a_code),
    "login set-up": (LINK, None, setting_up),
    "login recovery": (LINK, None, recovery_codes),
    "login password": (LINK, None, choosing_a_password),
    "console before duty": ("/console", "operator", nothing),
    "console empty": ("/console", "operator", on_duty),
    "console busy": ("/console", "operator", busy),
    "console dispatching": ("/console", "operator", dispatching),
    "console under way": ("/console", "operator", under_way),
    "console closing": ("/console", "operator", closing),
    "console shortcuts": ("/console", "operator", shortcuts),
    "station before duty": ("/station", "chenli", nothing),
    "station offered": ("/station", "chenli", offered),
    "station declining": ("/station", "chenli", declining),
    "station on the way": ("/station", "chenli", on_the_way),
    "station reporting": ("/station", "chenli", reporting),
    "home choice": ("/home", None, nothing),
    "home quiet": ("/home?home=ho-anhe01", None, nothing),
    "home pressed": ("/home?home=ho-anhe01", None, pressed),
}


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("state", STATES)
def test_a_page_has_no_violation(state: str, lang: str, visit: Opens, stand_in: StandIn) -> None:
    path, login, stage = STATES[state]
    page = visit(path, Visitor(login, lang))
    stage(page, stand_in)

    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_load_state("networkidle")
        keep(page, f"{state.replace(' ', '-')}-{size}-{lang}")
        assert violations(page) == [], size
        assert page.evaluate("document.documentElement.scrollWidth") <= width, size


@pytest.mark.parametrize("lang", LANGS)
def test_an_offline_console_has_no_violation(lang: str, visit: Opens, stand_in: StandIn) -> None:
    page = visit("/console", Visitor("operator", lang, has_own_clock=True))

    offline(page, stand_in)

    assert violations(page) == []
