"""A lock on a folder's file: held by one process at a time, gone with it however it ends."""

import fcntl
import os
from pathlib import Path


class FolderLock:
    """`take()` until it says yes. Not for threads of one process among themselves: each instance
    is a holder of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held: int | None = None

    def take(self) -> bool:
        """Whether it is ours now. Never blocks. Raises OSError where the file cannot be made."""
        if self._held is not None:
            return True
        opened = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(opened)
            return False
        self._held = opened
        return True

    def release(self) -> None:
        """Safe to call at any time. The file stays: removing it would let two in."""
        if self._held is not None:
            os.close(self._held)
            self._held = None
