"""The built pages and their headers. Without a build a plain page says what is missing."""

from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from starlette.staticfiles import StaticFiles

from cloud.identity.errors import NotSignedIn
from cloud.identity.policy import Role
from cloud.web.desk import OnDesk, visit_of

PAGES: Final = ("login", "console", "station", "home", "resident", "admin")
HOME_OF: Final = {
    Role.OPERATOR: "/console",
    Role.STATION: "/station",
    Role.RESPONDER: "/station",
    Role.SUPERVISOR: "/admin",
    Role.ADMINISTRATOR: "/admin",
    Role.AUDITOR: "/admin",
}
CSP: Final = (
    "default-src 'self'; img-src 'self' data:; connect-src 'self'; object-src 'none'; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
HEADERS: Final = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
}
MISSING: Final = (
    "<!doctype html><title>Anju</title><h1>The pages are not built</h1>"
    "<p>This installation was made without them. The interface under /api works. "
    "Run <code>npm ci &amp;&amp; npm run build</code> in <code>dashboards/</code>.</p>"
)


def build_of(folder: Path) -> str:
    """What the pages were made from: one that was loaded before another build says so."""
    stamp = folder / ".sources"
    return stamp.read_text("ascii")[:12] if stamp.is_file() else "none"


def add_pages(app: FastAPI, folder: Path) -> None:
    """Serve the pages of a folder, and the headers that go with everything."""
    router = APIRouter(include_in_schema=False)
    for name in PAGES:
        router.add_api_route(f"/{name}", _page(folder / f"{name}.html"), methods=["GET"])
    router.add_api_route("/", _front, methods=["GET"])
    app.include_router(router)
    if folder.is_dir():
        app.mount("/", StaticFiles(directory=folder), name="pages")

    @app.middleware("http")
    async def _headers(request: Request, call_next: Any) -> Response:
        response: Response = await call_next(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if request.url.path.startswith("/api"):
            response.headers.setdefault("cache-control", "no-store")
        return response


def _page(path: Path) -> Any:
    def page() -> Response:
        if path.is_file():
            return FileResponse(path, headers={"cache-control": "no-cache"})
        return HTMLResponse(MISSING, status_code=503)

    return page


async def _front(request: Request, desk: OnDesk) -> Response:
    try:
        visit = await visit_of(request, desk)
    except NotSignedIn:
        return RedirectResponse("/login")
    return RedirectResponse(HOME_OF.get(visit.account.role, "/login"))
