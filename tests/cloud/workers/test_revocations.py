"""A revocation reaches the broker's list, the broker, and the live connection; what fails is tried
again."""

import sys
from pathlib import Path

import pytest
from cryptography import x509
from msgspec.structs import replace

from cloud.fleet.authority import DAY_MS, Authority
from cloud.fleet.certificates import Kind, new_key
from cloud.fleet.settings import FleetSettings
from cloud.observe import Counters
from cloud.workers.revocations import LOOK_MS, RETRY_MS, Revocations
from tests.cloud.stores import HandClock

GATEWAY = "gw-test01"


class Broker:
    """Whom it threw out, and how often it has read its list."""

    def __init__(self, folder: Path) -> None:
        self.kicked: list[tuple[str, int]] = []
        self.is_away = False
        self._reloads = folder / "reloads"
        self._reloads.touch()
        write = f"open({str(self._reloads)!r}, 'a').write('x')"
        self.fleet = FleetSettings(
            folder / "ca", crl_file=folder / "crl.pem", reload_command=(sys.executable, "-c", write)
        )

    def kick(self, gateway: str) -> None:
        if self.is_away:
            raise ConnectionRefusedError("no broker")
        self.kicked.append((gateway, self.reloads))

    @property
    def reloads(self) -> int:
        return len(self._reloads.read_text())

    def refuses(self, certificate: x509.Certificate) -> bool:
        assert self.fleet.crl_file is not None
        told = x509.load_pem_x509_crl(self.fleet.crl_file.read_bytes())
        return told.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def broker(tmp_path):
    return Broker(tmp_path)


@pytest.fixture
def ca(broker, clock):
    made = Authority(broker.fleet.ca_dir, clock)
    made.create("Test")
    return made


@pytest.fixture
def counters():
    return Counters()


@pytest.fixture
def pump(ca, broker, counters):
    return Revocations(ca, broker.fleet, broker.kick, counters)


def test_the_list_is_read_before_the_gateway_is_thrown_out_once(pump, ca, broker, clock):
    certificate = ca.sign(new_key().public_key(), Kind.GATEWAY, [GATEWAY])
    pump.run_once(clock.now_ms())
    assert (broker.kicked, broker.refuses(certificate)) == ([], False)

    ca.revoke(GATEWAY, "stolen")
    for _ in range(3):
        pump.run_once(clock.now_ms())

    assert broker.refuses(certificate)
    assert broker.kicked == [(GATEWAY, 2)]


def test_the_list_is_made_anew_each_day(pump, ca, broker, clock):
    pump.run_once(clock.now_ms())
    clock.pass_s(DAY_MS / 1000 - 1)
    pump.run_once(clock.now_ms())
    assert broker.reloads == 1

    clock.pass_s(1)
    pump.run_once(clock.now_ms())

    assert broker.reloads == 2


def test_a_broker_that_is_away_throws_out_when_it_is_back(pump, ca, broker, clock, counters):
    ca.sign(new_key().public_key(), Kind.GATEWAY, [GATEWAY])
    ca.revoke(GATEWAY, "stolen")
    broker.is_away = True

    assert pump.run_once(clock.now_ms()) == clock.now_ms() + RETRY_MS
    assert "workers.revocations" in counters.snapshot()[1]
    broker.is_away = False
    pump.run_once(clock.now_ms())

    assert [gateway for gateway, _ in broker.kicked] == [GATEWAY]


def test_a_reload_that_fails_is_a_trouble_and_tried_again(ca, broker, clock, counters):
    fails = replace(broker.fleet, reload_command=(sys.executable, "-c", "raise SystemExit('no')"))
    pump = Revocations(ca, fails, broker.kick, counters)

    pump.run_once(clock.now_ms())
    pump.run_once(clock.now_ms())

    trouble = counters.snapshot()[1]["workers.revocations"]
    assert (trouble.times, "no" in trouble.text) == (2, True)


def test_an_installation_that_does_not_say_where_the_list_lies_is_told(ca, broker, clock, counters):
    pump = Revocations(ca, replace(broker.fleet, crl_file=None), broker.kick, counters)

    pump.run_once(clock.now_ms())

    assert "crl_file" in counters.snapshot()[1]["workers.revocations"].text


def test_a_gateway_that_is_welcome_again_is_left_alone(pump, ca, broker, clock):
    ca.sign(new_key().public_key(), Kind.GATEWAY, [GATEWAY])
    ca.revoke(GATEWAY, "stolen")
    ca.sign(new_key().public_key(), Kind.GATEWAY, [GATEWAY])

    pump.run_once(clock.now_ms())

    assert broker.kicked == []


def test_without_a_ca_nothing_is_done(broker, clock, counters):
    pump = Revocations(Authority(broker.fleet.ca_dir, clock), broker.fleet, broker.kick, counters)

    assert pump.run_once(clock.now_ms()) == clock.now_ms() + LOOK_MS
    assert (broker.reloads, counters.snapshot()[1]) == (0, {})
