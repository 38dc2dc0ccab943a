"""Room kept on the disk for alarms: a file that is given up when the disk is full, and made again
when it is not."""

import logging
import os
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)
RESERVE_BYTES: Final = 4 * 1024 * 1024  # ten thousand alarms
SPARE_BYTES: Final = 16 * 1024 * 1024  # free on the disk before the reserve is made again


class Reserve:
    """A file of zeros beside the journal."""

    def __init__(self, folder: Path, size: int = RESERVE_BYTES) -> None:
        self.path, self._size = folder / "reserve", size
        self._is_there = False

    def restore(self) -> None:
        """Take the room where the disk has plenty; quietly nothing where it has not."""
        if self._is_there:
            return
        try:
            if self.path.exists() and self.path.stat().st_size == self._size:
                self._is_there = True  # from an earlier start: flash wears out
                return
            if _free_bytes(self.path.parent) < self._size + SPARE_BYTES:
                return
            with self.path.open("wb") as file:
                file.write(bytes(self._size))  # written, not allocated: holds on every file system
                file.flush()
                os.fsync(file.fileno())
            self._is_there = True
        except OSError as error:
            log.warning("no room is reserved for alarms beside the journal: %s", error)

    def release(self) -> bool:
        """The disk is full: the journal may have this room. False where there is none."""
        self._is_there = False
        try:
            self.path.unlink()
        except OSError:
            return False
        log.error("the disk is full: the room reserved for alarms goes to the journal")
        return True


def _free_bytes(folder: Path) -> int:
    stats = os.statvfs(folder)
    return stats.f_bavail * stats.f_frsize
