"""What our certificates look like (X.509, RFC 5280), as functions: no files, no clock.

Only P-256 keys: every TLS library and secure element knows them, and there is nothing to choose.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cloud.fleet.errors import BadName, BadRequest
from contract.enrolment import PEM_CHARS_MAX
from contract.topics import GATEWAY_PATTERN

BACKDATED: Final = timedelta(hours=1)  # a gateway's clock may be late
_HASH: Final = SHA256()


class Kind(StrEnum):
    """Who a certificate is for."""

    GATEWAY = "gateway"
    SERVER = "server"  # a broker
    SERVICE = "service"  # one of our own


NAME_FORMS: Final[Mapping[Kind, str]] = {
    Kind.GATEWAY: GATEWAY_PATTERN,
    Kind.SERVICE: r"svc-[0-9a-z]{2,16}",
    Kind.SERVER: r"[0-9a-z:]([0-9a-z.:-]{0,61}[0-9a-z])?",
}
_USAGE: Final = {
    Kind.GATEWAY: ExtendedKeyUsageOID.CLIENT_AUTH,
    Kind.SERVICE: ExtendedKeyUsageOID.CLIENT_AUTH,
    Kind.SERVER: ExtendedKeyUsageOID.SERVER_AUTH,
}


class Request(NamedTuple):
    """A certificate request whose signature holds. name: its CN, None where it names nobody."""

    public_key: ec.EllipticCurvePublicKey
    name: str | None
    der: bytes


class Issuer(NamedTuple):
    """A CA's certificate and key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def new_key() -> ec.EllipticCurvePrivateKey:
    """P-256."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """PKCS #8, not encrypted: the file's rights guard it."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def pem(thing: x509.Certificate | x509.CertificateRevocationList) -> str:
    """As text."""
    return thing.public_bytes(serialization.Encoding.PEM).decode()


def spki(key: ec.EllipticCurvePublicKey) -> bytes:
    """The public key's bytes, which name it."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.DER, form)


def require_name(kind: Kind, name: str) -> None:
    """Raises BadName: a `+`, `#` or `/` in a gateway's name would open other homes' topics."""
    if re.fullmatch(NAME_FORMS[kind], name) is None:
        raise BadName(f"'{name}' is no name of a {kind}; expected {NAME_FORMS[kind]}")


def read_request(text: str) -> Request:
    """Only key and name are taken; what else it asks for is left. Raises BadRequest."""
    if len(text) > PEM_CHARS_MAX:
        raise BadRequest(f"a certificate request has at most {PEM_CHARS_MAX} characters")
    try:
        csr = x509.load_pem_x509_csr(text.encode())
        key, names = csr.public_key(), list(csr.subject)
        is_signed = csr.is_signature_valid
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadRequest(f"this is no certificate request: {error}") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise BadRequest("the key must be an elliptic curve key on P-256")
    if not is_signed:
        raise BadRequest("the request is not signed with its own key")
    if len(names) > 1 or any(each.oid != NameOID.COMMON_NAME for each in names):
        raise BadRequest("the request may name one CN and nothing else")
    name = str(names[0].value) if names else None
    return Request(key, name, csr.public_bytes(serialization.Encoding.DER))


def authority(key: ec.EllipticCurvePrivateKey, name: str, now_ms: int, days: int) -> Issuer:
    """A CA that signs itself, and others but no further CA."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = _begun(subject, subject, key.public_key(), now_ms, days)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(is_authority=True), critical=True)
    return Issuer(builder.sign(key, _HASH), key)


def issue(
    issuer: Issuer,
    key: ec.EllipticCurvePublicKey,
    kind: Kind,
    names: Sequence[str],
    now_ms: int,
    days: int,
) -> x509.Certificate:
    """names: the first is the CN; of a server all of them are its hosts. Raises BadName."""
    for name in names:
        require_name(kind, name)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    builder = _begun(subject, issuer.certificate.subject, key, now_ms, days)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
    builder = builder.add_extension(_usage(is_authority=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([_USAGE[kind]]), critical=False)
    signer = issuer.key.public_key()
    known_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer)
    builder = builder.add_extension(known_by, critical=False)
    if kind is Kind.SERVER:
        hosts = x509.SubjectAlternativeName([_host(name) for name in names])
        builder = builder.add_extension(hosts, critical=False)
    return builder.sign(issuer.key, _HASH)


def revocation_list(
    issuer: Issuer, revoked: Iterable[tuple[int, int]], number: int, now_ms: int, days: int
) -> x509.CertificateRevocationList:
    """revoked: serial and since when (ms). After `days` a broker takes nobody by this list."""
    now = _time(now_ms)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(now)
        .next_update(now + timedelta(days=days))
        .add_extension(x509.CRLNumber(number), critical=False)
    )
    for serial, at_ms in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(serial)
        builder = builder.add_revoked_certificate(entry.revocation_date(_time(at_ms)).build())
    return builder.sign(issuer.key, _HASH)


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now_ms: int, days: int
) -> x509.CertificateBuilder:
    now = _time(now_ms)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(identifier, critical=False)
    )


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _time(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms // 1000, UTC)
