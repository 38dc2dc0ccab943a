"""The HTTP server: uvicorn in a thread of its own, on a socket that is bound before anything
starts: it answers before the parts are there, since health is asked while they are waited for."""

import socket
import threading
from typing import Any, Final

import uvicorn
from fastapi import FastAPI
from typing_extensions import override

FRAME_BYTES_MAX: Final = 64 * 1024  # what a page says over the feed is short
FINISH_S: Final = 5
UNREAD_MS_MAX: Final = 10_000  # a console must be gone within 15 s (docs: frozen consoles)


class HttpServer:
    """Binds at once; serves from `start()` to `stop()`: what was last given, or shown since."""

    def __init__(self, host: str, port: int) -> None:
        """Raises OSError where the port cannot be had."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=1024)
        # Inherited by what is accepted. asyncio sets it only where the socket names its protocol,
        # which this one does not; without it a delta waits 40 ms for a delayed acknowledgement.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Likewise: a page that is frozen or cut off is not waited for. Without it the sending to
        # one that does not read never ends, and it is never seen to lag.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MS_MAX)
        self.port: int = self._socket.getsockname()[1]
        self._app: FastAPI | None = None
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def start(self, app: FastAPI) -> None:
        """Returns when it answers. Raises RuntimeError where it does not come up."""
        self._app = app
        config = uvicorn.Config(
            self._answer,
            interface="asgi3",  # of a method it would take it for the older one
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            ws="websockets-sansio",  # the older one warns that it will go
            ws_max_size=FRAME_BYTES_MAX,
            ws_per_message_deflate=False,  # deltas are short, and there are many listeners
            timeout_graceful_shutdown=FINISH_S,
        )
        self._server = _Server(config)
        self._thread = threading.Thread(
            target=self._server.serve_on, args=[self._socket], name="http", daemon=True
        )
        self._thread.start()
        self._server.has_begun.wait()
        if not self._server.started:
            raise RuntimeError("the HTTP server did not start")

    def show(self, app: FastAPI) -> None:
        """From the next request on this one answers."""
        self._app = app

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        if self._app is not None:
            await self._app(scope, receive, send)

    def stop(self) -> None:
        """Take nothing new, finish what is under way, close. Safe to call at any time."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(2 * FINISH_S)
        self._socket.close()


class _Server(uvicorn.Server):
    """Says when it has started, or failed to."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.has_begun = threading.Event()

    def serve_on(self, bound: socket.socket) -> None:
        try:
            self.run(sockets=[bound])
        finally:
            self.has_begun.set()

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.has_begun.set()
