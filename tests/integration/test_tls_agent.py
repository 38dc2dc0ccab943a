"""All the way over TLS: enrolled with a code, an alarm raised, renewed, revoked, thrown out."""

import json
import socket
import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace
from sqlalchemy import true

from anju.broker import HOST
from anju.cli import main
from anju.paths import config_dir
from cloud.alarms import store as alarms
from cloud.app import Cloud
from cloud.durable.received import rejected
from cloud.fleet.certificates import Kind
from cloud.fleet.codes import make_code
from cloud.fleet.settings import FleetSettings
from cloud.identity.tokens import SystemSecrets
from cloud.registry.seed import load_demo
from cloud.settings import CloudSettings, HttpSettings
from contract.lanes import Lane
from contract.topics import up_topic
from edge import doctor, keys
from edge.agent import Agent
from edge.clock import Now, SystemClock
from edge.enrol import Platform, renew
from edge.errors import NotEnrolled
from edge.health import Health
from edge.renewal import LOOK_MS, RenewalPump
from edge.settings import Settings, read_settings
from tests.brokers import RealBroker
from tests.edge.dialects.bridge import body
from tests.integration.test_tls_attacks import forged
from tests.tls import Cell, cell
from tests.waiting import eventually

__all__ = ["cell"]
pytestmark = pytest.mark.needs("mosquitto")
GATEWAY, HOME = "gw-demo01", "ho-anhe01"
BUTTON = "zigbee2mqtt/3-2-502/bathroom_sos"
DAY_MS = 24 * 3_600_000


class District(NamedTuple):
    """A cloud behind the shipped broker, and where its gateway keeps its things."""

    cell: Cell
    cloud: Cloud
    folder: Path

    def code(self) -> str:
        return self.cloud.store.write(lambda work: make_code(work, GATEWAY, SystemSecrets()))

    def enrol(self, code: str, *more: str) -> int:
        words = ["edge", "enrol", code, "--url", self.cloud.url, "--dir", str(self.folder / "tls")]
        return main([*words, "--json", *more])

    def open_alarms(self) -> list[Any]:
        return self.cloud.store.read(alarms.open_alarms)

    @property
    def certificate(self) -> Path:
        return self.folder / "tls" / "gateway.pem"

    @property
    def platform(self) -> Platform:
        return Platform(self.cloud.url)


@pytest.fixture
def district(cell: Cell, tmp_path: Path) -> Iterator[District]:
    fleet = FleetSettings(
        ca_dir=cell.ca_dir,
        gateways_host=HOST,
        gateways_port=cell.broker.port,
        crl_file=cell.crl_file,
        reload_command=("sh", "-c", f"kill -HUP $(cat {cell.broker.pid_file})"),
    )
    cloud = Cloud(
        CloudSettings(
            data_dir=tmp_path / "cloud",
            config_dir=config_dir(),
            pages_dir=tmp_path / "no-pages",
            broker=cell.address(cell.sign(Kind.SERVICE, "svc-cloud")),
            http=HttpSettings(port=0),
            fleet_told=fleet,
        )
    )
    cloud.start()
    cloud.store.write(lambda work: load_demo(work, config_dir()))
    yield District(cell, cloud, tmp_path)
    cloud.stop()


@pytest.fixture
def enrolled(district: District, mosquitto: RealBroker, capsys) -> Settings:
    """The agent's settings as the command tells them, and the home's broker."""
    assert district.enrol(district.code()) == 0
    told = json.loads(capsys.readouterr().out)["settings"]
    top, _, cloud = told.partition("\n[cloud]")
    file = district.folder / "edge.toml"
    file.write_text(
        f'{top}\ndata_dir = "{district.folder / "edge"}"\nreadings_start_within_s = 0\n'
        f"[home]\nport = {mosquitto.port}\n[cloud]{cloud}"
    )
    return read_settings(file)


@pytest.fixture
def agent(enrolled: Settings) -> Iterator[Agent]:
    agent = Agent(enrolled, config_dir())
    agent.start()
    eventually(lambda: agent.home.config is not None, 20, "the configuration, over TLS")
    yield agent
    agent.stop()


def test_a_press_at_home_is_an_alarm_in_the_cloud_and_the_resident_hears_so(
    district, agent, mosquitto, hands
):
    hands(mosquitto, "bridge").connect().publish(BUTTON, body({"action": "emergency"}))

    [alarm] = eventually(district.open_alarms, 20, "an alarm")
    assert alarm.home.id == HOME
    eventually(lambda: agent.health.count("acknowledged_alarm") >= 1, 20, "the acknowledgement")
    problems = doctor.examine(agent.settings, SystemClock())["problems"]
    assert [each for each in problems if "NTP" not in each] == []


