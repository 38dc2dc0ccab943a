"""Who does what only one process may do: a lock of the operating system on one machine, one of the
database where PostgreSQL is the store. Either is gone with its process, however that ends."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol
from zlib import crc32

from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from cloud.storage import postgres
from cloud.storage.faults import translated

SPACE: Final = crc32(b"anju.parts") & 0x7FFF_FFFF  # our numbers among those of other programs


class Lock(Protocol):
    """`take()` until it says yes. Not for threads of one process among themselves: each instance
    is a holder of its own. name: for people."""

    name: str

    def take(self) -> bool:
        """Whether it is ours now. Never blocks."""

    def is_held(self) -> bool:
        """Whether it still is ours: what was taken may be lost with a connection."""

    def release(self) -> None:
        """Safe to call at any time."""


class FolderLock:
    """See Lock. On a folder's file, which stays: removing it would let two in."""

    def __init__(self, path: Path) -> None:
        self.name, self._path = str(path), path
        self._held: int | None = None

    def take(self) -> bool:
        """See Lock. Raises OSError where the file cannot be made."""
        if self._held is not None:
            return True
        opened = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(opened)
            return False
        self._held = opened
        return True

    def is_held(self) -> bool:
        """See Lock."""
        return self._held is not None

    def release(self) -> None:
        """See Lock."""
        if self._held is not None:
            os.close(self._held)
            self._held = None


class AdvisoryLock:
    """See Lock. Of one session with the server, so a pooler between must keep sessions whole."""

    def __init__(self, url: URL, part: str) -> None:
        self.name = f"the lock '{part}' of {url}"  # a URL as text hides its password
        self._key = {"space": SPACE, "part": crc32(part.encode()) & 0x7FFF_FFFF}
        self._engine = postgres.open_engine(
            url, writes=False, name=f"anju-lock-{part}", pool=NullPool
        ).execution_options(isolation_level="AUTOCOMMIT")
        self._session: Connection | None = None
        self._is_ours = False

    def take(self) -> bool:
        """See Lock. Raises Unavailable while the server is away."""
        if self.is_held():
            return True
        try:
            if self._session is None:
                self._session = self._engine.connect()
            got = text("SELECT pg_try_advisory_lock(:space, :part)")
            self._is_ours = bool(self._session.execute(got, self._key).scalar())
        except DBAPIError as error:
            self.release()
            raise translated(error) from error
        return self._is_ours

    def is_held(self) -> bool:
        """See Lock. One question to the server."""
        if self._session is None or not self._is_ours:
            return False
        try:
            self._session.execute(text("SELECT 1"))
        except DBAPIError:
            self.release()
        return self._is_ours

    def release(self) -> None:
        """See Lock."""
        session, self._session, self._is_ours = self._session, None, False
        if session is not None:
            with suppress(DBAPIError):  # it may be gone, and the lock with it
                session.close()
