"""Servers that some tests need: `@pytest.mark.needs("mosquitto")`, or `require(…)` in a fixture.

Where one is missing the test is skipped and named at the end; with CI=true it fails, so that no
gate opens unseen. `scripts/test-servers` installs what is missing.
"""

import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import pytest

from anju import postgres
from tests import influx

SBIN: Final = ("/usr/local/sbin", "/usr/sbin", "/sbin")  # not on the PATH of ordinary users
ROOT: Final = Path(__file__).parent.parent
NODE: Final = ROOT / ".venv" / "node" / "bin"  # where scripts/setup puts one if there is none


def program(*names: str) -> str | None:
    """Where the first of these programs is, also in the folders that only root has on PATH."""
    path = os.pathsep.join((os.environ.get("PATH", ""), *SBIN, str(NODE)))
    return next((found for name in names if (found := shutil.which(name, path=path))), None)


def cjk_font() -> str | None:
    """A font with Chinese glyphs, without which a screenshot shows boxes."""
    folders = (Path("/usr/share/fonts"), Path.home() / ".fonts", Path.home() / ".local/share/fonts")
    fonts = (font for folder in folders if folder.is_dir() for font in folder.rglob("*CJK*"))
    return next((str(font) for font in fonts), None)


SERVERS: Final[Mapping[str, Callable[[], str | None]]] = {
    "mosquitto": lambda: program("mosquitto"),
    "prometheus": lambda: program("promtool"),
    "iproute2": lambda: program("ip") if os.geteuid() == 0 else None,  # namespaces are for root
    "systemd": lambda: program("systemd-analyze"),
    "chromium": lambda: program("chromium", "chromium-browser", "google-chrome"),
    "fonts-noto-cjk": cjk_font,
    "node": lambda: program("node"),
    "postgresql": lambda: postgres.program("postgres"),
    "influxd": influx.where,
}

_USED: Final[dict[str, str]] = {}


def where(server: str) -> str | None:
    """The path of a server's program, None where it is not installed."""
    return SERVERS[server]()


def require(server: str) -> str:
    """The path of a server's program. Without it the test is skipped; with CI=true it fails."""
    found = where(server)
    if found is not None:
        _USED[server] = found
        return found
    reason = f"{server} is not installed, or not for this user: run scripts/test-servers as root"
    if is_ci():
        pytest.fail(f"{reason} (a skip is a failure when CI=true)", pytrace=False)
    pytest.skip(reason)


def is_ci() -> bool:
    """Whether this run is a gate."""
    return os.environ.get("CI", "").lower() in ("1", "true", "yes")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Every server that the test's marks name must be there."""
    for mark in item.iter_markers("needs"):
        for server in mark.args:
            if server not in SERVERS:
                known = ", ".join(SERVERS)
                raise pytest.UsageError(f"'{server}' is not in tests/needs.py: {known}")
            require(server)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the servers that ran, and what did not run, by reason: a suite that is silently absent
    proves nothing."""
    for server, found in sorted(_USED.items()):
        terminalreporter.line(f"{server}: {found}")
    skipped = defaultdict[str, list[str]](list)
    for report in terminalreporter.stats.get("skipped", ()):
        skipped[reason_of(report.longrepr)].append(report.nodeid)
    if not skipped:
        return
    terminalreporter.section("did not run")
    for reason, tests in sorted(skipped.items()):
        terminalreporter.line(f"{len(tests)} × {reason}")
        for test in sorted(set(tests)):
            terminalreporter.line(f"    {test}")


def reason_of(longrepr: object) -> str:
    """The words behind a skip."""
    text = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)
    return str(text).removeprefix("Skipped: ")
