"""What a request handler finds on its desk, and who stands before it."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final, TypeVar

import anyio.to_thread
import msgspec
from fastapi import Depends, Header, Request, Response
from starlette.requests import HTTPConnection

from cloud.clock import Clock
from cloud.identity import answers, audit
from cloud.identity.errors import BadCsrf
from cloud.identity.front_door import FrontDoor, Visit
from cloud.identity.model import Account
from cloud.identity.policy import Action
from cloud.identity.rates import Rates
from cloud.identity.scope import Scope, scope_of
from cloud.identity.service import require
from cloud.identity.tokens import Secrets
from cloud.live.hub import Hub
from cloud.observe import Counters
from cloud.registry.registry import Registry
from cloud.storage.store import Priority, Store
from cloud.storage.unit import Work

COOKIE: Final = "anju_session"
AUDIT_NOTE: Final = "audit"
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
    rates: Rates
    secrets: Secrets
    is_secure: bool = False  # behind TLS: cookies are for TLS only

    def scope_of(self, account: Account) -> Scope:
        """What the account may see; queries take it."""
        return scope_of(self.registry, account)


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
    request: Request, visit: Visitor, desk: OnDesk, x_csrf: Annotated[str | None, Header()] = None
) -> Visit:
    """For `Depends`: somebody who is signed in and whose request comes from our own pages."""
    if not is_own_origin(request):
        raise BadCsrf
    visit.require_command(x_csrf)
    desk.rates.take(visit.account.id, source_of(request))
    return visit


Commander = Annotated[Visit, Depends(get_commander)]


def allowed(visit: Visit, action: Action) -> Account:
    """The account, where its role permits this. Raises NotPermitted, SecondFactorNeeded."""
    require(visit.account, action)
    visit.require_second()
    return visit.account


def source_of(connection: HTTPConnection) -> str:
    """The address that a request comes from."""
    return connection.client.host if connection.client else "unknown"


def reply(value: Any, status: int = 200) -> Response:
    """JSON, encoded once."""
    return Response(_encode(value), status, media_type="application/json")


async def read(desk: Desk, fn: Callable[[Work], T]) -> T:
    """A consistent view, without holding up the event loop."""
    return await anyio.to_thread.run_sync(desk.store.read, fn)


def deed_of(request: Request, visit: Visit, data: dict[str, Any] | None = None) -> audit.Deed:
    """This request as the audit has it: its route, and the things that its path names."""
    route = getattr(request.scope.get("route"), "path", request.url.path)
    return audit.Deed(
        who=visit.account.id,
        what=f"{request.method} {route}",
        target="/".join(request.path_params.values()),
        area=visit.account.area_id or "",
        source=source_of(request),
        data=data or {},
    )


def say_more(work: Work, **data: str) -> None:
    """Facts for this command's row of the audit that its path does not tell; never names."""
    work.notes.setdefault(AUDIT_NOTE, {}).update(data)


async def read_noted(
    request: Request, desk: Desk, visit: Visit, fn: Callable[[Work], Any]
) -> Response:
    """As `read`, of health data: the audit has it. The reader does not wait for that: where the
    store cannot write, helping goes on, and the trouble shows in the health page."""
    seen = await read(desk, fn)
    await anyio.to_thread.run_sync(note, desk, deed_of(request, visit))
    return reply(seen)


def note(desk: Desk, deed: audit.Deed) -> None:
    """Hand a row of the audit to the writer; what comes of it is not waited for."""

    def is_written(done: Future[None]) -> None:
        if (error := done.exception()) is not None:
            desk.counters.trouble("audit", str(error), desk.clock.now_ms())

    write = partial(audit.write_down, deed=deed)
    desk.store.submit(write, Priority.DATA).add_done_callback(is_written)


async def command(
    request: Request,
    desk: Desk,
    visit: Visit,
    fn: Callable[[Work], Any],
    *,
    is_kept: bool = True,
) -> Response:
    """Carry out a command once for each Idempotency-Key, and answer what was answered first.

    Each command is written into the audit, in its own transaction. is_kept False: the answer holds
    a secret and is made anew each time.
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
        audit.write_down(work, deed_of(request, visit, work.notes.get(AUDIT_NOTE)))
        if key is not None and is_kept:
            answers.keep_answer(work, visit.account.id, key, route, body, answer)
        return answer

    done = await anyio.to_thread.run_sync(desk.store.write, once, Priority.PERSON)
    return Response(done, media_type="application/json")
