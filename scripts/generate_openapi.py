"""Writes contract/schema/openapi.json, the interface of the pages, from the routes of cloud/web.

python scripts/generate_openapi.py; with --check it changes nothing and fails where the file is old.
`npm run types` in dashboards/ makes TypeScript of it.
"""

import json
import sys
from pathlib import Path
from typing import Any, Final

from cloud.web import feed, health, sessions
from cloud.web.accounts import account_routes
from cloud.web.alarms import alarm_routes
from cloud.web.audit import audit_routes
from cloud.web.consents import consent_routes
from cloud.web.duty import duty_routes
from cloud.web.enrol import enrol_routes
from cloud.web.family import family_routes
from cloud.web.homes import home_routes
from cloud.web.offers import offer_routes
from cloud.web.readings import reading_routes
from cloud.web.registry import registry_routes
from cloud.web.second_factor import own_routes
from cloud.web.server import build_app
from cloud.web.stations import station_routes

ROOT: Final = Path(__file__).resolve().parent.parent
TARGET: Final = ROOT / "contract" / "schema" / "openapi.json"


def document() -> dict[str, Any]:
    """Routes are described without any part behind them: nothing is called."""
    nothing: Any = None
    routers = [
        sessions.session_routes(),
        own_routes(),
        account_routes(),
        audit_routes(),
        consent_routes(),
        family_routes(),
        home_routes(),
        registry_routes(),
        sessions.shift_routes(nothing),
        alarm_routes(nothing),
        offer_routes(nothing),
        station_routes(nothing),
        reading_routes(nothing),
        duty_routes(),
        enrol_routes(nothing),
        feed.routes(nothing),
        health.health_routes(nothing),
        health.rejected_routes(),
    ]
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
