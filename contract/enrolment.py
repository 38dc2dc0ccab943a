"""How a gateway gets its certificate, over HTTPS: the bodies of /api/enrol and /api/renew.

The key is made on the gateway and never leaves it. docs/decisions/0012.
"""

from typing import Final

from msgspec import Struct

ENROL_PATH: Final = "/api/enrol"
RENEW_PATH: Final = "/api/renew"
CODE_CHARS_MAX: Final = 64
PEM_CHARS_MAX: Final = 8 * 1024
PROOF_CHARS_MAX: Final = 256
_RENEWAL: Final = b"anju-renew-1\0"  # so that the signature is good for nothing else


class EnrolRequest(Struct, frozen=True):
    """A one-time code, and a request for a certificate (PKCS #10, PEM)."""

    code: str
    csr: str


class RenewRequest(Struct, frozen=True):
    """The present certificate, a request with a new key, and `renewal_bytes` of that request signed
    with the present key (ECDSA, SHA-256, base 64)."""

    certificate: str
    csr: str
    proof: str


class Reach(Struct, frozen=True):
    """Where gateways find the broker."""

    host: str
    port: int


class Enrolled(Struct, frozen=True):
    """The gateway's id, its certificate, and by which CA it knows the broker (PEM)."""

    gateway: str
    certificate: str
    ca: str
    broker: Reach


def renewal_bytes(csr_der: bytes) -> bytes:
    """What the present key signs. It names the new key, so a copy of it helps nobody else."""
    return _RENEWAL + csr_der
