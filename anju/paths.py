"""Where what we ship lies: by option, else in the source tree, else where the wheel puts it."""

import sys
from pathlib import Path
from typing import Final

from anju.errors import CannotRun

ROOT: Final = Path(__file__).resolve().parent.parent  # the source tree, or site-packages
SHARE: Final = Path(sys.prefix) / "share" / "anju"
BROKER_PORT: Final = 18830  # embedded; not 1883: a home broker may have that on the same machine
DATA: Final = Path("var")  # what the embedded parts keep, below where the command was called


def config_dir(option: Path | None = None) -> Path:
    """The folder with rules, words and policies. Raises CannotRun where there is none."""
    places = [option] if option else [ROOT / "config", SHARE / "config"]
    for place in places:
        if (place / "rules").is_dir():
            return place
    where = " or ".join(map(str, places))
    raise CannotRun(f"no configuration in {where}: give the folder that has rules/ and words/")


def pages_dir(option: Path | None = None) -> Path:
    """The built pages. Raises CannotRun for an option that has none.

    Without a build the folder is absent, and the cloud shows a page that says so.
    """
    if option is None:
        return ROOT / "cloud" / "static"
    if not (option / "console.html").is_file():
        raise CannotRun(f"no built pages in {option}: run npm run build in dashboards/")
    return option
