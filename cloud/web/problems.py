"""Errors of the rooms as HTTP answers: the only place where a status code is chosen."""

import logging
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from cloud.alarms import errors as care
from cloud.fleet import errors as fleet
from cloud.identity import errors as identity
from cloud.registry import errors as registry
from cloud.storage import errors as storage
from cloud.timeseries import errors as timeseries
from cloud.web.desk import reply

log = logging.getLogger(__name__)
STATUS: Final[tuple[tuple[type[Exception], int], ...]] = (
    (identity.NotSignedIn, 401),
    (identity.BadCredentials, 401),
    (identity.BadCode, 401),
    (identity.CodeNeeded, 401),
    (identity.LinkGone, 401),
    (identity.Unavailable, 429),
    (identity.NotFound, 404),
    (identity.NotAllowed, 403),
    (identity.Conflict, 409),
    (identity.Malformed, 422),
    (fleet.NotAllowed, 403),
    (fleet.Conflict, 409),
    (fleet.Malformed, 422),
    (fleet.BrokenLedger, 503),
    (registry.Conflict, 409),
    (registry.RegistryError, 422),
    (care.NotFound, 404),
    (care.Invalid, 422),
    (care.Conflict, 409),
)


def problem(code: str, message: str, data: dict[str, Any], status: int) -> Response:
    """The one form of an error: pages find their own words by its code."""
    return reply({"error": {"code": code, "message": message, "data": data}}, status)


def not_yet(message: str, retry_after_s: float = 1) -> Response:
    """Ask again in a moment."""
    response = problem("unavailable", message, {"retry_after_s": retry_after_s}, 503)
    response.headers["retry-after"] = "1"
    return response


def add_problems(app: FastAPI, more: tuple[tuple[type[Exception], int], ...] = ()) -> None:
    """Answer every known error in the one form. more: error types of further rooms, with status."""
    for kind, status in (*STATUS, *more):
        app.add_exception_handler(kind, _handler(status))
    app.add_exception_handler(storage.Unavailable, _unavailable)
    app.add_exception_handler(timeseries.Unavailable, _unavailable)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http)


def _handler(status: int) -> Any:
    def answer(_request: Request, error: Any) -> Response:
        response = problem(error.code, str(error), error.data, status)
        if "retry_after_s" in error.data:
            response.headers["retry-after"] = str(int(error.data["retry_after_s"]) + 1)
        return response

    return answer


def _unavailable(_request: Request, error: Any) -> Response:
    log.error("a request could not be answered: %s", error)
    return not_yet(str(error), error.retry_after_s)


def _malformed(_request: Request, error: Any) -> Response:
    faults = [
        {"where": ".".join(str(part) for part in fault["loc"]), "what": fault["msg"]}
        for fault in error.errors()
    ]
    text = "; ".join(f"{fault['where']}: {fault['what']}" for fault in faults)
    return problem("malformed", text, {"faults": faults}, 422)


def _http(_request: Request, error: Any) -> Response:
    codes = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}
    code = codes.get(error.status_code, f"http_{error.status_code}")
    return problem(code, str(error.detail), {}, error.status_code)
