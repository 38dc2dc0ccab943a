"""The office's page on the real routes: homes, certificates, accounts, plans, removals, audit."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect

from cloud.fleet.authority import services_of
from cloud.fleet.certificates import Kind, new_key
from cloud.registry.sightings import saw_unregistered
from cloud.travel.datum import Datum, to_wgs84
from cloud.travel.estimate import Place
from cloud.web.desk import COOKIE
from tests.cloud.fleet.requests import request
from tests.cloud.web.test_begin import empty
from tests.e2e.conftest import DESKTOP, PHONE, Visitor, keep, new_page, violations
from tests.e2e.office import Office, open_office

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(120)]
Enters = Callable[..., Page]
WANG: Final = "ho-anhe01"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as office:
        yield office


@pytest.fixture
def enter(browser: Browser, office: Office) -> Iterator[Enters]:
    """Opens the page as somebody who has passed both steps."""
    pages: list[Page] = []
    complaints: list[str] = []

    def open_page(
        section: str, login: str, lang: str = "zh", size: tuple[int, int] = DESKTOP
    ) -> Page:
        page = new_page(browser, office.url, Visitor(login, lang, size), complaints)
        pages.append(page)
        cookie = {"name": COOKIE, "value": office.cookie(login), "url": office.url}
        page.context.add_cookies([cookie])  # type: ignore[list-item]
        page.goto(f"/admin#{section}")
        return page

    yield open_page
    for page in pages:
        page.context.close()
    assert complaints == []


def certify(office: Office, gateway: str = "gw-demo01") -> None:
    office.town.gateways.sign(new_key().public_key(), Kind.GATEWAY, [gateway])


# ---------------------------------------------------------------- enrolling a home


def fill_in_a_home(page: Page) -> None:
    page.get_by_role("button", name="登记一户").click()
    page.get_by_label("网关编号").fill("gw-new00001")
    page.get_by_label("区域").select_option("440310002902")
    page.get_by_label("门牌").fill("安和苑 9 栋 101")
    page.get_by_label("位置").fill("22.66012, 114.33145")
    person = page.get_by_role("group", name="长者")
    person.get_by_label("姓名").fill("郑玉兰")
    person.get_by_label("年龄").fill("81")
    contact = page.get_by_role("group", name="第一联系人")
    contact.get_by_label("姓名").fill("郑强")
    contact.get_by_label("关系").fill("儿子")
    contact.get_by_label("电话").fill("0755-00001111")
    page.get_by_role("group", name="设备").get_by_label("地址").fill("00:12:4B:00:14:A0:99:01")


def test_a_home_is_enrolled_in_one_form_and_its_gateway_by_the_code_it_ends_with(
    office: Office, enter: Enters, tmp_path: Path
) -> None:
    services_of(tmp_path / "ca", office.town.clock).create("Test")
    page = enter("homes", "administrator")
    fill_in_a_home(page)
    page.get_by_label("坐标系").select_option("gcj02")

    page.get_by_role("button", name="登记并发安装码").click()

    command = page.locator("code").first
    expect(command).to_contain_text(re.compile(r"anju edge enrol \S+ --url http"))
    code = str(command.text_content()).split()[3]
    given = office.town.client.post("/api/enrol", json={"code": code, "csr": request()})
    assert given.json()["gateway"] == "gw-new00001"
    [home] = office.town.registry.homes_of("gw-new00001")
    card = office.town.registry.home_card(home)
    assert card is not None
    assert [each.name for each in card.residents] == ["郑玉兰"]
    where = to_wgs84(Place(22.66012, 114.33145), Datum.GCJ02)
    assert (card.lat, card.lon) == pytest.approx(where, abs=1e-6)
    [button] = office.town.registry.devices_of(home)
    assert (button.uid, button.is_sos) == ("z2m:0x00124b0014a09901", True)
    page.get_by_role("button", name="完成").click()
    page.goto("/admin#gateways")
    expect(page.locator("[data-gateway=gw-new00001]")).to_contain_text("证书有效")


def test_what_is_missing_is_said_before_anything_is_sent(office: Office, enter: Enters) -> None:
    page = enter("homes", "administrator")
    fill_in_a_home(page)
    page.get_by_label("位置").fill("114.33145, 22.66012")

    page.get_by_role("button", name="登记并发安装码").click()

    expect(page.get_by_role("alert")).to_contain_text("位置要写成")
    assert office.town.registry.gateway_card("gw-new00001") is None


def test_a_device_that_was_heard_is_offered_and_registered(office: Office, enter: Enters) -> None:
    uid = "z2m:0x00124b0014a07777"
    office.town.store.write(lambda work: saw_unregistered(work, "gw-demo01", uid))
    page = enter("homes", "administrator")
    expect(page.get_by_role("region", name="听到但未登记的设备")).to_contain_text(uid)
    page.locator(f"[data-home={WANG}]").get_by_role("button").click()
    page.get_by_role("button", name="添加设备").click()
    assert page.locator("dialog datalist option").get_attribute("value") == uid[4:]

    page.get_by_label("地址").fill(uid[4:])
    page.get_by_role("button", name="保存").click()

    expect(page.locator("dialog")).to_have_count(0)
    assert uid in {each.uid for each in office.town.registry.devices_of(WANG)}
    expect(page.get_by_role("region", name="听到但未登记的设备")).to_have_count(0)


def test_a_device_that_was_taken_away_is_not_the_homes_any_more(
    office: Office, enter: Enters
) -> None:
    before = [each.uid for each in office.town.registry.devices_of(WANG)]
    page = enter("homes", "administrator")
    page.locator(f"[data-home={WANG}]").get_by_role("button").click()

    page.get_by_role("button", name=re.compile("^移除设备")).first.click()
    page.get_by_role("button", name="保存").click()

    expect(page.locator("dialog")).to_have_count(0)
    assert [each.uid for each in office.town.registry.devices_of(WANG)] == before[1:]


def test_a_district_begins_on_the_page(office: Office, enter: Enters) -> None:
    office.town.store.write(empty)
    office.town.registry.forget()
    page = enter("areas", "wumin")
    for name, code in (("新区", "440399"), ("一街道", "440399001")):
        page.get_by_role("button", name="新建区域").click()
        page.get_by_label("名称", exact=True).fill(name)
        page.get_by_label("编号").fill(code)
        if code != "440399":
            page.get_by_label("上级区域").select_option("440399")
        page.get_by_role("dialog").get_by_role("button", name="保存").click()
        expect(page.locator(f"[data-area='{code}']")).to_contain_text(name)

    page.goto("/admin#homes")
    page.get_by_role("button", name="登记一户").click()
    expect(page.get_by_label("区域").locator("option")).to_have_count(3)
    card = office.town.registry.area_card("440399001")
    assert card is not None
    assert card.path == ("440399", "440399001")


def test_without_the_second_step_the_way_leads_back_to_the_door(
    browser: Browser, office: Office
) -> None:
    page = new_page(browser, office.url, Visitor(), [])
    token = office.cookie("administrator", has_second=False)
    page.context.add_cookies([{"name": COOKIE, "value": token, "url": office.url}])

    page.goto("/admin")

    expect(page).to_have_url(re.compile("/login"))
    page.context.close()


# ---------------------------------------------------------------- certificates


def test_a_certificate_is_revoked_with_a_reason_and_only_then(
    office: Office, enter: Enters
) -> None:
    certify(office)
    page = enter("gateways", "administrator")
    row = page.locator("[data-gateway=gw-demo01]")
    row.get_by_role("button", name=re.compile("吊销")).click()
    sure = page.get_by_role("dialog").get_by_role("button", name="吊销")
    expect(sure).to_be_disabled()

    page.get_by_label("原因").fill("被盗")
    sure.click()

    expect(row).to_contain_text("已吊销")
    expect(row).to_contain_text("被盗")
    assert "gw-demo01" in office.town.gateways.standing().denied
    page.goto("/login")  # and the row of the audit
    audit = enter("audit", "auditor")
    expect(audit.locator(".item", has_text="/revoke")).to_contain_text("gw-demo01")


def test_a_code_is_shown_once_with_its_command(office: Office, enter: Enters) -> None:
    page = enter("gateways", "administrator")

    page.get_by_role("button", name="给 gw-demo01 发安装码").click()

    expect(page.locator("dialog code").first).to_contain_text("anju edge enrol")
    page.get_by_role("button", name="完成").click()
    expect(page.locator("[data-gateway=gw-demo01]")).to_contain_text("安装码待用")
    page.reload()
    expect(page.locator("[data-gateway=gw-demo01]")).to_contain_text("安装码待用")
    expect(page.locator("code")).to_have_count(0)


# ---------------------------------------------------------------- accounts


def test_somebody_new_comes_in_by_the_link_that_is_shown_once(
    office: Office, enter: Enters
) -> None:
    page = enter("accounts", "administrator")
    page.get_by_role("button", name="新建账号").click()
    page.get_by_label("姓名").fill("钱红")
    page.get_by_label("账号名").fill("qianhong")
    page.get_by_label("区域").select_option("440310002")
    page.get_by_role("button", name="保存").click()
    link = str(page.locator("dialog code").text_content())

    token = link.partition("#link=")[2]
    answer = office.town.client.post("/api/session/link", json={"token": token})

    assert answer.json()["account"]["login"] == "qianhong"
    page.get_by_role("button", name="完成").click()
    expect(page.locator("[data-account=qianhong]")).to_contain_text("值守员")


def test_another_role_and_a_shut_door(office: Office, enter: Enters) -> None:
    page = enter("accounts", "administrator")
    row = page.locator("[data-account=operator2]")
    row.get_by_role("button", name=re.compile("^修改")).click()
    page.get_by_label("角色").select_option("supervisor")
    page.get_by_role("button", name="保存").click()
    expect(row).to_contain_text("主管")

    row.get_by_role("button", name=re.compile("更多操作")).click()
    row.get_by_role("button", name="停用").click()
    page.get_by_role("dialog").get_by_role("button", name="停用").click()

    expect(row).to_contain_text("已停用")
    expect(page.locator("[data-account=administrator]").get_by_role("button")).to_have_count(0)


def test_a_responders_account_is_tied_to_one_of_the_stations_people(
    office: Office, enter: Enters
) -> None:
    page = enter("accounts", "administrator")
    page.get_by_role("button", name="新建账号").click()
    page.get_by_label("姓名").fill("陈立")
    page.get_by_label("账号名").fill("chenli2")
    page.get_by_label("区域").select_option("440310002")
    page.get_by_label("角色").select_option("responder")
    expect(page.get_by_role("button", name="保存")).to_be_disabled()
    page.get_by_label("服务站").select_option("st-anhe")
    page.get_by_label("服务人员").select_option("re-chenli")
    page.get_by_role("button", name="保存").click()
    page.get_by_role("button", name="完成").click()

    expect(page.locator("[data-account=chenli2]")).to_contain_text("服务人员")


# ---------------------------------------------------------------- a second person


def test_a_home_goes_when_a_second_person_says_so_and_can_come_back(
    office: Office, enter: Enters
) -> None:
    first = enter("homes", "administrator")
    first.locator(f"[data-home={WANG}] input").check()
    first.get_by_role("button", name=re.compile("申请删除")).click()
    first.get_by_label("原因").fill("已搬走")
    first.get_by_role("button", name="提交申请").click()
    first.goto("/admin#removals")
    expect(first.locator("[data-removal]")).to_contain_text("须另一位管理员复核")
    expect(first.get_by_role("button", name="复核并删除")).to_have_count(0)
    assert office.town.registry.home_card(WANG) is not None

    second = enter("removals", "administrator2")
    second.get_by_role("button", name="复核并删除").click()
    expect(second.get_by_role("dialog")).to_contain_text("1 户、1 位长者")
    second.get_by_role("dialog").get_by_role("button", name="复核并删除").click()

    expect(second.locator("[data-removal]")).to_contain_text("已删除")
    assert office.town.registry.home_card(WANG) is None
    assert office.town.registry.devices_of(WANG) == ()
    second.get_by_role("button", name="恢复").click()
    expect(second.locator("[data-removal]")).to_contain_text("已恢复")
    back = office.town.registry.home_card(WANG)
    assert back is not None
    assert back.resident is not None


# ---------------------------------------------------------------- supervisors and auditors


def test_a_supervisor_arranges_who_is_called_first_and_what_is_asked(
    office: Office, enter: Enters
) -> None:
    before = [each.name for each in office.town.registry.contacts_of(WANG)]
    page = enter("homes", "supervisor")
    expect(page.get_by_role("button", name="登记一户")).to_have_count(0)
    page.locator(f"[data-home={WANG}]").get_by_role("button").click()

    page.get_by_role("button", name=f"{before[1]}上移").click()
    page.get_by_label("呼叫预案").select_option("sos_no_talk")
    page.get_by_role("button", name="保存").click()

    expect(page.locator("dialog")).to_have_count(0)
    now = [each.name for each in office.town.registry.contacts_of(WANG)]
    assert now == [before[1], before[0], *before[2:]]
    card = office.town.registry.home_card(WANG)
    assert card is not None
    assert card.call_plan_id == "sos_no_talk"


def test_a_plan_is_written_and_not_deleted_while_homes_follow_it(
    office: Office, enter: Enters
) -> None:
    page = enter("plans", "supervisor")
    row = page.locator("[data-plan=sos_heart]")
    row.get_by_role("button", name=re.compile("^修改")).click()
    page.get_by_label("步骤，每行一步", exact=True).fill("先问\n再派")
    page.get_by_role("button", name="保存").click()
    expect(row.locator("ol li")).to_have_text(["先问", "再派"])

    row.get_by_role("button", name=re.compile("^删除")).click()

    expect(page.locator(".toast").last).to_contain_text("还有住户在用")
    assert row.is_visible()


def test_a_supervisor_goes_on_to_a_residents_day(office: Office, enter: Enters) -> None:
    page = enter("homes", "supervisor")

    page.locator(f"[data-home={WANG}]").get_by_role("link", name="近 24 小时").click()

    expect(page.locator(".who")).to_contain_text("王秀英")


def test_an_auditor_looks_and_can_change_nothing(office: Office, enter: Enters) -> None:
    certify(office)
    enter("gateways", "administrator").get_by_role("button", name="给 gw-demo01 发安装码").click()
    page = enter("audit", "auditor")
    expect(page.locator("[data-chain]")).to_contain_text("链条完整")

    page.get_by_label("含有").fill("/code")
    page.get_by_role("button", name="筛选").click()

    rows = page.get_by_role("region", name="审计").locator(".item")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("吴敏")
    for section in ("gateways", "accounts", "removals"):
        page.goto(f"/admin#{section}")
        expect(page.locator(".tabs [aria-current]")).to_be_visible()
        expect(page.locator("main .acts")).to_have_count(0)


# ---------------------------------------------------------------- states, languages, sizes


def test_a_list_that_cannot_be_loaded_says_so_and_is_tried_again(enter: Enters) -> None:
    page = enter("homes", "administrator")
    page.route("**/api/fleet", lambda route: route.abort())
    page.goto("/admin#gateways")
    expect(page.get_by_role("alert")).to_contain_text("没有载入")

    page.unroute("**/api/fleet")
    page.get_by_role("button", name="重试").click()

    expect(page.locator("[data-gateway=gw-demo01]")).to_be_visible()


def test_a_district_of_homes_is_found_in_and_not_drawn_as_a_whole(
    office: Office, enter: Enters
) -> None:
    office.enter_homes(500)
    page = enter("homes", "administrator")
    rows = page.locator("[data-home]")
    expect(rows).to_have_count(200)
    expect(page.get_by_role("region", name="住户")).to_contain_text("只显示 200 条，共 540 条")

    page.get_by_label("查找").fill("499 号")

    expect(rows).to_have_count(1)


def homes(page: Page) -> None:
    page.locator(f"[data-home={WANG}]").wait_for()


def enrolling(page: Page) -> None:
    page.locator(".lead .btn.pri").click()
    page.locator("#enrol-title").wait_for()


def detail(page: Page) -> None:
    page.locator(f"[data-home={WANG}] .acts button").click()
    page.locator("#home-plan").wait_for()


def gateways(page: Page) -> None:
    page.locator("[data-gateway=gw-demo01]").wait_for()


def code(page: Page) -> None:
    page.locator("[data-gateway=gw-demo01] .btn").first.click()
    page.locator("dialog code").first.wait_for()


def revoking(page: Page) -> None:
    page.locator("[data-gateway=gw-demo01] .crit-o").click()
    page.locator("#reason").wait_for()


def listed(page: Page) -> None:
    page.locator("main .item").first.wait_for()


def account(page: Page) -> None:
    page.locator("[data-account=operator] .acts .btn").first.click()
    page.locator("#ac-role").wait_for()


def plan(page: Page) -> None:
    page.locator("[data-plan=sos_heart] .btn").first.click()
    page.locator("#cp-steps").wait_for()


def area(page: Page) -> None:
    page.locator("[data-area='440310001'] .btn").first.click()
    page.locator("#ar-kind").wait_for()


def removing(page: Page) -> None:
    page.locator("[data-removal] .crit-o").click()
    page.locator("dialog").wait_for()


STATES: Final[dict[str, tuple[str, str, Callable[[Page], None]]]] = {
    "homes": ("homes", "administrator", homes),
    "enrolling": ("homes", "administrator", enrolling),
    "home": ("homes", "administrator", detail),
    "gateways": ("gateways", "administrator", gateways),
    "code": ("gateways", "administrator", code),
    "revoking": ("gateways", "administrator", revoking),
    "accounts": ("accounts", "administrator", listed),
    "account": ("accounts", "administrator", account),
    "plans": ("plans", "supervisor", listed),
    "plan": ("plans", "supervisor", plan),
    "areas": ("areas", "administrator", listed),
    "area": ("areas", "administrator", area),
    "removals": ("removals", "administrator2", listed),
    "removing": ("removals", "administrator2", removing),
    "audit": ("audit", "auditor", listed),
}


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("state", STATES)
def test_the_office_has_no_violation(state: str, lang: str, office: Office, enter: Enters) -> None:
    certify(office)
    heard = "z2m:0x00124b0014a07777"
    office.town.store.write(lambda work: saw_unregistered(work, "gw-demo01", heard))
    office.ask_removal("administrator", WANG)
    office.town.sign_in("operator")  # a row of the audit
    section, login, stage = STATES[state]
    page = enter(section, login, lang)
    stage(page)

    for size, (width, height) in {"desktop": DESKTOP, "phone": PHONE}.items():
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_load_state("networkidle")
        keep(page, f"admin-{state}-{size}-{lang}")
        assert violations(page) == [], size
        assert page.evaluate("document.documentElement.scrollWidth") <= width, size
