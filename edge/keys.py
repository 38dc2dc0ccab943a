"""This gateway's key and certificate: made here, kept in one file that only the agent reads.

One file, so that a key and the certificate of another are never found together after a crash.
"""

import os
from base64 import b64encode
from pathlib import Path
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from contract.enrolment import Enrolled, renewal_bytes
from edge.errors import BadCertificate

CERTIFICATE_FILE: Final = "gateway.pem"
CA_FILE: Final = "ca.pem"
OWNER_ONLY: Final = 0o600


class Identity(NamedTuple):
    """A key with its certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def from_ms(self) -> int:
        """Since when it is valid (epoch)."""
        return int(self.certificate.not_valid_before_utc.timestamp() * 1000)

    @property
    def until_ms(self) -> int:
        """Until when it is valid (epoch)."""
        return int(self.certificate.not_valid_after_utc.timestamp() * 1000)

    @property
    def gateway(self) -> str:
        """Whom it names."""
        names = self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(names[0].value) if names else ""

    def prove(self, request: x509.CertificateSigningRequest) -> str:
        """That whoever asks for the next certificate holds this one."""
        told = renewal_bytes(request.public_bytes(Encoding.DER))
        return b64encode(self.key.sign(told, ec.ECDSA(SHA256()))).decode()


def pending_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The key of an asking that has not been answered yet, so that asking again is the same
    asking; a new one where there is none. Beside the certificate's file. Raises OSError."""
    waiting = _waiting(path)
    try:
        return _key(waiting.read_bytes(), waiting)
    except (FileNotFoundError, BadCertificate):
        key = ec.generate_private_key(ec.SECP256R1())
        write_private(waiting, _pem(key))
        return key


def request_for(
    key: ec.EllipticCurvePrivateKey, gateway: str | None
) -> x509.CertificateSigningRequest:
    """gateway None: the cloud knows by the code who we are."""
    names = [] if gateway is None else [x509.NameAttribute(NameOID.COMMON_NAME, gateway)]
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names))
    return builder.sign(key, SHA256())


def read(path: Path) -> Identity:
    """Raises BadCertificate."""
    try:
        text = path.read_bytes()
        certificate = x509.load_pem_x509_certificate(text)
    except OSError as error:
        raise BadCertificate(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise BadCertificate(f"{path} holds no certificate: {error}") from error
    return _matched(_key(text, path), certificate, path)


def keep(path: Path, key: ec.EllipticCurvePrivateKey, answered: Enrolled) -> Identity:
    """What was asked with this key, in the place of the one before.

    Raises BadCertificate where it is not for this key or its gateway, OSError; then nothing has
    changed.
    """
    try:
        certificate = x509.load_pem_x509_certificate(answered.certificate.encode())
    except ValueError as error:
        raise BadCertificate(f"the cloud's answer holds no certificate: {error}") from error
    identity = _matched(key, certificate, path)
    if identity.gateway != answered.gateway:
        raise BadCertificate(f"the certificate names '{identity.gateway}', not this gateway")
    write_private(path, _pem(key) + certificate.public_bytes(Encoding.PEM))
    _waiting(path).unlink(missing_ok=True)
    return identity


def write_private(path: Path, data: bytes) -> None:
    """Whole or not at all, and never readable by others."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    opened = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    with os.fdopen(opened, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(opened)
    fresh.rename(path)


def _waiting(path: Path) -> Path:
    return path.with_name(f".{path.name}.key")


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _key(text: bytes, path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(text, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadCertificate(f"{path} holds no key: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise BadCertificate(f"{path} holds a key of another kind; enrol again")
    return key


def _matched(
    key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate, path: Path
) -> Identity:
    if certificate.public_key() != key.public_key():
        raise BadCertificate(f"{path}: the certificate belongs to another key; enrol again")
    return Identity(key, certificate)
