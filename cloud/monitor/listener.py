"""Metrics and health of one process, whatever its roles, on an address of their own.

Not a route of the pages: the reverse proxy before those speaks from this machine too, so "only from
loopback" would hand the metrics to everybody; a process without pages has health as well; and it
answers while the pages are busy.
"""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import msgspec
from typing_extensions import override

from cloud.monitor.exposition import TEXT, Exposition
from cloud.observe.readiness import Ready

JSON: Final = "application/json"
ANSWER_S_MAX: Final = 5.0
LOOK_S: Final = 0.1


class MonitorListener:
    """Answers GET /metrics, /health/live and /health/ready from now to `stop()`; also while the
    store is still waited for, when there are no metrics yet."""

    def __init__(self, host: str, port: int, look: Callable[[], Ready]) -> None:
        """Raises OSError where the port cannot be had."""
        self._look = look
        self._exposition: Exposition | None = None
        self._server = _Server((host, port), self._handler())
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=[LOOK_S], name="monitor", daemon=True
        )
        self._thread.start()

    def show(self, exposition: Exposition) -> None:
        """The parts are joined: from now on there are metrics."""
        self._exposition = exposition

    def stop(self) -> None:
        """Safe to call at any time."""
        self._server.shutdown()
        self._thread.join(ANSWER_S_MAX)
        self._server.server_close()

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Status, content type, body."""
        match path.partition("?")[0]:
            case "/metrics" if self._exposition is not None:
                return 200, TEXT, self._exposition.page()
            case "/health/live":
                return 200, JSON, b'{"ok":true}'
            case "/health/ready":
                state = self._look()
                return 200 if state.ok else 503, JSON, msgspec.json.encode(state)
            case _:
                return 404, JSON, b'{"ok":false}'

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        listener = self

        class Handler(BaseHTTPRequestHandler):
            timeout = ANSWER_S_MAX  # a client that says nothing holds no thread

            def do_GET(self) -> None:
                status, kind, body = listener.answer(self.path)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            @override
            def log_message(self, format: str, *args: Any) -> None:
                """A scrape every few seconds is no news."""

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
