"""Run a program that ends when we end, even by SIGKILL: PR_SET_PDEATHSIG, then become the program.

A script (`python -I -S leash.py PARENT_PID PROGRAM ARGS…`) that imports nothing of ours. The kernel
sends the signal when the *thread* that started us ends, so that thread must outlive the program.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

PR_SET_PDEATHSIG: Final = 1  # prctl(2)


def leashed(command: Sequence[str]) -> list[str]:
    """The command line that runs this one on our leash; the first word is a program's path."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def main(arguments: list[str]) -> NoReturn:
    """Becomes the program; SIGTERM, so that a broker can still save what it holds."""
    parent, *command = arguments
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != int(parent):  # it went between fork and prctl
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - our own command line, no shell


if __name__ == "__main__":
    main(sys.argv[1:])
