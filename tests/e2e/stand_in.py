"""Serves the built pages and the stand-in town on a free port, with the cloud's headers."""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import uvicorn
from fastapi import FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles

from tests.e2e.day import Day
from tests.e2e.town import Refused, Thing, Town, now_ms
from tests.waiting import eventually

STATIC: Final = Path(__file__).parents[2] / "cloud" / "static"
CSP: Final = (
    "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'"
)
BEAT_S: Final = 0.5
COOKIE: Final = "anju_session"
SIGN_IN: Final = ("session", "session/link", "session/second")
CODE: Final = "123456"  # of everybody's second step


QR: Final = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E"


class StandIn:
    """The server, its town, and the switches that put the pages into a state."""

    def __init__(self) -> None:
        self.town = Town()
        self.day = Day(self.town)
        self.is_silent = False  # the feed says nothing more, as a half-open connection
        self.is_refusing = False  # everything answers 503
        self.shifts: dict[str, Thing] = {}
        self.acks: list[Thing] = []
        self.asked: list[str] = []
        self._seq = 0
        self._feeds: dict[WebSocket, asyncio.Queue[str]] = {}
        self._homes: dict[WebSocket, tuple[str, asyncio.Queue[str]]] = {}
        self.town.on_change = self._tell
        self.town.on_home = self._tell_home
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        config = uvicorn.Config(
            self._app(),
            port=self.port,
            log_level="critical",
            lifespan="off",
            ws="websockets-sansio",
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        self._thread.start()
        eventually(lambda: self._server.started, what="the stand-in server")

    def stop(self) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(timeout=5)

    # Feed

    def _tell(self, ops: list[Thing]) -> None:
        self._seq += 1
        text = json.dumps({"t": "delta", "seq": self._seq, "ts": now_ms(), "ops": ops})
        self._send(text, lambda: list(self._feeds.values()))

    def _tell_home(self, home_id: str) -> None:
        text = json.dumps({"t": "home", **self.town.sim_home(home_id)})
        self._send(text, lambda: [queue for home, queue in self._homes.values() if home == home_id])

    def _send(self, text: str, to: Callable[[], list[asyncio.Queue[str]]]) -> None:
        def put() -> None:
            for queue in to():
                queue.put_nowait(text)

        if self._loop is not None:
            self._loop.call_soon_threadsafe(put)

    async def _feed(self, socket: WebSocket) -> None:
        await socket.accept()
        self._loop = asyncio.get_running_loop()
        if socket.cookies.get(COOKIE) not in self.town.accounts:
            await socket.close(4401)
            return
        queue: asyncio.Queue[str] = asyncio.Queue()
        pump = asyncio.create_task(self._pump(socket, queue))
        try:
            while True:
                self._hear(socket, queue, json.loads(await socket.receive_text()))
        except WebSocketDisconnect:
            pass
        finally:
            self._feeds.pop(socket, None)
            pump.cancel()

    def _hear(self, socket: WebSocket, queue: asyncio.Queue[str], message: Thing) -> None:
        if message["t"] == "hello":
            told = {
                "t": "welcome",
                "epoch": "ep-1",
                "seq": self._seq,
                "beat_s": 2,
                "server_time_ms": now_ms(),
                "build": "1",
            }
            queue.put_nowait(json.dumps(told))
        elif message["t"] == "sub":
            self._feeds[socket] = queue
            queue.put_nowait(
                json.dumps({"t": "snapshot", "seq": self._seq, "rows": self.town.rows()})
            )
        elif message["t"] == "ack":
            self.acks.append(message)

    async def _pump(self, socket: WebSocket, queue: asyncio.Queue[str]) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                text = await asyncio.wait_for(queue.get(), BEAT_S)
                if not self.is_silent:
                    await socket.send_text(text)
                continue
            if not self.is_silent and socket in self._feeds:
                await socket.send_text(
                    json.dumps({"t": "beat", "seq": self._seq, "now_ms": now_ms()})
                )

    async def _sim_feed(self, socket: WebSocket) -> None:
        await socket.accept()
        self._loop = asyncio.get_running_loop()
        home, queue = str(socket.query_params["home"]), asyncio.Queue[str]()
        self._homes[socket] = (home, queue)
        queue.put_nowait(json.dumps({"t": "home", **self.town.sim_home(home)}))
        try:
            while True:
                await socket.send_text(await queue.get())
        except (WebSocketDisconnect, RuntimeError):
            self._homes.pop(socket, None)

    # HTTP

    def _app(self) -> FastAPI:
        app = FastAPI(openapi_url=None)
        app.add_api_websocket_route("/feed", self._feed)
        app.add_api_websocket_route("/sim/feed", self._sim_feed)
        app.add_api_route("/api/{rest:path}", self._api, methods=["GET", "POST", "PUT", "DELETE"])
        app.add_api_route("/sim/api/{rest:path}", self._sim, methods=["GET", "POST"])
        app.add_api_route("/health/ready", lambda: {"ok": True})
        app.add_api_route("/", lambda: RedirectResponse("/login"))
        for page in ("login", "console", "station", "home", "resident", "admin"):
            app.add_api_route(f"/{page}", _page(page), include_in_schema=False)
        app.mount("/assets", StaticFiles(directory=STATIC / "assets"))
        return app

    async def _api(self, request: Request, rest: str) -> Response:
        body = await request.body()
        asked = dict(request.query_params) if request.method == "GET" else {}
        return self._answer(request, rest, json.loads(body) if body else asked)

    def _answer(self, request: Request, rest: str, body: Thing) -> Response:
        self.asked.append(f"{request.method} {rest}")
        try:
            if self.is_refusing:
                raise Refused(503, "unavailable")
            if rest in SIGN_IN and request.method == "POST":
                return self._sign_in(rest, body)
            me = self.town.accounts.get(request.cookies.get(COOKIE, ""))
            if me is None:
                raise Refused(401, "not_signed_in")
            if request.method != "GET" and request.headers.get("x-csrf") != f"csrf-{me['login']}":
                raise Refused(403, "bad_csrf")
            answer = self._do(request.method, rest.split("/"), body, me)
            return Response(status_code=204) if answer is None else JSONResponse(answer)
        except Refused as no:
            return JSONResponse(
                {"error": {"code": no.code, "message": "", "data": no.data}}, no.status
            )

    def _sign_in(self, rest: str, body: Thing) -> Response:
        token = str(body.get("token", body.get("ticket", "")))
        login = body.get("login") or token.removeprefix("link-")
        me = self.town.accounts.get(login)
        if login == "slow":
            raise Refused(429, "slow_down", retry_after_s=20)
        if rest == "session/second" and body["code"] != CODE:
            raise Refused(401, "bad_code")
        if rest == "session" and login == "administrator" and body["password"] == "right":
            raise Refused(401, "code_needed", ticket="link-administrator", expires_ms=0)
        if me is None or (rest == "session" and body["password"] != "right"):
            raise Refused(401, "link_gone" if rest.endswith("link") else "bad_credentials")
        session = self._session(me)
        if rest == "session/link" and login == "administrator":
            session |= {"needs_second_factor": True, "has_password": False}
        answer = JSONResponse(session)
        answer.set_cookie(COOKIE, login, httponly=True, samesite="strict")
        return answer

    def _session(self, me: Thing) -> Thing:
        shift = self.shifts.get(me["login"])
        return {
            "account": me,
            "csrf": f"csrf-{me['login']}",
            "server_time_ms": now_ms(),
            "shift": shift,
        }

    def _do(self, method: str, path: list[str], body: Thing, me: Thing) -> Thing | None:
        """The route is the path with its id left out."""
        route = " ".join((method, *(part for n, part in enumerate(path) if n != 1)))
        thing = path[1] if len(path) > 1 else ""
        town = self.town
        if path[0] == "offers":
            return {"offer": town.take(thing, path[2], me, body)}
        if path[0] == "homes":
            return self.day.home(thing) if path[2] == "view" else self.day.readings(thing, body)
        if path[0] == "alarms" and len(path) == 2:
            return town.detail(thing)
        routes: dict[str, Callable[[], Thing | None]] = {
            "GET session": lambda: self._session(me),
            "POST duty": lambda: {"responder_id": me["login"], "on_duty": True},
            "DELETE duty": lambda: {"responder_id": me["login"], "on_duty": False},
            "POST shift": lambda: self._start_shift(me),
            "DELETE shift": lambda: self._end(me),
            "DELETE session": lambda: self._end(me),
            "POST session": lambda: self._enrol(path[1:], body),
            "POST session confirm": lambda: self._enrol(path[1:], body),
            "PUT session": lambda: None,
            "GET alarms": lambda: {"alarms": list(town.alarms.values())},
            "GET stations": lambda: {"stations": town.station_list()},
            "GET alarms candidates": lambda: {"candidates": town.candidates(thing)},
            "POST alarms claim": lambda: {"alarm": town.claim(thing, me)},
            "POST alarms release": lambda: {"alarm": town.release(thing, me)},
            "POST alarms note": lambda: {"alarm": town.note(thing, me, body["text"])},
            "POST alarms reveal": lambda: {"door_code": town.reveal(thing, me)},
            "POST alarms close": lambda: {"alarm": town.close(thing, me, body)},
            "POST alarms dispatch": lambda: {"offer": town.dispatch(thing, me, body["station_id"])},
        }
        if route not in routes:
            raise Refused(404, "not_found")
        return routes[route]()

    def _enrol(self, path: list[str], body: Thing) -> Thing:
        if path == ["second-factor"]:
            return {"secret": "JBSWY3DPEHPK3PXP", "uri": "otpauth://totp/x", "qr": QR}
        if body["code"] != CODE:
            raise Refused(401, "bad_code")
        return {"recovery_codes": [f"aaaa-bbbb-cccc-{n:04}" for n in range(10)]}

    def _start_shift(self, me: Thing) -> Thing:
        shift = self.shifts.setdefault(me["login"], {"id": "sh-1", "started_ms": now_ms()})
        return {"shift": shift}

    def _end(self, me: Thing) -> None:
        self.shifts.pop(me["login"], None)

    async def _sim(self, request: Request, rest: str) -> Response:
        try:
            match request.method, rest.split("/"):
                case "GET", ["homes"]:
                    homes = [self.town.sim_card(home) for home in self.town.homes.values()]
                    return JSONResponse({"homes": homes})
                case "GET", ["homes", home]:
                    return JSONResponse(self.town.sim_home(home))
                case "POST", ["homes", home, "press"]:
                    self.town.press(home, (await request.json())["device"])
                case "POST", ["homes", home, "fine"]:
                    self.town.fine(home)
                case _:
                    pass
        except Refused as no:
            return JSONResponse({"error": {"code": no.code, "message": "", "data": {}}}, no.status)
        return JSONResponse({"at_ms": now_ms()}, 202)


def _page(name: str) -> Any:
    def page() -> FileResponse:
        return FileResponse(STATIC / f"{name}.html", headers={"content-security-policy": CSP})

    return page
