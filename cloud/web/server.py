"""The application: routes, errors, pages. Rooms above the web's own add theirs as routers."""

from collections.abc import Callable, Iterable
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request, Response

from cloud.observe.readiness import Ready
from cloud.web.desk import Desk
from cloud.web.health import health_routes
from cloud.web.limits import BodyLimit
from cloud.web.openapi import describe
from cloud.web.pages import add_pages
from cloud.web.problems import add_problems, not_yet


def build_app(
    desk: Desk,
    routers: Iterable[APIRouter],
    pages: Path,
    problems: tuple[tuple[type[Exception], int], ...] = (),
    images: str = "",
) -> FastAPI:
    """problems: further error types with their status, most special first. images: further
    origins that they may come from."""
    app = FastAPI(
        title="Anju", version="1", openapi_url="/api/openapi.json", docs_url=None, redoc_url=None
    )
    app.state.desk = desk
    app.add_middleware(BodyLimit)
    add_problems(app, problems)
    for router in routers:
        app.include_router(router)
    describe(app)
    add_pages(app, pages, images)
    return app


def build_waiting(look: Callable[[], Ready]) -> FastAPI:
    """What answers while the parts are still waited for: health, and 503 to everything else."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.include_router(health_routes(look))
    app.add_exception_handler(404, _not_yet)
    return app


async def _not_yet(_request: Request, _error: Exception) -> Response:
    return not_yet("the platform starts and waits for its database; /health/ready says for what")
