"""The application: routes, errors, pages. Rooms above the web's own add theirs as routers."""

from collections.abc import Iterable
from pathlib import Path

from fastapi import APIRouter, FastAPI

from cloud.web.desk import Desk
from cloud.web.limits import BodyLimit
from cloud.web.openapi import describe
from cloud.web.pages import add_pages
from cloud.web.problems import add_problems


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
