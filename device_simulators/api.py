"""The virtual home's own routes, mounted at /sim in the demo. The page presses through them."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Final, TypeVar

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from device_simulators.emergencies import What
from device_simulators.errors import BrokerAway, CannotPress, NotInTown, SimulatorError
from device_simulators.town import Town

STATUS: Final[dict[type[SimulatorError], tuple[int, str]]] = {
    NotInTown: (404, "not_found"),
    CannotPress: (409, "cannot_press"),
    BrokerAway: (503, "broker_away"),
}
NO_SUCH_HOME: Final = 4404
T = TypeVar("T")


class Press(BaseModel):
    """Which device is pressed, by its key."""

    device: str


class Befall(BaseModel):
    """What is to happen in a home."""

    what: What


def build_router(town: Town) -> APIRouter:
    """Paths begin with /api and /feed."""
    router = APIRouter()

    @router.get("/api/homes")
    def homes() -> dict[str, Any]:
        """All homes in short."""
        return {"homes": town.cards()}

    @router.get("/api/homes/{home_id}", response_model=None)
    def home(home_id: str) -> dict[str, Any] | JSONResponse:
        """One home as it is now."""
        return _answer(lambda: town.view(home_id))

    @router.post("/api/homes/{home_id}/press", status_code=202, response_model=None)
    def press(home_id: str, body: Press) -> dict[str, Any] | JSONResponse:
        """Somebody presses a device."""
        return _answer(lambda: {"at_ms": town.press(home_id, body.device)})

    @router.post("/api/homes/{home_id}/fine", status_code=202, response_model=None)
    def fine(home_id: str) -> dict[str, Any] | JSONResponse:
        """The resident says "I am fine" by the device's own gesture."""
        return _answer(lambda: {"at_ms": town.fine(home_id)})

    @router.post("/api/homes/{home_id}/befall", status_code=202, response_model=None)
    def befall(home_id: str, body: Befall) -> dict[str, Any] | JSONResponse:
        """Something happens there, and the day goes on from it."""
        return _answer(lambda: {"at_ms": town.befall(home_id, body.what)})

    @router.post("/api/homes/{home_id}/reset", response_model=None)
    def reset(home_id: str) -> dict[str, Any] | JSONResponse:
        """The page begins anew; nothing is sent."""
        return _answer(lambda: _view_after_reset(town, home_id))

    _add_feed(router, town)
    return router


def _add_feed(router: APIRouter, town: Town) -> None:
    @router.websocket("/feed")
    async def feed(socket: WebSocket, home: str = "") -> None:
        """The home at once and at every change."""
        await socket.accept()
        try:
            await _follow(socket, town, home)
        except NotInTown as error:
            await socket.close(NO_SUCH_HOME, str(error))


def _view_after_reset(town: Town, home_id: str) -> dict[str, Any]:
    town.reset(home_id)
    return town.view(home_id)


def _answer(ask: Callable[[], T]) -> T | JSONResponse:
    try:
        return ask()
    except SimulatorError as error:
        status, code = STATUS.get(type(error), (500, "simulator"))
        body = {"error": {"code": code, "message": str(error), "data": {}}}
        return JSONResponse(body, status)


async def _follow(socket: WebSocket, town: Town, home_id: str) -> None:
    """Until the page goes. A slow page gets the newest view, not every one."""
    loop, changed = asyncio.get_running_loop(), asyncio.Event()
    stop = town.watch(home_id, lambda: _wake(loop, changed))
    gone = asyncio.create_task(_until_gone(socket, changed))
    try:
        while not gone.done():
            changed.clear()
            await socket.send_json({"t": "home", **town.view(home_id)})
            await changed.wait()
    except (WebSocketDisconnect, RuntimeError):
        return  # it went while we were sending
    finally:
        stop()
        gone.cancel()


def _wake(loop: asyncio.AbstractEventLoop, changed: asyncio.Event) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has ended while the town goes on
        loop.call_soon_threadsafe(changed.set)


async def _until_gone(socket: WebSocket, changed: asyncio.Event) -> None:
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            await socket.receive_text()
    changed.set()