def test_over_tls_too_both_ends_give_up_a_half_open_connection(district, agent):
    ours = [source._client.socket() for source in district.cloud._sources.values()]
    links = [agent.home._link, agent.uplink._link]
    theirs = [link._client.socket() for link in links]

    option = (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    assert [each.getsockopt(*option) for each in ours] == [5_000] * 3
    assert [each.getsockopt(*option) for each in theirs] == [12_000] * 2


def test_the_doctor_says_so_where_gateway_and_broker_do_not_trust_each_other(enrolled):
    stranger = replace(enrolled.cloud, ca_file=enrolled.cloud.cert_file)

    problems = doctor.examine(replace(enrolled, cloud=stranger), SystemClock())["problems"]

    assert any("do not trust each other" in each for each in problems)


def test_the_doctor_says_so_where_the_gateway_is_revoked(district, enrolled):
    district.cell.gateways.revoke(GATEWAY, "stolen")

    def problems() -> list[str]:
        return [str(each) for each in doctor.examine(enrolled, SystemClock())["problems"]]

    eventually(lambda: any("do not trust each other" in each for each in problems()), 20)


def test_the_key_is_made_here_for_its_owner_alone_and_the_files_are_named(district, capsys):
    code = district.code()

    assert district.enrol(code) == 0

    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["problems"], told["gateway"]) == (True, [], GATEWAY)
    assert stat.S_IMODE(district.certificate.stat().st_mode) == 0o600
    assert sorted(path.name for path in district.certificate.parent.iterdir()) == [
        "ca.pem",
        "gateway.pem",
    ]
    settings = tomllib.loads(told["settings"])
    assert settings["cloud"]["cert_file"] == str(district.certificate)


def test_a_code_that_is_refused_is_a_problem_and_a_platform_that_is_away_another(district, capsys):
    assert district.enrol("wrong") == 1
    assert not json.loads(capsys.readouterr().out)["ok"]

    folder = str(district.folder)
    assert main(["edge", "enrol", "x", "--url", "http://127.0.0.1:1", "--dir", folder]) == 2
    assert "cannot be asked" in capsys.readouterr().err


def test_a_code_never_travels_in_the_clear(district, capsys):
    url = ["--url", "http://anju.example"]

    assert main(["edge", "enrol", "x", *url, "--dir", str(district.folder)]) == 2

    assert "must begin with https://" in capsys.readouterr().err


def test_the_agent_renews_from_half_of_its_certificates_life_on(district, capsys):
    district.enrol(district.code())
    before, health = keys.read(district.certificate), Health()
    pump = RenewalPump(district.platform, district.certificate, health)
    now_ms = district.cell.clock.now_ms()

    pump.run_once(Now(now_ms + 182 * DAY_MS, 0))
    assert keys.read(district.certificate).certificate == before.certificate
    pump.run_once(Now(now_ms + 184 * DAY_MS, LOOK_MS))

    after = keys.read(district.certificate)
    assert (after.gateway, health.count("certificates_renewed")) == (GATEWAY, 1)
    assert after.key.public_key() != before.key.public_key()
    assert after.from_ms >= before.from_ms
    new = keys.Identity(after.key, after.certificate)
    files = district.cell.keep(new.certificate, new.key)
    assert district.cell.hand(files, GATEWAY).try_to_connect()


def test_a_revoked_gateway_is_thrown_out_and_neither_heard_nor_renewed_any_more(
    district, agent, mosquitto, hands
):
    ours = district.cell.service()
    ours.heard()

    assert main(["ca", "revoke", GATEWAY, "--data", str(district.cell.folder)]) == 0

    eventually(lambda: not agent.health.is_up("cloud"), 20, "the end of its connection")
    hands(mosquitto, "bridge").connect().publish(BUTTON, body({"action": "emergency"}))
    assert ours.heard() == []
    assert not agent.health.is_up("cloud")
    assert district.open_alarms() == []
    with pytest.raises(NotEnrolled, match="revoked"):
        renew(district.platform, district.certificate)


def test_what_a_revoked_gateway_gets_through_the_broker_is_put_aside_and_rings_once(district):
    cell = district.cell
    cell.sign(Kind.GATEWAY, GATEWAY)
    cell.gateways.revoke(GATEWAY, "stolen")
    cloud, counters = district.cloud, district.cloud.counters
    [revoked_ms] = cell.gateways.standing().denied.values()
    eventually(lambda: counters.snapshot()[0].get("gateways.thrown_out"), 10, "the kick")
    eventually(lambda: counters.snapshot()[2]["ingest.denied"] > revoked_ms, 10, "the deny list")

    # As on a broker that has missed its reload: with a certificate that is on no list.
    thief = cell.hand(forged(cell, GATEWAY), GATEWAY).connect()
    thief.publish(up_topic(GATEWAY, Lane.ALARM), b"press")
    thief.publish(up_topic(GATEWAY, Lane.DATA), b"at home")

    eventually(lambda: counters.snapshot()[0].get("ingest.revoked") == 2, 10, "both put aside")
    kept = cloud.store.read(lambda work: rejected(work, true()))
    assert {each["lane"]: each["payload"] for each in kept} == {
        "alarm": b"press",
        "data": b"at home",
    }
    [alarm] = district.open_alarms()
    assert "revoked" in alarm.say.en
    assert "ingest.revoked" in counters.snapshot()[1]


def test_a_gateway_with_a_new_code_is_welcome_again(district, capsys):
    district.enrol(district.code())
    district.cell.gateways.revoke(GATEWAY, "key lost")

    assert district.enrol(district.code()) == 0

    identity = keys.read(district.certificate)
    files = district.cell.keep(identity.certificate, identity.key)
    assert district.cell.hand(files, GATEWAY).try_to_connect()
