"""Secrets that people carry: made here, stored only as hashes."""

import hmac
import secrets
from base64 import b32encode
from hashlib import sha256
from typing import Final, Protocol

TOKEN_BYTES: Final = 32
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another


class Secrets(Protocol):
    """Where tokens and passwords come from; simulations pass a seeded one."""

    def token(self) -> str:
        """256 bits, safe in an address."""

    def password(self) -> str:
        """One that a person can type."""

    def seed(self) -> str:
        """160 bits in base 32, of which an app makes codes (RFC 4226, section 4)."""


class SystemSecrets:
    """The operating system's randomness."""

    def token(self) -> str:
        """256 bits, safe in an address."""
        return secrets.token_urlsafe(TOKEN_BYTES)

    def password(self) -> str:
        """Four groups of four, 79 bits."""
        groups = ("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))
        return "-".join(groups)

    def seed(self) -> str:
        """160 bits in base 32, of which an app makes codes (RFC 4226, section 4)."""
        return b32encode(secrets.token_bytes(20)).decode()


def hash_of(token: str) -> str:
    """SHA-256: a token has more bits than can be guessed, so it needs no slow hash."""
    return sha256(token.encode()).hexdigest()


def csrf_of(token: str) -> str:
    """The session's `x-csrf`. It follows from the token: the store holds nothing to steal."""
    return hmac.new(token.encode(), b"csrf", sha256).hexdigest()


def is_same(expected: str, given: str) -> bool:
    """Compares without telling by time where they differ."""
    return hmac.compare_digest(expected.encode(), given.encode())
