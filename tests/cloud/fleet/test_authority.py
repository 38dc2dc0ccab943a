"""What a CA of ours signs, and how it takes back."""

import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from cloud.fleet.authority import CERTIFICATE_DAYS, DAY_MS, LIST_DAYS, Authority, serial_of
from cloud.fleet.certificates import Kind, new_key, read_request
from cloud.fleet.errors import (
    AuthorityThere,
    BadName,
    BadRequest,
    BrokenLedger,
    NoAuthority,
    NothingToRevoke,
)
from contract.enrolment import PEM_CHARS_MAX
from tests.cloud.fleet.requests import GATEWAY, request
from tests.cloud.stores import HandClock


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def ca(tmp_path: Path, clock: HandClock) -> Authority:
    made = Authority(tmp_path / "ca", clock)
    made.create("Test gateways")
    return made


def sign(ca: Authority, name: str = GATEWAY, kind: Kind = Kind.GATEWAY) -> x509.Certificate:
    return ca.sign(new_key().public_key(), kind, [name])


def listed(ca: Authority) -> x509.CertificateRevocationList:
    return x509.load_pem_x509_crl((ca.folder / "crl.pem").read_bytes())


def test_the_key_is_for_its_owner_alone(ca):
    assert stat.S_IMODE((ca.folder / "ca.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((ca.folder / "ledger.jsonl").stat().st_mode) == 0o600


def test_a_second_ca_in_the_same_place_is_refused(ca):
    before = (ca.folder / "ca.key").read_bytes()

    with pytest.raises(AuthorityThere):
        ca.create("Another")

    assert (ca.folder / "ca.key").read_bytes() == before


def test_without_a_ca_nothing_is_signed(tmp_path, clock):
    with pytest.raises(NoAuthority, match="anju ca init"):
        sign(Authority(tmp_path / "none", clock))


def test_a_gateways_certificate_is_for_a_client_of_that_name_and_for_nothing_else(ca, clock):
    signed = sign(ca)

    signed.verify_directly_issued_by(ca.certificate)
    usage = signed.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    basic = signed.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert signed.subject.rfc4514_string() == f"CN={GATEWAY}"
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not basic.ca
    life_ms = signed.not_valid_after_utc.timestamp() * 1000 - clock.now_ms()
    assert life_ms == CERTIFICATE_DAYS * DAY_MS


def test_a_brokers_certificate_names_its_hosts(ca):
    signed = ca.sign(new_key().public_key(), Kind.SERVER, ["mq.example", "127.0.0.1"])

    names = signed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    usage = signed.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert names.get_values_for_type(x509.DNSName) == ["mq.example"]
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]


@pytest.mark.parametrize(
    "name",
    ["gw-abc", "gw-" + "a" * 17, "gw-ABCD", "gw-ab+d", "gw-ab#d", "gw-ab/d", "gw-abcd\n", "+", ""],
)
def test_a_name_of_another_form_is_refused(ca, name):
    with pytest.raises(BadName):
        sign(ca, name)

    assert not ca.standing().issued


@pytest.mark.parametrize("name", ["gw-abcd", "gw-" + "9" * 16])
def test_the_shortest_and_the_longest_name_are_signed(ca, name):
    assert sign(ca, name).serial_number


@pytest.mark.parametrize("name", ["svc-", "ingest", "svc-in/gest", "svc-+"])
def test_a_service_has_a_name_of_its_own_form(ca, name):
    with pytest.raises(BadName):
        sign(ca, name, Kind.SERVICE)


def test_no_serial_comes_twice(ca):
    assert len({sign(ca).serial_number for _ in range(20)}) == 20


# ---------------------------------------------------------------- requests


def test_of_a_request_only_key_and_name_are_taken(ca):
    wish = x509.BasicConstraints(ca=True, path_length=None)
    asked = read_request(request(GATEWAY, extensions=(wish,)))

    signed = ca.sign(asked.public_key, Kind.GATEWAY, [GATEWAY])

    assert not signed.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_two_names_in_a_request_are_refused():
    with pytest.raises(BadRequest, match="one CN"):
        read_request(request(GATEWAY, "gw-other1"))


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP384R1()),
        rsa.generate_private_key(65537, 2048),
    ],
    ids=["P-384", "RSA"],
)
def test_a_key_of_another_kind_is_refused(key):
    with pytest.raises(BadRequest, match="P-256"):
        read_request(request(GATEWAY, key=key))


