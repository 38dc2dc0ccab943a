"""Passwords as argon2id hashes. Never called inside a transaction: a hash takes long on purpose."""

import threading
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from cloud.identity.errors import SlowDown

AT_ONCE_MAX: Final = 2  # hashes under way; each takes 64 MiB and a core
TURN_S_MAX: Final = 2.0


class Passwords:
    """Hashes and checks, a few at a time."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()  # RFC 9106, the low-memory choice
        self._turns = threading.BoundedSemaphore(AT_ONCE_MAX)
        self._nobody = self._hasher.hash("nobody's password")

    def hash(self, password: str) -> str:
        """With its salt and parameters. Raises SlowDown where too many wait for their turn."""
        self._take_turn()
        try:
            return self._hasher.hash(password)
        finally:
            self._turns.release()

    def is_right(self, stored: str | None, password: str) -> bool:
        """Whether the password is this one; stored None takes as long and is never right.

        Raises SlowDown where too many wait for their turn.
        """
        self._take_turn()
        try:
            self._hasher.verify(stored or self._nobody, password)
        except (VerifyMismatchError, InvalidHashError):
            return False
        finally:
            self._turns.release()
        return stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether it was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def _take_turn(self) -> None:
        if not self._turns.acquire(timeout=TURN_S_MAX):
            raise SlowDown(TURN_S_MAX)
