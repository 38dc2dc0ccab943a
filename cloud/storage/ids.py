"""New identifiers: a prefix that says what it is, and 100 random bits in lower-case base 32."""

import secrets
from base64 import b32encode
from collections.abc import Callable
from typing import Final

RANDOM_BYTES: Final = 13
IdSource = Callable[[str], str]


def system_ids(prefix: str) -> str:
    """`al-` and twenty letters, unguessable. Simulations pass their own seeded source instead."""
    return f"{prefix}-{b32encode(secrets.token_bytes(RANDOM_BYTES)).decode().lower()[:20]}"
