"""Writes contract/schema/openapi.json, the interface of the pages, from the routes of cloud/web.

python scripts/generate_openapi.py; with --check it changes nothing and fails where the file is old.
`npm run types` in dashboards/ makes TypeScript of it.
"""

import json
import sys
from pathlib import Path
from typing import Any, Final

from cloud.web import health
from cloud.web.routes import all_routes
from cloud.web.server import build_app

ROOT: Final = Path(__file__).resolve().parent.parent
TARGET: Final = ROOT / "contract" / "schema" / "openapi.json"


def document() -> dict[str, Any]:
    """Routes are described without any part behind them: nothing is called."""
    nothing: Any = None
    routers = [*all_routes(nothing, nothing, nothing, nothing), health.health_routes(nothing)]
    return build_app(nothing, routers, ROOT / "no-pages").openapi()


def text() -> str:
    """The bytes of the file."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write, or compare."""
    if "--check" in sys.argv[1:]:
        if not TARGET.is_file() or TARGET.read_text("utf-8") != text():
            sys.exit(f"{TARGET.name} is not up to date: run python scripts/generate_openapi.py")
        return
    TARGET.write_text(text(), "utf-8")


if __name__ == "__main__":
    main()