def test_a_request_signed_with_another_key_is_refused():
    mine, other = request(GATEWAY), request(GATEWAY)
    lines, others = mine.splitlines(), other.splitlines()
    mixed = "\n".join([*lines[:3], *others[3:]])

    with pytest.raises(BadRequest):
        read_request(mixed)


@pytest.mark.parametrize(
    "text", ["", "hello", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n", "\0", "é" * 100]
)
def test_what_is_no_request_is_refused(text):
    with pytest.raises(BadRequest):
        read_request(text)


def test_a_request_has_a_limit():
    with pytest.raises(BadRequest, match="no certificate request"):
        read_request("x" * PEM_CHARS_MAX)
    with pytest.raises(BadRequest, match="at most"):
        read_request("x" * (PEM_CHARS_MAX + 1))


# ---------------------------------------------------------------- taking back


def test_what_is_revoked_stands_in_the_list_until_it_would_have_expired(ca, clock):
    mine, other = sign(ca), sign(ca, "gw-other1")

    ca.revoke(GATEWAY, "stolen")

    assert listed(ca).is_signature_valid(ca.certificate.public_key())
    assert listed(ca).get_revoked_certificate_by_serial_number(mine.serial_number)
    assert not listed(ca).get_revoked_certificate_by_serial_number(other.serial_number)
    clock.pass_s((CERTIFICATE_DAYS + 2) * 86_400)
    ca.write_list()
    assert not listed(ca).get_revoked_certificate_by_serial_number(mine.serial_number)


def test_the_list_says_when_the_next_one_comes(ca, clock):
    told = listed(ca)

    assert told.next_update_utc is not None
    assert (told.next_update_utc - told.last_update_utc).days == LIST_DAYS


def test_a_newer_list_has_a_higher_number(ca, clock):
    numbers = []
    for _ in range(3):
        sign(ca)
        ca.revoke(GATEWAY, "again")
        numbers.append(listed(ca).extensions.get_extension_for_class(x509.CRLNumber).value)
        clock.pass_s(3600)

    assert [each.crl_number for each in numbers] == sorted({n.crl_number for n in numbers})


def test_a_gateway_is_denied_until_it_has_a_new_certificate(ca):
    sign(ca)
    sign(ca)
    taken = ca.revoke(GATEWAY, "stolen")

    assert len(taken) == 2
    assert GATEWAY in ca.standing().denied
    sign(ca)
    assert GATEWAY not in ca.standing().denied


def test_one_certificate_can_be_taken_back_by_its_serial(ca):
    old = sign(ca)
    sign(ca)

    [taken] = ca.revoke(serial_of(old), "superseded")

    assert taken.serial == serial_of(old)
    assert GATEWAY not in ca.standing().denied


def test_nothing_is_revoked_twice_or_by_a_wrong_name(ca):
    sign(ca)
    ca.revoke(GATEWAY, "stolen")

    for what in (GATEWAY, "gw-nobody", "", "0"):
        with pytest.raises(NothingToRevoke):
            ca.revoke(what, "again")


def test_another_process_sees_what_this_one_did(ca, clock):
    other = Authority(ca.folder, clock)
    sign(ca)
    assert other.standing().issued

    ca.revoke(GATEWAY, "stolen")

    assert GATEWAY in other.standing().denied


# ---------------------------------------------------------------- the ledger


def test_a_line_that_a_crash_cut_short_never_happened(ca):
    sign(ca)
    ledger = ca.folder / "ledger.jsonl"
    ledger.write_bytes(ledger.read_bytes() + b'{"what":"revoked","serial":"ab')

    sign(ca)
    ca.revoke(GATEWAY, "stolen")

    assert len(ca.standing().revoked) == 2
    assert b'"ab' not in ledger.read_bytes()


def test_a_damaged_ledger_stops_the_signing_and_names_its_line(ca):
    sign(ca)
    ledger = ca.folder / "ledger.jsonl"
    ledger.write_bytes(b"damage\n" + ledger.read_bytes())

    with pytest.raises(BrokenLedger, match="line 1"):
        sign(ca)


def test_a_lost_ledger_is_not_an_empty_one(ca):
    (ca.folder / "ledger.jsonl").unlink()

    with pytest.raises(BrokenLedger):
        sign(ca)
