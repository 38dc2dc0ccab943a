"""Certificate requests as gateways and attackers make them."""

from base64 import b64encode
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from cloud.fleet.certificates import new_key
from contract.enrolment import renewal_bytes

GATEWAY = "gw-demo01"


def request(*names: str, key: Any = None, extensions: tuple[Any, ...] = ()) -> str:
    """As PEM. Without names it names nobody."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in names])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    signed = builder.sign(key or new_key(), SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


def proof(csr: str, key: ec.EllipticCurvePrivateKey) -> str:
    """The request, signed with this key."""
    der = x509.load_pem_x509_csr(csr.encode()).public_bytes(serialization.Encoding.DER)
    return b64encode(key.sign(renewal_bytes(der), ec.ECDSA(SHA256()))).decode()
