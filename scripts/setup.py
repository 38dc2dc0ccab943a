"""Second half of scripts/setup, run by .venv's own Python: locked packages, the pages, the project.

Each step leaves a stamp with the digest of what it was made from, and is left out while that holds.
"""

import hashlib
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
VENV: Final = ROOT / ".venv"
NODE: Final = VENV / "node"  # a node wheel, only where no node is on PATH
LOCKS: Final = ROOT / "requirements"


def main() -> None:
    """`run`: what the demo needs; `dev`: that, and what tests and gates need."""
    kind = sys.argv[1] if len(sys.argv) > 1 else "run"
    if kind not in ("run", "dev"):
        sys.exit(f"anju: scripts/setup run | dev, not '{kind}'")
    install_packages(kind)
    build_pages()
    install_project()


def install_packages(kind: str) -> None:
    """Exactly the locked files, each checked against its hash. What `dev` has serves `run` too."""
    stamps = {name: Stamp(name, LOCKS / f"{name}.txt") for name in ("run", "dev")}
    if stamps["dev"].holds() or stamps[kind].holds():
        return
    lock = LOCKS / f"{kind}.txt"
    count = lock.read_text("ascii").count("==")
    say(f"installing {count} locked packages into .venv (once)")
    started = time.monotonic()
    pip("--require-hashes", "-r", str(lock))
    say(f"installed in {time.monotonic() - started:.0f} s")
    for name in ("run", "dev") if kind == "dev" else ("run",):
        stamps[name].set()


def build_pages() -> None:
    """The pages that the cloud serves, by the code that also builds them into a wheel."""
    state = hook("--check")
    if state == "no node" and not NODE.is_dir():
        say("fetching node to build the pages (60 MB, once)")
        pip("--require-hashes", "--target", str(NODE), "-r", str(LOCKS / "node.txt"))
    if state != "fresh":
        say("building the pages")
        hook()


def install_project() -> None:
    """Editable, without the network: what it needs is in .venv already."""
    stamp = Stamp("project", ROOT / "pyproject.toml", ROOT / "hatch_build.py")
    if not stamp.holds():
        pip("--no-deps", "--no-build-isolation", "--editable", str(ROOT))
        stamp.set()


class Stamp:
    """A file in .venv that remembers what a step was made from."""

    def __init__(self, name: str, *sources: Path) -> None:
        self._file = VENV / f".made-{name}"
        text = b"".join(source.read_bytes() for source in sources)
        self._digest = hashlib.sha256(text).hexdigest()

    def holds(self) -> bool:
        """Whether the step was done from the present sources."""
        return self._file.is_file() and self._file.read_text("ascii") == self._digest

    def set(self) -> None:
        """The step is done."""
        self._file.write_text(self._digest, "ascii")


def hook(*words: str) -> str:
    """What hatch_build.py answers; ends with its sentence where it fails."""
    code = f"import sys; sys.path.append({str(NODE)!r}); import hatch_build; hatch_build.main()"
    return run(sys.executable, "-c", code, *words)


def pip(*words: str) -> None:
    """Ends with pip's own words where it fails."""
    run(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *words)


def run(*command: str) -> str:
    """Standard output of a command that must succeed."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"anju: set-up stopped.\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout.strip()


def say(text: str) -> None:
    """To the person who waits."""
    print(f"anju: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
