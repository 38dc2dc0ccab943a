"""A gateway's key and certificate on disk: private, together, and never half written."""

import stat
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from contract.enrolment import Enrolled, Reach
from edge import keys
from edge.clock import Now
from edge.enrol import Platform
from edge.errors import BadCertificate
from edge.health import Health
from edge.renewal import LOOK_MS, RenewalPump, age_of
from tests.edge.house import GATEWAY

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DAY_MS = 24 * 3_600_000


@pytest.fixture
def file(tmp_path):
    return tmp_path / keys.CERTIFICATE_FILE


def certified(key: ec.EllipticCurvePrivateKey, name: str = GATEWAY, told: str = GATEWAY):
    """What a cloud would answer, for 100 days."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(BEGIN)
        .not_valid_after(BEGIN + timedelta(days=100))
        .sign(key, SHA256())
    )
    return Enrolled(told, signed.public_bytes(Encoding.PEM).decode(), "ca", Reach("mq", 8883))


@pytest.fixture
def identity(file):
    key = keys.pending_key(file)
    return keys.keep(file, key, certified(key))


def test_key_and_certificate_are_one_file_for_its_owner_alone(identity, file):
    assert keys.read(file).gateway == GATEWAY
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_an_asking_without_an_answer_keeps_its_key(file):
    first, again = keys.pending_key(file), keys.pending_key(file)

    assert first.public_key() == again.public_key()
    [waiting] = file.parent.iterdir()
    assert stat.S_IMODE(waiting.stat().st_mode) == 0o600


def test_a_waiting_key_that_is_damaged_is_made_anew(file):
    keys.pending_key(file)
    [waiting] = file.parent.iterdir()
    waiting.write_bytes(b"")

    assert keys.pending_key(file).key_size == 256


@pytest.mark.parametrize(
    "answer",
    [
        lambda _key: certified(ec.generate_private_key(ec.SECP256R1())),
        lambda key: certified(key, name="gw-other1"),
        lambda _key: Enrolled(GATEWAY, "nonsense", "ca", Reach("mq", 1)),
    ],
    ids=["another key", "another gateway", "no certificate"],
)
def test_a_wrong_answer_changes_nothing(identity, file, answer):
    before, key = file.read_bytes(), keys.pending_key(file)

    with pytest.raises(BadCertificate):
        keys.keep(file, key, answer(key))

    assert file.read_bytes() == before


@pytest.mark.parametrize("text", [None, b"", b"-----BEGIN CERTIFICATE-----\nAA\n"])
def test_a_file_that_is_none_is_a_sentence(file, text):
    if text is not None:
        file.write_bytes(text)

    with pytest.raises(BadCertificate, match=str(file)):
        keys.read(file)


def test_the_age_is_the_part_of_its_life_that_is_over(identity):
    begin_ms = int(BEGIN.timestamp() * 1000)

    assert [age_of(identity, begin_ms + days * DAY_MS) for days in (0, 50, 100)] == [0, 0.5, 1]


def test_a_renewal_that_fails_is_a_trouble_and_tried_again_in_an_hour(identity, file):
    health, before = Health(), file.read_bytes()
    pump = RenewalPump(Platform("http://127.0.0.1:1"), file, health)
    late_ms = int(BEGIN.timestamp() * 1000) + 60 * DAY_MS

    assert pump.run_once(Now(late_ms, 5)) == 5 + LOOK_MS
    assert pump.run_once(Now(late_ms, 6)) == 5 + LOOK_MS

    trouble = health.snapshot()[1]["renewal"]
    assert (trouble.times, "cannot be asked" in trouble.text) == (1, True)
    assert file.read_bytes() == before


def test_a_young_certificate_is_left_alone(identity, file):
    health = Health()

    RenewalPump(Platform("http://127.0.0.1:1"), file, health).run_once(
        Now(int(BEGIN.timestamp() * 1000) + 49 * DAY_MS, 5)
    )

    assert health.snapshot()[1] == {}
