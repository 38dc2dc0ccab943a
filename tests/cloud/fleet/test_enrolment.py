"""From a code to a certificate, and from a certificate to the next one."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from anju.paths import ROOT
from cloud.fleet import codes
from cloud.fleet.authority import Authority, gateways_of, services_of
from cloud.fleet.certificates import Kind, new_key, pem
from cloud.fleet.codes import CODE_S, make_code, sweep_codes
from cloud.fleet.enrolment import ENROLLING, Enrolment
from cloud.fleet.errors import BadCode, BadName, BadRequest, NoAuthority, NotRenewed
from cloud.fleet.settings import FleetSettings
from cloud.identity.errors import SlowDown
from cloud.identity.tokens import SystemSecrets
from cloud.registry.seed import load_demo
from cloud.storage.store import Store
from contract.enrolment import Enrolled, EnrolRequest, Reach, RenewRequest
from tests.cloud.fleet.requests import GATEWAY, proof, request
from tests.cloud.stores import HandClock, open_store

HERE = "192.0.2.7"


class Office(NamedTuple):
    """Where gateways enrol."""

    store: Store
    clock: HandClock
    gateways: Authority
    enrolment: Enrolment

    def code(self, gateway: str = GATEWAY) -> str:
        return self.store.write(lambda work: make_code(work, gateway, SystemSecrets()))

    def enrol(self, code: str, csr: str, address: str = HERE) -> Enrolled:
        return self.enrolment.enrol(EnrolRequest(code, csr), address)

    def renew(
        self, told: Enrolled, key: ec.EllipticCurvePrivateKey, csr: str | None = None
    ) -> Enrolled:
        csr = csr or request(GATEWAY)
        asked = RenewRequest(told.certificate, csr, proof(csr, key))
        return self.enrolment.renew(asked, HERE)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    clock = HandClock()
    store = open_store(tmp_path, clock)
    store.write(lambda work: load_demo(work, ROOT / "config"))
    fleet = FleetSettings(tmp_path / "ca", "mqtt.test", 8883)
    gateways = gateways_of(fleet.ca_dir, clock)
    for ca in (gateways, services_of(fleet.ca_dir, clock)):
        ca.create("Test")
    yield Office(store, clock, gateways, Enrolment(store, fleet, clock))
    store.stop()


def name_of(told: Enrolled) -> str:
    return x509.load_pem_x509_certificate(told.certificate.encode()).subject.rfc4514_string()


# ---------------------------------------------------------------- enrolling


def test_a_code_and_a_request_make_a_certificate_and_say_where_the_broker_is(office):
    told = office.enrol(office.code(), request())

    assert (told.gateway, name_of(told)) == (GATEWAY, f"CN={GATEWAY}")
    assert told.broker == Reach("mqtt.test", 8883)
    assert told.ca == pem(services_of(office.gateways.folder.parent, office.clock).certificate)


def test_a_code_as_somebody_types_it_is_the_same_code(office):
    assert office.enrol(f" {office.code().upper()}\n", request())


def test_a_code_is_good_once(office):
    code = office.code()
    office.enrol(code, request())

    with pytest.raises(BadCode):
        office.enrol(code, request())


def test_whose_answer_was_lost_may_ask_again_with_the_same_key(office):
    code, csr = office.code(), request()
    office.enrol(code, csr)

    assert office.enrol(code, csr).gateway == GATEWAY


def test_a_code_is_too_old_after_a_day(office):
    code = office.code()
    office.clock.pass_s(CODE_S)

    with pytest.raises(BadCode):
        office.enrol(code, request())


def test_a_newer_code_ends_the_one_before(office):
    before, code = office.code(), office.code()

    with pytest.raises(BadCode):
        office.enrol(before, request())
    assert office.enrol(code, request())


def test_the_store_never_holds_a_code(office):
    code = office.code()

    rows = office.store.read(lambda work: list(work.execute(codes.code_table.select())))

    assert code not in str(rows)


def test_nobody_gets_a_code_for_a_gateway_that_is_not_registered(office):
    with pytest.raises(BadName, match="registry"):
        office.code("gw-stranger")


def test_a_request_for_another_name_is_refused_and_the_code_is_still_good(office):
    code = office.code()

    for csr in (request("gw-demo02"), request("+"), request(GATEWAY, "gw-demo02"), "nonsense"):
        with pytest.raises(BadRequest):
            office.enrol(code, csr)

    assert office.enrol(code, request(GATEWAY))


def test_guessing_is_slowed_for_its_source_and_for_nobody_else(office):
    code = office.code()
    for _ in range(ENROLLING.free):
        with pytest.raises(BadCode):
            office.enrol("guess", request())

    with pytest.raises(SlowDown):
        office.enrol(code, request())
    assert office.enrol(code, request(), "192.0.2.8")


def test_what_is_right_is_not_counted(office):
    for _ in range(2 * ENROLLING.free):
        assert office.enrol(office.code(), request())


def test_where_there_is_no_ca_or_nobody_says_where_the_broker_is_nobody_is_enrolled(
    office, tmp_path
):
    for fleet in (FleetSettings(tmp_path / "ca"), FleetSettings(tmp_path / "none", "mqtt.test")):
        with pytest.raises(NoAuthority):
            Enrolment(office.store, fleet, office.clock).enrol(EnrolRequest("x", "y"), HERE)


def test_old_codes_are_forgotten(office):
    office.code()
    office.clock.pass_s(CODE_S)

    assert office.store.write(sweep_codes) == 1


# ---------------------------------------------------------------- renewing


@pytest.fixture
def key() -> ec.EllipticCurvePrivateKey:
    return new_key()


@pytest.fixture
def told(office: Office, key: ec.EllipticCurvePrivateKey) -> Enrolled:
    return office.enrol(office.code(), request(key=key))


def test_a_good_certificate_brings_the_next_one(office, told, key):
    office.clock.pass_s(200 * 86_400)

    again = office.renew(told, key)

    assert name_of(again) == f"CN={GATEWAY}"
    before, after = (
        x509.load_pem_x509_certificate(each.certificate.encode()) for each in (told, again)
    )
    assert (after.not_valid_after_utc - before.not_valid_after_utc).days == 200


def test_who_has_the_certificate_but_not_its_key_gets_nothing(office, told):
    with pytest.raises(NotRenewed):
        office.renew(told, new_key())


def test_a_proof_is_good_for_its_own_request_only(office, told, key):
    overheard, mine = proof(request(GATEWAY), key), request(GATEWAY)

    with pytest.raises(NotRenewed):
        office.enrolment.renew(RenewRequest(told.certificate, mine, overheard), HERE)


def test_an_expired_certificate_brings_nothing(office, told, key):
    office.clock.pass_s(366 * 86_400)

    with pytest.raises(NotRenewed, match="expired"):
        office.renew(told, key)


def test_a_revoked_gateway_gets_no_other_certificate(office, told, key):
    office.gateways.revoke(GATEWAY, "stolen")

    with pytest.raises(NotRenewed, match="revoked"):
        office.renew(told, key)


def test_an_older_certificate_of_a_revoked_gateway_brings_nothing(office, told, key):
    newest = office.renew(told, key)
    serial = x509.load_pem_x509_certificate(newest.certificate.encode()).serial_number
    office.gateways.revoke(f"{serial:x}", "stolen")

    with pytest.raises(NotRenewed, match="revoked"):
        office.renew(told, key)


def test_a_certificate_of_a_stranger_brings_nothing(office, tmp_path):
    key = new_key()
    stranger = Authority(tmp_path / "stranger", office.clock)
    stranger.create("Test")
    forged = pem(stranger.sign(key.public_key(), Kind.GATEWAY, [GATEWAY]))

    with pytest.raises(NotRenewed):
        office.renew(Enrolled(GATEWAY, forged, "", Reach("", 0)), key)


def test_nobody_renews_as_somebody_else(office, told, key):
    with pytest.raises(BadRequest):
        office.renew(told, key, request("gw-demo02"))


@pytest.mark.parametrize("proof_text", ["", "!!", "AAAA", "é"])
def test_a_proof_that_is_none_is_refused(office, told, proof_text):
    with pytest.raises(NotRenewed):
        office.enrolment.renew(RenewRequest(told.certificate, request(), proof_text), HERE)
