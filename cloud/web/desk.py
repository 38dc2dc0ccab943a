"""What a request handler finds on its desk, and who stands before it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar

import anyio.to_thread
import msgspec
from fastapi import Depends, Header, Request, Response
from starlette.requests import HTTPConnection

from cloud.clock import Clock
from cloud.identity import answers
from cloud.identity.errors import BadCsrf
from cloud.identity.front_door import FrontDoor, Visit
from cloud.identity.model import Account
from cloud.identity.policy import Action
from cloud.identity.service import require
from cloud.live.hub import Hub
from cloud.observe import Counters
from cloud.registry.registry import Registry
from cloud.storage.store import Priority, Store
from cloud.storage.unit import Work

COOKIE: Final = "anju_session"
T = TypeVar("T")
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Desk:
    """The parts that handlers use. One for each application."""

    store: Store
    front_door: FrontDoor
    registry: Registry
    hub: Hub
    counters: Counters
    clock: Clock
    build: str
    is_ready: Callable[[], dict[str, bool]]
    is_secure: bool = False  # behind TLS: cookies are for TLS only


def desk_of(connection: HTTPConnection) -> Desk:
    """The application's desk."""
    desk = connection.app.state.desk
    assert isinstance(desk, Desk)  # noqa: S101 - a wiring mistake, not a user's
    return desk


def get_desk(request: Request) -> Desk:
    """For `Depends`."""
    return desk_of(request)


OnDesk = Annotated[Desk, Depends(get_desk)]


def is_own_origin(connection: HTTPConnection) -> bool:
    """No Origin (not a browser), or the one that this server is reached by."""
    origin = connection.headers.get("origin")
    if origin is None:
        return True
    return origin.partition("://")[2] == connection.headers.get("host", "")


async def visit_of(connection: HTTPConnection, desk: Desk) -> Visit:
    """Who is behind the cookie. Raises NotSignedIn."""
    token = connection.cookies.get(COOKIE)
    return await anyio.to_thread.run_sync(desk.front_door.visit, token)


async def get_visit(request: Request, desk: OnDesk) -> Visit:
    """For `Depends`: anybody who is signed in."""
    return await visit_of(request, desk)


Visitor = Annotated[Visit, Depends(get_visit)]


async def get_commander(
    request: Request, visit: Visitor, x_csrf: Annotated[str | None, Header()] = None
) -> Visit:
    """For `Depends`: somebody who is signed in and whose request comes from our own pages."""
    if not is_own_origin(request):
        raise BadCsrf
    visit.require_command(x_csrf)
    return visit


Commander = Annotated[Visit, Depends(get_commander)]


def allowed(visit: Visit, action: Action) -> Account:
    """The account, where its role permits this. Raises NotPermitted."""
    require(visit.account, action)
    return visit.account


def reply(value: Any, status: int = 200) -> Response:
    """JSON, encoded once."""
    return Response(_encode(value), status, media_type="application/json")


async def read(desk: Desk, fn: Callable[[Work], T]) -> T:
    """A consistent view, without holding up the event loop."""
    return await anyio.to_thread.run_sync(desk.store.read, fn)


async def command(
    request: Request,
    desk: Desk,
    visit: Visit,
    fn: Callable[[Work], Any],
    *,
    is_kept: bool = True,
) -> Response:
    """Carry out a command once for each Idempotency-Key, and answer what was answered first.

    is_kept False: the answer holds a secret and is made anew each time.
    """
    key = request.headers.get("idempotency-key")
    body = await request.body()
    route = f"{request.method} {request.url.path}"

    def once(work: Work) -> bytes:
        if key is not None and is_kept:
            earlier = answers.earlier_answer(work, visit.account.id, key, route, body)
            if earlier is not None:
                return earlier
        answer = _encode(fn(work))
        if key is not None and is_kept:
            answers.keep_answer(work, visit.account.id, key, route, body, answer)
        return answer

    done = await anyio.to_thread.run_sync(desk.store.write, once, Priority.PERSON)
    return Response(done, media_type="application/json")
